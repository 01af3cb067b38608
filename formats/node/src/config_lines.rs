//! On which line of a configuration file each of its keys stands.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Lines, counted from 1, by the keys that lead there.
pub(crate) type Lines = BTreeMap<Vec<String>, usize>;

/// No configuration has more keys that are kept.
const MOST: usize = 20_000;

/// The lines of a file; none where it is no TOML.
pub(crate) fn lines(text: &str) -> Lines {
    let mut found = Lines::new();
    let Ok(document) = DeTable::parse(text) else {
        return found;
    };
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| ends.partition_point(|end| *end < at).saturating_add(1);
    let mut open: Vec<(Vec<String>, &DeTable<'_>)> = vec![(Vec::new(), document.get_ref())];
    while let Some((path, table)) = open.pop() {
        for (key, value) in table {
            if found.len() >= MOST {
                return found;
            }
            let mut path = path.clone();
            path.push(key.get_ref().to_string());
            found.insert(path.clone(), line(key.span().start));
            if let DeValue::Table(inner) = value.get_ref() {
                open.push((path, inner));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_on_lines() {
        let text =
            "version = 2\n\n[plugins.'io.x']\n  a = 1 # one\n  [plugins.'io.x'.deep]\nb = [\n1]\n";
        let lines = lines(text);
        let of = |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
            lines.get(&path).copied()
        };
        assert_eq!(of(&["version"]), Some(1));
        assert_eq!(of(&["plugins", "io.x"]), Some(3));
        assert_eq!(of(&["plugins", "io.x", "a"]), Some(4));
        assert_eq!(of(&["plugins", "io.x", "deep", "b"]), Some(6));
        assert_eq!(super::lines("not = = toml"), Lines::new());
    }
}
