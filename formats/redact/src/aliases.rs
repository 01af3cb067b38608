//! Names of objects that are secrets by themselves: a container, an image, a namespace that is named like a token.
//!
//! Such a name stands in many places: as a key of meta.db, in paths, in records, in arguments. Each is replaced
//! by the same other one everywhere, so that whoever joins them by their names still can. The other one has the
//! same length, and the same place among all names of the databases, so that their keys stay in order: what
//! tells a name from its neighbours is kept, and `x` stands for the rest.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use bolt::{Db, Visit};
use view::View;

use crate::shape::{self, runs};

/// Bytes of the shortest piece of a name that is replaced: shorter ones stand in other words, too.
const SHORTEST: usize = 8;

/// What stands for a byte of such a name: a letter, because names are made of letters.
const LETTER: u8 = b'x';

/// What is replaced by what, in any file and any path.
#[derive(Debug, Default)]
pub struct Aliases {
    search: Option<AhoCorasick>,
    others: Vec<Vec<u8>>,
}

impl Aliases {
    /// Those that the names in these databases need; one of them is held at a time.
    pub fn from_databases(databases: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let (mut all, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for bytes in databases {
            let Some(db) = Db::open(View::new(&bytes)).db else {
                continue;
            };
            for step in db.walk() {
                if let Visit::Entry(entry) = step.what
                    && core::str::from_utf8(entry.key).is_ok()
                {
                    names(entry.key, &mut all, &mut hidden);
                }
            }
        }
        Self::new(&all, &hidden)
    }

    fn new(all: &BTreeSet<Vec<u8>>, hidden: &BTreeSet<Vec<u8>>) -> Self {
        let pairs = hidden
            .iter()
            .filter_map(|name| Some((name.as_slice(), alias(name, all)?)));
        let (names, others): (Vec<&[u8]>, Vec<Vec<u8>>) = pairs.unzip();
        let search = (!names.is_empty()).then(|| {
            let mut search = AhoCorasick::builder();
            search.match_kind(MatchKind::LeftmostLongest).build(names)
        });
        Self {
            search: search.and_then(Result::ok),
            others,
        }
    }

    /// How many names are replaced.
    pub fn len(&self) -> usize {
        self.others.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.others.is_empty()
    }

    /// Replaces the names in `bytes`; how often.
    pub fn replace(&self, bytes: &mut [u8]) -> u64 {
        let Some(search) = &self.search else {
            return 0;
        };
        let hits: Vec<_> = search
            .find_iter(&*bytes)
            .map(|hit| (hit.range(), hit.pattern().as_usize()))
            .collect();
        let mut replaced = 0_u64;
        for (range, at) in hits {
            if let (Some(piece), Some(other)) = (bytes.get_mut(range), self.others.get(at)) {
                piece.copy_from_slice(other);
                replaced = replaced.saturating_add(1);
            }
        }
        replaced
    }
}

const fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// The words of a key, and those that are secrets by their shape.
fn names(key: &[u8], all: &mut BTreeSet<Vec<u8>>, hidden: &mut BTreeSet<Vec<u8>>) {
    for (from, until) in runs(key, is_of_word) {
        all.insert(key.get(from..until).unwrap_or_default().to_vec());
    }
    for (from, until) in runs(key, |byte| byte != b'/') {
        let part = key.get(from..until).unwrap_or_default();
        for (start, end) in shape::secrets(part) {
            let secret = part.get(start..end).unwrap_or_default();
            for (start, end) in runs(secret, is_of_word) {
                let word = secret.get(start..end).unwrap_or_default();
                if word.len() >= SHORTEST {
                    hidden.insert(word.to_vec());
                    all.insert(word.to_vec());
                }
            }
        }
    }
}

/// What stands for `name` among `all`; nothing: it differs from another one in its last byte only.
fn alias(name: &[u8], all: &BTreeSet<Vec<u8>>) -> Option<Vec<u8>> {
    use core::ops::Bound::{Excluded, Unbounded};
    let before = all
        .range::<[u8], _>((Unbounded, Excluded(name)))
        .next_back();
    let after = all.range::<[u8], _>((Excluded(name), Unbounded)).next();
    let kept = shape::told_apart(name, before.into_iter().chain(after));
    let mut other = name.to_vec();
    let rest = other.get_mut(kept..).filter(|rest| !rest.is_empty())?;
    rest.fill(LETTER);
    Some(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_are_the_same_everywhere() {
        let keys = [
            "default/3/web-gH7pK0q2Zr9",
            "hunter12bcdfghjk",
            "hunter13bcdfghjkl",
            "images.example/zkqwrtpsdfg/app:1",
            "kube-system",
            "sleeper",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ];
        let (mut all, mut hidden) = (BTreeSet::new(), BTreeSet::new());
        for key in keys {
            names(key.as_bytes(), &mut all, &mut hidden);
        }
        let aliases = Aliases::new(&all, &hidden);
        assert_eq!(aliases.len(), 4);
        let shown = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            aliases.replace(&mut bytes);
            String::from_utf8(bytes).unwrap()
        };
        let changed: Vec<String> = keys.iter().map(|key| shown(key)).collect();
        let mut sorted = changed.clone();
        let mut before: Vec<_> = keys.iter().zip(&changed).collect();
        before.sort();
        sorted.sort();
        assert!(before.iter().map(|(_, other)| *other).eq(sorted.iter()));
        assert_eq!(shown("sleeper"), "sleeper");
        assert_eq!(
            shown("/run/hunter12bcdfghjk/x"),
            format!("/run/{}/x", shown("hunter12bcdfghjk"))
        );
        for secret in [
            "gH7pK0q2Zr9",
            "hunter12bcdfghjk",
            "hunter13bcdfghjkl",
            "zkqwrtpsdfg",
        ] {
            assert!(!shown(secret).contains(secret), "{secret}");
            // What stands for a secret is none.
            assert!(!shape::has_secret(shown(secret).as_bytes()), "{secret}");
        }
    }
}
