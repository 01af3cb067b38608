//! The children of a branch, and whether each is the one that it was written for.

use view::Span;

use super::super::{
    frame::{Frame, Next},
    mend::{Hole, Row},
};
use crate::{
    node::Node,
    scan::{Bounds, scan},
    space::Pointer,
};

/// Whether the page does not start with the key that the branch above has of it: whoever writes a page
/// writes its first key into the branch, so one of the two is of another transaction. Not if a byte of the
/// key is wrong, nor if the page goes beyond what the branch leaves to it, which is told element by element.
pub(super) fn is_of_other_branch(node: &Node<'_>, bounds: Hole<'_>, first: Option<&[u8]>) -> bool {
    let (Some(first), Ok(element)) = (first, node.element(0)) else {
        return false;
    };
    let key = element.key.bytes();
    let is_inside =
        bounds.0.is_none_or(|from| key >= from) && bounds.1.is_none_or(|until| key < until);
    if key == first || !is_inside || is_nearly(key, first) {
        return false;
    }
    let mut faults = Vec::new();
    let limits = Bounds {
        until: bounds.1,
        ..Bounds::default()
    };
    scan(node, limits, &mut faults, |_, _| {});
    faults.is_empty()
}

/// Whether one byte makes the difference.
fn is_nearly(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).filter(|(one, other)| one != other);
    one.len() == other.len() && differ.count() == 1
}

/// The children of a branch, onto the stack.
pub(super) fn branch<'s>(
    frame: &mut Frame<'s>,
    node: &Node<'s>,
    rows: &[Row<'s>],
    bounds: Hole<'s>,
    depth: u64,
    has_hole_first: bool,
) {
    let mut until = bounds.1;
    for (number, row) in rows.iter().enumerate().rev() {
        let pointer = Pointer {
            to: row.child.unwrap_or_default(),
            from: node.id(),
            span: Span::new(row.span.start.saturating_add(8), 8),
        };
        // The library sends smaller keys to the first child, too.
        let is_first = number == 0 && !has_hole_first;
        let from = if is_first { bounds.0 } else { Some(row.key) };
        let deeper = depth.saturating_add(1);
        frame.nodes.push(Next {
            pointer,
            bounds: (from, until),
            depth: deeper,
            first: Some(row.key),
        });
        until = Some(row.key);
    }
}
