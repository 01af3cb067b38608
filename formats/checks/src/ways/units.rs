//! The daemon's unit: a drop-in says what the unit does not.

use finding::program::SYSTEMCTL;
use finding::{Action, Edit, Finding, Remedy, Step, Text};

use super::steps::{call, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["unit/restart-kills"], keeps),
    (&["unit/ends-daemon"], lasts),
    (&["unit/limits"], unlimited),
    (&["unit/start-limit"], again),
];

/// Sorts behind what packages and people bring.
const DROP_IN: &str = "/etc/systemd/system/containerd.service.d/99-coroner.conf";

/// One that the node does not have yet: what is there is not written over.
fn drop_in(here: &Here<'_>, lines: &str) -> Option<Step> {
    let unit = here.node.roots.unit.as_ref()?;
    if unit.files.iter().any(|file| *file == *DROP_IN) {
        return None;
    }
    let edit = Step::new(Action::Edit(Edit {
        file: Text::from(DROP_IN),
        contents: Text::from(lines),
    }));
    Some(edit.undoable())
}

/// The unit's new words; they are read, and nothing is started or stopped.
fn read_again() -> Option<Step> {
    run(call(SYSTEMCTL).word("daemon-reload")).map(Step::undoable)
}

fn way(here: &Here<'_>, why: &str, lines: &str) -> Vec<Remedy> {
    let steps = [drop_in(here, lines), read_again()];
    let all: Option<Vec<Step>> = steps.into_iter().collect();
    all.map(|steps| Remedy::new(why, steps))
        .into_iter()
        .collect()
}

/// Before anything is restarted.
fn keeps(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "A stop or restart then ends the daemon alone; the containers go on.";
    way(here, why, "[Service]\nKillMode=process\n")
}

fn lasts(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "systemd waits for the daemon as long as it takes, and lets it run.";
    let lines =
        "[Service]\nType=notify\nWatchdogSec=0\nRuntimeMaxSec=infinity\nTimeoutStartSec=infinity\n";
    way(here, why, lines)
}

fn unlimited(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "From the unit's next start the daemon and its shims have the limits of containerd's own unit.";
    let lines = "[Service]\nDelegate=yes\nTasksMax=infinity\nLimitNOFILE=1048576\n";
    way(here, why, lines)
}

/// When the cause is gone: nothing else starts it.
fn again(_: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let reset = run(call(SYSTEMCTL).words(&["reset-failed", "containerd"]));
    let reset = reset.map(|step| step.only("after the cause of the failed starts is fixed"));
    vec![Remedy::new(
        "systemd forgets the starts that failed, and may start it again.",
        reset.into_iter().collect(),
    )]
}
