//! What readers keep of an archive is bounded by its size.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use evidence::{Evidence, Options};
use finding::Unread;

const MIB: u64 = 1 << 20;

#[test]
fn an_archive_gives_away_what_it_may() {
    let tar = testcase::node("1.7-stopped").write();
    let evidence = Evidence::open_stream(tar.as_slice(), &Options::default()).unwrap();
    let packed = evidence.packed().unwrap();
    assert!(packed <= u64::try_from(tar.len()).unwrap() && packed > MIB);
    let most = 48 * MIB + 32 * packed;
    assert_eq!(evidence.keep(most - 10), Ok(()));
    assert_eq!(evidence.keep(11), Err(Unread::NoRoom));
    // What is smaller fits.
    assert_eq!(evidence.keep(10), Ok(()));
    assert!(evidence.keep(1).is_err());
    evidence.begin_keeping();
    assert_eq!(evidence.keep(most), Ok(()));
}
