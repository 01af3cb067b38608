//! The evidence, line by line.

use core::fmt::Write;

use process::Process;

use crate::facts::Index;
use crate::found::Found;
use crate::subject::Subject;

/// Lines that are kept of one container.
const MOST: usize = 40;

/// Appends to a text, which cannot fail.
fn add(line: &mut String, what: core::fmt::Arguments<'_>) {
    let _infallible = line.write_fmt(what);
}

/// How a process stands there, in a line.
pub(crate) fn process(process: &Process) -> String {
    let mut line = format!(
        "pid {} ({}): state {}",
        process.pid,
        process.command(),
        process.stat.state
    );
    match &process.wchan {
        Some(wchan) => add(&mut line, format_args!(", wchan {wchan}")),
        None => line.push_str(", wchan not known"),
    }
    if let Some(syscall) = &process.syscall {
        // Its arguments are addresses: what they mean is said where it is known.
        let words = syscall.words();
        let number = words.split(' ').next().unwrap_or_default();
        add(&mut line, format_args!(", syscall {number}"));
    }
    add(
        &mut line,
        format_args!(
            ", parent {}, started at {} ticks",
            process.stat.ppid, process.stat.start_ticks
        ),
    );
    line
}

pub(crate) fn evidence_lines(
    index: Option<&Index<'_>>,
    subject: &Subject<'_>,
    found: &Found<'_>,
) -> Vec<String> {
    let mut lines = Vec::new();
    files(subject, &mut lines);
    if let Some(init) = subject.process() {
        lines.push(process(init));
        if !init.stack.is_empty() {
            let names: Vec<String> = init.stack.iter().take(6).map(ToString::to_string).collect();
            lines.push(format!("its stack: {}", names.join(" <- ")));
        }
        let path = subject.fifo_path();
        for fd in init.open_files().iter().filter(|fd| fd.is_at(&path)) {
            let inode = fd
                .ino
                .map(|ino| format!(", inode {ino}"))
                .unwrap_or_default();
            lines.push(format!(
                "its fd {} is {}: {}{inode}",
                fd.number,
                fd.target,
                fd.how()
            ));
        }
    } else if let Some((pid, start)) = subject.claimed() {
        let start = start
            .map(|start| format!(" started at {start} ticks"))
            .unwrap_or_default();
        lines.push(format!("its state names pid {pid}{start}"));
    }
    if let Some(index) = index {
        if subject.has_fifo() {
            others_at_fifo(index, subject, &mut lines);
        }
        if let Some(culprit) = found.culprit {
            lines.push(process(culprit));
        }
    }
    if let Some(freezer) = &found.freezer {
        let whose = if freezer.own {
            "its own cgroup"
        } else {
            "above its cgroup"
        };
        lines.push(format!(
            "{} ({whose}): {}",
            freezer.folder,
            freezer.says.join(", ")
        ));
    }
    lines.extend(found.notes.iter().cloned());
    if let Some(bundle) = subject.bundle {
        for line in bundle.errors().take(2) {
            lines.push(format!("log.json: {}", line.message));
        }
    }
    lines.truncate(MOST);
    lines
}

fn files(subject: &Subject<'_>, lines: &mut Vec<String>) {
    let Some(container) = subject.container else {
        if let Some(bundle) = subject.bundle {
            lines.push(format!(
                "{} is there; no runtime has a folder for it",
                bundle.path
            ));
        }
        if let Some(status) = subject.cri.and_then(|cri| cri.status.get()) {
            lines.push(format!("the CRI plugin's status says {}", status.state()));
        }
        return;
    };
    let folder = &container.path;
    match &container.fifo {
        // youki makes none.
        None if subject.is_youki() => {}
        None => lines.push(format!("{folder}/exec.fifo is not there")),
        Some(stat) if stat.only_kind => lines.push(format!("{folder}/exec.fifo is there")),
        Some(stat) => lines.push(format!(
            "{folder}/exec.fifo: {}, mode {:04o}, owner {}:{}, mtime {}",
            stat.kind.word(),
            stat.mode,
            stat.uid,
            stat.gid,
            stat.mtime
        )),
    }
    let (name, doc) = container.state_file();
    let mtime = container.state_stat.as_ref().filter(|stat| !stat.only_kind);
    let mtime = mtime
        .map(|stat| format!(", mtime {}", stat.mtime))
        .unwrap_or_default();
    lines.push(format!("{folder}/{name} is {doc}{mtime}"));
    lines.push(format!("its files: {}", container.derived.why));
    for left in &container.leftovers {
        lines.push(format!(
            "{folder}/{} was left by a writer that was killed",
            left.name
        ));
    }
    for (name, pid) in &container.pid_files {
        lines.push(format!("pid file {name} holds {pid}"));
    }
    if let Some(bundle) = subject.bundle
        && bundle.init_pid.is_absent()
    {
        lines.push(format!("{}/init.pid is not there", bundle.path));
    }
}

/// Who else has the FIFO open.
fn others_at_fifo(index: &Index<'_>, subject: &Subject<'_>, lines: &mut Vec<String>) {
    let own = subject.process().map(|process| process.pid);
    let mut nobody = true;
    let path = subject.fifo_path();
    for (process, fd) in index
        .holders(
            &path,
            subject.container.and_then(|it| it.fifo.as_ref()?.ino),
        )
        .filter(|(process, _)| Some(process.pid) != own)
    {
        // Children of a creation inherit it.
        nobody &= fd.reads() != Some(true);
        lines.push(format!(
            "pid {} ({}) has it open as fd {}: {}",
            process.pid,
            process.command(),
            fd.number,
            fd.how()
        ));
    }
    if nobody && index.processes.whole {
        lines.push("no process has it open for reading".to_owned());
    }
}
