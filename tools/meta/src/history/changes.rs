//! What differs between two versions of a record.

use cli::Style;
use finding::Escaped;
use serde::Serialize;
use serde_json::Value;

/// One field that differs.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    /// The keys that lead to it.
    path: Vec<String>,
    /// What stood there; null: nothing.
    old: Value,
    /// What stands there; null: nothing.
    new: Value,
}

/// Every field that differs, objects compared key by key. The depth is that of parsed documents,
/// which serde_json bounds; nothing recurses.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut stack = vec![(Vec::new(), old, new)];
    while let Some((path, old, new)) = stack.pop() {
        if old == new {
            continue;
        }
        let (Value::Object(before), Value::Object(after)) = (old, new) else {
            changes.push(Change {
                path,
                old: old.clone(),
                new: new.clone(),
            });
            continue;
        };
        let added = after.keys().filter(|key| !before.contains_key(*key));
        let keys: Vec<&String> = before.keys().chain(added).collect();
        for key in keys.into_iter().rev() {
            let mut below: Vec<String> = path.clone();
            below.push(key.clone());
            let none = &Value::Null;
            stack.push((
                below,
                before.get(key).unwrap_or(none),
                after.get(key).unwrap_or(none),
            ));
        }
    }
    changes
}

impl Change {
    /// As a line: `~ updated: … -> …`.
    pub(super) fn text(&self) -> (Style, String) {
        let path: Vec<String> = self
            .path
            .iter()
            .map(|key| Escaped(key.as_bytes()).to_string())
            .collect();
        let path = path.join(" > ");
        match (&self.old, &self.new) {
            (Value::Null, new) => (Style::Good, format!("+ {path}: {}", shown(new))),
            (old, Value::Null) => (Style::Bad, format!("- {path}: {}", shown(old))),
            (old, new) => (
                Style::Warning,
                format!("~ {path}: {} -> {}", shown(old), shown(new)),
            ),
        }
    }
}

/// Letters of a value that are shown.
const SHOWN: usize = 100;

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Escaped(short.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_is_told_once() {
        let old = json!({"a": 1, "gone": true, "labels": {"x": "1", "y": "2"}});
        let new = json!({"a": 1, "labels": {"x": "3", "y": "2"}, "more": [1]});
        let lines: Vec<String> = changes(&old, &new)
            .iter()
            .map(|change| change.text().1)
            .collect();
        assert_eq!(
            lines,
            ["- gone: true", "~ labels > x: 1 -> 3", "+ more: [1]"]
        );
    }
}
