//! Names that a collector wrote with `%XX` for what a zip or another system cannot hold.
//!
//! ```text
//! uploads/auto/var/lib/containerd/…/snapshots/4/fs/usr/share/a%2Bb    /usr/share/a+b of the node
//! ```
//!
//! Only names that are written so and would mean something else decoded are kept, each with the
//! folder that it stands in.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use finding::{Known, Text, Unknown, Unread};

use crate::cuts::Cuts;
use crate::{Entry, path};

/// How many folders are looked at for such names.
const FOLDERS: usize = 50_000;

/// Decoded names by their folder: what is held, by what was meant.
#[derive(Debug, Default)]
pub(crate) struct Encoded {
    by_folder: BTreeMap<PathBuf, BTreeMap<Vec<u8>, Vec<u8>>>,
    /// The other way, without the folder.
    names: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// `a%2Bb` as `a+b`; nothing if no byte of it is written so.
fn decoded(name: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|it| u8::try_from(it).ok())
    };
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    let mut found = false;
    while let [first, more @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, more) {
            let byte = digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?;
            // No name of a file holds these.
            if byte == 0 || byte == b'/' {
                return None;
            }
            plain.push(byte);
            rest = after;
            found = true;
        } else {
            plain.push(*first);
            rest = more;
        }
    }
    (found && plain != b"." && plain != b"..").then_some(plain)
}

impl Encoded {
    /// Looks through all folders.
    pub(crate) fn find(
        cuts: &Cuts,
        list: impl Fn(&Path) -> Result<Known<Vec<Entry>>, Unread>,
    ) -> Self {
        let mut all = Self::default();
        let mut todo = VecDeque::from([PathBuf::from("/")]);
        for _ in 0..FOLDERS {
            let Some(folder) = todo.pop_front() else {
                break;
            };
            let Ok(entries) = list(&folder) else { continue };
            for entry in entries.read().into_iter().flatten() {
                if entry.stat.is_dir() {
                    todo.push_back(folder.join(path::path(entry.name.bytes())));
                }
                if let Some(plain) = decoded(entry.name.bytes()) {
                    let held = entry.name.bytes().to_vec();
                    all.names.insert(held.clone(), plain.clone());
                    let here = all.by_folder.entry(path::relative(&folder)).or_default();
                    here.insert(plain, held);
                }
            }
        }
        if !todo.is_empty() {
            cuts.add(Unknown::new(
                "names with %XX in the rest of the folders",
                format!("only {FOLDERS} folders are looked at for them"),
            ));
        }
        all
    }

    /// A path of the node as it is held.
    pub(crate) fn held_as<'p>(&self, at: &'p Path) -> Cow<'p, Path> {
        if self.names.is_empty() {
            return Cow::Borrowed(at);
        }
        let mut held = PathBuf::from("/");
        for part in path::components(at.as_os_str().as_encoded_bytes()) {
            let here = self.by_folder.get(&path::relative(&held));
            let name = here.and_then(|names| names.get(part)).map(Vec::as_slice);
            held.push(path::path(name.unwrap_or(part)));
        }
        Cow::Owned(held)
    }

    /// Gives an entry the name that it had on the node.
    pub(crate) fn name_of(&self, entry: &mut Entry) {
        if let Some(plain) = self.names.get(entry.name.bytes()) {
            entry.name = Text::from(plain.as_slice());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_so_is_decoded() {
        assert_eq!(decoded(b"a%2Bb"), Some(b"a+b".to_vec()));
        assert_eq!(decoded(b"%25"), Some(b"%".to_vec()));
        for same in [&b"plain"[..], b"100%", b"%zz", b"a%2Fb", b"%00", b"%2E%2E"] {
            assert_eq!(decoded(same), None, "{same:?}");
        }
    }
}
