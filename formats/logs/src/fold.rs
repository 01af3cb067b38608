//! Lines that are said again and again.

use std::collections::HashMap;
use std::ops::Range;

use crate::known::shape;
use crate::line::Line;

/// A line, and how often it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folded {
    /// Index of the first line that says it.
    pub first: usize,
    /// Index of the last one.
    pub last: usize,
    /// How many there are.
    pub times: u64,
}

/// The lines of `range`, those together that differ only in numbers, ids and times; in the order of
/// the first of each.
pub fn fold(lines: &[Line], range: Range<usize>) -> Vec<Folded> {
    let mut order: Vec<Folded> = Vec::new();
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    for index in range {
        let Some(line) = lines.get(index) else {
            break;
        };
        let place = *known.entry(shape(line)).or_insert(order.len());
        match order.get_mut(place) {
            Some(folded) => {
                folded.last = index;
                folded.times = folded.times.saturating_add(1);
            }
            None => order.push(Folded {
                first: index,
                last: index,
                times: 1,
            }),
        }
    }
    order
}
