//! What the tars of a layer make: a name each, with the differences that were found.

use std::collections::{BTreeMap, BTreeSet};

use layer::{Entry, Kind};

use super::{Departure, Difference};

/// One name that the tars make.
#[derive(Debug)]
pub(super) struct Want {
    pub(super) kind: Kind,
    /// Which of the tars, the lowest is 0.
    pub(super) tar: usize,
    /// The target of a symbolic link, by which later names are found.
    pub(super) link: Option<Vec<u8>>,
    /// Of a hard link, the name that it is another one of.
    pub(super) same_as: Option<Vec<u8>>,
    pub(super) differences: Vec<Difference>,
}

/// Every name that the tars make, later entries over earlier ones.
#[derive(Debug, Default)]
pub(super) struct Wants {
    names: BTreeMap<Vec<u8>, Want>,
    /// Directories above them, some of which have no entry of their own.
    parents: BTreeSet<Vec<u8>>,
    /// Directories that are opaque.
    pub(super) opaque: BTreeSet<Vec<u8>>,
    /// Bytes that all of it takes in memory, about.
    held: u64,
    /// Components that were walked, each worth as much as its path is long.
    steps: u64,
}

/// Bytes that a name takes beside its letters.
const NAME: usize = 96;

/// Links that are followed on the way to a name.
const LINKS: usize = 40;

impl Wants {
    /// Bytes that it takes in memory, and steps that it took.
    pub(super) const fn cost(&self) -> (u64, u64) {
        (self.held, self.steps)
    }

    fn hold(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes.saturating_add(NAME)).unwrap_or(u64::MAX);
        self.held = self.held.saturating_add(bytes);
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.names.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.names.contains_key(path)
    }

    /// Whether it is a directory that an entry only implies.
    pub(super) fn is_parent(&self, path: &[u8]) -> bool {
        path.is_empty() || self.parents.contains(path)
    }

    pub(super) fn into_names(self) -> BTreeMap<Vec<u8>, Want> {
        self.names
    }

    /// Where an entry comes to lie: symbolic links of these tars that stand in its directory's path
    /// are followed, and none leads out.
    pub(super) fn place(&mut self, path: &[u8]) -> Vec<u8> {
        let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else {
            return path.to_vec();
        };
        let (folder, name) = path.split_at(slash);
        let mut todo = parts(folder);
        let mut at: Vec<u8> = Vec::new();
        let mut links = 0_usize;
        while let Some(part) = todo.pop() {
            if part == b".." {
                let end = at.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                at.truncate(end);
                continue;
            }
            let next = join(&at, &part);
            let step = u64::try_from(next.len() >> 6).unwrap_or(u64::MAX);
            self.steps = self.steps.saturating_add(step).saturating_add(1);
            let want = self
                .names
                .get(&next)
                .filter(|want| want.kind == Kind::Symlink);
            let Some(link) = want.and_then(|want| want.link.as_deref()) else {
                at = next;
                continue;
            };
            links = links.saturating_add(1);
            if links > LINKS {
                return path.to_vec();
            }
            if link.starts_with(b"/") {
                at.clear();
            }
            todo.extend(parts(link));
        }
        join(&at, name.get(1..).unwrap_or_default())
    }

    /// Adds what an entry makes at `path`.
    pub(super) fn add(
        &mut self,
        path: Vec<u8>,
        entry: &Entry,
        tar: usize,
        differences: Vec<Difference>,
    ) {
        let is_dir = |want: &Want| want.kind == Kind::Dir;
        if entry.kind != Kind::Dir || self.names.get(&path).is_some_and(|want| !is_dir(want)) {
            self.cut(&path, usize::MAX);
        }
        self.imply(&path);
        let link = entry.link.as_ref().filter(|_| entry.kind == Kind::Symlink);
        let told = differences.len().saturating_mul(size_of::<Difference>());
        let letters = link.map_or(0, |link| link.bytes().len());
        self.hold(
            size_of::<Want>()
                .saturating_add(path.len())
                .saturating_add(letters),
        );
        self.hold(told.saturating_mul(2));
        let want = Want {
            kind: entry.kind,
            tar,
            link: link.map(|link| link.bytes().to_vec()),
            same_as: None,
            differences,
        };
        self.names.insert(path, want);
    }

    /// Notes that a hard link is another name of `target`.
    pub(super) fn is_same(&mut self, path: &[u8], target: Vec<u8>) {
        if let Some(want) = self.names.get_mut(path) {
            want.same_as = Some(target);
        }
    }

    /// Takes back what was said of the file that `target` names, under its first name: a later entry
    /// says otherwise, and is what was unpacked last.
    pub(super) fn take_back(&mut self, target: &[u8], is_it: impl Fn(Departure) -> bool) {
        let mut at = target.to_vec();
        for _ in 0..LINKS {
            let Some(want) = self.names.get_mut(&at) else {
                return;
            };
            want.differences.retain(|difference| !is_it(difference.how));
            match &want.same_as {
                Some(next) => at.clone_from(next),
                None => return,
            }
        }
    }

    /// Takes a name and all below it away: it is deleted in a full copy.
    pub(super) fn remove(&mut self, path: &[u8]) {
        self.cut(path, usize::MAX);
        self.names.remove(path);
        self.parents.remove(path);
    }

    /// Notes the directories above a name.
    pub(super) fn imply(&mut self, path: &[u8]) {
        let mut path = path;
        while let Some(slash) = path.iter().rposition(|byte| *byte == b'/') {
            path = path.get(..slash).unwrap_or_default();
            if !self.parents.insert(path.to_vec()) {
                break;
            }
            self.hold(path.len());
        }
    }

    /// Removes what tars before `tar` have below `path`.
    pub(super) fn cut(&mut self, path: &[u8], tar: usize) {
        let mut from = path.to_vec();
        if !from.is_empty() {
            from.push(b'/');
        }
        let gone: Vec<Vec<u8>> = self
            .names
            .range(from.clone()..)
            .take_while(|(name, _)| name.starts_with(&from))
            .filter(|(name, want)| want.tar < tar && !name.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            self.names.remove(&name);
            self.parents.remove(&name);
        }
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}

/// The components of a path, the last one first.
fn parts(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|byte| *byte == b'/');
    let parts = parts.filter(|part| !matches!(*part, b"" | b"."));
    parts.rev().map(<[u8]>::to_vec).collect()
}
