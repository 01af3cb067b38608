//! A file that shrinks and grows while it is mapped: each byte that is read is the file's or zero, and that
//! some are not the file's is told.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::io::Write;

use mapped::Mapped;

/// Bytes of the file at first: some pages.
const LEN: usize = 5 * 4096 + 17;

bounded_target!(|data: &[u8]| {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&[0xA5; LEN]).expect("a file");
    let map = Mapped::new(&file).expect("a map");
    assert_eq!(map.len(), LEN as u64);
    let mut shortest = LEN;
    costs::within(1 << 20, || {
        for step in data.chunks_exact(4) {
            let at = usize::from(step[1]) * 97;
            let len = usize::from(step[2]) * usize::from(step[3]);
            if step[0] % 4 == 0 {
                file.set_len(at as u64).expect("a length");
                shortest = shortest.min(at);
                continue;
            }
            let bytes = map.copy_range(at as u64, len);
            assert_eq!(bytes.len(), LEN.saturating_sub(at).min(len));
            assert!(bytes.iter().all(|byte| matches!(byte, 0 | 0xA5)));
            // What was never cut off is as it was.
            let kept = shortest.saturating_sub(at).min(bytes.len());
            assert!(bytes[..kept].iter().all(|byte| *byte == 0xA5));
        }
    });
    // Only a page that was gone was told to be.
    assert!(!map.has_changed() || shortest < LEN);
});
