//! Directories of a merged tree, listed by other threads before a walk comes to them.
//!
//! A walk comes to directories in the order of their paths, so the threads take the first that nobody
//! has listed yet. What waits to be taken is bounded; the walk never waits for what nobody works on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::list::List;
use super::{Merged, MergedEntry, Part, join};

/// Entries that wait to be taken, about.
const MOST: usize = 1 << 14;

#[derive(Debug, Default)]
struct State {
    /// Directories that nobody has listed yet.
    todo: BTreeMap<PathBuf, Vec<Part>>,
    /// Those that are being listed.
    busy: BTreeSet<PathBuf>,
    done: BTreeMap<PathBuf, List>,
    /// Entries in `done`.
    waiting: usize,
    is_over: bool,
}

/// What is listed ahead of a walk.
#[derive(Debug)]
pub(super) struct Ahead<'m, 'e> {
    merged: &'m Merged<'e>,
    state: Mutex<State>,
    /// Something was put into `todo` or `done`, or taken from `done`.
    moved: Condvar,
}

/// Ends the threads when it is dropped.
pub(super) struct End<'a, 'm, 'e>(&'a Ahead<'m, 'e>);

impl Drop for End<'_, '_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.moved.notify_all();
    }
}

fn entries(listed: &List) -> usize {
    // An empty one takes room, too.
    listed.read().map_or(1, |list| list.len().saturating_add(1))
}

impl<'m, 'e> Ahead<'m, 'e> {
    pub(super) fn new(merged: &'m Merged<'e>) -> Self {
        Self {
            merged,
            state: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    pub(super) const fn end_when_dropped(&self) -> End<'_, 'm, 'e> {
        End(self)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        let state = self.moved.wait(state);
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does until the walk is over.
    pub(super) fn work(&self) {
        let mut state = self.lock();
        loop {
            if state.is_over {
                return;
            }
            let next = if state.waiting < MOST {
                state.todo.pop_first()
            } else {
                None
            };
            let Some((path, parts)) = next else {
                state = self.wait(state);
                continue;
            };
            state.busy.insert(path.clone());
            drop(state);
            let listed = self.merged.list_parts(&parts);
            state = self.lock();
            state.busy.remove(&path);
            state.waiting = state.waiting.saturating_add(entries(&listed));
            add(&mut state, &path, &listed);
            state.done.insert(path, listed);
            self.moved.notify_all();
        }
    }

    /// What `entry`, a directory at `path`, holds: as it was listed ahead, or listed now.
    pub(super) fn list(&self, path: &Path, entry: &MergedEntry) -> List {
        let mut state = self.lock();
        loop {
            if let Some(listed) = state.done.remove(path) {
                let was_full = state.waiting >= MOST;
                state.waiting = state.waiting.saturating_sub(entries(&listed));
                if was_full {
                    self.moved.notify_all();
                }
                return listed;
            }
            if !state.busy.contains(path) {
                break;
            }
            state = self.wait(state);
        }
        state.todo.remove(path);
        drop(state);
        let listed = self.merged.list_parts(&entry.parts);
        add(&mut self.lock(), path, &listed);
        self.moved.notify_all();
        listed
    }
}

/// What was listed holds directories that are to be listed, too.
fn add(state: &mut State, path: &Path, listed: &List) {
    for (name, entry) in listed.read().into_iter().flatten() {
        if entry.depth() > 0 {
            state.todo.insert(join(path, name), entry.parts.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use evidence::{Evidence, Options};

    use super::super::Seen;
    use super::*;

    #[test]
    fn the_order_is_that_of_a_walk_however_many_list_and_wherever_it_ends() {
        let root = tempfile::tempdir().unwrap();
        for (layer, most) in [("top", 3), ("middle", 7), ("base", 5)] {
            for folder in 0..most {
                for below in 0..folder {
                    let path = root.path().join(format!("{layer}/d{folder}/e{below}/f"));
                    std::fs::create_dir_all(&path).unwrap();
                    std::fs::write(path.join(format!("{layer}-{below}")), layer).unwrap();
                }
            }
        }
        let evidence = Evidence::open(root.path(), &Options::default()).unwrap();
        let layers = ["/top", "/middle", "/base"].map(PathBuf::from);
        let prefix = crate::Prefix::Trusted;
        let merged = Merged::overlay(&evidence, layers.to_vec(), prefix).with_targets();
        let shown = |seen: Seen| match seen {
            Seen::Entry(path, entry) => format!("{path:?} {} {:?}", entry.layer, entry.place),
            Seen::Unknown(path, unknown) => format!("{path:?} {unknown:?}"),
        };
        let want: Vec<String> = merged.walk().map(shown).collect();
        assert!(want.len() > 60);
        for threads in [0, 1, 3] {
            for most in [1, 5, usize::MAX] {
                let mut found = Vec::new();
                let start = Path::new("/");
                merged.walk_ahead(start, merged.root().unwrap(), threads, &mut |seen| {
                    found.push(shown(seen));
                    if found.len() < most {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                });
                assert_eq!(found, want.get(..most.min(want.len())).unwrap());
            }
        }
    }
}
