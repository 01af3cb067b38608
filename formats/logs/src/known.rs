//! Lines and the messages that they are.

use std::collections::HashMap;

use messages::{Message, Role, Whose};

use crate::Level;
use crate::line::{Line, Program};

/// Of each line, the message that explains it: nothing where none is known, or where it tells
/// nothing. Lines that differ only in numbers and ids are looked up once.
pub fn explained(lines: &[Line]) -> Vec<Option<&'static Message>> {
    let mut known: HashMap<Vec<u8>, Option<&'static Message>> = HashMap::new();
    lines
        .iter()
        .map(|line| {
            if line.program == Program::Container || line.level <= Level::Info {
                return None;
            }
            let shape = shape(line);
            if let Some(message) = known.get(&shape) {
                return *message;
            }
            let message = explain(line);
            known.insert(shape, message);
            message
        })
        .collect()
}

fn explain(line: &Line) -> Option<&'static Message> {
    let text = String::from_utf8_lossy(line.text.bytes());
    let explained = messages::explain(&text);
    let head = explained.head.as_ref()?;
    // Where a line comes from explains nothing.
    if matches!(head, messages::Head::Place(..)) {
        return None;
    }
    let message = head.message()?;
    let tells = message.whose != Whose::Nobody && matches!(message.role, Role::Cause | Role::Act);
    tells.then_some(message)
}

/// What of a line is the same when it is said again: numbers, ids and times are left out.
pub(crate) fn shape(line: &Line) -> Vec<u8> {
    let text = line.text.bytes();
    let text = text.get(..text.len().min(4096)).unwrap_or_default();
    let mut shape = Vec::with_capacity(text.len().saturating_add(16));
    shape.extend_from_slice(line.program.name().as_bytes());
    shape.push(0);
    let mut word = Vec::new();
    for byte in text {
        if byte.is_ascii_alphanumeric() {
            word.push(*byte);
            continue;
        }
        put(&mut shape, &word);
        word.clear();
        shape.push(*byte);
    }
    put(&mut shape, &word);
    shape
}

/// A word, or `#` for one that is a number or an id.
fn put(shape: &mut Vec<u8>, word: &[u8]) {
    let has_digit = word.iter().any(u8::is_ascii_digit);
    if has_digit {
        if shape.last() != Some(&b'#') {
            shape.push(b'#');
        }
    } else {
        shape.extend_from_slice(word);
    }
}
