//! Files made to break a reader: they end soon, without a panic, with little memory.

use std::collections::BTreeMap;
use std::time::Duration;

use testcase::Effort;

use bolt::{CheckOptions, Db, PageSource, check};
use finding::Unread;
use view::{Span, View};

use crate::testdata::{good, goods};

/// A debug build is some thirty times slower than a release build, for which the bound is a second.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });

const PAGE: usize = 4096;

/// Everything that reads a file; gives how many things were said.
fn read_all(bytes: &[u8]) -> usize {
    let view = View::new(bytes);
    let report = check(&view, &CheckOptions::default()).unwrap();
    let said: usize = report
        .faults
        .iter()
        .map(|found| found.fault.to_string().len().min(1))
        .sum();
    let walked = Db::open(view).db.map_or(0, |db| db.walk().count());
    report.pages().count() + walked + said
}

fn ends_soon(name: &str, bytes: &[u8]) {
    let start = Effort::start();
    read_all(bytes);
    let took = start.spent();
    assert!(took < SOON, "{name} took {took:?}");
}

/// Two metas that a good file has, and `pages` pages behind them.
pub(crate) fn file(root: u64, pages: usize, page: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let good = good("1.4.3-empty-4096-unsynced.db");
    let mut bytes = good[..2 * PAGE].to_vec();
    for slot in 0..2 {
        let meta = slot * PAGE + 16;
        bytes[meta + 16..meta + 24].copy_from_slice(&root.to_le_bytes());
        let end = u64::try_from(pages + 2).unwrap();
        bytes[meta + 40..meta + 48].copy_from_slice(&end.to_le_bytes());
        let sum = bolt::fnv1a(&bytes[meta..meta + 56]);
        bytes[meta + 56..meta + 64].copy_from_slice(&sum.to_le_bytes());
    }
    for number in 2..pages + 2 {
        let mut page = page(number);
        page.resize(PAGE, 0);
        bytes.extend(page);
    }
    bytes
}

pub(crate) fn header(id: usize, flags: u16, count: u16, overflow: u32) -> Vec<u8> {
    let mut bytes = u64::try_from(id).unwrap().to_le_bytes().to_vec();
    bytes.extend(flags.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(overflow.to_le_bytes());
    bytes
}

/// A branch with these children, under the keys a, b, …
pub(crate) fn branch(id: usize, children: &[u64]) -> Vec<u8> {
    let count = u16::try_from(children.len()).unwrap();
    let mut bytes = header(id, 1, count, 0);
    for (number, child) in children.iter().enumerate() {
        let pos = u32::try_from(16 * (children.len() - number) + 2 * number).unwrap();
        bytes.extend(pos.to_le_bytes());
        bytes.extend(2_u32.to_le_bytes());
        bytes.extend(child.to_le_bytes());
    }
    for number in 0..count {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

/// A leaf with one bucket, whose root is `root`.
pub(crate) fn leaf_with_bucket(id: usize, root: u64) -> Vec<u8> {
    let mut bytes = header(id, 2, 1, 0);
    for number in [1_u32, 16, 1, 16] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.push(b'b');
    bytes.extend(root.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes
}

#[test]
fn large_files_of_one_pattern_end_soon() {
    let size = 64 << 20;
    ends_soon("zeroes", &vec![0; size]);
    ends_soon("ones", &vec![0xff; size]);
    let pages = size / PAGE;
    ends_soon(
        "each page a branch to itself",
        &file(2, pages, |id| branch(id, &[id as u64; 200])),
    );
    ends_soon(
        "each page a bucket in itself",
        &file(2, pages, |id| leaf_with_bucket(id, id as u64)),
    );
    ends_soon(
        "every branch names the same 200 pages",
        &file(2, pages, |id| {
            let children: Vec<u64> = (3..203).collect();
            branch(id, &children)
        }),
    );
    ends_soon(
        "each page claims the rest of the file",
        &file(2, pages, |id| {
            let rest = u32::try_from(pages + 1 - id).unwrap();
            let mut page = branch(id, &[id as u64 + 1; 200]);
            page[12..16].copy_from_slice(&rest.to_le_bytes());
            page
        }),
    );
    ends_soon(
        "one leaf with 65,534 elements on the same bytes",
        &file(2, pages, |id| {
            let mut page = header(id, 2, 0xfffe, u32::try_from(pages - 1).unwrap());
            page.resize(PAGE, b'k');
            if id == 2 { page } else { vec![1; PAGE] }
        }),
    );
}

#[test]
fn a_chain_of_pages_ends() {
    let pages = (16 << 20) / PAGE;
    let chain = file(2, pages, |id| branch(id, &[id as u64 + 1]));
    ends_soon("a chain of branches", &chain);
    let codes: Vec<&str> = walk_codes(&chain);
    assert!(codes.contains(&"bolt/tree-deep"), "{codes:?}");
    let chain = file(2, pages, |id| leaf_with_bucket(id, id as u64 + 1));
    ends_soon("a chain of buckets", &chain);
    assert!(walk_codes(&chain).contains(&"bolt/tree-deep"));
}

fn walk_codes(bytes: &[u8]) -> Vec<&'static str> {
    let db = Db::open(View::new(bytes)).db.unwrap();
    let faults = db.walk().filter_map(|step| match step.what {
        bolt::Visit::Fault(fault) => Some(fault.what.code().name),
        bolt::Visit::Entry(_) => None,
    });
    faults.collect()
}

/// A file of which one page cannot be read.
struct BadSector<'s>(View<'s>, u64);

impl PageSource for BadSector<'_> {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread> {
        let end = at + u64::try_from(into.len()).unwrap();
        if (at..end).contains(&self.1) {
            return Err(Unread::Io("Input/output error".to_owned()));
        }
        self.0.read_at(at, into)
    }
}

