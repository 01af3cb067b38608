//! What was read, and what was not.

use std::io;

use cli::Pen;
use finding::Unknown;
use logs::{Gathered, Source};
use serde::Serialize;

/// What was read, and what was not.
#[derive(Serialize)]
pub(crate) struct Read {
    pub(crate) sources: Vec<Source>,
    pub(crate) unread: Vec<Unknown>,
}

impl Read {
    pub(crate) fn from_gathered(gathered: &Gathered) -> Self {
        Self {
            sources: gathered.sources.clone(),
            unread: gathered.unread.clone(),
        }
    }

    /// Whether something is missing: a file that could not be read, or not to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    pub(crate) fn write_sources(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let journals = self.count("journal");
        let texts = self.count("text");
        let passed = self.sources.iter().map(|source| source.passed).sum::<u64>();
        pen.gap()?;
        if self.sources.is_empty() {
            pen.paragraph(
                "Read      ",
                "nothing: no journal and no log of containerd, kubelet or syslog is in the evidence",
            )?;
        } else {
            pen.paragraph(
                "Read      ",
                &format!("{journals} journals and {texts} text logs, {passed} lines"),
            )?;
        }
        for source in &self.sources {
            for note in &source.notes {
                pen.paragraph("          ", &format!("{}: {note}", source.path))?;
            }
        }
        for unknown in self.unread.iter().take(20) {
            pen.paragraph("Not read  ", &format!("{}: {}", unknown.what, unknown.why))?;
        }
        if let Some(more) = self.unread.len().checked_sub(20).filter(|more| *more > 0) {
            pen.line(format_args!("Not read  {more} more"))?;
        }
        Ok(())
    }

    fn count(&self, kind: &str) -> usize {
        let sources = self.sources.iter();
        sources.filter(|source| source.kind == kind).count()
    }
}
