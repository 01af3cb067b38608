//! Files that are no TOML, where what was meant is certain: something stands there twice, or bytes that
//! nobody wrote follow.
//!
//! Scripts that add a table to config.toml add it a second time when they run a second time; a crash
//! leaves zeroes where the end of a file was not yet written.

use toml::Table;

/// The text with an edit, and why, in the order in which they are tried.
pub(super) fn edits(text: &str, at: Option<usize>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    found.extend(without_zeroes(text));
    if let Some(at) = at {
        found.extend(without_repeat(text, at));
        found.extend(joined(text, at));
    }
    found.retain(|(text, _)| text.parse::<Table>().is_ok());
    found
}

/// The number of the line that a byte is in, from 1.
pub(super) fn line_at(text: &str, at: Option<usize>) -> usize {
    let before = at.and_then(|at| text.get(..at)).unwrap_or_default();
    let ends = before.matches('\n').count();
    ends.saturating_add(1)
}

fn without_zeroes(text: &str) -> Option<(String, String)> {
    let whole = text.trim_end_matches('\0');
    let zeroes = text.len().saturating_sub(whole.len());
    // A line that was cut says something else than it did; an end of a line is none.
    (zeroes > 0 && whole.ends_with('\n')).then(|| {
        (
            whole.to_owned(),
            format!("{zeroes} zero bytes follow the text, as a loss of power leaves them; whether more lines stood there is not known: compare it with a copy"),
        )
    })
}

/// Lines with the byte at which each begins.
fn lines(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0_usize;
    text.split_inclusive('\n')
        .map(|line| {
            let start = at;
            at = at.saturating_add(line.len());
            (start, line)
        })
        .collect()
}

fn is_header(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('[') && !line.starts_with("[[")
}

/// The header without its comment.
fn header(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// Lines from one header to the next.
fn block(lines: &[(usize, &str)], from: usize) -> std::ops::Range<usize> {
    let rest = lines.iter().enumerate().skip(from.saturating_add(1));
    let mut ends = rest.filter(|(_, (_, line))| line.trim_start().starts_with('['));
    let end = ends.next().map_or(lines.len(), |(index, _)| index);
    from..end
}

fn body(lines: &[(usize, &str)], block: &std::ops::Range<usize>) -> Option<Table> {
    let inner = lines.get(block.start.saturating_add(1)..block.end)?;
    let text: String = inner.iter().map(|(_, line)| *line).collect();
    text.parse().ok()
}

fn text_of(lines: &[(usize, &str)], but: &std::ops::Range<usize>) -> String {
    let kept = lines.iter().enumerate();
    let kept = kept.filter(|(index, _)| !but.contains(index));
    kept.map(|(_, (_, line))| *line).collect()
}

/// Without the second of two tables, or of two lines, that say the same.
fn without_repeat(text: &str, at: usize) -> Option<(String, String)> {
    let lines = lines(text);
    let (first, second) = repeated(&lines, at)?;
    let number = second.start.saturating_add(1);
    if is_header(lines.get(second.start)?.1) {
        let (one, other) = (body(&lines, &first)?, body(&lines, &second)?);
        let says_more = other.iter().any(|(key, value)| one.get(key) != Some(value));
        if says_more {
            return None;
        }
    } else {
        let (one, other) = (lines.get(first.start)?.1, lines.get(second.start)?.1);
        let (one, other): (Table, Table) = (one.parse().ok()?, other.parse().ok()?);
        if one != other {
            return None;
        }
    }
    let said = finding::Escaped(header(lines.get(second.start)?.1).as_bytes());
    Some((
        text_of(&lines, &second),
        format!(
            "line {number}: {said} stands there a second time and says nothing else: it is left out"
        ),
    ))
}

/// The second of two tables put into the first, where no key of theirs is the same.
fn joined(text: &str, at: usize) -> Option<(String, String)> {
    let lines = lines(text);
    let (first, second) = repeated(&lines, at)?;
    if !is_header(lines.get(second.start)?.1) {
        return None;
    }
    let (one, other) = (body(&lines, &first)?, body(&lines, &second)?);
    if other.keys().any(|key| {
        one.get(key)
            .is_some_and(|value| Some(value) != other.get(key))
    }) {
        return None;
    }
    // Of what both have, the first stays.
    let moved: Vec<&str> = lines
        .get(second.start.saturating_add(1)..second.end)?
        .iter()
        .map(|(_, line)| *line)
        .filter(|line| {
            let parsed: Option<Table> = line.parse().ok();
            !parsed
                .is_some_and(|table| table.keys().next().is_some_and(|key| one.contains_key(key)))
        })
        .collect();
    let end = lines
        .get(first.clone())?
        .iter()
        .rposition(|(_, line)| !line.trim().is_empty())?
        .saturating_add(first.start);
    let mut made = String::new();
    for (index, (_, line)) in lines.iter().enumerate() {
        if !second.contains(&index) {
            made.push_str(line);
        }
        if index == end {
            if !line.ends_with('\n') {
                made.push('\n');
            }
            for line in &moved {
                made.push_str(line);
            }
        }
    }
    let number = second.start.saturating_add(1);
    let said = finding::Escaped(header(lines.get(second.start)?.1).as_bytes());
    Some((
        made,
        format!(
            "line {number}: the table {said} stands there a second time, with other keys: they are put into the first"
        ),
    ))
}

/// The lines that say something for the first and the second time, where the parser stops at the
/// second.
fn repeated(
    lines: &[(usize, &str)],
    at: usize,
) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let own = lines.iter().rposition(|(start, _)| *start <= at)?;
    let line = lines.get(own)?.1;
    if is_header(line) {
        let same = |other: &str| is_header(other) && header(other) == header(line);
        let first = lines.iter().position(|(_, other)| same(other))?;
        return (first < own).then(|| (block(lines, first), block(lines, own)));
    }
    // A key of the same table.
    let key = |line: &str| -> Option<String> {
        let table: Table = line.parse().ok()?;
        table.keys().next().cloned()
    };
    let wanted = key(line)?;
    let above = lines.get(..own)?;
    let begin = above
        .iter()
        .rposition(|(_, line)| line.trim_start().starts_with('['))
        .map_or(0, |index| index.saturating_add(1));
    let first = above
        .iter()
        .enumerate()
        .skip(begin)
        .find(|(_, (_, line))| key(line).as_ref() == Some(&wanted))?
        .0;
    let one = |index: usize| index..index.saturating_add(1);
    Some((one(first), one(own)))
}
