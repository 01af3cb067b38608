//! A daemon that runs, and keeps its stores elsewhere than where we look.

use std::path::Path;

use finding::{Code, Finding, Location, Severity, Text};
use node::{Node, path_text};
use process::Process;

use crate::{Check, Judge};

/// The running daemon's root is not the one that is judged.
pub(crate) const ELSEWHERE: Check = Check {
    code: &Code {
        name: "store/daemon-elsewhere",
        rule: "B22",
        severity: Severity::Damage,
        title: "The containerd that runs keeps its stores elsewhere",
        explanation: "The daemon was started with another --root, or it runs in a mount namespace of its own (a unit \
            with BindPaths= or a container), where another disk is mounted at this path. What is judged here is then not what the daemon \
            uses: an older store that was left, or what lies below a mount.",
        remedy: "Do not repair, clean or replace anything here. Examine the stores of the daemon: `coroner triage / --root \
            ROOT --state STATE` with its own folders, or `coroner triage /proc/PID/root` where it has mounts of its own.",
    },
    needs: &[],
    run: elsewhere,
};

fn elsewhere(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(processes) = node.processes.as_deref() else {
        return;
    };
    let daemons = processes.iter().filter(|it| {
        it.program() == b"containerd" && !it.stat.is_dead() && it.is_nested() != Some(true)
    });
    for daemon in daemons {
        let Some(message) = other_root(node, daemon).or_else(|| other_mount(judge, daemon)) else {
            continue;
        };
        let location = Location::file(path_text(&node.roots.root));
        let message = format!("containerd (pid {}) {message}", daemon.pid);
        judge.say(Finding::new(ELSEWHERE.code, location, message));
    }
}

/// It was told another root, which is that of no installation that we look for.
fn other_root(node: &Node, daemon: &Process) -> Option<String> {
    // A distribution's stores are another daemon's, and so are these where a daemon of their own runs.
    let own = crate::running::running(node).filter(|it| it.is_containerd);
    let has_own = own.is_some_and(|it| it.pid != Some(daemon.pid));
    if has_own || node.roots.whose != "containerd" {
        return None;
    }
    let root = daemon.flag("root")?;
    let path = Path::new(root.utf8()?);
    let is_known = *path == node.roots.root || node::usual_place(path).as_deref() == Some(path);
    (!is_known && path.is_absolute()).then(|| {
        let state = daemon
            .flag("state")
            .unwrap_or_else(|| Text::from("its default state"));
        format!("runs with --root {root} and {state}")
    })
}

/// It sees another file system at the root than everybody else.
fn other_mount(judge: &Judge<'_>, daemon: &Process) -> Option<String> {
    let node = judge.node;
    let is_ours = crate::running::running(node)?.pid == Some(daemon.pid);
    let processes = node.processes.as_deref()?;
    let first = processes.get(1)?.mount_namespace.as_ref()?;
    let own = daemon.mount_namespace.as_ref()?;
    let root = path_text(&node.roots.root);
    let theirs = process::covering(daemon.mounts.as_deref()?, root.bytes())?;
    let ours = process::covering(processes.mounts.as_deref()?, root.bytes())?;
    let is_same =
        theirs.device == ours.device && theirs.root == ours.root && theirs.point == ours.point;
    (is_ours && first != own && !is_same).then(|| {
        format!(
            "runs in a mount namespace of its own, where {} of {} is at {}",
            theirs.root, theirs.source, theirs.point
        )
    })
}
