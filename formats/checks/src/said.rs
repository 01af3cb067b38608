//! What the daemons said: the messages of each finding, the node's own line beside it, and a start that failed with words
//! that nothing on disk explains.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Logged, Remedy, Report, Severity, Step, Text, Time};
use logs::{Ended, Gathered, Line, Program, Start};
use messages::{Message, Role, Whose};
use node::{Node, path_text};

/// Seconds by which a time without a zone may differ from UTC.
const ZONES: i64 = 14 * 3600;
/// So many messages of one kind of finding are told.
const SAYS: usize = 4;
/// So many letters of a line are told.
const LETTERS: usize = 400;
/// So many digits of an id tell it from others.
const ID: usize = 12;

/// The last start failed, and no finding is about what it said.
static UNEXPLAINED: Code = Code {
    name: "log/unexplained",
    rule: "",
    severity: Severity::Damage,
    title: "the last start of containerd, or of what runs it, failed, and nothing on disk explains what it said",
    explanation: "The node's logs end with a start that failed, and give a reason; no finding of these stores, \
        settings and programs explains that reason. The cause may be where coroner does not look \
        (another program, the kernel, a disk that failed and recovered, a file that was repaired \
        since), or in a part that this evidence lacks. Only the logs of the last days are used.",
    remedy: "Read what the line means with `coroner explain`, and what was said before it with `coroner \
        logs`. If the cause was removed since, try a start and watch the journal.",
};

/// Kinds of findings out of logs.
pub(crate) const CODES: &[&Code] = &[&UNEXPLAINED, &crate::oom::KILLED];

/// A finding with what the real daemons print when they meet it.
#[must_use]
pub(crate) fn with_message(mut finding: Finding) -> Finding {
    let messages = messages::of_code(finding.code.name).take(SAYS);
    finding.daemon_says = messages.filter_map(|it| it.shown().next()).collect();
    finding
}

/// The report with what the node's own logs say: a line beside each finding that one is about; and what the last start
/// said, if it failed and no finding is about it.
#[must_use]
pub fn with_logs(mut report: Report, gathered: &Gathered, node: &Node) -> Report {
    let known = logs::explained(&gathered.lines);
    let said = Said::from_gathered(gathered, &known);
    let killed = crate::oom::of_lines(gathered, node);
    let has_killed = !killed.is_empty();
    report.findings.extend(killed);
    for finding in &mut report.findings {
        finding.logged = said.about(finding);
    }
    let count = report.findings.len();
    report
        .findings
        .extend(unexplained(&report, gathered, &known, node));
    if !has_killed && report.findings.len() == count {
        return report;
    }
    let coverage = std::mem::take(&mut report.coverage);
    let mut report = Report {
        findings: Report::all(report.findings, finding::Coverage::default()).findings,
        coverage,
        ..report
    };
    let (root, state) = (path_text(&node.roots.root), path_text(&node.roots.state));
    report.identify(&[("root", &root), ("state", &state)]);
    report
}

/// That the last start failed, in its own words, where no finding is about them.
pub(crate) fn last_failure(report: &Report) -> Option<String> {
    let mut all = report.findings.iter();
    let finding = all.find(|finding| finding.code.name == UNEXPLAINED.name)?;
    let logged = finding.logged.as_ref()?;
    let at = logged
        .at
        .map_or_else(String::new, |time| format!(", at {time},"));
    let said = logged.said.to_string();
    Some(format!(
        "last start{at} failed: {}",
        said.trim_end_matches('.')
    ))
}

/// Lines of which the cause is known, by the code that confirms it.
struct Said<'g> {
    gathered: &'g Gathered,
    by_code: BTreeMap<&'static str, Vec<(usize, &'static Message)>>,
}

impl<'g> Said<'g> {
    fn from_gathered(gathered: &'g Gathered, known: &[Option<&'static Message>]) -> Self {
        let mut by_code: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (index, message) in known.iter().enumerate() {
            let Some(message) = message.filter(|message| message.role == Role::Cause) else {
                continue;
            };
            for code in message.confirmed_by {
                by_code.entry(*code).or_default().push((index, message));
            }
        }
        Self { gathered, by_code }
    }

    /// The last line about a finding, and how many there are.
    fn about(&self, finding: &Finding) -> Option<Logged> {
        let lines = self.by_code.get(finding.code.name)?;
        let mut text = format!("{} {}", finding.message, finding.location);
        for object in &finding.affects {
            text.push(' ');
            text.push_str(&object.to_string());
        }
        let names = ids(&text);
        // A line that names something is about this finding only if it names the same.
        let mut about = lines.iter().rev().filter(|(index, _)| {
            let line = self.gathered.lines.get(*index);
            line.is_some_and(|line| {
                let its = ids(&line.text.to_string());
                its.is_empty() || its.iter().any(|id| names.contains(id))
            })
        });
        let (index, message) = about.next()?;
        let times = about.filter(|(_, other)| other.key == message.key).count();
        let line = self.gathered.lines.get(*index)?;
        Some(logged(
            line,
            self.gathered,
            message.key,
            u64::try_from(times).unwrap_or(u64::MAX).saturating_add(1),
        ))
    }
}

