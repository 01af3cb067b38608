//! Any chain of layers as a container saw it: whiteouts, opaque directories, redirects, metacopies.
//! The walk ends, a name is looked up as it is listed, a tree differs from itself in nothing, and the
//! tar of it holds the same names.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::collections::BTreeMap;
use std::path::PathBuf;

use evidence::{Budget, Evidence, Options};
use snapshots::{Archive, Change, Comparison, Merged, Prefix, Seen};

#[path = "../shared/tar.rs"]
mod tar;

/// Entries that are looked at; redirects can show one directory many times over.
const MOST: usize = 20_000;

/// A path of one to three of four letters.
fn path(byte: u8) -> String {
    let letter = |shift: u8| char::from(b"abcd"[usize::from(byte >> shift & 3)]);
    match byte >> 6 {
        0 => letter(0).to_string(),
        1 | 2 => format!("{}/{}", letter(0), letter(2)),
        _ => format!("{}/{}/{}", letter(0), letter(2), letter(4)),
    }
}

fn xattr(kind: u8, value: &[u8], prefix: &str) -> Option<(String, Vec<u8>)> {
    let place = value.first().map_or_else(String::new, |byte| path(*byte));
    let overlay =
        |name: &str, value: &[u8]| Some((format!("{prefix}.overlay.{name}"), value.to_vec()));
    match kind % 14 {
        0 => overlay("opaque", b"y"),
        1 => overlay("opaque", b"x"),
        2 => overlay("redirect", value),
        3 => overlay("redirect", format!("/{place}").as_bytes()),
        4 => overlay("redirect", place.get(..1).unwrap_or("a").as_bytes()),
        5 => overlay("metacopy", b""),
        6 => overlay("metacopy", value),
        7 => overlay("whiteout", b"y"),
        8 => overlay("origin", value),
        9 => overlay("overlay.opaque", b"y"),
        10 => Some(("user.a".to_owned(), value.to_vec())),
        _ => None,
    }
}

/// The layers `0` to `3` of an archive, as `data` says.
fn layers(mut data: &[u8], prefix: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for layer in 0..4 {
        tar::member(&mut out, &format!("{layer}"), b'5', "", &[], b"");
    }
    while let [layer, kind, name, attribute, len, rest @ ..] = data {
        let len = usize::from(len % 40).min(rest.len());
        let (value, after) = rest.split_at(len);
        data = after;
        let name = format!("{}/{}", layer % 4, path(*name));
        let (letter, target, bytes): (u8, &str, &[u8]) = match kind % 8 {
            0..3 => (b'5', "", b""),
            3 => (b'0', "", value),
            4 => (b'0', "", b""),
            5 => (b'2', "a/b", b""),
            6 => (b'3', "", b""),
            _ => (b'6', "", b""),
        };
        let xattrs: Vec<_> = xattr(*attribute, value, prefix).into_iter().collect();
        tar::member(&mut out, &name, letter, target, &xattrs, bytes);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn open(bytes: &[u8]) -> Option<Evidence> {
    let options = Options {
        budget: Budget {
            inflated: 16 << 20,
            memory: 32 << 20,
            spool: 0,
            entries: 100_000,
            ..Budget::default()
        },
        ..Options::default()
    };
    Evidence::open_stream(bytes, &options).ok()
}

/// Every name and its kind; whether that is all, and all of it is known.
fn names(merged: &Merged<'_>) -> (BTreeMap<PathBuf, &'static str>, bool) {
    let mut found = BTreeMap::new();
    let mut is_whole = true;
    for (number, seen) in merged.walk().enumerate() {
        if number == MOST {
            return (found, false);
        }
        match seen {
            Seen::Entry(path, entry) => {
                let again = merged.stat(&path).unwrap();
                assert_eq!(again.place, entry.place, "{}", path.display());
                let _ = merged.xattrs(&entry);
                let _ = merged.resolve(&path);
                assert!(found.insert(path, entry.stat.kind.word()).is_none());
            }
            Seen::Unknown(..) => is_whole = false,
        }
    }
    (found, is_whole)
}

bounded_target!(|data: &[u8]| {
    let (prefix, name) = if data.len() % 3 == 0 {
        (Prefix::User, "user")
    } else {
        (Prefix::Trusted, "trusted")
    };
    let Some(evidence) = open(&layers(data, name)) else {
        return;
    };
    let chain = (0..4).map(|layer| PathBuf::from(format!("/{layer}")));
    let merged = Merged::overlay(&evidence, chain.collect(), prefix);
    let (found, is_whole) = names(&merged);
    let _ = names(&Merged::plain(&evidence, "/0".into()));
    if !is_whole {
        return;
    }
    for (path, change) in Comparison::compare_trees(&merged, &merged).take(MOST) {
        let is_same = matches!(change, Change::Same(_) | Change::Unknown(_));
        assert!(is_same, "{}: {change:?}", path.display());
    }
    let mut archive = Archive::new(&evidence, Vec::new());
    let mut lacks = false;
    for seen in merged.walk() {
        if let Seen::Entry(path, entry) = seen {
            let put = archive.put(&merged, &path, &entry).unwrap();
            lacks |= put.left_out;
        }
    }
    let bytes = archive.finish().unwrap();
    let again = open(&bytes).expect("our own tar");
    let (unpacked, _) = names(&Merged::plain(&again, "/".into()));
    if !lacks {
        assert_eq!(found, unpacked);
    }
});
