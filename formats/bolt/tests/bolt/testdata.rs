//! What stands in `testdata/bolt`: good files, and readable damage to them.

use std::path::{Path, PathBuf};

use bolt::{CarveOptions, SalvageOptions};
pub(crate) use metadb::SCHEMAS;
use serde::Deserialize;

/// Damage to a good file, and what must be said about it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// The good file.
    pub(crate) good: String,
    /// What was done to it.
    #[serde(rename = "why")]
    pub(crate) _why: String,
    /// The code that must appear at `at`.
    pub(crate) code: String,
    pub(crate) at: u64,
    /// Codes that follow from it.
    #[serde(default)]
    pub(crate) also: Vec<String>,
    /// Bytes that the file keeps.
    truncate: Option<usize>,
    #[serde(default)]
    edit: Vec<Edit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    at: usize,
    bytes: String,
    /// How many bytes, if the pattern is shorter.
    len: Option<usize>,
}

/// As the tools carve.
pub(crate) fn carve_options() -> CarveOptions {
    CarveOptions {
        schemas: SCHEMAS,
        ..CarveOptions::default()
    }
}

/// As the tools salvage.
pub(crate) fn salvage_options() -> SalvageOptions {
    SalvageOptions {
        schemas: SCHEMAS,
        ..SalvageOptions::default()
    }
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/bolt")
        .join(name)
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// Names of all good files.
pub(crate) fn goods() -> Vec<String> {
    let names = names(&folder("good")).into_iter();
    names
        .filter_map(|name| name.strip_suffix(".zst").map(str::to_owned))
        .collect()
}

/// A good file.
pub(crate) fn good(name: &str) -> Vec<u8> {
    packed(&format!("good/{name}.zst"))
}

/// A packed file of `testdata/bolt`, unpacked.
pub(crate) fn packed(name: &str) -> Vec<u8> {
    let packed = std::fs::read(folder("").join(name)).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

/// All cases by name, with the damaged file.
pub(crate) fn cases() -> Vec<(String, Case, Vec<u8>)> {
    let cases = folder("cases");
    names(&cases)
        .into_iter()
        .map(|name| {
            let text = std::fs::read_to_string(cases.join(&name).join("edits.toml")).unwrap();
            let case: Case = toml::from_str(&text).unwrap();
            let bytes = case.apply(good(&case.good));
            (name, case, bytes)
        })
        .collect()
}

impl Case {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        for edit in &self.edit {
            let pattern = hex::decode(&edit.bytes).unwrap();
            let end = edit.at + edit.len.unwrap_or(pattern.len());
            bytes.resize(bytes.len().max(end), 0);
            let target = &mut bytes[edit.at..end];
            for (to, from) in target.iter_mut().zip(pattern.iter().cycle()) {
                *to = *from;
            }
        }
        bytes.truncate(self.truncate.unwrap_or(usize::MAX));
        bytes
    }
}
