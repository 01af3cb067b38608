//! What a line of a log means.

use std::io;
use std::path::Path;

use cli::{Answer, Failure, Out, Outcome, Pen};
use finding::{Escaped, Text};
use messages::{Explained, Head, LayerKnown, Message, Reading, Role};
use serde::Serialize;

use crate::there::{Is, Judged, There};

/// A line, what it means, and what of that is true on a node.
#[derive(Serialize)]
pub(crate) struct Line {
    /// The line, or the first of those that are alike.
    said: Text,
    /// How many lines mean the same.
    times: usize,
    #[serde(flatten)]
    meaning: Meaning,
    /// The level that its program gave, if that is no warning and no error.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<String>,
    /// The line's own word for why, where no cause is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Text>,
    /// Whether a word of the line says that something failed.
    tells_failure: bool,
    /// Whether the line itself shows that who says this mostly has said it here.
    shows_speaker: bool,
    /// What it shows by itself, whether or not its text is known.
    reading: Reading,
    /// Every piece of it, outermost first.
    layers: Vec<Piece>,
    /// What the node shows of its causes; absent without a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    there: Option<Vec<There>>,
}

/// What a line means.
#[derive(Serialize)]
struct Meaning {
    /// What decides: `cause`, `act`, `text`, `place`, `consequence`, `generic`, or `unknown`: then `reading` is all.
    kind: &'static str,
    /// The message that decides.
    message: Option<&'static Message>,
    /// The system's word for what failed, where no cause is known.
    word: Option<&'static Message>,
    /// A text of a program's source of which only the place is known.
    text: Option<&'static messages::Text>,
    /// Where no cause is known: what was being done, as words of the line tell, and what can cause it.
    place: Option<&'static Message>,
}

impl Meaning {
    fn from_explained(explained: &Explained) -> Self {
        let head = explained.head.as_ref();
        let nothing = Self {
            place: explained.place,
            kind: "unknown",
            message: None,
            word: None,
            text: None,
        };
        match head {
            None => nothing,
            Some(Head::Cause(message)) => Self {
                kind: "cause",
                message: Some(message),
                ..nothing
            },
            Some(Head::Act(message, word)) => Self {
                kind: "act",
                message: Some(message),
                word: *word,
                ..nothing
            },
            Some(Head::Text(text, word)) => Self {
                kind: "text",
                text: Some(text),
                word: *word,
                ..nothing
            },
            Some(Head::Place(message, word)) => Self {
                kind: "place",
                message: Some(message),
                word: *word,
                place: None,
                ..nothing
            },
            Some(Head::Consequence(message)) => Self {
                kind: "consequence",
                message: Some(message),
                ..nothing
            },
            Some(Head::Generic(message)) => Self {
                kind: "generic",
                message: Some(message),
                ..nothing
            },
        }
    }
}

/// A piece of a line.
#[derive(Serialize)]
struct Piece {
    said: Text,
    /// Who says it; absent where it is not known.
    who: Option<messages::Component>,
    /// The message's name, or the text of the source.
    known: Option<&'static str>,
    role: Option<Role>,
}

