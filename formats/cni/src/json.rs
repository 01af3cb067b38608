//! JSON as Go's `encoding/json` takes it.

use finding::Text;
use serde_json::{Map, Value};

use crate::ConfFault;

/// Reads one document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, ConfFault> {
    // Go replaces what is not UTF-8, and goes on.
    let text = String::from_utf8_lossy(bytes);
    if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err(ConfFault::Ends);
    }
    serde_json::from_str(&text).map_err(|error| {
        if error.is_eof() {
            ConfFault::Ends
        } else {
            ConfFault::Syntax {
                line: error.line(),
                column: error.column(),
                found: found(&text, error.line(), error.column()),
            }
        }
    })
}

/// The character at a line and a column of the parser, which counts bytes from one.
fn found(text: &str, line: usize, column: usize) -> Option<char> {
    let line = text.split('\n').nth(line.checked_sub(1)?)?;
    let bytes = line.as_bytes().get(column.checked_sub(1)?..)?;
    String::from_utf8_lossy(bytes.get(..bytes.len().min(4))?)
        .chars()
        .next()
}

/// What Go finds in a field of this name where it decodes into a structure: the case does not
/// matter, the last one counts, and `null` is nothing.
pub(crate) fn field<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    let fits = map
        .iter()
        .rev()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    fits.map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

/// A field that is a string, or the Go name of what it is.
pub(crate) fn string<'v>(
    map: &'v Map<String, Value>,
    name: &str,
) -> Result<Option<&'v str>, &'static str> {
    match field(map, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(kind(other)),
    }
}

/// What Go calls a kind of value in its messages.
pub(crate) const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// What Go calls the type that a value has when nothing says which it should be (`%T`).
pub(crate) const fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A string of the evidence.
pub(crate) fn json_text(value: Option<&Value>) -> Option<Text> {
    value.and_then(Value::as_str).map(Text::from)
}
