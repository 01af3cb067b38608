//! The daemon at a limit that the kernel holds it to: it moves, and can make nothing.
//!
//! | limit | what fails | proof |
//! |---|---|---|
//! | open files of the process | to accept a connection, to open a pipe: `too many open files` | `/proc/PID/limits` beside the numbers in `/proc/PID/fd` |
//! | tasks of its cgroup, or of one above | to start a shim or a plugin: `resource temporarily unavailable` | `pids.max`, `pids.current`, `pids.events` |
//!
//! Both are raised while it runs: nothing is stopped for it. Tests: `tests/states/limits.rs`.

use finding::program::{ECHO, PRLIMIT};
use finding::{Draft, Remedy, Step, Text};
use process::{FilesLeft, Process, TasksLeft};

use crate::facts::Index;
use crate::remedy::safe;

/// Numbers of open files that the start of a shim takes at least: `/dev/null`, two pipes.
const FILES: u64 = 5;
/// Tasks that the start of a shim takes at least: it, the shim and runc are programs in Go, with some threads each.
const TASKS: u64 = 8;
/// The most open files that a limit is raised to: more is what the kernel allows by `fs.nr_open`.
const MOST: u64 = 1 << 20;

/// A limit that is reached.
pub(crate) struct AtLimit {
    pub(crate) why: String,
    pub(crate) evidence: String,
    pub(crate) remedy: Remedy,
}

/// The limit that keeps the daemon from making anything.
pub(crate) fn of_daemon(index: &Index<'_>, process: &Process) -> Option<AtLimit> {
    let files = process.files_left().filter(|it| it.left < FILES);
    if let Some(files) = files {
        return Some(open_files(process, files));
    }
    let places = &index.processes.places;
    let tasks = places.tasks_left(&index.processes.tree, &process.cgroups);
    tasks.filter(|it| it.left() < TASKS).map(|it| tasks_of(&it))
}

fn open_files(process: &Process, files: FilesLeft) -> AtLimit {
    let FilesLeft { soft, hard, left } = files;
    let left_words = match left {
        0 => "none is left".to_owned(),
        left => format!("{left} are left"),
    };
    let why = format!(
        "its limit of {soft} open files is reached ({left_words}): it can accept no connection or \
         start no shim, and says `too many open files`"
    );
    let evidence = format!(
        "/proc/{}/limits: Max open files {soft} (hard {hard}); {} numbers below it are in use",
        process.pid,
        soft.saturating_sub(left)
    );
    // Up to the hard limit it needs no right of its own.
    let more = soft.saturating_mul(4).max(1 << 16);
    let wanted = if hard > soft { hard } else { more }.min(MOST);
    let raise = (wanted > soft).then(|| {
        let words = if hard > soft {
            format!("{wanted}:")
        } else {
            format!("{wanted}:{wanted}")
        };
        let draft = Draft::new(PRLIMIT).value("--nofile", words);
        let command = draft.value("--pid", process.pid.to_string()).command();
        command.map(|command| Step::from(command).undoable())
    });
    let mut steps: Vec<Step> = raise.flatten().into_iter().collect();
    steps.push(Step::words(
        "For its next start: LimitNOFILE= in a drop-in of its unit. Where the number grows again, it leaks \
         them: see what the links in its fd folder have in common.",
    ));
    AtLimit {
        why,
        evidence,
        remedy: safe(
            "A higher limit holds at once for the daemon that runs: nothing is stopped.",
            steps,
        ),
    }
}

fn tasks_of(tasks: &TasksLeft) -> AtLimit {
    let TasksLeft {
        folder,
        current,
        max,
        refused,
        own,
    } = tasks;
    let whose = if *own {
        "its cgroup"
    } else {
        "a cgroup above its own"
    };
    let why = format!(
        "{whose} has {current} of {max} tasks: it can start no shim and no plugin, and says `resource \
         temporarily unavailable`"
    );
    let refused = refused.map_or_else(String::new, |count| format!("; pids.events max {count}"));
    let evidence = format!("{folder}: pids.current {current}, pids.max {max}{refused}");
    let file = Text::from([folder.bytes(), b"/pids.max"].concat());
    let wanted = max.saturating_mul(4).max(4096);
    let draft = Draft::new(ECHO).number(wanted).into_file(file);
    let command = draft.command();
    let mut steps: Vec<Step> = command
        .map(|command| Step::from(command).undoable())
        .into_iter()
        .collect();
    steps.push(Step::words(
        "For the next start: TasksMax= of its unit or slice (upstream's unit has TasksMax=infinity). The shims \
         of all containers are in the daemon's unit.",
    ));
    AtLimit {
        why,
        evidence,
        remedy: safe(
            "A higher limit holds at once for all that is in that cgroup: nothing is stopped.",
            steps,
        ),
    }
}
