//! Journals of real systemd against what `journalctl -o export --all` said of them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads its own files"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use journal::{Entry, Journal, Scanned, Wish};

type Fields = BTreeSet<(Vec<u8>, Vec<u8>)>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/journals")
}

fn unpacked(name: &str) -> Vec<u8> {
    let packed = std::fs::read(folder().join(name)).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

/// The export format: `NAME=value`, or `NAME`, a length of eight bytes, and the value.
fn truth(name: &str) -> Vec<Fields> {
    let text = unpacked(name);
    let mut rest = text.as_slice();
    let (mut all, mut fields) = (Vec::new(), Fields::new());
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if line.is_empty() {
            all.push(std::mem::take(&mut fields));
            continue;
        }
        let (name, value) = if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
            (&line[..equals], line[equals + 1..].to_vec())
        } else {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap());
            let length = usize::try_from(length).unwrap();
            let value = rest[8..8 + length].to_vec();
            rest = &rest[9 + length..];
            (line, value)
        };
        // What journalctl adds itself; the boot is a field, too.
        if !name.starts_with(b"__") {
            fields.insert((name.to_vec(), value));
        }
    }
    all
}

fn scan(journal: &Journal<Vec<u8>>) -> Scanned {
    let mut wish = Wish {
        field: &mut |_| true,
        when: &|_| true,
        most: usize::MAX,
        tick: &mut |_| true,
    };
    let (scanned, error) = journal.scan(&mut wish);
    assert_eq!(error, None);
    scanned
}

fn entries(bytes: Vec<u8>) -> (Scanned, Vec<Entry>) {
    let journal = Journal::open(bytes).unwrap();
    let scanned = scan(&journal);
    let mut reader = journal.reader(1 << 20);
    let entries = scanned
        .entries
        .iter()
        .map(|found| reader.entry(found).unwrap());
    let entries = entries.collect();
    (scanned, entries)
}

fn fields(entry: &Entry) -> Fields {
    let fields = entry.fields.iter();
    fields
        .map(|field| (field.name.clone(), field.value.clone()))
        .collect()
}

const PACKED: [&str; 4] = [
    "zstd-compact.journal.zst",
    "zstd-unkeyed.journal.zst",
    "lz4-compact.journal.zst",
    "xz-unkeyed.journal.zst",
];

#[test]
fn every_field_is_as_journalctl_reads_it_in_each_way_of_packing() {
    let truth = truth("truth.export.zst");
    for name in PACKED {
        let (scanned, entries) = entries(unpacked(name));
        assert_eq!(scanned.damaged, [], "{name}");
        assert_eq!(entries.len(), truth.len(), "{name}");
        for (entry, truth) in entries.iter().zip(&truth) {
            assert_eq!(fields(entry), *truth, "{name}");
            let sound = entry
                .fields
                .iter()
                .all(|field| field.is_sound == Some(true));
            assert!(sound, "{name}: a hash does not match");
            assert_eq!(entry.lost, 0, "{name}");
        }
    }
}

/// An entry is written after its data: what lies whole before the cut is found.
#[test]
fn a_cut_file_gives_every_entry_that_lies_before_the_cut() {
    for name in PACKED {
        let whole = unpacked(name);
        let (_, all) = entries(whole.clone());
        let used = usize::try_from(all.last().unwrap().found.at).unwrap();
        for cut in (4096..used + 4096).step_by(used / 23) {
            let journal = Journal::open(whole[..cut].to_vec()).unwrap();
            let found = scan(&journal);
            let cut = u64::try_from(cut).unwrap();
            // The smallest entry here has 64 + 4 * 7 bytes; what ends before the cut is there.
            let before = all.iter().filter(|entry| entry.found.at + 1024 < cut);
            assert!(found.entries.len() >= before.count(), "{name} at {cut}");
            assert!(found.is_cut);
            let mut reader = journal.reader(1 << 20);
            for (found, truth) in found.entries.iter().zip(&all) {
                assert_eq!(reader.entry(found).unwrap(), *truth, "{name} at {cut}");
            }
        }
    }
}

#[test]
fn a_payload_that_contradicts_its_hash_is_told() {
    let mut bytes = unpacked("zstd-compact.journal.zst");
    let (_, all) = entries(bytes.clone());
    let needle = b"MESSAGE=time=";
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    bytes[at + 20] ^= 1;
    let (_, damaged) = entries(bytes);
    let wrong: Vec<_> = damaged.iter().filter(|entry| !entry.is_sound()).collect();
    assert_eq!(wrong.len(), 1);
    let changed = damaged.iter().zip(&all).filter(|(one, other)| one != other);
    assert_eq!(changed.count(), 1);
}

