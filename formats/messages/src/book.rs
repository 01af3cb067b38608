//! All texts in one automaton, and what of them a chain holds.

use core::ops::Range;
use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::chain::Chain;
use crate::message::{Message, Role};
use crate::pattern::Pattern;
use crate::scope::Line;
use crate::text::{TEXTS, Text};
use crate::{context, messages, pattern};

/// So much of a chain is compared with one text.
const REACH: usize = 4 << 10;
/// A text with fewer letters, and whatever follows, is many.
const BROAD: usize = 16;
/// A text with fewer letters is said by others, too.
const SHORT: usize = 24;
/// So many candidates of one chain are compared.
const CANDIDATES: usize = 4 << 10;

/// What is known of a piece.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known {
    /// A message that is explained.
    Message(&'static Message),
    /// A text of which only its place in the source is known.
    Text(&'static Text),
}

/// A text in a chain.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) known: Known,
    /// The pieces that it covers.
    pub(crate) pieces: Range<usize>,
    pub(crate) holes: Vec<String>,
    /// Whether it takes in whatever follows.
    pub(crate) takes_the_rest: bool,
    /// Whether another's error follows it, as its text has it.
    pub(crate) is_open: bool,
    /// Whether little of its text is always the same, and it takes in whatever follows.
    pub(crate) is_broad: bool,
    /// Whether little of its text is always the same.
    pub(crate) is_short: bool,
    weight: usize,
    /// So many pieces its text covers, with another's error that ends it.
    reach: usize,
    /// Whether the line has a word without which it is another's.
    is_within: bool,
}

impl Hit {
    /// Which of two goes first, where they cover the same piece.
    const fn rank(&self) -> u8 {
        if !self.is_within {
            return 1;
        }
        match self.known {
            Known::Message(message) => match message.role {
                Role::Cause => 5,
                Role::Act => 4,
                Role::Consequence => 3,
                Role::Wrapper | Role::Errno | Role::Class => 2,
            },
            Known::Text(_) => 0,
        }
    }
}

struct Entry {
    pattern: Pattern,
    known: Known,
    pieces_before: usize,
    takes_the_rest: bool,
    weight: usize,
}

struct Book {
    entries: Vec<Entry>,
    automaton: Option<AhoCorasick>,
}

static BOOK: LazyLock<Book> = LazyLock::new(|| {
    let explained = messages().flat_map(|message| {
        message
            .says
            .iter()
            .map(move |text| (*text, Known::Message(message)))
    });
    let other = TEXTS.iter().map(|text| (text.says, Known::Text(text)));
    let entries: Vec<Entry> = explained
        .chain(other)
        .map(|(text, known)| {
            let pattern = Pattern::new(text);
            Entry {
                pieces_before: pattern.pieces_before(),
                takes_the_rest: text.contains("{rest}"),
                weight: pattern.weight(),
                pattern,
                known,
            }
        })
        .collect();
    // In lower case, as what is searched is: half as many states as with both cases, and so built sooner.
    let literals = entries
        .iter()
        .map(|entry| entry.pattern.literal().trim().to_ascii_lowercase());
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(literals)
        .ok();
    Book { entries, automaton }
});

/// What the pieces of `chain` are (not of those inside of it), by the first piece; `line` is the whole line.
pub(crate) fn look_up(chain: &Chain, line: &Line) -> Vec<Hit> {
    let mut found = Vec::new();
    let Some(automaton) = &BOOK.automaton else {
        return found;
    };
    let mut tried = HashSet::new();
    let lower = chain.text.to_ascii_lowercase();
    for place in automaton.find_overlapping_iter(&lower) {
        let number = place.pattern().as_usize();
        let Some(entry) = BOOK.entries.get(number) else {
            continue;
        };
        // The piece that the literal is in, and so many before it.
        let inside = chain
            .pieces
            .partition_point(|piece| piece.start <= place.start());
        let Some(first) = inside.checked_sub(entry.pieces_before.saturating_add(1)) else {
            continue;
        };
        if !tried.insert((number, first)) {
            continue;
        }
        if tried.len() > CANDIDATES {
            break;
        }
        // What is another's in this line stands in the way of nothing.
        if matches!(entry.known, Known::Message(message) if context::is_anothers(message, line)) {
            continue;
        }
        if let Some(mut hit) = compare(chain, first, entry) {
            hit.is_within = match entry.known {
                Known::Message(message) => context::is_within(message, line),
                Known::Text(_) => true,
            };
            found.push(hit);
        }
    }
    // Causes before acts, the explained before the others, the rarer before the more common; none over another.
    found.sort_by_key(|hit| std::cmp::Reverse((hit.rank(), hit.weight, hit.reach)));
    let mut kept: Vec<Hit> = Vec::new();
    for hit in found {
        let meets = |other: &Hit| {
            other.pieces.start < hit.pieces.end && hit.pieces.start < other.pieces.end
        };
        if !kept.iter().any(meets) {
            kept.push(hit);
        }
    }
    kept.sort_by_key(|hit| hit.pieces.start);
    kept
}

