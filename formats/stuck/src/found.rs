//! What a judgement concluded, before it is put into words.

use finding::Time;
use process::{Freezer, Mount, OomControl, Process};

use crate::State;

/// A conclusion, and whatever it hangs on.
#[derive(Debug, Clone)]
pub(crate) struct Found<'f> {
    pub(crate) state: State,
    pub(crate) sure: bool,
    pub(crate) why: String,
    pub(crate) since: Option<Time>,
    /// Who must move for it to go on: a hook, a creator, a start, a shim.
    pub(crate) culprit: Option<&'f Process>,
    pub(crate) freezer: Option<Freezer>,
    pub(crate) mount: Option<Mount>,
    pub(crate) oom: Option<OomControl>,
    /// What it may be, where that is not known.
    pub(crate) may_be: Vec<State>,
    /// Lines of evidence besides those that every container has.
    pub(crate) notes: Vec<String>,
}

impl<'f> Found<'f> {
    pub(crate) fn new(state: State, why: impl Into<String>) -> Self {
        Self {
            state,
            sure: true,
            why: why.into(),
            since: None,
            culprit: None,
            freezer: None,
            mount: None,
            oom: None,
            may_be: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) const fn since(mut self, since: Option<Time>) -> Self {
        self.since = since;
        self
    }

    pub(crate) const fn sure(mut self, sure: bool) -> Self {
        self.sure = sure;
        self
    }

    pub(crate) const fn by(mut self, culprit: &'f Process) -> Self {
        self.culprit = Some(culprit);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}
