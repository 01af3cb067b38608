//! State that outlasts a boot: its bundles are of tasks that the boot ended.
//!
//! containerd wants `state` on a tmpfs, as /run is one. On a disk the bundles and addresses of a boot are
//! still there after the next: the daemon asks each shim, gets no answer, and removes the bundles.

use finding::{Code, Finding, Location, Object, Severity, Time};
use node::{Node, path_text};

use crate::{Check, Judge};

/// Bundles from before the boot, or state where they would be kept.
pub(crate) const KEPT: Check = Check {
    code: &Code {
        name: "store/state-kept",
        rule: "P57",
        severity: Severity::Odd,
        title: "containerd's state outlasts a reboot: its tasks are from before the boot",
        explanation: "`state` (usually /run/containerd) belongs on a tmpfs, which each boot empties. Here the \
            bundles of an earlier boot are still there. No shim of theirs can live: a start calls each, which \
            takes some time, and removes their bundles. Sockets, pid files and FIFOs of that boot are kept, \
            too, and may name other processes now. Where state lies on a disk and no bundle is known to be \
            older than the boot, that is reported as a note.",
        remedy: "No container can be saved by leaving the bundles there: a start removes them. So that it does \
            not happen again, move `state` of config.toml below /run while no container runs, or mount a \
            tmpfs at it.",
    },
    needs: &[],
    run: kept,
};

/// A clock may be set by so many seconds after the boot.
const SET: i64 = 60;

/// When the machine was booted, as its processes tell.
fn booted(node: &Node) -> Option<Time> {
    let ticks = node.processes.as_deref()?.uptime_ticks?;
    let seconds = i64::try_from(ticks.checked_div(100)?).ok()?;
    Some(Time {
        seconds: node.now.seconds.checked_sub(seconds)?,
        nanos: node.now.nanos,
    })
}

fn kept(judge: &mut Judge<'_>) {
    let node = judge.node;
    let (Some(runtime), mount) = (node.runtime.read(), node.around.state_disk.as_ref()) else {
        return;
    };
    if mount.is_some_and(evidence::Mount::is_memory) {
        return;
    }
    let state = path_text(&node.roots.state);
    let at = Location::file(state.clone());
    let bundles = runtime.bundles.iter().filter(|bundle| !bundle.hidden);
    // The times of a copy are those of its making.
    let booted = booted(node).filter(|_| node.keeps_times);
    let is_older = |time: Time| booted.is_some_and(|booted| booted.since(time) > SET);
    let old = bundles.filter(|bundle| is_older(bundle.dir.mtime));
    let old: Vec<Object> = old
        .map(|bundle| Object::new("task", bundle.namespace.clone(), bundle.id.clone()))
        .collect();
    let is_disk = mount.is_some_and(evidence::Mount::is_local_disk);
    if let (Some(booted), false) = (booted, old.is_empty()) {
        let which = if is_disk { ", which is on a disk," } else { "" };
        let tasks = crate::start::counted(old.len(), "task");
        let message =
            format!("{state}{which} has the bundles of {tasks} from before the boot of {booted}");
        judge.say(crate::judge::affecting(
            Finding::new(KEPT.code, at, message),
            &old,
        ));
        return;
    }
    // Others than containerd's own package choose their places themselves.
    if node.roots.whose != "containerd" || runtime.bundles.is_empty() {
        return;
    }
    let message = if is_disk {
        format!("{state} is on a disk: its bundles outlast a reboot, which ends their tasks")
    } else if mount.is_none() && !state.bytes().starts_with(b"/run/") {
        format!(
            "whether {state}, which is not below /run, outlasts a reboot is not known: mounts are not in the evidence"
        )
    } else {
        return;
    };
    judge.say(Finding::new(KEPT.code, at, message).severity(Severity::Note));
}