fn compare(chain: &Chain, first: usize, entry: &Entry) -> Option<Hit> {
    let start = chain.pieces.get(first)?.start;
    let rest = within_reach(chain.text.get(start..)?);
    // A piece may begin with a quote or a bracket.
    let open = rest
        .len()
        .saturating_sub(rest.trim_start_matches(['"', '[', '(', '\'', '`']).len());
    let (found, open) = match entry.pattern.matches(rest) {
        Some(found) => (found, 0),
        None if open > 0 => (entry.pattern.matches(rest.get(open..)?)?, open),
        None => return None,
    };
    let piece_of = |at: usize| {
        let at = start.saturating_add(open).saturating_add(at);
        chain.pieces.partition_point(|piece| piece.start < at)
    };
    // Another's error inside of it is looked up by itself.
    let last = piece_of(found.inner.unwrap_or(found.end));
    Some(Hit {
        known: entry.known,
        pieces: first..last.max(first.saturating_add(1)),
        holes: found.holes.into_iter().map(str::to_owned).collect(),
        takes_the_rest: entry.takes_the_rest && found.inner.is_none(),
        is_open: found.inner.is_some(),
        is_broad: entry.takes_the_rest && entry.weight < BROAD,
        is_short: entry.weight < SHORT,
        weight: entry.weight,
        reach: piece_of(found.end).saturating_sub(first),
        is_within: true,
    })
}

/// A message of which `text` is the beginning, or a part of what never differs: for lines that were
/// cut, and pieces of them that were copied.
pub(crate) fn cut(text: &str) -> Option<&'static Message> {
    /// Fewer letters begin too many texts.
    const LEAST: usize = 12;
    let text = text
        .trim()
        .trim_end_matches(['.', '…', ':'])
        .to_ascii_lowercase();
    if text.len() < LEAST {
        return None;
    }
    let mut found: Option<&'static Message> = None;
    for (literal, message) in LITERALS.iter() {
        let is_it = literal.len() >= text.len() && literal.contains(&text);
        match found {
            Some(other) if is_it && other.key != message.key => return None,
            None if is_it => found = Some(message),
            _ => {}
        }
    }
    found
}

/// What never differs in each message's texts, in lower case.
static LITERALS: LazyLock<Vec<(String, &'static Message)>> = LazyLock::new(|| {
    let says = messages().flat_map(|message| message.says.iter().map(move |says| (says, message)));
    let parts =
        says.flat_map(|(says, message)| pattern::parts(says).map(move |part| (part, message)));
    let literals = parts.filter_map(|(part, message)| match part {
        pattern::Part::Literal(literal) => Some((literal.to_ascii_lowercase(), message)),
        pattern::Part::Hole(_) => None,
    });
    literals.collect()
});

const fn is_telling(known: Known) -> bool {
    let Known::Message(message) = known else {
        return false;
    };
    matches!(message.role, Role::Cause | Role::Act | Role::Consequence)
}

/// Whether it is a word that many causes have.
fn is_common(literal: &str) -> bool {
    static COMMON: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
        let common = messages().filter(|message| matches!(message.role, Role::Errno | Role::Class));
        common
            .flat_map(|message| message.says.iter().copied())
            .collect()
    });
    COMMON.contains(literal.trim_matches([':', ' ', '"']))
}

/// A message in the middle of a piece, where nothing at its beginning is known: a person's words
/// stand before it. All of it must be there: the part that decides may be the rest of it.
pub(crate) fn inside(text: &str) -> Option<&'static Message> {
    /// Shorter literals stand in other sentences, too.
    const LEAST: usize = 18;
    let automaton = BOOK.automaton.as_ref()?;
    let mut best: Option<&Entry> = None;
    let mut tried = 0_usize;
    let lower = text.to_ascii_lowercase();
    for place in automaton.find_overlapping_iter(&lower) {
        let Some(entry) = BOOK.entries.get(place.pattern().as_usize()) else {
            continue;
        };
        let is_whole_word = text
            .get(..place.start())
            .is_some_and(|before| !before.ends_with(|letter: char| letter.is_alphanumeric()));
        let literal = entry.pattern.literal();
        let is_better = best.is_none_or(|best| entry.weight > best.weight);
        if literal.len() < LEAST
            || !is_whole_word
            || !is_telling(entry.known)
            || is_common(literal)
            || !is_better
        {
            continue;
        }
        tried = tried.saturating_add(1);
        if tried > CANDIDATES {
            break;
        }
        // What is always the same before the literal is looked for, too.
        let before = entry.pattern.fixed_before();
        let start = place.start().saturating_sub(before);
        let is_it = text
            .get(start..)
            .is_some_and(|rest| entry.pattern.matches(within_reach(rest)).is_some());
        if is_it || entry.pattern.is_mostly_literal() {
            best = Some(entry);
        }
    }
    match best?.known {
        Known::Message(message) => Some(message),
        Known::Text(_) => None,
    }
}

/// As much of a text as is compared.
fn within_reach(text: &str) -> &str {
    let mut reach = text.len().min(REACH);
    while !text.is_char_boundary(reach) {
        reach = reach.saturating_sub(1);
    }
    text.get(..reach).unwrap_or_default()
}
