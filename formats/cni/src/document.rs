//! A document as libcni takes it: whole, or not at all.

use finding::Text;
use json::{Document, Flaw, Node};
use view::View;

use crate::ConfFault;

/// Reads one document.
pub(crate) fn parse_document(bytes: &[u8]) -> Result<Node, ConfFault> {
    // Go replaces what is not UTF-8, and goes on.
    let text = String::from_utf8_lossy(bytes);
    let read = Document::parse(View::new(text.as_bytes()));
    let mut flaws = read.flaws.iter();
    match flaws.find(|flaw| !flaw.is_harmless()) {
        None => read.root.ok_or(ConfFault::Ends),
        Some(Flaw::Empty | Flaw::Ends { .. }) => Err(ConfFault::Ends),
        Some(flaw) => Err(not_json(&text, flaw.span().start)),
    }
}

/// The line and the byte in it of an offset, both from one, and the character there.
fn not_json(text: &str, at: u64) -> ConfFault {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b'\n');
    let start = start.map_or(0, |newline| newline.saturating_add(1));
    let lines = String::from_utf8_lossy(before).matches('\n').count();
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let found = String::from_utf8_lossy(rest.get(..rest.len().min(4)).unwrap_or_default());
    ConfFault::Syntax {
        line: lines.saturating_add(1),
        column: at.saturating_sub(start).saturating_add(1),
        found: found.chars().next(),
    }
}

/// A field that is a string, or the Go name of what it is.
pub(crate) fn string_field<'n>(
    node: &'n Node,
    name: &str,
) -> Result<Option<&'n str>, &'static str> {
    match node.field(name) {
        None => Ok(None),
        Some(field) => field.string().map(Some).ok_or(field.go_kind()),
    }
}

/// A string of the evidence.
pub(crate) fn text_of(node: Option<&Node>) -> Option<Text> {
    node.and_then(Node::string).map(Text::from)
}
