//! Long names in little room: digests and ids by their first digits, as docker shows them, and cells
//! that are cut where they tell least.

/// The digits of a digest that are shown at least.
const LEAST: usize = 12;

/// The digits of a SHA-256, and of a container's id.
const DIGITS: usize = 64;

/// How many digits of digests and ids are shown, so that those of one table stay distinct.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digits(usize);

impl Digits {
    /// For these cells: twelve, or more where two of them begin alike.
    pub(crate) fn for_cells<'a>(cells: impl Iterator<Item = &'a str>) -> Self {
        let mut all: Vec<&str> = cells
            .flat_map(|cell| pieces(cell).filter(is_long))
            .collect();
        all.sort_unstable();
        all.dedup();
        let alike = all.windows(2).filter_map(|two| {
            let (one, other) = (two.first()?, two.get(1)?);
            let same = one.bytes().zip(other.bytes());
            Some(same.take_while(|(a, b)| a == b).count().saturating_add(1))
        });
        Self(alike.max().unwrap_or(LEAST).max(LEAST))
    }

    /// The cell, with digests and ids shortened.
    pub(crate) fn shorten(self, cell: &str) -> String {
        pieces(cell)
            .map(|piece| {
                if is_long(&piece) {
                    piece.get(..self.0).unwrap_or(piece)
                } else {
                    piece
                }
            })
            .collect()
    }
}

/// Runs of hexadecimal digits, and what stands between them.
fn pieces(cell: &str) -> impl Iterator<Item = &str> {
    let mut rest = cell;
    std::iter::from_fn(move || {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let first = is_hex(*rest.as_bytes().first()?);
        let end = rest.bytes().position(|byte| is_hex(byte) != first);
        let (piece, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        Some(piece)
    })
}

fn is_long(piece: &&str) -> bool {
    piece.len() == DIGITS && piece.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `cell` in at most `wide` columns. The beginning of a digest, an id or a time is kept, for it can be
/// asked for; of a name or a path the middle is left out, for both ends tell something.
pub(crate) fn cut(cell: &str, wide: usize) -> String {
    let letters: Vec<char> = cell.chars().collect();
    let Some(over) = letters.len().checked_sub(wide).filter(|over| *over > 0) else {
        return cell.to_owned();
    };
    let kept = wide.saturating_sub(1);
    let is_begun =
        cell.starts_with("sha256:") || cell.starts_with(|first: char| first.is_ascii_digit());
    let head = if is_begun { kept } else { kept.div_euclid(2) };
    let tail = head.saturating_add(over).saturating_add(1);
    let (head, tail) = (letters.iter().take(head), letters.iter().skip(tail));
    head.chain(['…'].iter()).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_digests_are_shortened() {
        let digest = "0123456789abcdef".repeat(4);
        let digits = Digits::for_cells([digest.as_str()].into_iter());
        let cell = format!("image k8s.io/sha256:{digest}, 20/{digest}");
        assert_eq!(
            digits.shorten(&cell),
            "image k8s.io/sha256:0123456789ab, 20/0123456789ab"
        );
        let longer = format!("{digest}0");
        assert_eq!(digits.shorten(&longer), longer);
        assert_eq!(
            digits.shorten("2026-11-21T05:00:00Z é"),
            "2026-11-21T05:00:00Z é"
        );
    }

    #[test]
    fn the_middle_is_cut() {
        assert_eq!(cut("abcdefghij", 10), "abcdefghij");
        assert_eq!(cut("abcdefghij", 7), "abc…hij");
        assert_eq!(cut("abcdefghij", 6), "ab…hij");
        assert_eq!(cut("äöüäöüäöü", 3), "ä…ü");
        assert_eq!(cut("sha256:0123456789ab", 12), "sha256:0123…");
        assert_eq!(cut("2026-11-21T05:00:15Z", 12), "2026-11-21T…");
    }
}
