//! Who said a line and what was being done, where its text is not known: the narrowed answer.
//!
//! A place is told by marks: words that stand anywhere in a line, in its head (the program, klog's file, an event's
//! reason), in its fields or in what it says. It claims no cause; it names what can be one, and what tells them apart.

mod cri;
mod daemon;
mod elsewhere;
mod kernel;
mod kubelet;
mod network;
mod pull;
mod runtime;
mod volumes;

use crate::message::{Component, Message, Whose, act};

/// A place in a program, and the marks of its lines.
pub(crate) struct Place {
    /// Each by itself tells the place; words joined by `&` must all be there. In lower case.
    marks: &'static [&'static str],
    message: Message,
}

impl Place {
    const fn or(mut self, causes: &'static [&'static str]) -> Self {
        self.message.or = causes;
        self
    }

    const fn first(mut self, commands: &'static [&'static str]) -> Self {
        self.message.first = commands;
        self
    }
}

const fn place(
    key: &'static str,
    who: Component,
    whose: Whose,
    marks: &'static [&'static str],
    means: &'static str,
) -> Place {
    Place {
        marks,
        message: act(key, who, whose, &[], means),
    }
}

/// All of them: of two that a line has the marks of, the one that comes first here is the narrower.
const PLACES: &[&[Place]] = &[
    elsewhere::FOREIGN,
    elsewhere::BUILD,
    elsewhere::SNAPSHOTTERS,
    pull::PULLS,
    elsewhere::GUESTS,
    network::PLUGINS,
    kernel::ALL,
    volumes::ALL,
    kubelet::ALL,
    network::GENERAL,
    pull::STORE,
    runtime::STAGES,
    elsewhere::ENGINES,
    cri::ALL,
    runtime::TASKS,
    daemon::ALL,
    elsewhere::PROGRAMS,
];

/// Every place.
pub(crate) fn all() -> impl Iterator<Item = &'static Message> + Clone {
    PLACES
        .iter()
        .flat_map(|places| places.iter().map(|place| &place.message))
}

/// The place that a line comes from.
pub(crate) fn find(line: &str) -> Option<&'static Message> {
    let line = line.to_ascii_lowercase();
    let places = PLACES.iter().flat_map(|places| places.iter());
    let mut found = places.filter(|place| place.marks.iter().any(|mark| has(&line, mark)));
    found.next().map(|place| &place.message)
}

/// Whether `line`, in lower case, has every word of `mark`.
pub(crate) fn has(line: &str, mark: &str) -> bool {
    mark.split('&').all(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_marks_in_lower_case_and_say_what_to_run() {
        let mut keys = std::collections::BTreeSet::new();
        for place in PLACES.iter().flat_map(|places| places.iter()) {
            let Place { marks, message } = place;
            assert!(keys.insert(message.key), "{} twice", message.key);
            assert!(message.key.starts_with("at-"), "{}", message.key);
            assert!(!message.first.is_empty(), "{}", message.key);
            assert!(!marks.is_empty(), "{}", message.key);
            for mark in *marks {
                assert_eq!(*mark, mark.to_ascii_lowercase(), "{}", message.key);
                assert!(mark.len() >= 3, "{}: {mark}", message.key);
            }
        }
        assert!(keys.len() > 80);
    }

    #[test]
    fn a_line_has_a_mark_if_it_has_all_its_words() {
        assert!(has("a cat and a dog", "cat&dog"));
        assert!(!has("a cat", "cat&dog"));
    }
}
