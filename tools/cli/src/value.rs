//! JSON for people.

use std::io;

use finding::Escaped;
use serde_json::Value;

use crate::Pen;

/// JSON as indented lines, without its punctuation. The depth is that of a parsed document, which
/// serde_json bounds.
pub fn value_lines(value: &Value, depth: usize, pen: &mut Pen<'_>) -> io::Result<()> {
    let mut stack: Vec<(usize, String, &Value)> = Vec::new();
    children(&mut stack, depth, value);
    while let Some((depth, key, value)) = stack.pop() {
        let indent = "  ".repeat(depth);
        match value {
            Value::Object(map) if map.is_empty() => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Null => {}
            Value::Object(_) | Value::Array(_) => {
                pen.line(format_args!("{indent}{key}:"))?;
                children(&mut stack, depth.saturating_add(1), value);
            }
            Value::String(text) => {
                pen.line(format_args!("{indent}{key}: {}", Escaped(text.as_bytes())))?;
            }
            other => pen.line(format_args!("{indent}{key}: {other}"))?,
        }
    }
    Ok(())
}

fn children<'v>(stack: &mut Vec<(usize, String, &'v Value)>, depth: usize, value: &'v Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter().rev() {
                stack.push((depth, Escaped(key.as_bytes()).to_string(), value));
            }
        }
        Value::Array(list) => {
            for value in list.iter().rev() {
                stack.push((depth, "-".to_owned(), value));
            }
        }
        _ => {}
    }
}
