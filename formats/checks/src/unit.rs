//! The daemon's unit of systemd: what a restart of it costs.

use finding::{Code, Finding, Location, Severity};

use crate::{Check, Judge};

/// Stopping the unit ends all that runs in its control group.
pub(crate) const RESTART_KILLS: Check = Check {
    code: &Code {
        name: "unit/restart-kills",
        rule: "P32",
        severity: Severity::Odd,
        title: "A restart of containerd's unit kills every container",
        explanation: "The unit has no KillMode of process, so that systemd ends all \
            processes of its control group when it stops the unit (with mixed, after the daemon itself): with the daemon every shim, and \
            with the shims their containers. containerd's own unit has KillMode=process, for this \
            reason.",
        remedy: "Do not restart the unit while containers run that are wanted. Add a drop-in with \
            KillMode=process below [Service], and let systemd read it again, before anything else is \
            done.",
    },
    needs: &[],
    run: restart_kills,
};

fn restart_kills(judge: &mut Judge<'_>) {
    let Some(unit) = &judge.node.roots.unit else {
        return;
    };
    if unit.masked || !unit.is_plain() || !unit.kills_all() {
        return;
    }
    let file = unit.files.first().cloned().unwrap_or_default();
    let message = match &unit.kill_mode {
        Some(mode) => format!("KillMode is {mode}"),
        None => "KillMode is not set, and control-group is what systemd takes then".to_owned(),
    };
    judge.say(Finding::new(
        RESTART_KILLS.code,
        Location::file(file),
        message,
    ));
}
