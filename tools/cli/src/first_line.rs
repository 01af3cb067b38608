//! What every answer about a node begins with, where it must: a daemon that runs meanwhile.
//!
//! A verb opens its case, and answers at its end; in between it need not think of this.

use std::cell::RefCell;
use std::io;

use checks::Running;

use crate::{Pen, Style};

thread_local! {
    static FIRST: RefCell<Option<Running>> = const { RefCell::new(None) };
    /// One sentence on whose pids the answer names.
    static PIDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Forgets what was noted: another verb begins.
pub(crate) fn begin() {
    FIRST.with_borrow_mut(|first| *first = None);
    PIDS.with_borrow_mut(|pids| *pids = None);
}

/// Notes that pids of the node are not this machine's.
pub(crate) fn note_pids(sentence: Option<String>) {
    PIDS.with_borrow_mut(|pids| *pids = sentence);
}

/// Writes what was noted: for answers whose first lines are something else.
///
/// # Errors
/// It cannot be written.
pub fn write_running(pen: &mut Pen<'_>) -> io::Result<()> {
    if let Some(running) = noted() {
        let is_inside = PIDS.with_borrow(Option::is_some);
        let text = running.told(is_inside);
        for line in pen.lines(|pen| pen.paragraph("", &text))? {
            let line = pen.styled(Style::Warning, line).to_string();
            pen.line(line)?;
        }
    }
    let pids = PIDS.with_borrow(Clone::clone);
    pids.map_or(Ok(()), |pids| pen.paragraph("", &pids))
}

/// Notes that containerd runs, or that something holds its lock; the first to be seen counts.
pub(crate) fn note(running: Option<Running>) {
    FIRST.with_borrow_mut(|first| {
        if first.is_none() {
            *first = running;
        }
    });
}

/// What was noted.
pub(crate) fn noted() -> Option<Running> {
    FIRST.with_borrow(Clone::clone)
}
