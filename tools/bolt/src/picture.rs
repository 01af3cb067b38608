//! `coroner bolt pages --map`: the picture of a file in letters.

use std::io;
use std::path::Path;

use bolt::CheckReport;
use cli::{Answer, Exit, Pen, Style, size};
use finding::Text;
use serde::Serialize;

use crate::map::{Look, Map};

/// Cells of a picture, at most: what can be looked at at once.
const CELLS: u64 = 4096;

/// The picture as an answer.
#[derive(Serialize)]
pub(crate) struct Picture {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: Option<u64>,
    #[serde(serialize_with = "finding::size_number")]
    pages: u64,
    pages_per_cell: u64,
    /// A letter a cell.
    cells: String,
    legend: Vec<Legend>,
    drawing: Option<String>,
    #[serde(skip)]
    about: String,
    #[serde(skip)]
    looks: Vec<Look>,
    #[serde(skip)]
    has_faults: bool,
    #[serde(skip)]
    unsupported: bool,
}

#[derive(Serialize)]
struct Legend {
    letter: char,
    state: &'static str,
    #[serde(serialize_with = "finding::size_number")]
    pages: u64,
    #[serde(skip)]
    look: Look,
}

/// What a picture says above itself.
pub(crate) fn about(report: &CheckReport, map: &Map) -> String {
    let Some(page_size) = report.page_size.filter(|_| !report.is_unsupported()) else {
        return "the page size is unknown, or the file is not read here: there is no picture"
            .to_owned();
    };
    let txid = report.meta.map_or(String::new(), |meta| {
        let doubt = if report.is_valid {
            ""
        } else {
            " (its meta is not valid)"
        };
        format!(", transaction {}{doubt}", meta.txid)
    });
    let scale = if map.scale > 1 {
        format!(", {} pages a cell", map.scale)
    } else {
        String::new()
    };
    format!(
        "{}, {} pages of {page_size} bytes{scale}{txid}",
        size(report.len),
        map.pages
    )
}

impl Picture {
    pub(crate) fn from_report(
        file: Text,
        report: &CheckReport,
        drawing: Option<&Path>,
        has_faults: bool,
    ) -> Self {
        let map = Map::draw_map(report, CELLS);
        let looks: Vec<Look> = map.cells.iter().map(|cell| cell.counts.look()).collect();
        Self {
            file,
            size: report.len,
            page_size: report.page_size,
            pages: map.pages,
            pages_per_cell: map.scale,
            cells: looks.iter().map(|look| look.letter()).collect(),
            legend: map
                .counts
                .iter()
                .map(|(look, pages)| Legend {
                    letter: look.letter(),
                    state: look.word(),
                    pages,
                    look,
                })
                .collect(),
            drawing: drawing.map(cli::shown),
            about: about(report, &map),
            looks,
            has_faults,
            unsupported: report.is_unsupported(),
        }
    }

    /// Cells of a row that fit beside the page numbers.
    fn columns(width: usize, label: usize) -> usize {
        let room = width.saturating_sub(label).saturating_sub(2);
        [128, 64, 32, 16]
            .into_iter()
            .find(|columns| *columns <= room)
            .unwrap_or(8)
    }
}

impl Answer for Picture {
    const SCHEMA: &'static str = "bolt-map/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.heading(&self.file)?;
        pen.line(&self.about)?;
        pen.gap()?;
        let label = self.pages.to_string().len();
        let columns = Self::columns(pen.width().unwrap_or(80), label);
        let mut first = 0_u64;
        for row in self.looks.chunks(columns) {
            let mut line = format!("{first:>label$}  ");
            // One escape for each run of the same style.
            for run in row.chunk_by(|one, other| one.style() == other.style()) {
                let letters: String = run.iter().map(|look| look.letter()).collect();
                let style = run.first().map_or(Style::Plain, |look| look.style());
                line.push_str(&pen.styled(style, letters).to_string());
            }
            pen.line(line)?;
            let cells = u64::try_from(row.len()).unwrap_or(0);
            first = first.saturating_add(cells.saturating_mul(self.pages_per_cell));
        }
        if !self.looks.is_empty() {
            pen.gap()?;
        }
        let width = self
            .legend
            .iter()
            .map(|row| row.pages.to_string().len())
            .max();
        let width = width.unwrap_or(0);
        for Legend {
            letter,
            pages,
            look,
            ..
        } in &self.legend
        {
            let letter = pen.styled(look.style(), letter).to_string();
            pen.line(format_args!("{letter}  {pages:>width$}  {}", look.legend()))?;
        }
        if self.pages_per_cell > 1 {
            pen.paragraph(
                "",
                "A cell shows what most of its pages are; damaged, missing, lost, meta and \
                 uncommitted pages show even if there is only one.",
            )?;
        }
        if let Some(drawing) = &self.drawing {
            pen.line(format_args!("Drawn into {drawing}"))?;
        }
        if self.has_faults {
            pen.line("The file has faults: `coroner bolt check` lists them.")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if self.has_faults {
            exit |= Exit::FINDINGS;
        }
        if self.unsupported {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
