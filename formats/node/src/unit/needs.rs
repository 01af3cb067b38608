//! Keys of `[Unit]`: when systemd starts a unit at all, and which units it needs.

use std::path::Path;

use evidence::Evidence;

use super::{UNIT_FOLDERS, is_there};

/// Whether a key of `[Unit]` says when systemd starts it at all.
pub(super) fn is_condition(key: &str) -> bool {
    key.starts_with("Condition") || key.starts_with("Assert")
}

/// Whether a key of `[Unit]` names units without which a start of it fails.
pub(super) fn is_need(key: &str) -> bool {
    matches!(key, "Requires" | "Requisite" | "BindsTo")
}

/// Units of these lists that no folder of units has. Those that systemd makes by itself (devices, slices,
/// mounts of fstab) are never told.
pub(super) fn lacking(evidence: &Evidence, lists: &[(String, String)]) -> Vec<(String, String)> {
    let mut named: Vec<(&str, &str)> = Vec::new();
    for (key, list) in lists {
        if list.is_empty() {
            named.retain(|(other, _)| other != key);
        }
        named.extend(list.split_whitespace().map(|name| (key.as_str(), name)));
    }
    let is_made = |name: &str| {
        let ends = [".service", ".socket", ".target", ".path", ".timer"];
        !ends.iter().any(|end| name.ends_with(end)) || name.contains('%')
    };
    let has = |name: &str| {
        let mut folders = UNIT_FOLDERS.iter().map(Path::new);
        folders.any(|folder| is_there(evidence, &folder.join(name)))
    };
    // An instance is made of its template.
    let template = |name: &str| {
        let (stem, end) = name.rsplit_once('.')?;
        let (stem, _) = stem.split_once('@')?;
        Some(format!("{stem}@.{end}"))
    };
    named
        .into_iter()
        .filter(|(_, name)| !is_made(name) && !has(name))
        .filter(|(_, name)| !template(name).is_some_and(|name| has(&name)))
        .map(|(key, name)| (key.to_owned(), name.to_owned()))
        .collect()
}
