//! Who claimed which bytes: an overlap is a fault.

use crate::Span;

/// Two claims on the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// The claim that came second.
    pub claimed: Span,
    /// The claim that was there.
    pub holder: Span,
}

/// Stretches of one window that were claimed, each once.
///
/// For the few structures inside one page or one document. A whole bolt file keeps two bits a page
/// instead.
#[derive(Debug, Default, Clone)]
pub struct Claims {
    /// Sorted by start, without overlaps.
    spans: Vec<Span>,
}

impl Claims {
    /// Nothing claimed yet.
    pub const fn new() -> Self {
        Self { spans: Vec::new() }
    }

    /// Claims `span`; an empty one never overlaps.
    pub fn claim(&mut self, span: Span) -> Result<(), Overlap> {
        if span.len == 0 {
            return Ok(());
        }
        let after = self.spans.partition_point(|held| held.start < span.start);
        let before = after.checked_sub(1).and_then(|i| self.spans.get(i));
        let next = self.spans.get(after);
        let clash = before
            .filter(|held| held.end() > span.start)
            .or_else(|| next.filter(|held| held.start < span.end()));
        if let Some(holder) = clash {
            return Err(Overlap {
                claimed: span,
                holder: *holder,
            });
        }
        self.spans.insert(after, span);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_names_both_sides() {
        let mut claims = Claims::new();
        claims.claim(Span::new(10, 5)).unwrap();
        claims.claim(Span::new(0, 10)).unwrap();
        claims.claim(Span::new(12, 0)).unwrap();
        let overlap = claims.claim(Span::new(14, 2)).unwrap_err();
        assert_eq!(overlap.holder, Span::new(10, 5));
        assert!(claims.claim(Span::new(5, 100)).is_err());
        claims.claim(Span::new(15, 5)).unwrap();
    }
}
