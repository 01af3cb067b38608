//! `coroner runtime stuck`

use std::collections::BTreeSet;
use std::io;

use cli::{Answer, EvidenceArgs, Exit, Out, Outcome, Pen, Style, Table, age};
use finding::{Count, Text, Time, Unknown};
use serde::Serialize;
use stuck::{Daemon, Diagnosis, LeftShim, Series, State};

use crate::goroutines::{OfProcess, read_goroutines, reader};
use crate::live::{Judged, judge};

/// So many containers can be read at a glance; more get a table in front.
const AT_A_GLANCE: usize = 3;

/// More states than this are no answer: they are counted.
const FEW: usize = 6;

pub(crate) const ABOUT: &str = "Say which containers hang, why, and what is safe to do.

Every container that runc, crun or containerd's bundles know is judged, and so is every `runc init` that none of them knows: what its processes wait for (wchan, system call, open files), whether a cgroup freezes it, who holds the other end, and who waits for whom. Nothing on the node notices: no process is signalled or traced, no FIFO opened.

Without NODE this machine is examined; root is needed to see what processes wait for. In a bundle of `coroner collect` the processes are stored. A disk, or a tar of /run, tells how far a container came, but not which processes still run: its state is then `unknowable`.";

pub(crate) const EXAMPLES: &str = "Examples:
  coroner runtime stuck                        this machine
  coroner runtime stuck --all /                its healthy containers, too
  coroner runtime stuck node.tar.zst           a bundle, elsewhere
  coroner runtime stuck --format json / | jq -r '.answer.containers[].remedy.steps[].command.rendered'

Exit: 0 nothing hangs, 4 something does, 8 something could not be known";

