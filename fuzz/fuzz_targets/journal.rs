//! Any bytes as a journal of systemd: passed over, and every entry read.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use journal::{Journal, Wish, merge};

bounded_target!(|data: &[u8]| {
    let Ok(journal) = Journal::open(data.to_vec()) else {
        return;
    };
    let mut wish = Wish {
        field: &mut |field| field.first().is_some_and(|byte| *byte != b'X'),
        when: &|_| true,
        most: 10_000,
        tick: &mut |_| true,
    };
    let (scanned, error) = journal.scan(&mut wish);
    assert_eq!(error, None);
    // Objects lie one after another: there are no more entries than there is room for.
    assert!(scanned.passed <= u64::try_from(data.len()).unwrap_or(0) / 64);
    let mut reader = journal.reader(1 << 16);
    let found: Vec<_> = scanned.entries.into_iter().collect();
    for entry in &found {
        let entry = reader.entry(entry).expect("bytes in memory can be read");
        let held: usize = entry.fields.iter().map(|field| field.value.len()).sum();
        assert!(held <= entry.fields.len() << 16);
    }
    assert!(merge([(journal.header().seqnum_id, found.clone())]).count() <= found.len());
});