impl Piece {
    fn from_layer(layer: &messages::Layer, most: usize) -> Self {
        let (who, known, role) = match layer.known {
            None => (None, None, None),
            Some(LayerKnown::Message(message)) => {
                (Some(message.who), Some(message.key), Some(message.role))
            }
            Some(LayerKnown::Text(text)) => (Some(text.who), Some(text.says), None),
        };
        Self {
            said: Text::from(begin(&layer.text, most)),
            who,
            known,
            role,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Meanings {
    pub(crate) lines: Vec<Line>,
    /// Lines of standard input of which nothing is known, or that mean that all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<usize>,
    /// Lines of standard input that came after as many as are explained, and were only counted.
    #[serde(skip_serializing_if = "is_none_left")]
    pub(crate) not_read: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
fn is_none_left(left: &usize) -> bool {
    *left == 0
}

impl Line {
    /// Of the line and of each of its pieces, at most `most` bytes are kept.
    pub(crate) fn from_explained(text: &str, explained: &Explained, most: usize) -> Self {
        let kept = |text: &str| Text::from(begin(text, most));
        Self {
            said: kept(text),
            times: 1,
            quiet: explained.level.clone().filter(|_| !is_bad(explained)),
            detail: explained.detail.as_deref().map(kept),
            tells_failure: explained.tells_failure,
            shows_speaker: explained.shows_speaker,
            reading: messages::read_line(begin(text, most)),
            layers: explained
                .layers
                .iter()
                .take(if most < messages::LINE_LIMIT {
                    8
                } else {
                    usize::MAX
                })
                .map(|layer| Piece::from_layer(layer, most))
                .collect(),
            there: None,
            meaning: Meaning::from_explained(explained),
        }
    }

    /// With what a node shows of its causes.
    pub(crate) fn on_node(mut self, judged: Option<&Judged>) -> Self {
        let codes = self
            .meaning
            .message
            .map_or(&[][..], |message| message.confirmed_by);
        self.there = judged.map(|judged| {
            codes
                .iter()
                .map(|code| judged.findings_there(code))
                .collect()
        });
        self
    }

    /// One more line means the same.
    pub(crate) fn count_one_more(&mut self) {
        self.times = self.times.saturating_add(1);
    }

    /// The bytes of the line and of its pieces.
    pub(crate) fn bytes(&self) -> usize {
        let pieces = self.layers.iter().map(|piece| piece.said.bytes().len());
        self.said.bytes().len().saturating_add(pieces.sum())
    }
}

/// The first `most` bytes, to the end of a letter.
fn begin(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Nothing of a line is known, and it shows too little by itself: what would help.
fn not_known(text: &str, explained: &Explained) -> Failure {
    let text = Escaped(text.as_bytes());
    let failure = Failure::usage(format!(
        "there is no code {text}, and no known message like it"
    ));
    match &explained.program {
        Some(program) => {
            let program = Escaped(program.as_bytes());
            failure.hint(format!(
                "the line names {program} as its program; what the line means is not known: read the lines of {program} before it"
            ))
        }
        None => failure.hint(
            "give the whole line, or the part with the error: its time, its program and what it says failed tell whose it is",
        ),
    }
}

/// Answers for one line. Nothing known of it is an error of usage.
pub fn explain_line(text: &str, node: Option<&Path>, out: &mut Out) -> Outcome {
    let explained = messages::explain(text);
    let line = Line::from_explained(text, &explained, usize::MAX);
    if explained.head.is_none() && !line.reading.is_telling() {
        return Err(not_known(text, &explained));
    }
    let judged = node.map(|node| Judged::open(node, out)).transpose()?;
    out.answer(&Meanings {
        lines: vec![line.on_node(judged.as_ref())],
        other: None,
        not_read: 0,
    })
}

/// Whether its program gave it as a warning or worse, or gave no level.
pub(crate) fn is_bad(explained: &Explained) -> bool {
    let level = explained.level.as_deref().unwrap_or_default();
    ![
        "info", "debug", "trace", "I", "INFO", "DEBU", "TRAC", "DEBUG",
    ]
    .contains(&level)
}

pub(crate) fn is_worth_telling(message: &Message) -> bool {
    message.whose != messages::Whose::Nobody && !matches!(message.role, Role::Class | Role::Wrapper)
}

impl Answer for Meanings {
    const SCHEMA: &'static str = "explain-line/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, line) in self.lines.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            if self.other.is_some() {
                let shown = short(&line.said.to_string(), 160);
                pen.line(format_args!("{}× {shown}", line.times))?;
            }
            line.write_line(pen)?;
        }
        if let Some(other) = self.other {
            if !self.lines.is_empty() {
                pen.gap()?;
            }
            pen.line(format_args!(
                "{} more: nothing is known of them, or they report success",
                finding::Count(other, "line")
            ))?;
        }
        if self.not_read > 0 {
            pen.line(format_args!(
                "{} after those were not looked at: `coroner logs` reads as many as there are",
                finding::Count(self.not_read, "line")
            ))?;
        }
        Ok(())
    }
}

/// At most so many letters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    format!("{cut}…")
}

impl Line {
    fn write_line(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Meaning { message, text, .. } = &self.meaning;
        if let Some(message) = message {
            self.heading(pen, message)?;
            pen.gap()?;
            // Where it is not sure what a text means, what the line itself says comes first.
            if self.is_candidate() || self.has_strong_word() {
                self.words(pen)?;
            }
            if self.meaning.kind == "place" && !self.shows_speaker {
                pen.line(
                    "  The line does not show who says it. Such words stand in lines about this:",
                )?;
            }
            let lead = match (self.meaning.kind, self.shows_speaker) {
                ("place", true) => "  As far as its words tell: ",
                ("place", false) => "    ",
                _ if self.is_candidate() => "  It may be this: ",
                _ => "  ",
            };
            pen.paragraph(lead, message.means)?;
            let sure = match self.meaning.kind {
                "cause" => message.sure.sentence(),
                "act" if message.role == Role::Cause => {
                    "The line says more than that text, so it is one of the things that it can be, no more."
                }
                "act" => "It says what was being done, not why it failed.",
                "place" => {
                    "The text itself is not known here: these words may stand in another's line, too."
                }
                "consequence" => "It follows from something else, which the line does not name.",
                _ => "Many causes have these words.",
            };
            // That something is no fault needs no proof.
            if message.whose != messages::Whose::Nobody || self.meaning.kind != "cause" {
                pen.paragraph("  ", sure)?;
            }
            let is_told = self.shows_speaker && message.whose != messages::Whose::Unknown;
            if !self.is_candidate() && (self.meaning.kind != "place" || is_told) {
                pen.paragraph("  It is ", &format!("{}.", message.about()))?;
            }
            if !message.releases.is_empty() {
                pen.line(format_args!("  Releases: {}", message.releases))?;
            }
        }
        if let Some(text) = text {
            if self.shows_speaker {
                pen.heading(format_args!("{} says it while {}", text.who, text.doing))?;
            } else {
                pen.heading(format_args!(
                    "a text of {}, who says it while {}",
                    text.who, text.doing
                ))?;
            }
            pen.gap()?;
            let releases = if text.releases.is_empty() {
                String::new()
            } else {
                format!(" (releases {})", text.releases)
            };
            pen.paragraph(
                "  ",
                &format!(
                    "The text is known from the source{releases}; what causes it on a node is not."
                ),
            )?;
        }
        if !self.is_candidate() && !self.has_strong_word() {
            self.words(pen)?;
        }
        let claims = matches!(self.meaning.kind, "cause" | "consequence");
        if self.is_a_note() {
            pen.line("  No word of it says that something failed: it reads like a note of ordinary work.")?;
        } else if !self.tells_failure && !claims {
            pen.line("  No word of it says that something failed.")?;
        }
        if let Some(level) = &self.quiet {
            pen.line(format_args!(
                "  Its program gave it as {}, not as an error.",
                short(level, 8)
            ))?;
        }
        let is_first = self.meaning.kind != "act" || self.is_candidate() || self.has_strong_word();
        if is_first {
            self.look(pen)?;
        }
        self.place(pen)?;
        self.causes(pen)?;
        if !is_first {
            self.look(pen)?;
        }
        self.pieces(pen)
    }