#[derive(Serialize)]
struct Stuck {
    evidence: Text,
    now: Time,
    /// Whether it is this machine.
    live: bool,
    /// How many processes were looked at; nothing where the evidence holds none.
    processes: Option<usize>,
    /// How many containers hang.
    #[expect(clippy::struct_field_names, reason = "it is called so in JSON")]
    stuck: usize,
    /// How many are healthy, those that have ended among them.
    healthy: usize,
    /// How many of the healthy ones have ended.
    ended: usize,
    /// Of how many there is a record or a bundle and no process.
    no_task: usize,
    /// How many cannot be judged.
    unknowable: usize,
    /// How many a runtime keeps whose files are not read.
    not_read: usize,
    /// How many have ended, and the kernel had killed a process of them for want of memory.
    oom_killed: usize,
    /// How many run, and may make no process or thread.
    at_limit: usize,
    /// The daemon; nothing where processes are not known, or it does not run.
    daemon: Option<Daemon>,
    /// Whether a root or state of containerd is there, all processes are known, and none is the daemon.
    without_daemon: bool,
    containers: Vec<Diagnosis>,
    series: Vec<Series>,
    /// Shims that serve nothing any more and that no start of containerd ends.
    shims: Vec<LeftShim>,
    /// What the goroutines of the daemon and of shims whose containers hang tell.
    goroutines: Vec<OfProcess>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(
    all: bool,
    namespace: Option<&str>,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let reader = reader(&args.evidence);
    let judged = judge(args)?;
    let mut unread = Vec::new();
    let goroutines = read_goroutines(reader.as_ref(), &judged, &mut unread);
    let Judged {
        case,
        now,
        mut verdicts,
        mut daemon,
        mut unknown,
    } = judged;
    unknown.append(&mut unread);
    verdicts.containers.retain(|one| {
        namespace.is_none_or(|wanted| one.namespace.as_ref().is_some_and(|name| *name == *wanted))
    });
    let count = |test: fn(&State) -> bool| {
        let states = verdicts.containers.iter().map(|one| one.state);
        states.filter(test).count()
    };
    let stuck = count(|state| state.is_stuck());
    let healthy = count(|state| state.is_healthy());
    let ended = count(|state| *state == State::Exited);
    let no_task = count(|state| *state == State::NoTask);
    let not_read = count(|state| *state == State::NotRead);
    let unknowable = count(|state| *state == State::Unknowable);
    let oom_killed = count(|state| *state == State::OomKilled);
    let at_limit = count(|state| *state == State::AtLimit);
    verdicts
        .containers
        .retain(|one| all || one.state.is_stuck() || is_worth_a_look(one));
    // A command that names a pid is one for where that pid is.
    for one in &mut verdicts.containers {
        case.from_here(&mut one.remedy);
    }
    for one in &mut verdicts.shims {
        case.from_here(&mut one.remedy);
    }
    if let Some(daemon) = &mut daemon {
        case.from_here(&mut daemon.remedy);
    }
    let processes = case.processes.as_deref();
    let without_daemon = daemon.is_none()
        && processes.is_some_and(|processes| processes.whole)
        && crate::live::is_node(&case);
    out.answer(&Stuck {
        evidence: case.evidence.name(),
        now,
        live: processes.is_some_and(|processes| processes.live),
        processes: processes.map(|processes| processes.iter().count()),
        stuck,
        healthy,
        ended,
        no_task,
        unknowable,
        not_read,
        oom_killed,
        at_limit,
        without_daemon,
        daemon,
        containers: verdicts.containers,
        series: verdicts.series,
        shims: verdicts.shims,
        goroutines,
        unknown,
    })
}

/// Whether it is worth a look although it does not hang: not a record without a task.
fn is_worth_a_look(one: &Diagnosis) -> bool {
    match one.state {
        State::NoTask => one.pid.is_some() || one.runtime.is_some() || !one.evidence.is_empty(),
        state => !state.is_healthy(),
    }
}

impl Answer for Stuck {
    const SCHEMA: &'static str = "runtime-stuck/2";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let (healthy, rest): (Vec<_>, Vec<_>) = self
            .containers
            .iter()
            .partition(|one| one.state.is_healthy());
        let suspect = self.daemon.as_ref().filter(|daemon| daemon.stuck);
        self.verdict(suspect, pen)?;
        if self.processes.is_none() {
            return self.without_processes(&rest, pen);
        }
        let nothing = rest.is_empty() && suspect.is_none() && self.shims.is_empty();
        if !self.live && self.processes.is_some() && !nothing {
            let line = format!(
                "The processes are those of {}. Since then, a pid may have become another \
                 process's: before a command with a pid, check on the node that ps shows the same \
                 program and arguments for it.",
                self.now
            );
            pen.gap()?;
            pen.paragraph("", &line)?;
        }
        if let Some(daemon) = suspect {
            pen.gap()?;
            of_daemon(daemon, self.now, pen)?;
        }
        for series in &self.series {
            let Series {
                state,
                of,
                count,
                every,
                first,
                ..
            } = series;
            let line = format!(
                "{count} containers of {of} are {state}: one every {every} s, since {first} ({})",
                age(*first, self.now)
            );
            pen.gap()?;
            pen.paragraph("", &line)?;
        }
        if rest.len() > AT_A_GLANCE {
            pen.gap()?;
            overview(&rest, self.now, pen)?;
        }
        let mut warned = BTreeSet::new();
        for one in rest {
            pen.gap()?;
            block(one, self.now, &mut warned, pen)?;
        }
        for one in &self.shims {
            pen.gap()?;
            of_shim(one, self.now, pen)?;
        }
        for one in &self.goroutines {
            crate::goroutines::block(one, pen)?;
        }
        if !healthy.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&["namespace", "!id", "state", "for", ">pid", "why"]);
            let dash = || "-".to_owned();
            for one in healthy {
                table.cells(vec![
                    one.namespace
                        .as_ref()
                        .map_or_else(dash, ToString::to_string),
                    one.id.to_string(),
                    one.state.to_string(),
                    one.since.map_or_else(dash, |since| age(since, self.now)),
                    one.pid.map_or_else(dash, |pid| pid.to_string()),
                    one.why.clone(),
                ]);
            }
            pen.table(&table)?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        let inside = self.goroutines.iter().any(OfProcess::is_bad);
        if inside
            || self.stuck > 0
            || self.at_limit > 0
            || !self.shims.is_empty()
            || self.daemon.as_ref().is_some_and(|daemon| daemon.stuck)
        {
            exit |= Exit::FINDINGS;
        }
        if self.unknowable > 0 {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

impl Stuck {
    /// How many hang: the first line; `suspect` is the daemon where it does not move itself.
    fn verdict(&self, suspect: Option<&Daemon>, pen: &mut Pen<'_>) -> io::Result<()> {
        let held = suspect.is_some();
        let Self {
            stuck,
            healthy,
            unknowable,
            not_read,
            ..
        } = self;
        let style = if *stuck > 0 || held {
            Style::Bad
        } else if self.processes.is_none() && *unknowable > 0 {
            Style::Heading
        } else {
            Style::Good
        };
        if let Some(daemon) = suspect {
            let words = if daemon.at_limit {
                "containerd is at a limit: it can make nothing new"
            } else {
                "containerd does not move: what it makes or ends now is not seen below"
            };
            let words = pen.styled(style, words).to_string();
            pen.line(format_args!("{words}"))?;
        }
        // As long as the daemon does not move, nothing is known of what it should move.
        let line = if held && *stuck == 0 {
            "containerd stuck".to_owned()
        } else if held {
            format!("containerd and {} stuck", Count(*stuck, "container"))
        } else if self.processes.is_none() {
            format!("{stuck} known to be stuck")
        } else {
            format!("{stuck} stuck")
        };
        let line = pen.styled(style, line).to_string();
        let words = |count: usize, what: &str| match count {
            0 => String::new(),
            count => format!(", {count} {what}"),
        };
        let ended = match self.ended {
            0 => String::new(),
            count => format!(" ({count} ended)"),
        };
        let more = words(self.no_task, "without a task")
            + &words(*unknowable, "not to be judged")
            + &words(*not_read, "not read")
            + &words(self.oom_killed, "ended for want of memory")
            + &words(self.at_limit, "at its limit of tasks")
            + &match self.shims.len() {
                0 => String::new(),
                count => format!(", {} left over", Count(count, "shim")),
            };
        pen.line(format_args!("{line}, {healthy} healthy{ended}{more}."))?;
        if self.without_daemon {
            pen.paragraph(
                "",
                "containerd does not run: nothing is started or stopped through it, and what has ended since \
                 may still be recorded as running.",
            )?;
        }
        Ok(())
    }

    /// What files alone tell: how far each container came; those that may be anything, in a table.
    fn without_processes(&self, rest: &[&Diagnosis], pen: &mut Pen<'_>) -> io::Result<()> {
        let (open, told): (Vec<&Diagnosis>, Vec<&Diagnosis>) =
            rest.iter().partition(|one| one.state == State::Unknowable);
        if !open.is_empty() || !self.unknown.is_empty() {
            pen.paragraph(
                "",
                "There are no processes in this evidence: it does not tell which containers hang. Run \
                 `coroner runtime stuck` on the node, or pack it there with `coroner collect -o FILE`.",
            )?;
        }
        if !open.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&["!container", "!pod", "what is known", "for"]);
            for one in open {
                table.cells(vec![
                    called(one),
                    one.origin
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), ToString::to_string),
                    one.why.clone(),
                    one.since
                        .map_or_else(|| "-".to_owned(), |since| age(since, self.now)),
                ]);
            }
            pen.table(&table)?;
        }
        let mut warned = BTreeSet::new();
        for one in told {
            pen.gap()?;
            block(one, self.now, &mut warned, pen)?;
        }
        pen.incomplete(&self.unknown)
    }
}