fn logged(line: &Line, gathered: &Gathered, message: &'static str, times: u64) -> Logged {
    let source = gathered.sources.get(line.source);
    Logged {
        at: line.time,
        by: line.program.name(),
        said: short(&line.text),
        times,
        file: Text::from(source.map_or("", |source| source.path.as_str())),
        message,
    }
}

fn short(text: &Text) -> Text {
    let bytes = text.bytes();
    if bytes.len() <= LETTERS {
        return text.clone();
    }
    let cut = String::from_utf8_lossy(bytes.get(..LETTERS).unwrap_or_default());
    Text::from(format!("{cut}…").as_str())
}

/// Ids, digests and numbers of snapshots that are named in `text`, cut to the same length.
fn ids(text: &str) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        // A key of a database that is printed in hex is no id.
        let is_key = start > 0 && bytes.get(start.saturating_sub(1)) == Some(&b')');
        let run = text
            .get(start..start.saturating_add(length))
            .unwrap_or_default();
        if length >= ID && !is_key && run.bytes().any(|byte| byte.is_ascii_digit()) {
            ids.extend(run.get(..ID).map(str::to_owned));
        }
        start = start.saturating_add(length.max(1));
    }
    for (at, found) in text.match_indices("snapshots/") {
        let number = text
            .get(at.saturating_add(found.len())..)
            .unwrap_or_default();
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        if let Some(number) = number.get(..digits).filter(|number| !number.is_empty()) {
            ids.insert(format!("snapshots/{number}"));
        }
    }
    ids
}

/// What the last start said, if it failed and no finding is about it.
fn unexplained(
    report: &Report,
    gathered: &Gathered,
    known: &[Option<&'static Message>],
    node: &Node,
) -> Option<Finding> {
    // Where another program has containerd under it, its starts are containerd's.
    let whose = [Program::Containerd, Program::Distribution, Program::Dockerd];
    let mut starts = whose
        .into_iter()
        .map(|program| (program, logs::starts(&gathered.lines, program)));
    let (program, starts) = starts.find(|(_, starts)| !starts.is_empty())?;
    let last = starts.last()?;
    let is_its_own_end = matches!(last.ended, Ended::Panicked | Ended::Exited { .. });
    let index = last.because.filter(|_| is_its_own_end)?;
    let line = gathered.lines.get(index)?;
    let message = known.get(index).copied().flatten();
    // Not containerd's: what is known to be no fault of the node's stores and settings.
    if message.is_some_and(|message| message.whose == Whose::Nobody) {
        return None;
    }
    let codes = message.map_or(&[][..], |message| message.confirmed_by);
    // Such a program has more reasons to end than containerd's: only what is known to be about it is told.
    if program != Program::Containerd && codes.is_empty() {
        return None;
    }
    // That a start is refused is told for many reasons; any of them may be this one.
    let is_explained = report.findings.iter().any(|finding| {
        finding.severity > Severity::Note
            && (codes.contains(&finding.code.name)
                || matches!(finding.code.name, "start/refused" | "start/useless"))
    });
    if is_explained {
        return None;
    }
    let source = gathered.sources.get(line.source);
    let path = source.map_or("", |source| source.path.as_str());
    let when = line.time.or(last.at);
    // A record that was made later is of a later start, of which there is no log.
    let has_no_zone = source.is_some_and(|source| source.has_no_zone);
    let slack = if has_no_zone { ZONES } else { 0 };
    let is_later = |told: Time| when.is_some_and(|when| told.since(when) > slack);
    if node.newest_record().is_some_and(is_later) {
        return None;
    }
    let when = when.map_or_else(String::new, |time| format!(" at {time}"));
    let means = message.map_or("", |message| message.means);
    let what = format!(
        "the last start of {} {}; the log says why{when}, and nothing on disk explains it. {means}",
        program.name(),
        ended(last)
    );
    let mut finding = Finding::new(&UNEXPLAINED, Location::file(path), what.trim_end());
    finding.logged = Some(logged(line, gathered, message.map_or("", |it| it.key), 1));
    let steps = [
        "Read what was said before it with `coroner logs`.",
        "Read what the line means with `coroner explain`.",
    ];
    let steps = steps.into_iter();
    Some(finding.way(Remedy::new(
        "Reading takes nothing away, and tells where the cause lies.",
        steps.map(Step::words).collect(),
    )))
}

fn ended(start: &Start) -> String {
    let how = match &start.ended {
        Ended::Panicked => "ended in a panic".to_owned(),
        Ended::Exited { status } => format!("exited with status {status}"),
        _ => "failed".to_owned(),
    };
    match start.lived() {
        Some(seconds) if seconds < 1 => format!("{how} within a second"),
        Some(seconds) => format!("{how} after {seconds} s"),
        None => how,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_wherever_they_stand() {
        let of = |text: &str| ids(text).into_iter().collect::<Vec<_>>();
        assert_eq!(
            of("container \"0123456789abcdef0123\" in /x/snapshots/20/fs"),
            ["0123456789ab", "snapshots/20"]
        );
        assert!(of("panic: page 157, at 0x9d000 of meta.db").is_empty());
        assert!(of("key[2]=(hex)696d616765732e6578616d706c65").is_empty());
        assert!(of("facade defaced decade").is_empty());
        assert!(of("").is_empty() && of("snapshots/").is_empty());
    }
}
