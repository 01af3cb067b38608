//! `coroner bolt info`

use std::io;

use bolt::{Fault, Meta, Metas, PageId, PageSizeFrom, PageSource as _, metas_of};
use cli::{Answer, Exit, Out, Outcome, Pen, Style, Table, size};
use evidence::Lock;
use finding::{Finding, Location, Text};
use serde::Serialize;

use crate::{check::finding_text, file::FileArgs};

#[derive(Serialize)]
struct Info {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: Option<u64>,
    /// How the page size is known.
    page_size_from: PageSizeFrom,
    /// Bytes up to the high-water mark of the meta in use.
    in_use: Option<u64>,
    metas: Vec<Slot>,
    /// Slot of the meta that the daemon would use.
    uses: Option<u64>,
    /// Traces of somebody who changed the metas by hand.
    surgery: Vec<String>,
    /// Who holds a lock; null where that is not known, as in a capture.
    locks: Option<Vec<Lock>>,
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
    /// Whether the transaction is one that writes to this slot.
    parity: Option<bool>,
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
        page_size_from: found.page_size_from,
        in_use: found
            .newest()
            .zip(found.page_size)
            .map(|(meta, size)| meta.high_water.at(size)),
        surgery: surgery(&found),
        locks: args.locks(),
        metas: metas
            .map(|((meta, raw), page)| Slot {
                page,
                valid: meta.is_ok(),
                parity: raw.map(|meta| meta.txid.rem_euclid(2) == page),
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

/// What shows that somebody changed the metas by hand. (Pages that were cleared show as
/// `bolt/page-slack` in a check.)
fn surgery(found: &Metas) -> Vec<String> {
    let mut traces = Vec::new();
    for meta in found.slots.iter().flatten() {
        let slot = meta.slot;
        if meta.flags != 0 {
            traces.push(format!(
                "meta {slot} has flags {:#x}: `bbolt surgery meta update` sets 4, no daemon sets any",
                meta.flags
            ));
        }
        if meta.txid.rem_euclid(2) != slot {
            traces.push(format!(
                "meta {slot} is of transaction {}, which writes to the other slot: it was copied",
                meta.txid
            ));
        }
        if !meta.has_own_header() {
            traces.push(format!(
                "the page header before meta {slot} is not its own: it was copied or written over"
            ));
        }
    }
    if let [Ok(first), Ok(second)] = &found.slots
        && first.txid == second.txid
    {
        let same = (first.root, first.freelist, first.high_water, first.sequence)
            == (
                second.root,
                second.freelist,
                second.high_water,
                second.sequence,
            );
        traces.push(if same {
            "both metas are the same: `bbolt surgery revert-meta-page` leaves them so".to_owned()
        } else {
            "both metas are of one transaction and differ: one was changed, with its checksum"
                .to_owned()
        });
    }
    traces
}

impl Answer for Info {
    const SCHEMA: &'static str = "bolt-info/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let page_size = self
            .page_size
            .map_or("unknown".to_owned(), |bytes| format!("{bytes} bytes"));
        pen.line(format_args!(
            "File       {} ({})",
            self.file,
            size(self.size)
        ))?;
        let how = match self.page_size_from {
            PageSizeFrom::BothMetas => "both metas are at the places for that size",
            PageSizeFrom::SecondMeta => {
                "the second meta is at the place for that size, but gives another size"
            }
            PageSizeFrom::Pages => "pages at its multiples hold their own numbers",
            PageSizeFrom::FirstMeta => "the first meta says so; nothing bears it out",
            PageSizeFrom::Unknown => "no meta and no row of pages shows it",
        };
        pen.line(format_args!("Page size  {page_size} ({how})"))?;
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
        if let Some(short) = self.in_use.and_then(|bytes| bytes.checked_sub(self.size))
            && short > 0
        {
            let text = format!("           the file is {short} bytes shorter than that");
            let text = pen.styled(Style::Bad, text).to_string();
            pen.line(text)?;
        }
        for trace in &self.surgery {
            pen.paragraph("Surgery    ", trace)?;
        }
        self.lock_text(pen)?;
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
        let own = self.metas.iter().map(|slot| match slot.parity {
            Some(true) => "its own".to_owned(),
            Some(false) => "the other's".to_owned(),
            None => "-".to_owned(),
        });
        table.cells(core::iter::once("slot".to_owned()).chain(own).collect());
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

impl Info {
    fn lock_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Some(locks) = &self.locks else {
            return Ok(());
        };
        if locks.is_empty() {
            return pen.line("Lock       no process holds one");
        }
        for lock in locks {
            let who = match (lock.pid, &lock.command) {
                (Some(pid), Some(command)) => format!("process {pid} ({command})"),
                (Some(pid), None) => format!("process {pid}"),
                (None, _) => "a process outside this pid namespace".to_owned(),
            };
            let does = if lock.waits { "waits for" } else { "holds" };
            let mode = match lock.mode.as_str() {
                "WRITE" => "the exclusive",
                _ => "a shared",
            };
            pen.line(format_args!(
                "Lock       {who} {does} {mode} lock ({})",
                lock.kind
            ))?;
        }
        Ok(())
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
