//! How units, drop-ins, files of variables and command lines are written.

use super::needs::{is_condition, is_need};

/// `Key=value` of the section `[Service]`, and of `[Unit]` what limits starts; lines that end in a
/// backslash joined.
pub(super) fn settings(text: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut section = String::new();
    let mut joined = String::new();
    for line in text.lines() {
        let line = line.trim();
        let is_comment = line.starts_with(['#', ';']);
        if is_comment || joined.is_empty() && line.is_empty() {
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            joined.push_str(part);
            joined.push(' ');
            continue;
        }
        joined.push_str(line);
        let whole = core::mem::take(&mut joined);
        if whole.starts_with('[') {
            section = whole;
        } else if let Some((key, value)) = whole.split_once('=') {
            let key = key.trim();
            let counts = match section.as_str() {
                "[Service]" => true,
                "[Unit]" => key.starts_with("StartLimit") || is_condition(key) || is_need(key),
                _ => false,
            };
            if counts {
                all.push((key.to_owned(), value.trim().to_owned()));
            }
        }
    }
    all
}

/// `NAME=value` of a file of variables.
pub(super) fn assignments(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with(['#', ';']));
    lines.filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim();
        let inner = ['"', '\''].iter().find_map(|quote| {
            value
                .strip_prefix(*quote)
                .and_then(|value| value.strip_suffix(*quote))
        });
        Some((name.trim().to_owned(), inner.unwrap_or(value).to_owned()))
    })
}

/// The words of a command line, quotes taken away.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => all.extend(word.take()),
            (_, '\\') => word.get_or_insert_default().extend(letters.next()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    all.extend(word);
    all
}
