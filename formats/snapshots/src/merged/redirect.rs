//! Directories that go on below under another name, and files whose bytes lie under another.
//!
//! `redirect = name`: in the same directory below; `redirect = /path`: from the root of the layers
//! below. Each directory on the way may be redirected itself, which changes the path for the layers
//! below it, and an opaque one ends the search there (`ovl_lookup_layer`, `ovl_check_redirect`).

use std::path::{Path, PathBuf};

use evidence::FileKind;
use finding::{Text, Unknown, Unread};

use super::list::has_xwhiteouts;
use super::{Data, Merged, MergedEntry, Part, join};
use crate::overlay::Opaque;

/// What one layer has at the end of a path.
enum Target {
    /// Nothing; the layers below may have it.
    Nothing,
    /// A directory, or a file.
    Found {
        part: Part,
        /// No layer below is looked at.
        ends: bool,
        /// What the layers below are to be asked for, if it is something else.
        to: Option<Vec<u8>>,
    },
    /// Something that ends the search.
    End,
}

impl Merged<'_> {
    /// Adds to `found` what the layers below have at its other name. `from` are the parts of its
    /// parent, from the one whose layer has the mark.
    pub(super) fn follow(
        &self,
        found: &mut MergedEntry,
        from: &[Part],
        to: &Text,
        unknown: &mut Vec<Unknown>,
    ) {
        let mut to = to.bytes().to_vec();
        let Some((marked, below)) = from.split_first() else {
            return;
        };
        let mut bases = if to.starts_with(b"/") {
            self.roots_below(marked.layer)
        } else {
            let below = below.iter().map(|part| (part.layer, part.path.clone()));
            below.collect()
        };
        // From the bottom to the top, so that the next one is the last.
        bases.reverse();
        while let Some((layer, base)) = bases.pop() {
            if !is_redirect(&to) {
                let place = Text::from(found.place.as_os_str().as_encoded_bytes());
                let what = format!("what is below {place}");
                let why = format!("its redirect is no name and no path: {}", Text::from(to));
                unknown.push(Unknown::new(what, why));
                break;
            }
            match self.target(layer, &base, &to, found.stat.kind, unknown) {
                Target::Nothing => {}
                Target::End => break,
                Target::Found {
                    part,
                    ends,
                    to: next,
                } => {
                    if found.stat.is_dir() {
                        found.parts.push(part);
                    } else if ends {
                        found.data = Data::Below(part.path);
                    }
                    if ends {
                        break;
                    }
                    let Some(next) = next else { continue };
                    if next.starts_with(b"/") && !to.starts_with(b"/") {
                        bases = self.roots_below(layer);
                        bases.reverse();
                    }
                    to = next;
                }
            }
        }
    }

    fn roots_below(&self, layer: usize) -> Vec<(usize, PathBuf)> {
        let all = self.layers.iter().cloned().enumerate();
        all.filter(|(index, _)| *index > layer).collect()
    }

    /// What lies at `to` below `base`, component by component; links are not followed.
    fn target(
        &self,
        layer: usize,
        base: &Path,
        to: &[u8],
        kind: FileKind,
        unknown: &mut Vec<Unknown>,
    ) -> Target {
        let mut path = base.to_owned();
        let mut ends = false;
        let mut other: Option<Vec<u8>> = None;
        let mut rest = to.strip_prefix(b"/").unwrap_or(to);
        let xwhiteouts = loop {
            let length = rest.iter().position(|byte| *byte == b'/');
            let (name, post) = rest.split_at(length.unwrap_or(rest.len()));
            path = join(&path, &Text::from(name));
            let wanted = if post.is_empty() { kind } else { FileKind::Dir };
            match self.evidence.stat(&path) {
                Ok(stat) if stat.kind == wanted => {}
                Ok(_) => return Target::End,
                Err(Unread::Absent) if ends => return Target::End,
                Err(Unread::Absent) => return Target::Nothing,
                Err(why) => {
                    let path = Text::from(path.as_os_str().as_encoded_bytes());
                    unknown.push(Unknown::new(path.to_string(), why.to_string()));
                    return Target::End;
                }
            }
            let (marks, lost) = self.marks(&path).unwrap_or_default();
            unknown.extend(lost);
            ends |= if wanted == FileKind::Dir {
                marks.opaque == Some(Opaque::Yes)
            } else {
                marks.metacopy.is_none()
            };
            if let Some(redirect) = &marks.redirect {
                let redirect = redirect.bytes();
                let now = other.as_deref().unwrap_or(to);
                let before = now.len().saturating_sub(rest.len());
                let before = match redirect {
                    [b'/', ..] => {
                        // An absolute one starts anew, whatever was opaque on the way.
                        ends = marks.opaque == Some(Opaque::Yes);
                        &[][..]
                    }
                    _ => now.get(..before).unwrap_or_default(),
                };
                other = Some([before, redirect, post].concat());
            }
            match post.strip_prefix(b"/") {
                Some(next) => rest = next,
                None => break has_xwhiteouts(&marks),
            }
        };
        Target::Found {
            part: Part {
                layer,
                path,
                xwhiteouts,
            },
            ends,
            to: other,
        }
    }
}

/// No path of the kernel's is longer.
const PATH_MAX: usize = 4096;

/// One name, or names from the root: nothing that climbs.
fn is_redirect(to: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    let names = to.strip_prefix(b"/");
    to.len() < PATH_MAX
        && match names {
            Some(names) => names.split(|byte| *byte == b'/').all(is_name),
            None => is_name(to) && !to.contains(&b'/'),
        }
}
