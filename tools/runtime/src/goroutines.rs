//! Goroutines of the daemon and of shims whose containers hang: who waits for whom inside.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use cli::{Pen, Style};
use evidence::LiveProc;
use finding::{Severity, Unknown};
use goroutines::{Goroutine, Hit, deadlocks, signatures};
use goruntime::{Apart, Attached, NotAttached};
use serde::Serialize;

use crate::live::Judged;

/// Processes that are read.
const PROCESSES: usize = 32;

/// What the goroutines of a process tell.
#[derive(Debug, Serialize)]
pub(crate) struct OfProcess {
    pid: u32,
    /// What it is.
    who: String,
    /// How many goroutines it has.
    count: usize,
    /// Deadlocks that are known.
    known: Vec<Hit>,
    /// Goroutines that wait for each other.
    rings: Vec<Vec<u64>>,
}

impl OfProcess {
    /// Whether something in it does not go on.
    pub(crate) fn is_bad(&self) -> bool {
        let worse = |hit: &Hit| hit.severity > Severity::Note;
        !self.rings.is_empty() || self.known.iter().any(worse)
    }
}

/// The daemon, and shims whose containers hang, each with what it is.
pub fn blamed(judged: &Judged) -> BTreeMap<u32, String> {
    let mut found = BTreeMap::new();
    for one in &judged.verdicts.containers {
        if let Some(pid) = one.shim_pid.filter(|_| !one.state.is_healthy()) {
            let name = match &one.namespace {
                Some(namespace) => format!("{namespace}/{}", one.id),
                None => one.id.to_string(),
            };
            found.entry(pid).or_insert(format!("the shim of {name}"));
        }
    }
    if let Some(daemon) = &judged.daemon {
        found.insert(daemon.pid, "containerd".to_owned());
    }
    found
}

/// Reads goroutines, with rights that are given up where a node is opened.
pub(crate) type Reader = Apart<Read>;

/// Goroutines, and an end that a shim lost.
type Read = (Vec<Goroutine>, Option<Hit>);

/// Starts it; nothing where no process runs.
pub(crate) fn reader(evidence: &Path) -> Option<Reader> {
    let door = LiveProc::open(evidence)?;
    Reader::start(door, cli::monotonic, all)
}

fn all(attached: &Attached<'_>) -> Read {
    attached.with_lost_ends()
}

/// Reads them, without a stop; nothing where no process runs.
pub(crate) fn read_goroutines(
    reader: Option<&Reader>,
    judged: &Judged,
    unread: &mut Vec<Unknown>,
) -> Vec<OfProcess> {
    let is_live = judged.case.processes.as_ref().is_some_and(|all| all.live);
    let Some(reader) = reader.filter(|_| is_live) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (pid, who) in blamed(judged).into_iter().take(PROCESSES) {
        let (all, lost_end) = match reader.wait_for_process(pid) {
            Ok(all) => all,
            // A shim of another runtime, or one that just ended.
            Err(NotAttached::NotGo(_) | NotAttached::Program(_) | NotAttached::Ended) => continue,
            Err(why) => {
                unread.push(Unknown::new(
                    format!("the goroutines of {who} (pid {pid})"),
                    why.to_string(),
                ));
                // Whoever waits for one such process for long need not wait for the next.
                if matches!(why, NotAttached::Held(_)) {
                    break;
                }
                continue;
            }
        };
        let graph = deadlocks(&all);
        let mut known = signatures(&all, &graph);
        known.extend(lost_end);
        if known.is_empty() && graph.cycles.is_empty() {
            continue;
        }
        found.push(OfProcess {
            pid,
            who,
            count: all.len(),
            known,
            rings: graph.cycles,
        });
    }
    found
}

/// One process.
pub(crate) fn block(one: &OfProcess, pen: &mut Pen<'_>) -> io::Result<()> {
    let title = format!(
        "Inside {} (pid {}, {} goroutines)",
        one.who, one.pid, one.count
    );
    pen.gap()?;
    pen.heading(title)?;
    let ids = |all: &[u64]| {
        let words: Vec<String> = all.iter().take(8).map(ToString::to_string).collect();
        words.join(", ")
    };
    for hit in &one.known {
        let code = pen.styled(Style::Bad, hit.code).to_string();
        pen.paragraph(&format!("  {code} "), hit.title)?;
        for role in &hit.roles {
            pen.line(format_args!(
                "    goroutine {}: {}",
                ids(&role.goroutines),
                role.does
            ))?;
        }
        if let Some(minutes) = hit.minutes {
            pen.line(format_args!("    for {minutes} minutes or more"))?;
        }
    }
    for ring in &one.rings {
        pen.line(format_args!(
            "  goroutines {} wait for each other",
            ids(ring)
        ))?;
    }
    pen.line("  more: `coroner core deadlocks --pid` of that pid, as this node numbers it")
}
