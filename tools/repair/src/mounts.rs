//! What is mounted for the containers of a node that runs on this machine.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use process::Mount;

/// The most bytes of a table of mounts.
const LIMIT: u64 = 64 << 20;

/// The mounts as every process sees them whose `/` is the directory `node`; nothing where `node` is no
/// directory, or nobody lives in it.
pub(crate) fn mounts_below(node: &Path) -> Vec<Mount> {
    let Ok(own) = std::fs::metadata(node).map(|meta| (meta.dev(), meta.ino())) else {
        return Vec::new();
    };
    let mut spaces = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let process = entry.path();
        let of =
            |name: &str| std::fs::metadata(process.join(name)).map(|meta| (meta.dev(), meta.ino()));
        let lives_there = of("root").is_ok_and(|root| root == own);
        let is_new = of("ns/mnt").is_ok_and(|space| spaces.insert(space));
        if lives_there && is_new {
            found.extend(process::mounts(&table(&process.join("mountinfo"))));
        }
    }
    found
}

/// What is mounted below the directory `node`, as this process sees it: paths as the node has them.
pub(crate) fn points(node: &Path) -> Vec<PathBuf> {
    let Ok(whole) = std::fs::canonicalize(node) else {
        return Vec::new();
    };
    let all = process::mounts(&table(Path::new("/proc/self/mountinfo")));
    let below = |mount: &Mount| {
        let point = PathBuf::from(OsStr::from_bytes(mount.point.bytes()));
        let inner = point.strip_prefix(&whole).ok()?;
        (!inner.as_os_str().is_empty()).then(|| Path::new("/").join(inner))
    };
    all.iter().filter_map(below).collect()
}

fn table(path: &Path) -> Vec<u8> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a file of the kernel's, not of the evidence"
    )]
    let file = std::fs::File::open(path);
    let mut bytes = Vec::new();
    if let Ok(file) = file
        && file.take(LIMIT).read_to_end(&mut bytes).is_err()
    {
        bytes.clear();
    }
    bytes
}
