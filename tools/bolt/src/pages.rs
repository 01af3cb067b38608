//! `coroner bolt pages`

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use bolt::{CheckReport, PageRow, PageSource as _, PageState};
use cli::{Answer, Exit, Out, Outcome, Pen, Table};
use finding::{Fault as _, Severity, Text};
use serde::Serialize;

use crate::{checked::checked, file::FileArgs, map::Map, picture::Picture, svg};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PagesArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Only pages in this state
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<PageState>,
    /// A picture of the file instead of the list: a letter a page, or for some pages together
    #[arg(long, conflicts_with = "state")]
    map: bool,
    /// Draw the picture into this file, which must not exist
    #[arg(long, value_name = "PATH", conflicts_with = "state")]
    svg: Option<PathBuf>,
}

impl PagesArgs {
    /// The file that is drawn.
    pub(crate) fn drawing(&self) -> Option<&Path> {
        self.svg.as_deref()
    }
}

/// Cells of a drawing, at most.
const DRAWN: u64 = 8192;

#[derive(Serialize)]
struct Listing {
    file: Text,
    page_size: Option<u64>,
    pages: Vec<PageRow>,
    states: BTreeMap<PageState, u64>,
    #[serde(skip)]
    has_faults: bool,
}

const STATES: [(&str, PageState); 8] = [
    ("meta", PageState::Meta),
    ("used", PageState::Used),
    ("overflow", PageState::Overflow),
    ("freelist", PageState::Freelist),
    ("previous", PageState::Previous),
    ("free", PageState::Free),
    ("lost", PageState::Lost),
    ("unknown", PageState::Unknown),
];

fn state(name: &str) -> Result<PageState, String> {
    let found = STATES.iter().find(|(known, _)| *known == name);
    found.map(|(_, state)| *state).ok_or_else(|| {
        let names: Vec<&str> = STATES.iter().map(|(name, _)| *name).collect();
        format!("a state is one of {}", names.join(", "))
    })
}

pub(crate) fn name(state: PageState) -> &'static str {
    let found = STATES.iter().find(|(_, known)| *known == state);
    found.map_or("unknown", |(name, _)| name)
}

pub(crate) fn run(args: &PagesArgs, out: &mut Out) -> Outcome {
    let file = args.file.open()?;
    let progress = out.progress("reading", file.len());
    let found = checked(&args.file, &file, 0, &progress, metadb::SCHEMAS)?;
    drop(progress);
    if args.map || args.svg.is_some() {
        return picture(args, &found, out);
    }
    let mut states: BTreeMap<PageState, u64> = BTreeMap::new();
    for row in found.pages() {
        let count = states.entry(row.state).or_default();
        *count = count.saturating_add(1);
    }
    let wanted = |row: &PageRow| args.state.is_none_or(|state| state == row.state);
    out.answer(&Listing {
        file: args.file.shown(),
        page_size: found.page_size,
        pages: found.pages().filter(wanted).collect(),
        states,
        has_faults: has_faults(&found),
    })
}

fn has_faults(report: &CheckReport) -> bool {
    let mut faults = report.faults.iter();
    faults.any(|found| found.fault.severity() > Severity::Note)
}

/// The picture, in letters and as a drawing.
fn picture(args: &PagesArgs, found: &CheckReport, out: &mut Out) -> Outcome {
    let file = args.file.shown();
    if let Some(path) = &args.svg {
        let map = Map::draw_map(found, DRAWN);
        let about = crate::picture::about(found, &map);
        let new = cli::NewFile::at(path)?;
        let mut drawing = io::BufWriter::new(new.writer());
        svg::write(&mut drawing, &file, &about, &map)?;
        io::Write::flush(&mut drawing)?;
        new.put()?;
    }
    let picture = Picture::from_report(file, found, args.svg.as_deref(), has_faults(found));
    out.answer(&picture)
}

impl Answer for Listing {
    const SCHEMA: &'static str = "bolt-pages/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&[">page", ">offset", "kind", ">items", ">overflow", "state"]);
        for row in &self.pages {
            let offset = self.page_size.map_or(0, |size| row.id.at(size));
            let kind = row.kind.map_or("-".to_owned(), |kind| kind.to_string());
            let number = |number: u64| match row.kind {
                Some(_) => number.to_string(),
                None => "-".to_owned(),
            };
            table.cells(vec![
                row.id.to_string(),
                format!("{offset:#x}"),
                kind,
                number(u64::from(row.count)),
                number(u64::from(row.overflow)),
                name(row.state).to_owned(),
            ]);
        }
        pen.table(&table)?;
        let counts: Vec<String> = self
            .states
            .iter()
            .map(|(state, count)| format!("{count} {}", name(*state)))
            .collect();
        pen.gap()?;
        pen.line(format_args!("Pages: {}", counts.join(", ")))?;
        if self.has_faults {
            pen.line("The file has faults: `coroner bolt check` lists them.")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.has_faults {
            Exit::FINDINGS
        } else {
            Exit::CLEAN
        }
    }
}
