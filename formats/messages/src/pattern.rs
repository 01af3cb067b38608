//! Texts with typed holes, and how they are looked for.

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// What may stand in a hole.
fn hole(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "" => r"((?:[^:\n]|:[^\s])*?)",
        "q" => r#"("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"]+)"#,
        "n" => r"(-?(?:0x)?[0-9a-fA-F]+)",
        "path" => r#"("?/(?:[^:\s"]|:[^\s"])*"?|"[^"]*")"#,
        // An id that stands without quotes.
        "bare" => r"([0-9A-Za-z_.-]+)",
        "id" => r#"("?[0-9A-Za-z_.@/-]+"?)"#,
        "rest" => r"((?s:.*?))",
        _ => return None,
    })
}

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'p> {
    /// Stands in the line as it is here.
    Literal(&'p str),
    /// Differs.
    Hole(&'p str),
}

/// The pieces of `text`, in order.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(inner) = rest.strip_prefix('{')
            && let Some((kind, after)) = inner.split_once('}')
            && hole(kind).is_some()
        {
            rest = after;
            return Some(Part::Hole(kind));
        }
        let skip = usize::from(rest.starts_with('{'));
        let found = rest.get(skip..).and_then(|later| later.find('{'));
        let end = found.map_or(rest.len(), |at| at.saturating_add(skip));
        let (literal, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Part::Literal(literal))
    })
}

/// The longest piece that is always the same.
pub(crate) fn longest_literal(text: &str) -> &str {
    let literals = parts(text).filter_map(|part| match part {
        Part::Literal(literal) => Some(literal),
        Part::Hole(_) => None,
    });
    literals
        .reduce(|best, next| if next.len() > best.len() { next } else { best })
        .unwrap_or_default()
}

/// As a person reads it.
pub(crate) fn shown(text: &str) -> String {
    parts(text)
        .map(|part| match part {
            Part::Literal(literal) => literal,
            Part::Hole("q") => "\"…\"",
            Part::Hole(_) => "…",
        })
        .collect()
}

/// Where a text has a pattern.
#[derive(Debug)]
pub(crate) struct Match<'t> {
    /// Where it ends.
    pub(crate) end: usize,
    /// Where another's error begins in it, if it ends with one.
    pub(crate) inner: Option<usize>,
    /// What stands in its holes.
    pub(crate) holes: Vec<&'t str>,
}

/// A text that is looked for.
#[derive(Debug)]
pub(crate) struct Pattern {
    text: &'static str,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self {
            text,
            regex: OnceLock::new(),
        }
    }

    /// What the automaton looks for.
    pub(crate) fn literal(&self) -> &'static str {
        // What stands after a hole that takes anything may stand in any later piece.
        let (first, _) = self.text.split_once("{rest}").unwrap_or((self.text, ""));
        longest_literal(first)
    }

    /// How long what stands before the literal is, if that is always the same.
    pub(crate) fn fixed_before(&self) -> usize {
        let literal = self.literal();
        let before = self.text.find(literal).unwrap_or(0);
        let trimmed = literal.len().saturating_sub(literal.trim_start().len());
        match self.text.get(..before) {
            Some(before) if !before.contains('{') => before.len().saturating_add(trimmed),
            _ => trimmed,
        }
    }

    /// Whether what the automaton looks for is nearly all that is always the same.
    pub(crate) fn is_mostly_literal(&self) -> bool {
        let letters = self.literal().bytes();
        let letters = letters.filter(u8::is_ascii_alphanumeric).count();
        letters.saturating_mul(10) >= self.weight().saturating_mul(9)
    }

    /// How many `: ` stand before the literal: so many pieces before it, the text begins.
    pub(crate) fn pieces_before(&self) -> usize {
        let literal = self.literal();
        let before = self
            .text
            .split_once(literal)
            .map_or("", |(before, _)| before);
        before.matches(": ").count()
    }

    /// Letters that are always the same.
    pub(crate) fn weight(&self) -> usize {
        parts(self.text)
            .map(|part| match part {
                Part::Literal(literal) => literal.bytes().filter(u8::is_ascii_alphanumeric).count(),
                Part::Hole(_) => 0,
            })
            .sum()
    }

    /// Whether it ends with another's error: what stands after its last `: ` may be anything.
    fn is_open(&self) -> bool {
        [": {rest}", ": {}"]
            .iter()
            .any(|end| self.text.ends_with(end))
    }

    /// Where `text` has it, if `text` begins with it and a piece ends there.
    pub(crate) fn matches<'t>(&self, text: &'t str) -> Option<Match<'t>> {
        let regex = self.regex.get_or_init(|| compile(self.text)).as_ref()?;
        let found = regex.captures(text.as_bytes())?;
        let end = found.name("end")?.start();
        // The last group is the end's.
        let groups = found.len().saturating_sub(2);
        let holes: Vec<_> = found.iter().skip(1).take(groups).flatten().collect();
        let last = holes.last().map(regex::bytes::Match::start);
        Some(Match {
            end,
            inner: last.filter(|_| self.is_open()),
            holes: holes
                .into_iter()
                .filter_map(|hole| text.get(hole.range()))
                .collect(),
        })
    }
}

fn compile(text: &str) -> Option<Regex> {
    let mut source = String::from("^");
    for part in parts(text) {
        match part {
            Part::Literal(literal) => {
                for (number, word) in literal.split(' ').enumerate() {
                    if number > 0 {
                        source.push_str(r"\s+");
                    }
                    source.push_str(&regex::escape(word));
                }
            }
            Part::Hole(kind) => source.push_str(hole(kind)?),
        }
    }
    // A piece ends here: at the end, before the next `: `, before a field or a remark.
    source.push_str(
        r#"(?P<end>[.!]?\s*$|\.?:\s|[;,)\]"'`\n]|\.\s|\s\(|\s+[A-Za-z_.]+=|\s+caused\b|\s*\\n)"#,
    );
    // Linear time whatever stands in the line; the size is bounded for the texts' own sake.
    RegexBuilder::new(&source)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(1 << 20)
        .build()
        .ok()
}
