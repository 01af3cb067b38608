//! An error chain: pieces between `: `, outermost first, and chains inside of quotes and brackets.

use core::ops::Range;

/// So many pieces of a chain are looked at, with those of inner chains.
const PIECES: usize = 96;
/// So deep inner chains are followed.
const DEPTH: usize = 4;

/// A chain's text, and where its pieces are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Range<usize>>,
    /// Chains inside of a piece, by the piece's number.
    pub(crate) inner: Vec<(usize, Self)>,
}

impl Chain {
    pub(crate) fn split_chain(text: &str) -> Self {
        let mut budget = PIECES;
        Self::parse(text.trim().to_owned(), 0, &mut budget)
    }

    /// Every piece, outermost first, those of inner chains after the piece that holds them.
    pub(crate) fn collect_pieces<'c>(&'c self, into: &mut Vec<&'c str>) {
        for (number, piece) in self.pieces.iter().enumerate() {
            into.extend(self.text.get(piece.clone()));
            for (_, inner) in self.inner.iter().filter(|(at, _)| *at == number) {
                inner.collect_pieces(into);
            }
        }
    }

    fn parse(text: String, depth: usize, budget: &mut usize) -> Self {
        let mut chain = Self {
            text,
            ..Self::default()
        };
        let (pieces, groups) = split(&chain.text);
        for (number, piece) in pieces.into_iter().enumerate() {
            if *budget == 0 {
                break;
            }
            *budget = budget.saturating_sub(1);
            let here = groups
                .iter()
                .filter(|group| piece.start <= group.range.start && group.range.end <= piece.end);
            let here: Vec<_> = here.cloned().collect();
            chain.pieces.push(piece);
            if depth >= DEPTH {
                continue;
            }
            for group in here {
                let inside = chain.text.get(group.range).unwrap_or_default();
                let inside = if group.is_quoted {
                    unescape(inside)
                } else {
                    inside.to_owned()
                };
                if is_sentence(&inside) {
                    let inner =
                        Self::parse(inside.trim().to_owned(), depth.saturating_add(1), budget);
                    chain.inner.push((number, inner));
                }
            }
        }
        chain
    }
}

/// Something between quotes or brackets, without them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    range: Range<usize>,
    is_quoted: bool,
}

/// Whether an error may be in it: a name has no spaces.
fn is_sentence(text: &str) -> bool {
    text.contains(": ") || text.split(' ').count() > 2
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            _ => plain.push(letter),
        }
    }
    plain
}

/// The pieces of `text`, and the groups in it. A quote or bracket that is never closed groups
/// nothing: lines are cut, and copied in part.
fn split(text: &str) -> (Vec<Range<usize>>, Vec<Group>) {
    let closes = partners(text);
    let mut pieces = Vec::new();
    let mut groups = Vec::new();
    let bytes = text.as_bytes();
    let mut start = 0_usize;
    let mut at = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        if let Some(&(_, close)) = closes
            .binary_search_by_key(&at, |(open, _)| *open)
            .ok()
            .and_then(|found| closes.get(found))
        {
            groups.push(Group {
                range: at.saturating_add(1)..close,
                is_quoted: byte == b'"',
            });
            at = close.saturating_add(1);
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let delimiter = [
            &b": "[..],
            b" caused ",
            b" desc = ",
            b":\n",
            b"\n",
            b":\t",
            b"; ",
        ]
        .into_iter()
        .find(|delimiter| rest.starts_with(delimiter));
        match delimiter {
            Some(delimiter) => {
                pieces.push(start..at);
                at = at.saturating_add(delimiter.len());
                start = at;
            }
            None => at = at.saturating_add(1),
        }
    }
    pieces.push(start..text.len());
    let pieces = pieces.into_iter().map(|piece| trim(text, piece));
    (pieces.filter(|piece| !piece.is_empty()).collect(), groups)
}

fn trim(text: &str, piece: Range<usize>) -> Range<usize> {
    let Some(inner) = text.get(piece.clone()) else {
        return piece.start..piece.start;
    };
    let start = piece
        .start
        .saturating_add(inner.len().saturating_sub(inner.trim_start().len()));
    start..start.saturating_add(inner.trim().len())
}

/// Outermost pairs of quotes and brackets, by where they open.
fn partners(text: &str) -> Vec<(usize, usize)> {
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        let quoted = open.last().is_some_and(|(_, byte)| *byte == b'"');
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if quoted => {
                if let Some((start, _)) = open.pop() {
                    pairs.push((start, at));
                }
            }
            b'"' => open.push((at, b'"')),
            b'(' | b'[' if !quoted => open.push((at, byte)),
            b')' | b']' if !quoted => {
                let want = if byte == b')' { b'(' } else { b'[' };
                if let Some(found) = open.iter().rposition(|(_, byte)| *byte == want) {
                    if let Some((start, _)) = open.get(found) {
                        pairs.push((*start, at));
                    }
                    open.truncate(found);
                }
            }
            _ => {}
        }
    }
    pairs.sort_unstable();
    // Only the outermost of them.
    let mut outer: Vec<(usize, usize)> = Vec::new();
    for pair in pairs {
        if outer.last().is_none_or(|(_, end)| pair.0 > *end) {
            outer.push(pair);
        }
    }
    outer
}
