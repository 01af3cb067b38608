//! The difference between two texts, as `diff -u` writes it.

use std::path::Path;

use finding::Escaped;
use similar::TextDiff;

/// The difference, with three lines around each change. What is no text for a terminal is escaped.
pub(crate) fn difference(name: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut unified = diff.unified_diff();
    let text = unified
        .context_radius(3)
        .header(name, &format!("{name} (corrected)"))
        .to_string();
    let lines = text.lines();
    let lines = lines.map(|line| Escaped(line.replace('\t', "    ").as_bytes()).to_string());
    lines.collect::<Vec<_>>().join("\n")
}

/// The text without its secrets.
pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    match redact::mask(
        Path::new("config.toml"),
        &mut bytes,
        &redact::Options::default(),
    ) {
        redact::Outcome::Masked(_) => String::from_utf8(bytes).unwrap_or_default(),
        redact::Outcome::LeftOut => String::new(),
    }
}