#[test]
fn a_bad_sector_is_one_fault() {
    let bytes = good("1.4.3-nested-4096-synced.db");
    let view = View::new(&bytes);
    let healthy = check(&view, &CheckOptions::default()).unwrap();
    let page = healthy
        .pages()
        .filter(|row| row.state == bolt::PageState::Used)
        .last()
        .unwrap();
    let at = page.id.0 * 4096;
    let report = check(&BadSector(view, at + 100), &CheckOptions::default()).unwrap();
    let found: Vec<_> = report.faults.iter().map(|found| &found.fault).collect();
    let codes: Vec<_> = found.iter().map(|fault| fault.what.code().name).collect();
    assert!(codes.contains(&"bolt/page-unread"), "{codes:?}");
    assert!(
        found.iter().any(|fault| fault.span == Span::new(at, 4096)),
        "{found:?}"
    );
}

/// Xorshift: the same mutants each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }
}

#[test]
fn mutants_neither_panic_nor_hang() {
    let mut random = Random(20_261_121);
    let files: Vec<_> = goods()
        .into_iter()
        .map(|name| good(&name))
        .filter(|bytes| bytes.len() <= 300_000)
        .collect();
    let mutants = if cfg!(debug_assertions) { 600 } else { 20_000 };
    let mut most = BTreeMap::new();
    for number in 0..mutants {
        let whole = &files[random.below(files.len())];
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            mutate(&mut bytes, &mut random);
        }
        let said = read_all(&bytes);
        // What is said is bounded by what is there: an element has 16 bytes.
        assert!(
            said <= whole.len() / 4,
            "mutant {number} said {said} things"
        );
        most.insert(said, number);
    }
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    let len = bytes.len();
    // Mostly where structures are: at the start of a page.
    let page = random.below(len / 1024) * 1024;
    let at = if random.below(4) == 0 {
        random.below(len)
    } else {
        page + random.below(96)
    };
    let at = at.min(len - 9);
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes()),
        2 => bytes[at..at + 4].copy_from_slice(&[0; 4]),
        3 => bytes[at..at + 2]
            .copy_from_slice(&u16::try_from(random.below(400)).unwrap().to_le_bytes()),
        4 => {
            let from = random.below(len - 1024);
            let piece = bytes[from..from + 512].to_vec();
            let to = at.min(len - 512);
            bytes[to..to + 512].copy_from_slice(&piece);
        }
        _ => bytes.truncate(len - random.below(len / 8)),
    }
}
