//! Secrets of processes: values of their environment, arguments of what is no runtime.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::judge::{Arguments, Kind, hidden};
use crate::{shape, stars};

/// Which file of a process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Environ,
    Cmdline,
}

/// Which file of which kind of process `path` is: `/proc/<pid>/environ`.
pub(crate) fn file(path: &Path) -> Option<Name> {
    let mut parts = path.strip_prefix("/proc").ok()?.iter();
    let _pid = parts.next()?;
    match parts.next_back()?.as_bytes() {
        b"environ" => Some(Name::Environ),
        b"cmdline" => Some(Name::Cmdline),
        _ => None,
    }
}

/// Variables by which runc's stages and shims are told apart.
const KEPT: [&[u8]; 6] = [
    b"_LIBCONTAINER_",
    b"TTRPC_ADDRESS=",
    b"GRPC_ADDRESS=",
    b"NAMESPACE=",
    b"XDG_RUNTIME_DIR=",
    b"NOTIFY_SOCKET=",
];

/// Masks what is secret; how many values.
pub(crate) fn mask(name: Name, bytes: &mut [u8]) -> u64 {
    match name {
        Name::Environ => environ(bytes),
        Name::Cmdline => cmdline(bytes),
    }
}

/// The stretches between the NULs.
fn words(bytes: &[u8]) -> Vec<(usize, usize)> {
    let mut words = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let len = rest
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(rest.len());
        words.push((start, start.saturating_add(len)));
        start = start.saturating_add(len).saturating_add(1);
    }
    words
}

fn environ(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    for (from, until) in words(bytes) {
        let word = bytes.get(from..until).unwrap_or_default();
        if KEPT.iter().any(|prefix| word.starts_with(prefix)) && !shape::has_secret(word) {
            continue;
        }
        // Without an equals sign it may be the rest of a value that was cut.
        let skip = word.iter().position(|byte| *byte == b'=');
        let skip = skip.map_or(0, |at| at.saturating_add(1));
        if stars(bytes, from.saturating_add(skip), until) {
            masked = masked.saturating_add(1);
        }
    }
    masked
}

fn cmdline(bytes: &mut [u8]) -> u64 {
    let mut arguments = Arguments::default();
    let mut masked = 0_u64;
    for (from, until) in words(bytes) {
        let word = bytes.get(from..until).unwrap_or_default();
        let hidden = hidden(Kind::Argument(arguments.next(word)), word);
        let mut hides = false;
        for (start, end) in hidden {
            hides |= stars(bytes, from.saturating_add(start), from.saturating_add(end));
        }
        masked = masked.saturating_add(u64::from(hides));
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_but_those_that_tell_stages_apart() {
        let mut text = b"PATH=/bin\0_LIBCONTAINER_INITTYPE=standard\0SECRET=abc\0EMPTY=\0".to_vec();
        assert_eq!(environ(&mut text), 2);
        assert_eq!(
            text,
            b"PATH=****\0_LIBCONTAINER_INITTYPE=standard\0SECRET=***\0EMPTY=\0"
        );
    }

    #[test]
    fn arguments_of_runtimes_are_kept() {
        for kept in [
            &b"runc\0init\0"[..],
            b"/usr/bin/containerd-shim-runc-v2\0-id\0x\0",
            b"/proc/self/exe\0init\0",
        ] {
            assert_eq!(cmdline(&mut kept.to_vec()), 0);
        }
        let mut other = b"/bin/app\0--password=x\0-v\0".to_vec();
        assert_eq!(cmdline(&mut other), 1);
        assert_eq!(other, b"/bin/app\0--password=*\0-v\0");
        assert_eq!(cmdline(&mut Vec::new()), 0);
    }

    #[test]
    fn files_of_processes_are_told_by_their_path() {
        assert_eq!(file(Path::new("/proc/7/environ")), Some(Name::Environ));
        assert_eq!(file(Path::new("/proc/7/cmdline")), Some(Name::Cmdline));
        assert_eq!(file(Path::new("/proc/cmdline")), None);
        assert_eq!(file(Path::new("/etc/environ")), None);
    }
}
