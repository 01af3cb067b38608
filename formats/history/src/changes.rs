//! What differs between two versions of a record.

use serde::Serialize;
use serde_json::Value;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The keys that lead to it.
    pub path: Vec<String>,
    /// What stood there; null: nothing.
    pub old: Value,
    /// What stands there; null: nothing.
    pub new: Value,
}

/// Every field that differs, objects compared key by key. The depth is that of parsed documents,
/// which serde_json bounds; nothing recurses.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_is_told_once() {
        let old = json!({"a": 1, "gone": true, "labels": {"x": "1", "y": "2"}});
        let new = json!({"a": 1, "labels": {"x": "3", "y": "2"}, "more": [1]});
        let told: Vec<(String, Value, Value)> = changes(&old, &new)
            .into_iter()
            .map(|change| (change.path.join(" > "), change.old, change.new))
            .collect();
        let want = [
            ("gone".to_owned(), json!(true), Value::Null),
            ("labels > x".to_owned(), json!("1"), json!("3")),
            ("more".to_owned(), Value::Null, json!([1])),
        ];
        assert_eq!(told, want);
    }
}