/// A container's namespace and id.
fn called(one: &Diagnosis) -> String {
    match &one.namespace {
        Some(namespace) => format!("{namespace}/{}", one.id),
        None => one.id.to_string(),
    }
}

/// `, since 2026-11-21T05:00:12Z (3 min)`
fn since_text(since: Option<Time>, now: Time) -> String {
    let since = since.map(|since| {
        let second = Time::new(since.seconds, 0);
        format!(", since {second} ({})", age(since, now))
    });
    since.unwrap_or_default()
}

/// Its state, and whether another is possible.
fn state_text(one: &Diagnosis) -> String {
    let is_open = !one.sure && one.state != State::Unknowable;
    let perhaps = if is_open { "perhaps " } else { "" };
    format!("{perhaps}{}", one.state.word())
}

/// One line a container, in front of many blocks.
fn overview(all: &[&Diagnosis], now: Time, pen: &mut Pen<'_>) -> io::Result<()> {
    let mut table = Table::new(&["!container", "state", "for"]);
    for one in all {
        table.cells(vec![
            called(one),
            state_text(one),
            one.since
                .map_or_else(|| "-".to_owned(), |since| age(since, now)),
        ]);
    }
    pen.table(&table)
}

/// A name and a value, broken into lines.
fn field(pen: &mut Pen<'_>, name: &str, value: &str) -> io::Result<()> {
    pen.paragraph(&format!("  {name:<9} "), value)
}

