//! What is odd about a bundle, counted by kind: a hostile archive could fill pages with it.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Escaped, Text, Unknown};

/// Examples of one kind that are kept.
const EXAMPLES: usize = 5;
/// Kinds that are told.
const KINDS: usize = 64;
/// Bytes of an example that are shown.
const SHOWN: usize = 256;
/// What stands for kinds beyond those.
const MORE: &str = "other oddities";

/// What is odd about a bundle.
#[derive(Debug, Default)]
pub(crate) struct Notes(BTreeMap<String, (u64, Vec<Text>)>, BTreeSet<String>);

impl Notes {
    /// Something odd about a member.
    pub(crate) fn about(&mut self, what: impl Into<String>, member: &[u8]) {
        let (count, examples) = self.kind(what.into());
        *count = count.saturating_add(1);
        if examples.len() < EXAMPLES {
            let shown = member.get(..SHOWN).unwrap_or(member);
            examples.push(Text::from(shown));
        }
    }

    /// A member that was left out.
    pub(crate) fn left_out(&mut self, what: impl Into<String>, member: &[u8]) {
        let what = what.into();
        self.1.insert(what.clone());
        self.about(what, member);
    }

    /// What was left out, a line a kind.
    pub(crate) fn left(&self) -> Vec<Unknown> {
        let of = |what: &String| {
            let (count, examples) = self.0.get(what)?;
            let names: Vec<String> = examples.iter().map(ToString::to_string).collect();
            let kept = u64::try_from(examples.len()).unwrap_or(u64::MAX);
            let more = match count.saturating_sub(kept) {
                0 => String::new(),
                more => format!(" and {more} more members"),
            };
            Some(Unknown::new(
                format!("{}{more}", names.join(", ")),
                what.as_str(),
            ))
        };
        self.1.iter().filter_map(of).collect()
    }

    /// Something odd about the whole.
    pub(crate) fn add(&mut self, what: impl Into<String>) {
        let (count, _) = self.kind(what.into());
        *count = count.saturating_add(1);
    }

    fn kind(&mut self, what: String) -> &mut (u64, Vec<Text>) {
        let is_new = !self.0.contains_key(&what);
        let what = if is_new && self.0.len() >= KINDS {
            MORE.to_owned()
        } else {
            what
        };
        self.0.entry(what).or_default()
    }

    /// One line a kind.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |(what, (count, examples)): (&String, &(u64, Vec<Text>))| {
            if examples.is_empty() {
                return what.clone();
            }
            let shown: Vec<String> = examples
                .iter()
                .map(|text| Escaped(text.bytes()).to_string())
                .collect();
            let kept = u64::try_from(examples.len()).unwrap_or(u64::MAX);
            let more = match count.saturating_sub(kept) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{what}: {}{more}", shown.join(", "))
        };
        self.0.iter().map(line).collect()
    }
}
