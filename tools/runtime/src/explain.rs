//! `coroner runtime explain`

use std::io;

use cli::{Answer, Failure, Out, Outcome, Pen};
use finding::Escaped;
use serde::Serialize;

/// A message of a runtime, a shim, containerd or kubelet, and what it tells.
#[derive(Debug, Serialize)]
struct Message {
    /// Who says it.
    who: &'static str,
    /// The part of the line that does not change.
    says: &'static str,
    /// What it tells of the container.
    means: &'static str,
    /// The code whose finding confirms it, where files can.
    confirmed_by: Option<&'static str>,
}

const fn message(
    who: &'static str,
    says: &'static str,
    means: &'static str,
    confirmed_by: &'static str,
) -> Message {
    let confirmed_by = if confirmed_by.is_empty() {
        None
    } else {
        Some(confirmed_by)
    };
    Message {
        who,
        says,
        means,
        confirmed_by,
    }
}

/// Messages whose state is known. The more telling part of two stands first.
const MESSAGES: &[Message] = &[
    message(
        "runc",
        "cannot start an already running container",
        "The start found the FIFO without a byte in it, or gone: the container was let go before.",
        "runtime/fifo-stale",
    ),
    message(
        "runc",
        "container with given id already exists",
        "A state folder of this id was left behind by an earlier task.",
        "runtime/state-without-bundle",
    ),
    message(
        "runc",
        "write exec fifo",
        "Init was released and nobody read: a start was killed, or a tool opened exec.fifo and \
         closed it, which kills a waiting container.",
        "runtime/fifo-waiting",
    ),
    message(
        "runc",
        "container does not exist",
        "There is no state.json: creation is under way, hangs in a hook or a mount, or died. \
         `runc delete --force` would leak the process.",
        "runtime/state-missing",
    ),
    message(
        "runc",
        "device or resource busy",
        "A bind mount stands in the state folder (runc.XXXXXX, up to 1.1.14) or on rootfs; unmount \
         it, then delete.",
        "runtime/binary-leftover",
    ),
    message(
        "runc",
        "unexpected eof",
        "A state.json is cut; no command works for this container while it is.",
        "runtime/state-truncated",
    ),
    message(
        "runc",
        "can't get final child's pid",
        "Creation failed in its first steps, before there was a state.json.",
        "runtime/state-missing",
    ),
    message(
        "runc",
        "unable to freeze",
        "A cgroup could not be frozen; look for tasks in state D, and for FREEZING.",
        "",
    ),
    message(
        "runc",
        "error during container init: error mounting",
        "Init could not set its root file system up; creation fails and cleans up. If it hangs \
         instead, a mount's server is dead (state storage-hung).",
        "runtime/stuck",
    ),
    message(
        "runc",
        "error running hook",
        "A hook failed, or was killed; what was made is removed. While it hangs, the state is \
         hook-host, hook-container or hook-start.",
        "runtime/stuck",
    ),
    message(
        "runc",
        "cannot start a paused container",
        "Its cgroup is frozen: a pause, or an update that was killed (state frozen-v1).",
        "runtime/stuck",
    ),
    message(
        "runc",
        "cannot exec in a paused container",
        "Its cgroup is frozen. With --ignore-paused the exec hangs with it (state exec-frozen).",
        "runtime/stuck",
    ),
    message(
        "runc",
        "cannot start a container that has stopped",
        "Its init ended before the start: a start that was killed, or an init that was (state \
         start-died-early), or a pid that is another's by now (pid-reused).",
        "runtime/stuck",
    ),
    message(
        "runc",
        "cannot delete container",
        "It is not stopped as runc sees it. Where its FIFO was left, runc takes a workload that \
         runs for one that was never started (state started-fifo-stale).",
        "runtime/stuck",
    ),
    message(
        "shim",
        "failed to write, error log file",
        "The shim could not hand a line of output on: its reader is gone (state stdout-full if \
         the workload waits).",
        "runtime/stuck",
    ),
    message(
        "containerd",
        "failed to get task status",
        "The shim did not answer: it was stopped (shim-stopped), or holds its lock while a start \
         hangs (parked-start-hung, parked-stdio).",
        "runtime/stuck",
    ),
    message(
        "containerd",
        "failed to handle container taskexit event",
        "A task that ended could not be removed; look for a shim that does not answer, a frozen \
         cgroup or a dead mount.",
        "runtime/stuck",
    ),
    message(
        "containerd",
        "failed to kill container",
        "A signal does not come through: a frozen cgroup (frozen-v1, frozen-ancestor, frozen-v2), \
         or a task that waits for storage.",
        "runtime/stuck",
    ),
    message(
        "kernel",
        "blocked for more than",
        "A task sleeps in state D. A frozen one looks the same: the cgroup's freezer tells them \
         apart (frozen-v1, storage-hung, oom-stall).",
        "runtime/stuck",
    ),
    message(
        "kubelet",
        "createcontainererror",
        "The creation failed or did not come to its end: a hook, a mount, a creator that was \
         stopped, or an init that waits for its start.",
        "runtime/stuck",
    ),
    message(
        "containerd",
        "failed to read bootstrap.json when restoring bundle",
        "The daemon lost the way to a shim at its start, and killed the container.",
        "runtime/address-damaged",
    ),
    message(
        "containerd",
        "cleaning up after shim disconnected",
        "The daemon could not reach a shim and cleans up after it: what ran under it is killed.",
        "runtime/address-damaged",
    ),
    message(
        "containerd",
        "failed to load shim",
        "As above: a bundle whose shim did not answer.",
        "runtime/address-damaged",
    ),
    message(
        "containerd",
        "cleaning leaked shim process",
        "A shim answered that it has no process; the daemon (1.7 and later) ends it.",
        "runtime/bundle-without-state",
    ),
    message(
        "containerd",
        "failed to load container status",
        "A status of the CRI plugin could not be read, and is overwritten.",
        "runtime/status-damaged",
    ),
    message(
        "containerd",
        "failed to checkpoint status",
        "The CRI folder of a container is not there, or the disk is full: the container is not \
         loaded.",
        "runtime/status-dir-missing",
    ),
    message(
        "kubelet",
        "failed to reserve container name",
        "An earlier creation of the same container still runs or was left: look for a container \
         that was created and not started.",
        "runtime/fifo-waiting",
    ),
    message(
        "kubelet",
        "context deadline exceeded",
        "A call took longer than two minutes. If it was CreateContainer or StartContainer, look \
         for a folder without state.json, or a container that waits at its FIFO.",
        "runtime/state-missing",
    ),
    message(
        "kubelet",
        "container runtime network not ready",
        "containerd loaded no network configuration. Its own log, or `crictl info` \
         (lastCNILoadStatus), says why: none is there, or the first one is wrong.",
        "cni/no-config",
    ),
    message(
        "containerd",
        "cni plugin not initialized",
        "As above; each attempt to make a pod, and to stop one, says so. \"no network config found \
         in\" beside it means that there is none; \"failed to load cni config\" names the file \
         that is wrong.",
        "cni/no-config",
    ),
    message(
        "containerd",
        "failed to load cni config",
        "A configuration is wrong, and with it none is loaded, not even a good one after it.",
        "cni/config-broken",
    ),
    message(
        "containerd",
        "failed to find plugin",
        "The program of a plugin is not in bin_dir. Packages put them into different folders.",
        "cni/plugin-missing",
    ),
    message(
        "containerd",
        "no ip addresses available in range set",
        "Each address of the range has a file in /var/lib/cni/networks. If pods do not have that \
         many, addresses leaked: triage names them. Do not delete the folder under running pods.",
        "cni/addresses-exhausted",
    ),
    message(
        "containerd",
        "duplicate allocation is not allowed",
        "The sandbox has an address of this range already: an attempt before was not cleaned up.",
        "cri/address-leaked",
    ),
    message(
        "containerd",
        "failed to destroy network for sandbox",
        "A pod cannot be taken off its network: the configuration or a program is gone, or (1.6, \
         1.7) the pod's file in /var/lib/cni/results cannot be read. Until it can be, the pod is \
         neither stopped nor removed.",
        "cni/result-damaged",
    ),
    message(
        "kubelet",
        "pleg is not healthy",
        "Listing the containers takes too long: a shim does not answer, or containerd waits for \
         its own lock.",
        "",
    ),
];

