//! BoltDB files of `testdata/bolt`: good ones, and the damaged ones that its cases describe.

use std::path::Path;

use serde::Deserialize;

/// The damage of a case; what must be said of it does not matter here.
#[derive(Deserialize)]
struct Case {
    good: String,
    truncate: Option<usize>,
    #[serde(default)]
    edit: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    at: usize,
    bytes: String,
    len: Option<usize>,
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A good file, by its name without `.zst`.
pub fn bolt_good(name: &str) -> Vec<u8> {
    let path = crate::testdata()
        .join("bolt/good")
        .join(format!("{name}.zst"));
    zstd::decode_all(std::fs::read(path).unwrap().as_slice()).unwrap()
}

/// Names of all good files.
pub fn bolt_goods() -> Vec<String> {
    let names = names(&crate::testdata().join("bolt/good")).into_iter();
    names
        .filter_map(|name| name.strip_suffix(".zst").map(str::to_owned))
        .collect()
}

/// Every damaged file: its name, that of the good one, and its bytes.
pub fn bolt_cases() -> Vec<(String, String, Vec<u8>)> {
    let cases = crate::testdata().join("bolt/cases");
    names(&cases)
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(cases.join(&name).join("edits.toml")).unwrap();
            let case: Case = toml::from_str(&text).unwrap();
            let mut bytes = bolt_good(&case.good);
            for change in &case.edit {
                let pattern = hex::decode(&change.bytes).unwrap();
                let end = change.at + change.len.unwrap_or(pattern.len());
                bytes.resize(bytes.len().max(end), 0);
                let target = &mut bytes[change.at..end];
                for (to, from) in target.iter_mut().zip(pattern.iter().cycle()) {
                    *to = *from;
                }
            }
            bytes.truncate(case.truncate.unwrap_or(usize::MAX));
            (name, case.good, bytes)
        })
        .collect()
}
