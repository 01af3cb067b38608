//! The program that runs, and the program that would be started.
//!
//! `/proc/PID/exe` names the file that a process was started from; the kernel adds ` (deleted)` where
//! that file has no name any more, as after an upgrade of its package.

use daemon::Release;
use finding::{Code, Finding, Location, Severity, Text};
use node::Node;

use crate::running::running;
use crate::{Check, Judge};

/// The daemon goes on with a program that was replaced.
pub(crate) const REPLACED: Check = Check {
    code: &Code {
        name: "runtime/daemon-replaced",
        rule: "R20",
        severity: Severity::Odd,
        title: "The containerd that runs is not the program on disk",
        explanation: "The file of the running daemon was replaced or removed, as an upgrade without a restart \
            does. The daemon goes on with the old program, but calls the new shim for each new \
            container. A containerd 1.x cannot use a shim of 2.x (reported as damage): it fails to \
            start each new container with `unsupported shim version (3)`. What runs already is not \
            affected. The next restart, for whatever reason, is the upgrade: it may convert meta.db, \
            after which an older release cannot be used any more.",
        remedy: "Run `coroner preflight` for what the new program would do, then restart containerd at a \
            time of your choosing.",
    },
    needs: &[],
    run: replaced,
};

/// What the kernel adds to the name of a file that has none any more.
const DELETED: &[u8] = b" (deleted)";

fn replaced(judge: &mut Judge<'_>) {
    let Some((pid, path)) = without_file(judge.node) else {
        return;
    };
    let traces = &judge.node.traces;
    let program = traces.program.as_ref();
    let on_disk = program.and_then(|program| program.version.as_ref());
    let on_disk = on_disk.or(traces.package.as_ref());
    let release = on_disk.and_then(|version| Release::of_version(version.utf8()?));
    // A 2.x would have converted meta.db when it started.
    let runs_1 = traces.schema.is_some_and(|schema| schema < 4);
    let cannot_call = runs_1 && release.is_some_and(|release| Release::V2_0 <= release);
    let instead = on_disk.map_or_else(String::new, |version| {
        format!("; on disk is containerd {version}")
    });
    let message = format!(
        "process {pid} was started from {path}, which was replaced or removed since{instead}"
    );
    let mut finding = Finding::new(REPLACED.code, Location::file(path), message);
    if cannot_call {
        finding.message.push_str(
            ", and a containerd 1.x runs, which cannot use the shim of 2.x: each new container fails \
             until containerd is restarted",
        );
        finding = finding.severity(Severity::Damage);
    }
    judge.say(finding);
}

/// The daemon of this node, and its program, where that has no name any more.
fn without_file(node: &Node) -> Option<(u32, Text)> {
    let pid = running(node).filter(|it| it.is_containerd)?.pid?;
    let exe = node.processes.as_deref()?.get(pid)?.exe.as_ref()?;
    let path = exe.bytes().strip_suffix(DELETED)?;
    Some((pid, Text::from(path)))
}
