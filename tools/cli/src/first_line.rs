//! What every answer about a node begins with, where it must: a daemon that runs meanwhile.
//!
//! A verb opens its case, and answers at its end; in between it need not think of this.

use std::cell::RefCell;

use checks::Running;

thread_local! {
    static FIRST: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// Forgets what was noted: another verb begins.
pub(crate) fn begin() {
    FIRST.with_borrow_mut(|first| *first = None);
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
