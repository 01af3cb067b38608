//! Values of sysctl: as the kernel has them, else as the files that are read at a boot set them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::Evidence;

/// Bytes of a file of sysctl.
const LIMIT: u64 = 1 << 20;

/// The value of `key` (`kernel.core_pattern`), of sysctl(8): that of `/proc/sys`, where the evidence has it, else of sysctl.conf(5) and
/// sysctl.d(5), of each file the last.
pub(crate) fn sysctl(evidence: &Evidence, key: &str) -> Option<String> {
    let read = |path: &Path| {
        let source = evidence.source_if_there(path, LIMIT)?;
        Some(String::from_utf8_lossy(source.bytes()).into_owned())
    };
    let live = Path::new("/proc/sys").join(key.replace('.', "/"));
    if let Some(text) = read(&live) {
        return Some(text.trim().to_owned());
    }
    let mut files = vec![PathBuf::from("/etc/sysctl.conf")];
    for folder in ["/etc/sysctl.d", "/usr/lib/sysctl.d"] {
        let list = evidence.list(Path::new(folder));
        let entries = list.read().into_iter().flatten();
        files
            .extend(entries.map(|one| Path::new(folder).join(OsStr::from_bytes(one.name.bytes()))));
    }
    files.iter().find_map(|file| {
        let text = read(file)?;
        let lines = text.lines().map(str::trim);
        let mut values = lines.rev().filter_map(|line| {
            let (name, value) = line.trim_start_matches('-').split_once('=')?;
            (name.trim().replace('/', ".") == key).then(|| value.trim().to_owned())
        });
        values.next()
    })
}
