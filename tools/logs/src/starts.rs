//! `coroner logs`: the last starts, how they ended, and what was said.

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen};
use finding::{Text, Time};
use logs::{Ended, Gathered, Level, Program, Start};
use messages::Message;
use serde::Serialize;

use crate::lines::{Told, shown};
use crate::sources::Read;

/// A start, and why it ended.
#[derive(Serialize)]
struct ToldStart {
    at: Option<Time>,
    release: Option<Text>,
    pid: Option<u32>,
    served: Option<Time>,
    end: Option<Time>,
    #[serde(flatten)]
    ended: Ended,
    /// Seconds that it lived.
    lived: Option<i64>,
    because: Option<Told>,
    /// The message that this line is.
    message: Option<&'static str>,
}

/// Lines that are the same but for numbers and ids.
#[derive(Serialize)]
struct Group {
    #[serde(flatten)]
    first: Told,
    /// When the last of them was said.
    last: Option<Time>,
    times: u64,
    /// The message that it is: `coroner explain` knows it by its text.
    message: Option<&'static str>,
    means: Option<&'static str>,
    /// Codes of findings that would confirm it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    confirmed_by: &'static [&'static str],
}

#[derive(Serialize)]
struct Story {
    program: Program,
    /// All starts that the logs tell of.
    starts_known: usize,
    /// Whether the daemon starts, fails, and starts again.
    is_loop: bool,
    /// Whether systemd says that it does not start it again.
    is_given_up: bool,
    /// The last of them, the newest first.
    starts: Vec<ToldStart>,
    /// Warnings and worse since the oldest of these, repeated ones once.
    said: Vec<Group>,
    #[serde(flatten)]
    read: Read,
}

/// Groups that are told of a text answer; JSON has all.
const SHOWN: usize = 60;

pub(crate) fn answer(
    gathered: &mut Gathered,
    program: Option<Program>,
    count: usize,
    out: &mut Out,
) -> Outcome {
    let whose = program.unwrap_or_else(|| logs::told_daemon(gathered));
    let all = logs::starts(&gathered.lines, whose);
    let messages = logs::explained(&gathered.lines);
    let first = all.len().saturating_sub(count.max(1));
    let shown = all.get(first..).unwrap_or_default();
    let from = shown.first().map_or(0, |start| start.lines.0);
    let is_wanted = |index: &usize| {
        gathered.lines.get(*index).is_some_and(|line| {
            line.level > Level::Info
                && !logs::is_history(line)
                && (program.is_none_or(|program| line.program == program)
                    || line.program == Program::Systemd)
        })
    };
    let said = logs::fold(&gathered.lines, from..gathered.lines.len())
        .into_iter()
        .filter(|folded| is_wanted(&folded.first))
        .filter_map(|folded| {
            let message: Option<&Message> = messages.get(folded.first).copied().flatten();
            Some(Group {
                first: Told::from_line(gathered.lines.get(folded.first)?, gathered),
                last: gathered.lines.get(folded.last)?.time,
                times: folded.times,
                message: message.map(|message| message.key),
                means: message.map(|message| message.means),
                confirmed_by: message.map_or(&[], |message| message.confirmed_by),
            })
        })
        .collect();
    let told = |start: &Start| {
        let because = start.because;
        ToldStart {
            at: start.at,
            release: start.release.clone(),
            pid: start.pid,
            served: start.served,
            end: start.end,
            ended: start.ended.clone(),
            lived: start.lived(),
            message: because
                .and_then(|index| messages.get(index).copied().flatten())
                .map(|message| message.key),
            because: because
                .and_then(|index| gathered.lines.get(index))
                .map(|line| Told::from_line(line, gathered)),
        }
    };
    out.answer(&Story {
        program: whose,
        starts_known: all.len(),
        is_loop: logs::is_loop(&all),
        is_given_up: logs::is_given_up(gathered, all.last()),
        starts: shown.iter().rev().map(told).collect(),
        said,
        read: Read::from_gathered(gathered),
    })
}

impl Answer for Story {
    const SCHEMA: &'static str = "logs/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.head(pen)?;
        self.starts_text(pen)?;
        self.said_text(pen)?;
        self.read.write_sources(pen)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.read.unread)
    }
}

