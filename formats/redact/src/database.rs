//! Secrets in a database: specs and the CRI's records are JSON in values, and what was deleted
//! stays on pages that are free.

use core::ops::ControlFlow;

use bolt::{AccountOptions, Area, CheckOptions, Line, PageState, account, check};
use view::View;

use crate::json;

/// Bytes of a page's header, which are kept even where the page is free.
const HEADER: u64 = 16;

/// Masks the secrets; how many values. Nothing is moved: keys, sizes and offsets stay.
pub(crate) fn mask(bytes: &mut [u8]) -> u64 {
    for (from, until) in leftovers(bytes) {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let until = usize::try_from(until).unwrap_or(usize::MAX);
        if let Some(piece) = bytes.get_mut(from..until) {
            piece.fill(0);
        }
    }
    documents(bytes)
}

/// The stretches that no tree in use has: free pages, and what is left between values.
fn leftovers(bytes: &[u8]) -> Vec<(u64, u64)> {
    let view = View::new(bytes);
    let Ok(report) = check(&view, &CheckOptions::default()) else {
        return Vec::new();
    };
    if report.is_unsupported() || report.page_size.is_none() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let options = AccountOptions {
        old: false,
        ..AccountOptions::default()
    };
    let mut keeps = false;
    let _all = account(&view, &report, &options, &mut |line| {
        match line {
            Line::Stretch(stretch) => {
                let span = stretch.span;
                keeps = true;
                match stretch.area {
                    Area::Page(PageState::Free | PageState::Lost) => {
                        found.push((span.start.saturating_add(HEADER), span.end()));
                        keeps = false;
                    }
                    Area::Past | Area::Ragged => {
                        found.push((span.start, span.end()));
                        keeps = false;
                    }
                    // Also the tree before: it is read where the newest is damaged.
                    Area::Page(_) | Area::NoPages => {}
                }
            }
            Line::Piece(piece) => {
                if keeps && piece.name == "slack" {
                    found.push((piece.span.start, piece.span.end()));
                }
            }
        }
        ControlFlow::Continue(())
    });
    found
}

/// Masks every JSON document, wherever it begins.
fn documents(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut at = 0;
    while let Some(found) = next(bytes, at) {
        // A document ends at the first byte that is none: what follows is another value.
        let end = end(bytes, found);
        let mut document = bytes.get(found..end).unwrap_or_default().to_vec();
        masked = masked.saturating_add(json::mask(&mut document));
        if let Some(place) = bytes.get_mut(found..end) {
            place.copy_from_slice(&document);
        }
        at = end.max(found.saturating_add(1));
    }
    masked
}

/// Where the next document may begin: an object with a name.
fn next(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let found = rest.windows(2).position(|pair| pair == b"{\"")?;
    Some(at.saturating_add(found))
}

/// Where the document that begins at `from` ends: behind its last bracket, or at a byte that no
/// JSON has outside of a string.
fn end(bytes: &[u8], from: usize) -> usize {
    let mut depth = 0_usize;
    let mut at = from;
    let mut text = false;
    while let Some(byte) = bytes.get(at) {
        match byte {
            // Strings of Go's encoder have no control characters.
            0..=0x1f if text || !byte.is_ascii_whitespace() => return at,
            b'\\' if text => at = at.saturating_add(1),
            b'"' => text = !text,
            b'{' | b'[' if !text => depth = depth.saturating_add(1),
            b'}' | b']' if !text => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at.saturating_add(1);
                }
            }
            _ => {}
        }
        at = at.saturating_add(1);
    }
    bytes.len()
}
