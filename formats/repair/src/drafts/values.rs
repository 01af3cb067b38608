//! Values of a TOML document by their places in its text.

use std::ops::Range;

use node::Scalar;
use toml::de::{DeTable, DeValue};

/// Where the value at these keys stands, and how it is written.
pub(super) fn at(text: &str, path: &[String]) -> Option<(Range<usize>, String)> {
    let document = DeTable::parse(text).ok()?;
    let (last, above) = path.split_last()?;
    let mut table = document.get_ref();
    for key in above {
        let value = table.get(key.as_str())?;
        let DeValue::Table(inner) = value.get_ref() else {
            return None;
        };
        table = inner;
    }
    let value = table.get(last.as_str())?;
    if matches!(value.get_ref(), DeValue::Table(_)) {
        return None;
    }
    let span = value.span();
    let written = text.get(span.clone())?.to_owned();
    Some((span, written))
}

/// The text with something else in a place.
pub(super) fn replaced(text: &str, span: &Range<usize>, new: &str) -> String {
    let (before, after) = (text.get(..span.start), text.get(span.end..));
    format!(
        "{}{new}{}",
        before.unwrap_or_default(),
        after.unwrap_or_default()
    )
}

/// A string as TOML has it: one of JSON is one of TOML, too.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of strings.
pub(super) fn list(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|one| quoted(one)).collect();
    format!("[{}]", all.join(", "))
}

/// The same value as one of these types, where it says the same.
pub(super) fn converted(value: &Scalar, kinds: &[&str]) -> Option<String> {
    let takes = |kind: &str| kinds.contains(&kind);
    match value {
        Scalar::Text(text) => {
            let text = text.trim();
            let lower = text.to_ascii_lowercase();
            if takes("boolean") && (lower == "true" || lower == "false") {
                Some(lower)
            } else if takes("integer") && text.parse::<i64>().is_ok() {
                text.parse::<i64>().ok().map(|number| number.to_string())
            } else if takes("strings") && !takes("string") && !text.is_empty() {
                Some(list(&[text.to_owned()]))
            } else {
                None
            }
        }
        Scalar::Integer(number) if takes("string") => Some(quoted(&number.to_string())),
        Scalar::Bool(flag) if takes("string") && !takes("duration") => {
            Some(quoted(&flag.to_string()))
        }
        Scalar::List(all) if takes("string") && !takes("strings") => match all.as_slice() {
            [only] => Some(quoted(only)),
            _ => None,
        },
        _ => None,
    }
}