impl Story {
    fn head(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let name = self.program.name();
        let Some(last) = self.starts.first() else {
            let but = if self.read.is_whole() {
                ""
            } else {
                " (not all of them could be read)"
            };
            if self.read.sources.is_empty() {
                return pen.heading("There are no logs in this evidence.");
            }
            return pen.heading(format_args!(
                "The logs that were read show no start of {name}{but}."
            ));
        };
        let when = shown(last.at);
        let given_up = if self.is_given_up {
            " systemd has given up starting it (`systemctl reset-failed` lets it try again)."
        } else {
            ""
        };
        if self.is_loop {
            let how = if self.is_given_up {
                "failed again and again"
            } else {
                "starts, fails and starts again"
            };
            return pen.paragraph(
                "",
                &format!(
                    "{name} {how}. Its last start, at {when}, {}.{given_up}",
                    last.sentence()
                ),
            );
        }
        pen.heading(format_args!(
            "The last start of {name}, at {when}, {}.{given_up}",
            last.sentence()
        ))
    }

    fn starts_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.starts.is_empty() {
            return Ok(());
        }
        pen.gap()?;
        let shown_starts = self.starts.len();
        pen.line(format_args!(
            "Starts of {} ({shown_starts} of {}, the newest first)",
            self.program.name(),
            self.starts_known
        ))?;
        let mut rows = self.starts.iter().peekable();
        while let Some(start) = rows.next() {
            let mut times = 1_usize;
            while rows.peek().is_some_and(|next| next.is_like(start)) {
                rows.next();
                times = times.saturating_add(1);
            }
            let release = start
                .release
                .as_ref()
                .map_or_else(|| "release not known".to_owned(), ToString::to_string);
            let often = if times > 1 {
                format!(" ({times} times in a row)")
            } else {
                String::new()
            };
            let time = shown(start.at);
            let sentence = start.sentence();
            pen.line(format_args!("  {time}  {release}  {sentence}{often}"))?;
            if let Some(because) = &start.because {
                pen.paragraph("      ", &short(&because.text))?;
            }
        }
        Ok(())
    }

    fn said_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if !self.read.sources.is_empty() {
            pen.gap()?;
        }
        if self.said.is_empty() {
            // What was not read may say anything.
            return match (self.read.sources.is_empty(), self.read.is_whole()) {
                (true, _) => Ok(()),
                (false, true) => pen.line("No warning and no error was said."),
                (false, false) => pen.line("What could be read holds no warning and no error."),
            };
        }
        pen.line("What was said since the oldest of these starts")?;
        let hidden = self.said.len().saturating_sub(SHOWN);
        if hidden > 0 {
            pen.line(format_args!(
                "  ({hidden} older lines are left out; --format json has them)"
            ))?;
        }
        for group in self.said.iter().skip(hidden) {
            let time = shown(group.first.time);
            let times = if group.times > 1 {
                format!("{}× until {}  ", group.times, shown(group.last))
            } else {
                String::new()
            };
            let program = group.first.program.name();
            let text = short(&group.first.text);
            pen.paragraph(&format!("  {time}  {program}  "), &format!("{times}{text}"))?;
            if let (Some(message), Some(means)) = (group.message, group.means) {
                pen.paragraph("      ", &format!("{message}: {means}"))?;
            }
        }
        Ok(())
    }
}

impl ToldStart {
    fn is_like(&self, other: &Self) -> bool {
        let message = |start: &Self| {
            start
                .message
                .map(str::to_owned)
                .or_else(|| start.because.as_ref().map(|line| line.text.to_string()))
        };
        self.ended == other.ended
            && self.release == other.release
            && message(self) == message(other)
            && !matches!(self.ended, Ended::Running | Ended::Stopped)
    }

    /// How it ended, after "The last start, at …,".
    fn sentence(&self) -> String {
        let after = match self.lived {
            Some(0) => " within a second".to_owned(),
            Some(seconds) if seconds > 0 => format!(" after {}", span(seconds)),
            _ => String::new(),
        };
        match &self.ended {
            Ended::Running if self.served.is_some() => {
                "served, and had not ended when the log ends".to_owned()
            }
            Ended::Running => "had not ended when the log ends".to_owned(),
            Ended::Stopped => format!("was stopped{after}"),
            Ended::Killed { signal } => format!("was killed by the signal {signal}{after}"),
            Ended::Panicked => format!("panicked{after}"),
            Ended::Exited { status } => format!("exited with status {status}{after}"),
            Ended::NodeDown => "ended with the node, which went down".to_owned(),
            Ended::Unknown => "ended, and no line says how".to_owned(),
        }
    }
}

/// `42 s`, `7 min`, `3 h`, `2 d`.
fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        ..120 => (seconds, "s"),
        120..7_200 => (seconds.div_euclid(60), "min"),
        7_200..172_800 => (seconds.div_euclid(3_600), "h"),
        _ => (seconds.div_euclid(86_400), "d"),
    };
    format!("{count} {unit}")
}

/// At most so many letters of a line.
fn short(text: &Text) -> String {
    const MOST: usize = 400;
    let text = text.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let cut: String = text.chars().take(MOST).collect();
    format!("{cut}…")
}
