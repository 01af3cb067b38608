//! A record as lines that a person reads: indented, without JSON's punctuation.
//!
//! Short lists of words stand in one line; an empty text is `""`, so that it is not taken for one
//! that is not there. Nothing is cut.

use std::io;

use finding::Escaped;
use serde_json::Value;

use crate::Pen;

/// Writes the fields of a record, indented by `depth` steps. How deep it goes is bounded by
/// serde_json, which parsed it.
pub fn value_lines(record: &Value, depth: usize, pen: &mut Pen<'_>) -> io::Result<()> {
    // A record stands as it is: its digests are not shortened.
    let pen = &mut pen.in_full();
    let mut stack: Vec<Item<'_>> = Vec::new();
    match record {
        Value::Object(map) => push(&mut stack, depth, map.iter()),
        value => stack.push(Item {
            depth,
            key: "-".to_owned(),
            value,
        }),
    }
    while let Some(Item { depth, key, value }) = stack.pop() {
        let first = format!("{}{key}", "  ".repeat(depth));
        let inner = depth.saturating_add(1);
        match value {
            Value::Null => {}
            Value::Object(map) if map.is_empty() => {}
            Value::Array(list) if list.is_empty() => {}
            Value::Object(map) => {
                let mut fields = map.iter();
                // An object in a list begins on the line of its dash.
                let head = map.iter().next().filter(|(_, value)| is_scalar(value));
                if let Some((name, value)) = head.filter(|_| key == "-") {
                    fields.next();
                    pen.paragraph(&format!("{first} {}: ", shown(name)), &scalar(value))?;
                } else if key == "-" {
                    pen.line(&first)?;
                } else {
                    pen.line(format_args!("{first}:"))?;
                }
                push(&mut stack, inner, fields);
            }
            Value::Array(list) if list.iter().all(is_scalar) && is_short(list) => {
                let words: Vec<String> = list.iter().map(scalar).collect();
                pen.paragraph(&format!("{first}: ["), &format!("{}]", words.join(", ")))?;
            }
            Value::Array(list) => {
                pen.line(format_args!("{first}:"))?;
                for value in list.iter().rev() {
                    stack.push(Item {
                        depth: inner,
                        key: "-".to_owned(),
                        value,
                    });
                }
            }
            value if key == "-" => pen.paragraph(&format!("{first} "), &scalar(value))?,
            value => pen.paragraph(&format!("{first}: "), &scalar(value))?,
        }
    }
    Ok(())
}

/// A value that is still to be written, and what stands before it.
struct Item<'v> {
    depth: usize,
    key: String,
    value: &'v Value,
}

fn push<'v>(
    stack: &mut Vec<Item<'v>>,
    depth: usize,
    fields: impl DoubleEndedIterator<Item = (&'v String, &'v Value)>,
) {
    for (key, value) in fields.rev() {
        stack.push(Item {
            depth,
            key: shown(key),
            value,
        });
    }
}

const fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}

/// Whether every word of a list is short; longer ones take a line each.
fn is_short(list: &[Value]) -> bool {
    let is_short = |value: &Value| match value {
        Value::String(text) => text.len() <= 40 && !text.contains([' ', ',', '[', ']']),
        _ => true,
    };
    list.iter().all(is_short)
}

fn shown(key: &str) -> String {
    Escaped(key.as_bytes()).to_string()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => shown(text),
        Value::Null => "null".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    fn written(record: &serde_json::Value) -> String {
        let mut out = Vec::new();
        let mut pen = crate::Pen::new(&mut out, false, Some(60));
        super::value_lines(record, 1, &mut pen).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_reads_well_and_lacks_nothing() {
        let record = json!({
            "none": {}, "empty": "", "absent": null, "size": 5,
            "words": ["a", "b"],
            "long": ["one that is longer than forty letters are", "x"],
            "mounts": [{"destination": "/proc", "options": ["ro", "nosuid"]}, {"deep": {"er": true}}],
            "esc\u{1b}": "\u{202e}x", "nested": {"list": [[1, 2], []]},
        });
        let want = "  empty: \"\"
  size: 5
  words: [a, b]
  long:
    - one that is longer than forty letters are
    - x
  mounts:
    - destination: /proc
      options: [ro, nosuid]
    -
      deep:
        er: true
  esc\\x1b: \\u{202e}x
  nested:
    list:
      -: [1, 2]
";
        assert_eq!(written(&record), want);
    }
}