/// The daemon, where it does not move.
fn of_daemon(daemon: &Daemon, now: Time, pen: &mut Pen<'_>) -> io::Result<()> {
    let since = since_text(daemon.since, now);
    let what = if daemon.at_limit {
        "is at a limit"
    } else {
        "does not move"
    };
    let stuck = pen.styled(Style::Bad, what).to_string();
    pen.line(format_args!(
        "containerd (pid {}) {stuck}{since}",
        daemon.pid
    ))?;
    field(pen, "why", &daemon.why)?;
    for (number, line) in daemon.evidence.iter().enumerate() {
        field(pen, if number == 0 { "evidence" } else { "" }, line)?;
    }
    way_out(&daemon.remedy, pen)
}

/// A shim that is left over.
fn of_shim(one: &LeftShim, now: Time, pen: &mut Pen<'_>) -> io::Result<()> {
    let since = since_text(one.since, now);
    pen.line(format_args!(
        "shim of {}/{} (pid {}): left over{since}",
        one.namespace, one.id, one.pid
    ))?;
    let below = match one.processes.as_slice() {
        [] => "nothing runs below it".to_owned(),
        [pid] => format!("pid {pid} runs below it, and no bundle names it"),
        pids => format!(
            "{} processes run below it, and no bundle names them",
            pids.len()
        ),
    };
    field(pen, "why", &format!("its bundle is gone, and {below}"))?;
    way_out(&one.remedy, pen)
}

/// A remedy and its commands.
fn way_out(remedy: &finding::Remedy, pen: &mut Pen<'_>) -> io::Result<()> {
    let safe = match remedy.steps.as_slice() {
        [] => "",
        _ if remedy.is_safe() => "safe: ",
        _ => "not without risk: ",
    };
    field(pen, "fix", &format!("{safe}{}", remedy.why))?;
    pen.steps("            ", remedy)
}

/// Everything of one container.
pub(crate) fn block(
    one: &Diagnosis,
    now: Time,
    warned: &mut BTreeSet<String>,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    let name = called(one);
    let style = if one.state.is_stuck() {
        Style::Bad
    } else {
        Style::Heading
    };
    let state = pen.styled(style, state_text(one)).to_string();
    let since = since_text(one.since, now);
    // In full: it is what other commands take.
    pen.line(format_args!("{name}: {state}{since}"))?;
    if let Some(origin) = &one.origin {
        field(pen, "pod", &origin.to_string())?;
    }
    if let Some(other) = &one.other {
        field(pen, "of", &other.words())?;
    }
    if let Some(keeper) = &one.keeper {
        field(pen, "runtime", keeper)?;
    }
    field(pen, "why", &one.why)?;
    if one.state.is_stuck() {
        field(pen, "cause", one.cause)?;
    }
    match one.may_be.len() {
        0 => {}
        1..=FEW => {
            let words: Vec<&str> = one.may_be.iter().map(|state| state.word()).collect();
            field(pen, "may be", &words.join(", "))?;
        }
        many => {
            let said = format!("any of {many} states (--format json names them)");
            field(pen, "may be", &said)?;
        }
    }
    for (number, line) in one.evidence.iter().enumerate() {
        field(pen, if number == 0 { "evidence" } else { "" }, line)?;
    }
    for (number, waiter) in one.waits_for.iter().enumerate() {
        let line = format!(
            "pid {} ({}) waits for {}",
            waiter.pid, waiter.who, waiter.waits_for
        );
        field(pen, if number == 0 { "chain" } else { "" }, &line)?;
    }
    if !one.state.is_healthy() {
        way_out(&one.remedy, pen)?;
    }
    let mut label = "warning";
    for never in &one.never {
        // Said once: of many containers in one state nobody reads it a second time.
        if warned.insert(never.to_string()) {
            field(pen, label, never)?;
        } else {
            field(pen, label, "as above")?;
        }
        label = "";
    }
    Ok(())
}
