//! How a measurement is bounded, watched and ended.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;

use serde::Serialize;

static NEVER: AtomicBool = AtomicBool::new(false);

/// How a measurement is bounded, watched and ended.
#[derive(Clone, Copy)]
pub struct Control<'c> {
    /// How many files are read at the same time; 0 for as many as there are cores. One is best
    /// for a rotational disk.
    pub jobs: usize,
    /// How many bytes may be read in all.
    pub bytes: u64,
    /// Set from outside, it ends the measurement at the next megabyte or directory.
    pub cancel: &'c AtomicBool,
    /// Called with the bytes (of [`hash`](crate::hash)) or entries (of
    /// [`usage`](crate::usage())) done since the last call, from any thread.
    pub progress: &'c (dyn Fn(u64) + Sync),
}

/// Why a measurement ended before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// It was told to end.
    Cancelled,
    /// It would have taken more than it was allowed.
    Budget,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Cancelled => "it was interrupted",
            Self::Budget => "the budget was used up",
        })
    }
}

impl Default for Control<'_> {
    fn default() -> Self {
        Self {
            jobs: 0,
            bytes: u64::MAX,
            cancel: &NEVER,
            progress: &|_| {},
        }
    }
}

impl fmt::Debug for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("jobs", &self.jobs)
            .field("bytes", &self.bytes)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

impl Control<'_> {
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// How many threads to start for `items` items.
    pub(crate) fn threads(&self, items: usize) -> usize {
        let cores = available_parallelism().map_or(1, Into::into);
        let jobs = if self.jobs == 0 { cores } else { self.jobs };
        jobs.min(items).max(1)
    }
}
