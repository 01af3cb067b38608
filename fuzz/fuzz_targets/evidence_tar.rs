//! Any bytes as an archive, ours or anybody's: read in one pass, then asked for everything in it.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use evidence::{Budget, Evidence, Options};

bounded_target!(|data: &[u8]| {
    let options = Options {
        budget: Budget {
            inflated: 16 << 20,
            ratio: 64,
            memory: 32 << 20,
            spool: 0,
            entries: 10_000,
            ..Budget::default()
        },
        ..Options::default()
    };
    let Ok(evidence) = Evidence::open_stream(data, &options) else {
        return;
    };
    for note in evidence.notes() {
        assert!(!note.contains('\x1b'));
    }
    let mut todo = vec![PathBuf::from("/")];
    let mut steps = 0_u32;
    while let Some(path) = todo.pop() {
        steps += 1;
        // Each name takes a header block, or an entry of a manifest.
        assert!(steps <= 20_001);
        if evidence.stat(&path).is_ok_and(|stat| stat.is_dir())
            && let Ok(listed) = evidence.try_list(&path)
        {
            for entry in listed.read().into_iter().flatten() {
                todo.push(path.join(OsStr::from_bytes(entry.name.bytes())));
            }
        }
        let _ = evidence.read_link(&path);
        let _ = evidence.xattrs(&path);
        let _ = evidence.clamped(&path);
        let _ = evidence.sha256_known(&path);
        if let Ok(source) = evidence.source(&path, 1 << 20) {
            assert_eq!(u64::try_from(source.bytes().len()), Ok(source.stat.size));
        }
        if let Ok(pages) = evidence.pages(&path) {
            let mut end = 0;
            for span in pages.data() {
                assert!(span.start >= end && span.end() <= pages.len());
                end = span.end();
            }
        }
    }
});
