//! Bytes in hex, with their offsets in the file.

use std::fmt::Write as _;

/// Bytes of a row.
const ROW: usize = 16;

/// Rows of sixteen bytes: offset, hex, and the letters that are ASCII. Rows end at multiples of
/// sixteen in the file, so that those of neighbours fit together.
pub(crate) fn rows(at: u64, bytes: &[u8]) -> impl Iterator<Item = String> + '_ {
    let lead = usize::try_from(at.rem_euclid(16)).unwrap_or(0);
    let first = bytes.len().min(ROW.saturating_sub(lead));
    let (head, rest) = bytes.split_at_checked(first).unwrap_or((bytes, &[]));
    let head = (!head.is_empty()).then_some((lead, head));
    let rest = rest.chunks(ROW).map(|row| (0, row));
    let mut next = at;
    head.into_iter().chain(rest).map(move |(lead, row)| {
        let line = one(next, lead, row);
        let len = u64::try_from(row.len()).unwrap_or(0);
        next = next.saturating_add(len);
        line
    })
}

fn one(at: u64, lead: usize, row: &[u8]) -> String {
    let mut hex = "   ".repeat(lead);
    let mut letters = " ".repeat(lead);
    for byte in row {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x} ");
        letters.push(match byte {
            0x20..=0x7e => char::from(*byte),
            _ => '.',
        });
    }
    let start = at.saturating_sub(u64::try_from(lead).unwrap_or(0));
    format!("{start:#012x}  {hex:48} |{letters}|")
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn rows_stand_at_multiples_of_sixteen() {
        let found: Vec<String> = rows(0x1e, b"abcdefghijklmnopqrst").collect();
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("0x0000000010  ") && found[0].ends_with("|              ab|"));
        assert!(found[1].contains("63 64 65") && found[1].ends_with("|cdefghijklmnopqr|"));
        assert!(found[2].starts_with("0x0000000030  73 74 "));
        assert_eq!(rows(5, b"").count(), 0);
    }
}