/// A generator with a seed: the same damage in each run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[test]
fn damage_anywhere_neither_panics_nor_hides_what_is_elsewhere() {
    let whole = unpacked("zstd-compact.journal.zst");
    let (_, all) = entries(whole.clone());
    let used = usize::try_from(all.last().unwrap().found.at).unwrap();
    let mut random = Random(11);
    let (mut given, mut rounds) = (0, 0);
    for _ in 0..60 {
        let mut bytes = whole.clone();
        for _ in 0..=random.next() % 6 {
            let at = 272 + usize::try_from(random.next()).unwrap() % (used - 272);
            let word = match random.next() % 4 {
                0 => 0,
                1 => u64::MAX,
                2 => 1 << (random.next() % 64),
                _ => random.next(),
            };
            let at = at & !7;
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        let (_, entries) = entries(bytes);
        given += entries.len();
        rounds += 1;
    }
    // Six words lose a few objects, not the file.
    let most = rounds * all.len();
    assert!(given * 100 >= most * 96, "{given} of {most}");
}

#[test]
fn entries_are_chosen_by_a_field_and_the_newest_are_kept() {
    let journal = Journal::open(unpacked("zstd-compact.journal.zst")).unwrap();
    let mut wish = Wish {
        field: &mut |field| field == b"_SYSTEMD_UNIT=containerd.service",
        when: &|_| true,
        most: 10,
        tick: &mut |_| true,
    };
    let (scanned, _) = journal.scan(&mut wish);
    assert_eq!(scanned.entries.len(), 10);
    let chosen = scanned.dropped + 10;
    let mut reader = journal.reader(4096);
    for found in &scanned.entries {
        let entry = reader.entry(found).unwrap();
        let unit = entry.value("_SYSTEMD_UNIT");
        assert_eq!(unit, Some(b"containerd.service".as_slice()));
    }
    let truth = truth("truth.export.zst");
    let unit = (b"_SYSTEMD_UNIT".to_vec(), b"containerd.service".to_vec());
    let wanted = truth.iter().filter(|fields| fields.contains(&unit)).count();
    assert_eq!(chosen, u64::try_from(wanted).unwrap());
}

/// A power cut leaves pages of zeros, or of what was there before, in the middle of a file.
#[test]
fn torn_pages_lose_only_the_entries_that_lie_in_them_or_need_them() {
    const PAGE: usize = 4096;
    for name in PACKED {
        let whole = unpacked(name);
        let (_, all) = entries(whole.clone());
        let used = usize::try_from(all.last().unwrap().found.at).unwrap();
        let pages = used / PAGE;
        let mut random = Random(5);
        for round in 0..12 {
            let mut bytes = whole.clone();
            let page = 1 + usize::try_from(random.next()).unwrap() % (pages - 1);
            let other = 1 + usize::try_from(random.next()).unwrap() % (pages - 1);
            let torn = page * PAGE..(page + 1) * PAGE;
            if round % 2 == 0 {
                bytes[torn.clone()].fill(0);
            } else {
                bytes.copy_within(other * PAGE..(other + 1) * PAGE, torn.start);
            }
            let (_, given) = entries(bytes);
            // Every entry that is given with all of its fields, sound ones, is one that there was.
            let whole_ones = given
                .iter()
                .filter(|entry| entry.lost == 0 && entry.is_sound());
            let true_ones = whole_ones.filter(|entry| all.iter().any(|one| one == *entry));
            // A page holds a few dozen objects of 400 entries with hundreds of data objects.
            let least = all.len() / 4;
            let count = true_ones.count();
            assert!(
                count >= least,
                "{name}, page {page}: {count} of {}",
                all.len()
            );
            let far = |entry: &&Entry| {
                let at = usize::try_from(entry.found.at).unwrap();
                at + 2048 < torn.start || at > torn.end + 65536
            };
            for entry in all.iter().filter(far) {
                let found = given.iter().find(|one| one.found.at == entry.found.at);
                assert!(
                    found.is_some(),
                    "{name}, page {page}: {:#x}",
                    entry.found.at
                );
            }
        }
    }
}
