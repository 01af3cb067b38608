//! What is a hole of the file is not read, and takes no memory.

use bolt::{CheckOptions, PageSource, TreeState, check};
use finding::Unread;
use view::Span;

const PAGE: u64 = 4096;
/// Bytes of the one value, nearly all of which is a hole.
const VALUE: u64 = (1 << 31) - (8 << 20);

/// A file that has bytes at its start alone, and says so.
struct Sparse {
    start: Vec<u8>,
    len: u64,
}

impl PageSource for Sparse {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread> {
        assert!(into.len() <= 1 << 24, "{} bytes at {at:#x}", into.len());
        for (byte, at) in into.iter_mut().zip(at..) {
            let at = usize::try_from(at).unwrap();
            *byte = self.start.get(at).copied().unwrap_or(0);
        }
        Ok(())
    }

    fn data(&self, from: u64) -> Option<Span> {
        let len = u64::try_from(self.start.len()).unwrap();
        let left = len.checked_sub(from).filter(|left| *left > 0)?;
        Some(Span::new(from, left))
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    let one = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, one)
}

fn meta(slot: u64, end: u64) -> Vec<u8> {
    let mut body = Vec::new();
    for word in [0xED0C_DAED_u32, 2, 4096, 0] {
        body.extend(word.to_le_bytes());
    }
    for word in [3, 0, u64::MAX, end, 2 + slot] {
        body.extend(word.to_le_bytes());
    }
    body.extend(fnv(&body).to_le_bytes());
    [
        slot.to_le_bytes().as_slice(),
        &[4, 0, 0, 0, 0, 0, 0, 0],
        &body,
    ]
    .concat()
}

/// One element: its flags, its key, the size of its value; and what of it is written.
fn leaf(id: u64, overflow: u32, flags: u32, key: &[u8], size: u32, value: &[u8]) -> Vec<u8> {
    let mut page = id.to_le_bytes().to_vec();
    page.extend([2, 0, 1, 0]);
    page.extend(overflow.to_le_bytes());
    let len = u32::try_from(key.len()).unwrap();
    for word in [flags, 16, len, size] {
        page.extend(word.to_le_bytes());
    }
    page.extend(key);
    page.extend(value);
    page
}

#[test]
fn a_value_that_is_a_hole_costs_nothing() {
    let overflow = VALUE.div_ceil(PAGE);
    let end = 5 + overflow;
    let bucket = [4_u64.to_le_bytes(), [0; 8]].concat();
    let pages = [
        meta(0, end),
        meta(1, end),
        Vec::new(),
        leaf(3, 0, 1, b"bucket", 16, &bucket),
        leaf(
            4,
            u32::try_from(overflow).unwrap(),
            0,
            b"key",
            u32::try_from(VALUE).unwrap(),
            b"",
        ),
    ];
    let mut start = Vec::new();
    for mut page in pages {
        page.resize(4096, 0);
        start.extend(page);
    }
    let sparse = Sparse {
        start,
        len: end * PAGE,
    };
    let report = check(&sparse, &CheckOptions::default()).unwrap();
    assert_eq!(report.tree, TreeState::Whole, "{:?}", report.faults);
    assert_eq!(report.totals.keys, 2);
}

#[test]
fn zeroes_in_memory_are_a_hole() {
    let mut bytes = vec![0; 5 << 16];
    bytes[0] = 1;
    bytes[(3 << 16) + 9] = 2;
    bytes[(4 << 16) + 1] = 3;
    let view = view::View::new(&bytes);
    let data: Vec<Span> =
        std::iter::successors(view.data(0), |last| view.data(last.end())).collect();
    assert_eq!(data, [Span::new(0, 1 << 16), Span::new(3 << 16, 2 << 16)]);
    let next = view.data(1).unwrap();
    assert!(next.start > 1 << 16 && next.start <= (3 << 16) + 9 && next.end() > (4 << 16) + 1);
    assert_eq!(view.data(5 << 16), None);
}
