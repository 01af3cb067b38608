//! Paths as look-up keys.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use finding::Text;

/// The components of `path` without empty ones and dots; `..` stays.
pub(crate) fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

/// `path` without leading slashes, dots and doubled slashes: relative to the evidence's root.
pub(crate) fn relative(path: &Path) -> PathBuf {
    let mut joined = Vec::new();
    for part in components(path.as_os_str().as_bytes()) {
        if !joined.is_empty() {
            joined.push(b'/');
        }
        joined.extend_from_slice(part);
    }
    if joined.is_empty() {
        joined.push(b'.');
    }
    PathBuf::from(OsString::from_vec(joined))
}

/// `path` as it is shown: absolute inside the evidence.
pub(crate) fn shown(path: &Path) -> Text {
    let mut joined = Vec::new();
    for part in components(path.as_os_str().as_bytes()) {
        joined.push(b'/');
        joined.extend_from_slice(part);
    }
    if joined.is_empty() {
        joined.push(b'/');
    }
    Text::from(joined)
}

/// Where a link at `link` with this target points, taken as text: `None` if it climbs out of the
/// evidence's root.
pub(crate) fn follow(link: &Path, target: &[u8]) -> Option<PathBuf> {
    let mut kept: Vec<&[u8]> = Vec::new();
    if !target.starts_with(b"/") {
        for part in components(link.as_os_str().as_bytes()) {
            if part == b".." {
                kept.pop();
            } else {
                kept.push(part);
            }
        }
        kept.pop();
    }
    for part in components(target) {
        if part == b".." {
            kept.pop()?;
        } else {
            kept.push(part);
        }
    }
    let mut path = PathBuf::from("/");
    for part in kept {
        path.push(OsStr::from_bytes(part));
    }
    Some(path)
}

/// `bytes` as a path.
pub(crate) fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_climbs_out_is_seen() {
        let link = Path::new("/var/lib/meta.db");
        let to = |target: &[u8]| follow(link, target);
        assert_eq!(to(b"other").unwrap(), Path::new("/var/lib/other"));
        assert_eq!(to(b"../x/./y").unwrap(), Path::new("/var/x/y"));
        assert_eq!(to(b"/etc/passwd").unwrap(), Path::new("/etc/passwd"));
        assert_eq!(to(b"../../etc").unwrap(), Path::new("/etc"));
        assert_eq!(to(b"../../../etc"), None);
        assert_eq!(to(b"/../etc"), None);
    }

    #[test]
    fn slashes_and_dots_do_not_count() {
        assert_eq!(relative(Path::new("//a/./b/")), Path::new("a/b"));
        assert_eq!(relative(Path::new("/")), Path::new("."));
        assert_eq!(shown(Path::new("a//b")), Text::from("/a/b"));
        assert_eq!(shown(Path::new(".")), Text::from("/"));
    }
}
