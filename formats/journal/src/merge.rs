//! Entries of several files in one order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::entry::Found;

/// An entry, and which of the files has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index of the file.
    pub file: usize,
    /// The entry.
    pub found: Found,
}

/// Entries of files in one order, given out one after another.
#[derive(Debug)]
pub struct Merged {
    rows: Vec<Row>,
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

/// A row of numbers that is given out, the first next.
type Row = std::iter::Peekable<std::vec::IntoIter<Placed>>;

/// The entries of files, each with the id of its row of numbers, in one order, each once.
///
/// Within a row the numbers decide, since clocks jump; between rows the time does.
pub fn merge(files: impl IntoIterator<Item = ([u8; 16], Vec<Found>)>) -> Merged {
    let mut rows: BTreeMap<[u8; 16], Vec<Placed>> = BTreeMap::new();
    for (file, (row, entries)) in files.into_iter().enumerate() {
        let placed = entries.into_iter().map(|found| Placed { file, found });
        let row = rows.entry(row).or_default();
        row.reserve_exact(placed.len());
        row.extend(placed);
    }
    let mut rows: Vec<Row> = rows
        .into_values()
        .map(|mut row| {
            // In place: a row may be long.
            row.sort_unstable_by_key(|placed| {
                (placed.found.seqnum, placed.found.realtime, placed.file)
            });
            row.dedup_by_key(|placed| (placed.found.seqnum, placed.found.realtime));
            row.into_iter().peekable()
        })
        .collect();
    let mut order = BinaryHeap::new();
    for (index, row) in rows.iter_mut().enumerate() {
        if let Some(first) = row.peek() {
            order.push(Reverse((first.found.realtime, index)));
        }
    }
    Merged { rows, order }
}

impl Iterator for Merged {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        let Reverse((_, index)) = self.order.pop()?;
        let row = self.rows.get_mut(index)?;
        let placed = row.next();
        if let Some(next) = row.peek() {
            self.order.push(Reverse((next.found.realtime, index)));
        }
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn found(seqnum: u64, realtime: u64) -> Found {
        Found {
            at: 0,
            seqnum,
            realtime,
            monotonic: 0,
            boot: [0; 16],
        }
    }

    #[test]
    fn numbers_decide_within_a_row_and_times_between_rows() {
        let merged = merge([
            ([1; 16], vec![found(1, 10), found(2, 5), found(3, 30)]),
            ([2; 16], vec![found(7, 12)]),
            ([1; 16], vec![found(2, 5)]),
        ]);
        let order: Vec<_> = merged.map(|placed| placed.found.seqnum).collect();
        assert_eq!(order, [1, 2, 7, 3]);
    }
}