    /// The name of the message, and who says it: who wrote the line goes before who mostly says such words.
    fn heading(&self, pen: &mut Pen<'_>, message: &Message) -> io::Result<()> {
        // Of a place only words of the line tell, which others may say, too.
        if self.meaning.kind == "place" {
            return pen.heading(format_args!("{}  by words of the line", message.key));
        }
        if self.is_candidate() {
            return pen.heading(format_args!("{}  one of several", message.key));
        }
        match (message.who, self.shows_speaker, &self.reading.said) {
            // A registry's answer is told by who asked it, and so is the way to it.
            (messages::Component::Registry, ..) => pen.heading(format_args!(
                "{}  of who asked {}",
                message.key, message.who
            )),
            (who, true, _) => pen.heading(format_args!("{}  said by {who}", message.key)),
            (_, false, Some(said)) => {
                let name = Escaped(said.name.as_bytes());
                pen.heading(format_args!("{}  written by {name}", message.key))
            }
            (who, false, None) => {
                pen.heading(format_args!("{}  mostly said by {who}", message.key))
            }
        }
    }

    /// Whether the text of a cause stands in the line, and something in the line speaks against it or goes beyond it.
    fn is_candidate(&self) -> bool {
        self.meaning.kind == "act"
            && self
                .meaning
                .message
                .is_some_and(|message| message.role == Role::Cause)
    }

