//! A daemon that runs, and that nobody can call: its socket has no name any more.

use finding::{Code, Finding, Location, Severity, Text};

use crate::running::running;
use crate::{Check, Judge};

/// The file of the socket at which the daemon listens is gone.
pub(crate) const CUT_OFF: Check = Check {
    code: &Code {
        name: "runtime/daemon-cut-off",
        rule: "R21",
        severity: Severity::Damage,
        title: "containerd runs, but the file of its socket is gone",
        explanation: "The kernel knows a listener at containerd's address, and no file has that name: it was removed \
            (by a clean-up of /run, systemd-tmpfiles or an installer). kubelet, crictl and ctr get `no such file \
            or directory`; no pod can be made or removed. What runs goes on. A socket gets a name when it is made, \
            so only a restart of the daemon helps.",
        remedy: "Read what `coroner preflight` says of a restart. If nothing speaks against it, restart containerd: it \
            makes its socket again, and containers go on. If more of /run was removed, the restart loses the tasks.",
    },
    needs: &[],
    run: cut_off,
};

fn cut_off(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(daemon) = running(node).filter(|it| it.is_containerd) else {
        return;
    };
    let address = Text::from(node.roots.address());
    let listens = node
        .processes
        .as_deref()
        .and_then(|all| all.sockets.as_deref());
    let listens = listens.is_some_and(|all| all.iter().any(|it| it.listens && it.path == address));
    let is_gone = address
        .utf8()
        .is_some_and(|path| node.around.is_named_absent(path));
    if listens && is_gone {
        let who = daemon
            .pid
            .map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let message = format!("containerd{who} listens at {address}, and no file has that name");
        judge.say(Finding::new(CUT_OFF.code, Location::file(address), message));
    }
}
