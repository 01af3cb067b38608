//! Containers that containerd itself restarts, because a label asks for it (`nerdctl run --restart`).
//!
//! ```text
//! containerd.io/restart.status    running: start it where it does not run; stopped: kill it where it does
//! containerd.io/restart.loguri    where its output goes
//! containerd.io/restart.logpath   the same in 1.x alone (`plugins/restart/monitor.go` of 2.0)
//! ```

use daemon::Release;
use finding::{Code, Finding, Object, Severity, Text};
use metadb::{Container, Row};

use crate::{Check, Judge};

/// What is to be with it.
pub(crate) const STATUS: &str = "containerd.io/restart.status";

/// A log that 2.x does not write.
pub(crate) const LOG_LOST: Check = Check {
    code: &Code {
        name: "container/restart-log-lost",
        rule: "R29",
        severity: Severity::Odd,
        title: "A container that restarts by its label loses its log",
        explanation: "The container's label containerd.io/restart.status asks containerd to start the container \
            whenever it does not run. Its label containerd.io/restart.logpath says where the output goes: \
            1.x follows that label, 2.x does not know it. Without the label containerd.io/restart.loguri, \
            2.x starts the container with no output at all, and logs a warning.",
        remedy: "Set the container's label containerd.io/restart.loguri to `file://` and the path of the log; \
            it counts from the next restart of the container on.",
    },
    needs: &[],
    run: log_lost,
};

fn label<'r>(row: &'r Row<Container>, name: &str) -> &'r [u8] {
    row.labels.get(name).map_or(b"", Text::bytes)
}

/// Whether 2.x starts it without an output that 1.x gave it.
pub(crate) fn loses_log(row: &Row<Container>) -> bool {
    let is_set = |name| !label(row, name).is_empty();
    label(row, STATUS) == b"running"
        && is_set("containerd.io/restart.logpath")
        && !is_set("containerd.io/restart.loguri")
}

fn log_lost(judge: &mut Judge<'_>) {
    let release = daemon::detect(&judge.node.traces);
    if release.from < Release::V2_0 {
        return;
    }
    for namespace in judge.namespaces() {
        let rows = namespace.containers.read().into_iter().flatten();
        for row in rows.filter(|row| row.readable && loses_log(row)) {
            let message = format!(
                "the container {} is restarted by its label, and its log is named by a label of 1.x alone",
                row.key
            );
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let location = row.at.location(&judge.node.meta.path);
            judge.say(Finding::new(LOG_LOST.code, location, message).affects(object));
        }
    }
}
