//! Torn writes: a disk writes sectors of 512 bytes, each as a whole or not at all.

use std::collections::BTreeMap;

use super::mend::Row;

/// Bytes that a disk writes as a whole.
pub(super) const SECTOR: u64 = 512;

/// Sectors in which no key is in order, and several are not.
pub(super) struct Sectors(BTreeMap<u64, (u64, u64)>);

/// The sectors in which these bytes of a page lie.
pub(super) fn range(start: u64, len: u64) -> core::ops::RangeInclusive<u64> {
    let last = start.saturating_add(len.saturating_sub(1));
    start.div_euclid(SECTOR)..=last.div_euclid(SECTOR)
}

impl Sectors {
    fn key_span(row: &Row<'_>) -> (u64, u64) {
        let len = u64::try_from(row.key.len()).unwrap_or(0);
        (row.value.base().saturating_sub(len), len)
    }

    pub(super) fn from_rows(good: &[(usize, Row<'_>)], odd: &[Row<'_>]) -> Self {
        let mut sectors = BTreeMap::new();
        for row in odd {
            let (start, len) = Self::key_span(row);
            for sector in range(start, len) {
                let (_, bad): &mut (u64, u64) = sectors.entry(sector).or_default();
                *bad = bad.saturating_add(1);
            }
        }
        for (_, row) in good {
            let (start, len) = Self::key_span(row);
            let range = range(start, len);
            // A key that reaches into the next sector says nothing of it.
            if range.start() == range.end()
                && let Some((good, _)) = sectors.get_mut(range.start())
            {
                *good = good.saturating_add(1);
            }
        }
        sectors.retain(|_, (good, bad)| *good == 0 && *bad > 1);
        Self(sectors)
    }

    pub(super) fn touch(&self, row: &Row<'_>) -> bool {
        let (start, len) = Self::key_span(row);
        let all = range(start, len.saturating_add(row.value.len()));
        self.0.range(all).next().is_some()
    }
}
