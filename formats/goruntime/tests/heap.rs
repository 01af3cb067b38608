//! The heap and the open files of a real core, against what the process itself wrote just before.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what is in testdata"
)]

use std::collections::BTreeMap;

use elfcore::{Auxv, Bytes, Core, Elf, Image};
use finding::Text;
use goruntime::{Go, Heap, Opened, OpenedKind, Outline, SpanUse};

fn read_capture(file: &str) -> Vec<u8> {
    let bytes = std::fs::read(testcase::testdata().join("cores/heap").join(file)).unwrap();
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        zstd::decode_all(bytes.as_slice()).unwrap()
    } else {
        bytes
    }
}

/// The heap and what is open in it; nothing where the core does not tell.
fn heap_of(core: &dyn Bytes, exe: &Vec<u8>) -> Option<(Heap, Vec<Opened>)> {
    let headers = Core::read_core(core).ok()?;
    let elf = Elf::read_elf(exe).ok()?;
    let entry = headers.auxv.get(Auxv::ENTRY).unwrap_or(0);
    let slide = if elf.is_pie {
        entry.wrapping_sub(elf.entry)
    } else {
        0
    };
    let mut image = Image::new(core, &headers.segments);
    image.add(exe, &elf, slide);
    let outline = Outline::of_file(exe, &elf, slide);
    let go = Go::find(&image, &outline, headers.arch).ok()?;
    let heap = go.heap()?;
    let opened = go.opened(&heap)?;
    Some((heap, opened))
}

/// A number of the line that the process wrote of its memory.
fn said(truth: &str, word: &str) -> u64 {
    let mut words = truth.split_whitespace().skip_while(|one| *one != word);
    words.nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_heap_is_what_the_process_said() {
    let truth = String::from_utf8(read_capture("truth.txt")).unwrap();
    let (heap, _) = heap_of(&read_capture("core.zst"), &read_capture("exe.zst")).unwrap();
    let sum = |used_for: SpanUse, of: fn(&goruntime::Span) -> u64| -> u64 {
        let spans = heap.spans.iter().filter(|span| span.used_for == used_for);
        spans.map(of).sum()
    };
    assert_eq!(
        sum(SpanUse::Objects, |span| span.bytes),
        said(&truth, "inuse")
    );
    assert_eq!(
        sum(SpanUse::Stacks, |span| span.bytes),
        said(&truth, "stacks")
    );
    // Printing the truth allocated a few objects more.
    let objects = sum(SpanUse::Objects, |span| span.objects);
    let told = said(&truth, "objects");
    assert!((told..told + 40).contains(&objects), "{objects}, {told}");
    // 1,000 objects of 208 bytes, 500 of 896, and those of the program's own.
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    for span in heap.spans.iter().filter(|span| !span.large) {
        *sizes.entry(span.size).or_default() += span.objects;
    }
    for size in ["208", "896"] {
        let line = truth
            .lines()
            .find(|line| line.starts_with(&format!("class {size} ")));
        let told: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
        assert_eq!(sizes[&size.parse::<u64>().unwrap()], told);
    }
    let large: Vec<(u64, bool)> = heap
        .spans
        .iter()
        .filter(|span| span.large && span.used_for == SpanUse::Objects)
        .map(|span| (span.size, span.pointers))
        .collect();
    assert!(large.contains(&(3 << 20, false)) && large.contains(&(802_816, true)));
    assert!(heap.cached.0 > 0, "the list of spans is proven");
    assert_eq!(heap.cached.0, heap.cached.1);
    assert_eq!(heap.damaged, 0);
}

#[test]
fn what_is_open_is_named_and_what_was_closed_is_not() {
    let (_, opened) = heap_of(&read_capture("core.zst"), &read_capture("exe.zst")).unwrap();
    let file = |fd: i64, name: &str| {
        opened.iter().any(|one| {
            one.fd == fd && matches!(&one.what, OpenedKind::File { name: found } if *found == *name)
        })
    };
    assert!(file(0, "/dev/stdin") && file(3, "/etc/hostname") && file(6, "/dev/null"));
    assert!(file(7, "|0") && file(8, "|1"), "both ends of the pipe");
    let closed = opened
        .iter()
        .any(|one| matches!(&one.what, OpenedKind::File { name } if *name == *"/etc/passwd"));
    assert!(!closed, "it was closed before");
    let sockets: Vec<(i64, String, Option<Text>, Option<Text>)> = opened
        .iter()
        .filter_map(|one| match &one.what {
            OpenedKind::Socket {
                network,
                local,
                remote,
            } => Some((one.fd, network.to_string(), local.clone(), remote.clone())),
            OpenedKind::File { .. } => None,
        })
        .collect();
    assert_eq!(sockets.len(), 3);
    assert_eq!(sockets[0].2, Some(Text::from("s.sock")));
    assert!(
        sockets[1].1 == "tcp"
            && sockets[1]
                .2
                .as_ref()
                .unwrap()
                .to_string()
                .starts_with("127.0.0.1:")
    );
    assert_eq!(sockets[2].3, Some(Text::from("s.sock")));
    assert_eq!(opened.len(), 10);
}

/// A core that ends early.
struct Cut<'b>(&'b [u8], u64);

impl Bytes for Cut<'_> {
    fn len(&self) -> u64 {
        self.1
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let (at, end) = (
            usize::try_from(at).unwrap(),
            usize::try_from(self.1).unwrap(),
        );
        let rest = self.0.get(at..end).unwrap_or_default();
        let count = into.len().min(rest.len());
        into[..count].copy_from_slice(&rest[..count]);
        count
    }
}

#[test]
fn a_damaged_heap_is_never_called_whole() {
    let (core, exe) = (read_capture("core.zst"), read_capture("exe.zst"));
    let (whole, _) = heap_of(&core, &exe).unwrap();
    let all = u64::try_from(core.len()).unwrap();
    // A core that was cut: an answer says that it is not whole, or there is none.
    for tenth in 1..10 {
        if let Some((heap, _)) = heap_of(&Cut(&core, all * tenth / 10), &exe) {
            let is_doubted = heap.damaged > 0 || heap.caches == 0 || heap.cached.1 < heap.cached.0;
            assert!(is_doubted || heap.spans == whole.spans, "{tenth} tenths");
        }
    }
    // Words of the core replaced at random: no panic, and no end that does not come.
    let mut seed = 7_u64;
    for _ in 0..20 {
        let mut bad = core.clone();
        for _ in 0..400 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (usize::try_from(seed >> 16).unwrap() % (bad.len() - 8)) & !7;
            bad[at..at + 8].copy_from_slice(&seed.to_le_bytes());
        }
        let _: Option<(Heap, Vec<Opened>)> = heap_of(&bad, &exe);
    }
}