#[derive(Serialize)]
struct Explained {
    messages: Vec<&'static Message>,
    /// Codes of checks whose daemon message it is.
    codes: Vec<&'static finding::Code>,
}

pub(crate) fn run(line: &str, out: &mut Out) -> Outcome {
    let lower = line.to_lowercase();
    let is = |says: &str| {
        let says = says.to_lowercase();
        lower.contains(&says) || (lower.trim().len() > 5 && says.contains(lower.trim()))
    };
    let messages: Vec<&Message> = MESSAGES.iter().filter(|message| is(message.says)).collect();
    let told = |name: &str| {
        messages
            .iter()
            .any(|message| message.confirmed_by == Some(name))
    };
    let codes: Vec<_> = checks::codes()
        .into_iter()
        .filter(|code| told(code.name) || code.messages.iter().any(|message| is(message)))
        .collect();
    if messages.is_empty() && codes.is_empty() {
        let line = Escaped(line.as_bytes());
        return Err(Failure::usage(format!("no known message is like {line}"))
            .hint("give the part of the line that does not change: no ids, no times"));
    }
    out.answer(&Explained { messages, codes })
}

impl Answer for Explained {
    const SCHEMA: &'static str = "runtime-explain/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for message in &self.messages {
            pen.heading(format_args!("{}: \"{}\"", message.who, message.says))?;
            pen.paragraph("  ", message.means)?;
            if let Some(code) = message.confirmed_by {
                pen.line(format_args!("  confirmed by {code}"))?;
            }
        }
        for code in &self.codes {
            pen.gap()?;
            pen.heading(format_args!(
                "{} ({}): {}",
                code.name, code.severity, code.title
            ))?;
            pen.paragraph("  ", code.explanation)?;
            pen.paragraph("  what to do  ", code.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_confirms_a_message_exists() {
        let codes = checks::codes();
        for message in MESSAGES {
            assert_eq!(message.says, message.says.to_lowercase());
            if let Some(name) = message.confirmed_by {
                assert!(codes.iter().any(|code| code.name == name), "{name}");
            }
        }
    }
}
