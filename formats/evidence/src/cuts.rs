//! What readers left out although it is there: of a size, or of a number, that no node has.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use finding::Unknown;

/// How many are told by their names.
const NAMED: usize = 200;

/// What was left out, each once, in the order of its names.
#[derive(Debug, Default)]
pub(crate) struct Cuts(Mutex<BTreeSet<(String, String)>>);

impl Cuts {
    /// Notes what was left out.
    pub(crate) fn add(&self, left: Unknown) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < NAMED {
            all.insert((left.what, left.why));
        } else {
            all.insert((
                "more that was left out".to_owned(),
                format!("only {NAMED} are named"),
            ));
        }
    }

    /// All of it.
    pub(crate) fn all(&self) -> Vec<Unknown> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = all.iter();
        told.map(|(what, why)| Unknown::new(what, why)).collect()
    }
}
