//! Real lines with their right answers, and how [`explain`] does on them.
//!
//! A file of a corpus has a line of a log each, in three columns: where it comes from, the keys of the messages
//! that are right (`-`: none of the table is), and the line.

use crate::explain::{Explained, Head, LayerKnown, explain};
use crate::reading::read_line;

/// A line and its right answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case<'f> {
    /// The thread or the run that it comes from.
    pub from: &'f str,
    /// Keys of messages that are right, each by itself; none: the table has none.
    pub right: Vec<&'f str>,
    /// The line.
    pub line: &'f str,
}

/// How an answer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// The first answer is right.
    Right,
    /// The first answer names who said it and what was being done, claims no cause, and the right message, or
    /// one about the same, is among the layers; or nothing of the table is right, and no cause was claimed.
    Narrowed,
    /// No answer, or nothing that helps.
    Miss,
    /// The first answer is a cause, and not a right one.
    Wrong,
}

impl Grade {
    /// As a table has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Narrowed => "narrowed",
            Self::Miss => "miss",
            Self::Wrong => "wrong",
        }
    }
}

/// The cases of a file.
pub fn cases(file: &str) -> impl Iterator<Item = Case<'_>> {
    file.lines().filter_map(|line| {
        let mut columns = line.splitn(3, '\t');
        let from = columns.next()?;
        let right = columns.next()?;
        let line = columns.next()?;
        let right = right.split(',').filter(|key| *key != "-").collect();
        Some(Case { from, right, line })
    })
}

/// The answer to a case, and how it does.
pub fn grade(case: &Case<'_>) -> (Explained, Grade) {
    let explained = explain(case.line);
    let grade = grade_answer(&explained, case);
    (explained, grade)
}

fn grade_answer(explained: &Explained, case: &Case<'_>) -> Grade {
    let Some(head) = &explained.head else {
        let is_read = case.right.is_empty() && read_line(case.line).is_telling();
        return if is_read {
            Grade::Narrowed
        } else {
            Grade::Miss
        };
    };
    if head
        .message()
        .is_some_and(|message| case.right.contains(&message.key))
    {
        return Grade::Right;
    }
    let is_among_the_layers = explained.layers.iter().any(|layer| match layer.known {
        Some(LayerKnown::Message(message)) => case.right.contains(&message.key),
        _ => false,
    });
    match head {
        Head::Cause(_) => Grade::Wrong,
        Head::Act(act, _) | Head::Place(act, _) => {
            let is_same = case.right.iter().filter_map(|key| crate::message(key));
            let mut is_same =
                is_same.map(|message| message.whose == act.whose || message.who == act.who);
            if case.right.is_empty() || is_among_the_layers || is_same.any(|same| same) {
                Grade::Narrowed
            } else {
                Grade::Miss
            }
        }
        Head::Text(text, _) => {
            let mut right = case.right.iter().filter_map(|key| crate::message(key));
            if case.right.is_empty()
                || is_among_the_layers
                || right.any(|message| message.who == text.who)
            {
                Grade::Narrowed
            } else {
                Grade::Miss
            }
        }
        Head::Consequence(_) if is_among_the_layers => Grade::Narrowed,
        Head::Consequence(_) | Head::Generic(_) => Grade::Miss,
    }
}
