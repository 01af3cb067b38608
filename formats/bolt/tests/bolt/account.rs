//! Every byte of a file is told exactly once, whatever the file is.

use core::ops::ControlFlow;

use bolt::{AccountOptions, Area, CheckOptions, Content, Line, PageState, account, check};
use view::{Span, View};

use crate::testdata::{cases, good, goods};

/// Where each piece is, its name, and whether it is in a stretch that is said to be before.
fn pieces(bytes: &[u8], options: &AccountOptions) -> Vec<(Span, String, Area)> {
    let view = View::new(bytes);
    let report = check(&view, &CheckOptions::default()).unwrap();
    let mut found = Vec::new();
    let mut inside = None;
    let ended = account(&view, &report, options, &mut |line| {
        match line {
            Line::Stretch(stretch) => inside = Some((stretch.span, stretch.area)),
            Line::Piece(piece) => {
                let (around, area) = inside.unwrap();
                let is_inside =
                    around.start <= piece.span.start && piece.span.end() <= around.end();
                assert!(is_inside, "{piece:?} is not in {around:?}");
                if let Content::Bytes { start, fnv1a } = piece.content {
                    let from = usize::try_from(piece.span.start).unwrap();
                    let to = usize::try_from(piece.span.end()).unwrap();
                    assert!(bytes[from..to].starts_with(start));
                    assert_eq!(fnv1a, bolt::fnv1a(&bytes[from..to]));
                }
                found.push((piece.span, piece.name, area));
            }
        }
        ControlFlow::Continue(())
    });
    assert_eq!(ended, ControlFlow::Continue(()));
    found
}

fn assert_whole(name: &str, bytes: &[u8], options: &AccountOptions) {
    let mut next = 0;
    for (span, piece, _) in pieces(bytes, options) {
        assert_eq!(
            span.start, next,
            "{name}: {piece} does not start where the one before ends"
        );
        next = span.end();
    }
    assert_eq!(next, u64::try_from(bytes.len()).unwrap(), "{name}");
}

const BOTH: [AccountOptions; 2] = [
    AccountOptions {
        range: None,
        old: false,
    },
    AccountOptions {
        range: None,
        old: true,
    },
];

#[test]
fn every_byte_of_a_good_file_is_told_once() {
    for name in goods() {
        for options in &BOTH {
            assert_whole(&name, &good(&name), options);
        }
    }
}

#[test]
fn every_byte_of_a_damaged_file_is_told_once() {
    for (name, _, bytes) in cases() {
        for options in &BOTH {
            assert_whole(&name, &bytes, options);
        }
    }
}

#[test]
fn a_good_file_has_no_bytes_without_a_name() {
    // In pages in use the library leaves nothing but zeroes.
    for name in goods() {
        let bytes = good(&name);
        for (span, piece, area) in pieces(&bytes, &AccountOptions::default()) {
            let used = [PageState::Used, PageState::Meta, PageState::Previous];
            if used.map(Area::Page).contains(&area) && piece == "slack" {
                let from = usize::try_from(span.start).unwrap();
                let to = usize::try_from(span.end()).unwrap();
                assert!(
                    bytes[from..to].iter().all(|byte| *byte == 0),
                    "{name}: {span:?}"
                );
            }
        }
    }
}

#[test]
fn one_changed_byte_changes_one_line() {
    let bytes = good("1.4.3-nested-4096-unsynced.db");
    let lines = |bytes: &[u8]| {
        let view = View::new(bytes);
        let report = check(&view, &CheckOptions::default()).unwrap();
        let mut lines = Vec::new();
        let _ = account(&view, &report, &AccountOptions::default(), &mut |line| {
            lines.push(format!("{line:?}"));
            ControlFlow::Continue(())
        });
        lines
    };
    // In the value of an object's "createdat".
    let at = bytes
        .windows(9)
        .position(|window| window == b"createdat")
        .unwrap()
        + 12;
    let mut other = bytes.clone();
    other[at] ^= 1;
    let (one, two) = (lines(&bytes), lines(&other));
    assert_eq!(one.len(), two.len());
    let changed = one.iter().zip(&two).filter(|(one, two)| one != two).count();
    assert_eq!(changed, 1);
}

#[test]
fn a_range_gives_the_pieces_that_reach_into_it() {
    let bytes = good("1.4.3-nested-4096-synced.db");
    let range = Span::new(4096 * 3 + 10, 3);
    let options = AccountOptions {
        range: Some(range),
        old: true,
    };
    let all = pieces(&bytes, &BOTH[1]);
    let some = pieces(&bytes, &options);
    let reaches = |span: &Span| span.start < range.end() && range.start < span.end();
    let want: Vec<_> = all.into_iter().filter(|(span, ..)| reaches(span)).collect();
    assert!(!want.is_empty());
    assert_eq!(some, want);
}
