//! apport's reports: fields of text, the core among them as base64.

use evidence::Evidence;
use finding::Text;

use super::{Candidate, CoreFile, container, is_ours};

/// Bytes in which the fields stand that are asked for.
const HEAD: usize = 64 << 10;

/// What a report says.
pub(super) fn read_crash_report(evidence: &Evidence, candidate: &Candidate) -> Option<CoreFile> {
    let mut told = candidate.told();
    let mut head = vec![0; HEAD];
    let pages = match evidence.pages(&candidate.path) {
        Ok(pages) => pages,
        Err(why) => {
            told.unread = Some(format!("it {why}"));
            return Some(told);
        }
    };
    let count = pages.read_at(0, &mut head).unwrap_or(0);
    head.truncate(count);
    let text = String::from_utf8_lossy(&head);
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    let program = field("ExecutablePath")?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if !is_ours(name.as_bytes()) {
        return None;
    }
    told.name = Text::from(name);
    told.signal = field("Signal").and_then(|signal| signal.parse().ok());
    // Of /proc/PID/status, which stands in it with each line behind a blank.
    let pid = text.lines().find_map(|line| line.strip_prefix(" Pid:"));
    told.pid = pid.and_then(|pid| pid.trim().parse().ok());
    let words = field("ProcCmdline").unwrap_or_default();
    let words: Vec<Text> = words.split(' ').map(Text::from).collect();
    told.container = container(&words);
    told.unread =
        Some("its core is inside a report of apport: `apport-unpack` takes it out".into());
    Some(told)
}
