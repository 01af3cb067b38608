//! `coroner bolt info`

use std::io;

use bolt::{Fault, Meta, PageId, PageSource as _, metas_of};
use cli::{Answer, Exit, Out, Outcome, Pen, Style, Table, size};
use finding::{Finding, Location, Text};
use serde::Serialize;

use crate::{check::finding_text, file::FileArgs};

#[derive(Serialize)]
struct Info {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: Option<u64>,
    metas: Vec<Slot>,
    /// Slot of the meta that the daemon would use.
    uses: Option<u64>,
    findings: Vec<Finding>,
    unsupported: bool,
}

/// One of the two metas, as it stands.
#[derive(Serialize)]
struct Slot {
    /// Page 0 or 1.
    page: u64,
    valid: bool,
    why_not: Option<String>,
    #[serde(flatten)]
    meta: Option<Meta>,
}

pub(crate) fn run(args: &FileArgs, out: &mut Out) -> Outcome {
    let file = args.open()?;
    let found = metas_of(&file).map_err(|why| args.unread(&why))?;
    let path = args.shown();
    let metas = found.slots.iter().zip(&found.raw).zip(0..);
    let finding = |fault: &Fault| {
        let mut location = Location::file(path.clone());
        if let Some(page) = fault.page {
            location = location.place("page", page.to_string().as_str());
        }
        finding::Fault::finding(fault, location)
    };
    out.answer(&Info {
        size: file.len(),
        page_size: found.page_size,
        metas: metas
            .map(|((meta, raw), page)| Slot {
                page,
                valid: meta.is_ok(),
                why_not: meta.as_ref().err().map(ToString::to_string),
                meta: *raw,
            })
            .collect(),
        uses: found.newest().map(|meta| meta.slot),
        findings: found.faults.iter().map(finding).collect(),
        unsupported: found.faults.iter().any(Fault::is_unsupported),
        file: path,
    })
}

impl Answer for Info {
    const SCHEMA: &'static str = "bolt-info/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let page_size = self
            .page_size
            .map_or("unknown".to_owned(), |bytes| format!("{bytes} bytes"));
        pen.line(format_args!(
            "File       {} ({})",
            self.file,
            size(self.size)
        ))?;
        pen.line(format_args!("Page size  {page_size}"))?;
        let used = self.uses.and_then(|slot| {
            let slot = self.metas.iter().find(|meta| meta.page == slot)?;
            slot.meta
        });
        if let (Some(meta), Some(page_size)) = (used, self.page_size) {
            let mode = if meta.is_freelist_synced() {
                "synced"
            } else {
                "not synced (NoFreelistSync, as containerd 1.7 and later open meta.db)"
            };
            pen.line(format_args!("Freelist   {mode}"))?;
            let bytes = meta.high_water.at(page_size);
            pen.line(format_args!(
                "In use     {} of {} bytes, up to the high-water mark, page {}",
                bytes, self.size, meta.high_water
            ))?;
        }
        let used = match self.uses {
            Some(slot) => pen.styled(Style::Good, format!("meta {slot}")).to_string(),
            None => pen
                .styled(Style::Bad, "none: no program can open it")
                .to_string(),
        };
        pen.line(format_args!("Uses       {used}"))?;
        pen.gap()?;
        let mut table = Table::new(&["field", ">meta 0", ">meta 1"]);
        for (name, value) in ROWS {
            let cells = self
                .metas
                .iter()
                .map(|slot| slot.meta.as_ref().map_or("-".to_owned(), value));
            table.cells(core::iter::once((*name).to_owned()).chain(cells).collect());
        }
        let valid = self
            .metas
            .iter()
            .map(|slot| if slot.valid { "yes" } else { "no" }.to_owned());
        table.cells(core::iter::once("valid".to_owned()).chain(valid).collect());
        pen.table(&table)?;
        if !self.findings.is_empty() {
            pen.gap()?;
        }
        for finding in &self.findings {
            finding_text(finding, pen)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if self
            .findings
            .iter()
            .any(|finding| finding.severity > finding::Severity::Note)
        {
            exit |= Exit::FINDINGS;
        }
        if self.unsupported {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

type Row = (&'static str, fn(&Meta) -> String);

const ROWS: &[Row] = &[
    ("magic", |meta| format!("{:#010x}", meta.magic)),
    ("version", |meta| meta.version.to_string()),
    ("page size", |meta| meta.page_size.to_string()),
    ("flags", |meta| format!("{:#x}", meta.flags)),
    ("root page", |meta| meta.root.to_string()),
    ("root sequence", |meta| meta.sequence.to_string()),
    ("freelist page", |meta| {
        if meta.freelist == PageId::NO_FREELIST {
            "none".to_owned()
        } else {
            meta.freelist.to_string()
        }
    }),
    ("high-water mark", |meta| meta.high_water.to_string()),
    ("transaction", |meta| meta.txid.to_string()),
    ("checksum", |meta| format!("{:#018x}", meta.checksum)),
    ("computed", |meta| format!("{:#018x}", meta.computed)),
];