    /// Whether the system's word says more of why than what was being done.
    fn has_strong_word(&self) -> bool {
        self.meaning.kind == "act"
            && self.meaning.word.is_some_and(|word| {
                [
                    "no-memory",
                    "no-space",
                    "read-only",
                    "too-many-links",
                    "exists",
                ]
                .contains(&word.key)
            })
    }

    /// What the line itself says: what failed, and with which word.
    fn words(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if let Some(word) = self.meaning.word {
            pen.paragraph("  The system's word: ", self.meaning_of(word))?;
        }
        if let Some(detail) = &self.detail {
            let detail = short(&detail.to_string(), 200);
            pen.paragraph("  The line's own word for why: ", &detail)?;
        }
        if self.meaning.kind != "cause" {
            self.reading(pen)?;
        }
        Ok(())
    }

    /// What the system's word means: of another program than those that run containers, without what it means for those.
    fn meaning_of(&self, word: &'static Message) -> &'static str {
        use messages::Component::{Cni, Containerd, Cri, Crun, Kubelet, Runc, Shim};
        let who = self.meaning.message.map(|message| message.who);
        let runs_containers = matches!(
            who,
            Some(Containerd | Cri | Shim | Runc | Crun | Kubelet | Cni)
        );
        match self.reading.kind {
            Some(kind) if who.is_some() && !runs_containers => kind.means,
            _ => word.means,
        }
    }

    /// What the line shows by itself; where a message decides, what that leaves open.
    fn reading(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Reading {
            said,
            failed,
            kind,
            owner,
            names,
            ..
        } = &self.reading;
        let is_all = self.meaning.kind == "unknown";
        if is_all {
            pen.heading("The text is not known. What the line itself shows")?;
            pen.gap()?;
        }
        if let Some(said) = said {
            let name = Escaped(said.name.as_bytes());
            pen.paragraph("  Written by: ", &format!("{name} ({})", said.by))?;
        }
        if let Some(failed) = failed.as_ref().filter(|_| self.tells_failure) {
            pen.paragraph("  What failed: ", &Escaped(failed.as_bytes()).to_string())?;
        }
        if let Some(kind) = kind.filter(|_| self.meaning.word.is_none()) {
            pen.paragraph("  How: ", kind.means)?;
        }
        let is_open = match self.meaning.message {
            Some(message) => message.whose == messages::Whose::Unknown,
            None => true,
        };
        if let Some(owner) = owner.filter(|_| is_open) {
            pen.paragraph("  Its words are about ", &format!("{}.", owner.about))?;
        }
        if !names.is_empty() && is_all {
            let names: Vec<String> = names
                .iter()
                .map(|name| format!("{} {}", name.of.word(), Escaped(name.text.as_bytes())))
                .collect();
            pen.paragraph("  It names: ", &names.join(", "))?;
        }
        Ok(())
    }

    /// What to look at, made from the names of the line.
    fn look(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        // A cause has its own commands, if it has any.
        let has_own = self.meaning.kind == "cause"
            && self.meaning.message.is_some_and(|message| {
                !message.first.is_empty() || message.whose == messages::Whose::Nobody
            });
        if has_own || self.is_a_note() {
            return Ok(());
        }
        if !self.reading.look.is_empty() {
            pen.gap()?;
            pen.line("  By its names, look at this:")?;
            for command in &self.reading.look {
                pen.verbatim(format_args!("    {command}"))?;
            }
        }
        let word = self.meaning.word.filter(|word| !word.first.is_empty());
        if let Some(word) = word.filter(|_| self.is_candidate() || self.has_strong_word()) {
            pen.gap()?;
            pen.line("  By the system's word:")?;
            for command in word.first {
                pen.verbatim(format_args!("    {command}"))?;
            }
        }
        Ok(())
    }

    /// Whether nothing of it says that something failed: then nothing has a cause to look for.
    fn is_a_note(&self) -> bool {
        let claims = matches!(self.meaning.kind, "cause" | "consequence");
        !self.tells_failure && self.quiet.is_some() && !claims
    }

    /// What can be the cause, where the pieces name none.
    fn place(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Some(place) = self.meaning.place else {
            return Ok(());
        };
        pen.gap()?;
        pen.paragraph("  By the rest of the line: ", place.means)?;
        if !place.or.is_empty() && !self.is_a_note() {
            pen.line("  What can cause it there:")?;
            for cause in place.or {
                pen.paragraph("    - ", cause)?;
            }
        }
        pen.line("  What tells them apart:")?;
        for command in place.first {
            pen.verbatim(format_args!("    {command}"))?;
        }
        Ok(())
    }

    fn causes(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Some(message) = self.meaning.message else {
            return Ok(());
        };
        // Where the line does not show who speaks, causes of one program would be a guess.
        let is_guess = self.meaning.kind == "place" && !self.shows_speaker;
        if !message.or.is_empty() && !self.is_a_note() && !is_guess {
            pen.gap()?;
            let is_place = self.meaning.kind == "place";
            pen.line(if is_place {
                "  What can cause it:"
            } else {
                "  It can also be:"
            })?;
            for cause in message.or {
                pen.paragraph("    - ", cause)?;
            }
        }
        match &self.there {
            Some(there) if !there.is_empty() => {
                pen.gap()?;
                pen.line("  On this node:")?;
                for there in there {
                    let (is, what) = match there.is {
                        Is::True => ("true     ", there.what.as_deref()),
                        Is::NotFound => ("not found", None),
                        Is::Unknown => ("unknown  ", there.what.as_deref()),
                    };
                    let what = what.map_or_else(String::new, |what| format!(": {what}"));
                    pen.paragraph(
                        &format!("    {is}  "),
                        &format!("{} ({}){what}", there.code, there.title),
                    )?;
                }
            }
            _ if !message.confirmed_by.is_empty() => {
                pen.gap()?;
                let codes = message.confirmed_by.join(", ");
                pen.paragraph("  Findings that confirm it: ", &codes)?;
            }
            _ => {}
        }
        if !message.states.is_empty() {
            let states = message.states.join(", ");
            pen.paragraph(
                "  States that confirm it (coroner runtime stuck): ",
                &states,
            )?;
        }
        if !message.first.is_empty() {
            pen.gap()?;
            pen.line(if self.is_candidate() {
                "  To see whether it is that:"
            } else {
                "  Look at this first:"
            })?;
            for command in message.first {
                pen.verbatim(format_args!("    {command}"))?;
            }
        }
        Ok(())
    }

    fn pieces(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.layers.len() < 2 {
            return Ok(());
        }
        pen.gap()?;
        pen.line("  The line, from the outside in:")?;
        for piece in &self.layers {
            let text = short(&piece.said.to_string(), 100);
            let who = piece.who.map(messages::Component::name);
            let who = who.map_or_else(String::new, |who| format!("  ({who})"));
            pen.line(format_args!("    {text}{who}"))?;
        }
        Ok(())
    }
}
