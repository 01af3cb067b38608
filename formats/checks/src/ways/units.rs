//! The daemon's unit: a drop-in says what the unit does not.

use finding::program::{CRICTL, DOCKERD, SYSTEMCTL};
use finding::{Action, Edit, Finding, Remedy, Severity, Step, Text};

use super::steps::{call, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["unit/restart-kills"], keeps),
    (&["unit/restart-loses"], kept),
    (&["client/other-endpoint"], endpoint),
    (&["unit/ends-daemon"], lasts),
    (&["unit/limits"], unlimited),
    (&["unit/start-limit"], again),
    (&["docker/settings-unusable"], dockers_settings),
    (&["docker/pid-stale"], dockers_pid),
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

fn kept(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let why = "A stop or restart then leaves the tasks where containerd finds them again.";
    let is_folder = finding.message.starts_with("RuntimeDirectory");
    let lines = if is_folder {
        "[Service]\nRuntimeDirectoryPreserve=yes\n"
    } else {
        "[Service]\nExecStop=\nExecStopPost=\n"
    };
    way(here, why, lines)
}

/// Where crictl looks if nothing else is said.
const CRICTL_FILE: &str = "/etc/crictl.yaml";

/// The client is pointed to where the daemon listens.
fn endpoint(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let address = Text::from([b"unix://", here.node.roots.address().as_slice()].concat());
    let file = finding.location.file.clone().unwrap_or_default();
    let why = "The client asks the daemon that is there.";
    if file == *CRICTL_FILE {
        let set = |key: &str| {
            let value = [key.as_bytes(), b"=", address.bytes()].concat();
            let draft = call(CRICTL)
                .word("config")
                .value("--set", Text::from(value));
            run(draft).map(Step::undoable)
        };
        let steps = [set("runtime-endpoint"), set("image-endpoint")];
        return vec![Remedy::new(why, steps.into_iter().flatten().collect())];
    }
    // A kubelet of another runtime may be as it should be.
    let words = match finding.severity {
        Severity::Note => return Vec::new(),
        Severity::Odd => format!(
            "Find out which runtime the node's pods are to use. If containerd: let the endpoint in {file} be {address}, \
             and restart the kubelet."
        ),
        _ => format!("Let the endpoint in {file} be {address}, and restart that client."),
    };
    vec![Remedy::new(why, vec![Step::words(words).undoable()])]
}

fn lasts(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "systemd waits for the daemon without a limit, and does not end it.";
    let lines =
        "[Service]\nType=notify\nWatchdogSec=0\nRuntimeMaxSec=infinity\nTimeoutStartSec=infinity\n";
    way(here, why, lines)
}

fn unlimited(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "From the unit's next start the daemon and its shims have the limits of containerd's own unit.";
    let lines = "[Service]\nDelegate=yes\nTasksMax=infinity\nLimitNOFILE=1048576\n";
    way(here, why, lines)
}

/// PATH as systemd has it, for a unit whose own leads past the runtime's programs.
pub(super) fn path(here: &Here<'_>) -> Vec<Remedy> {
    let why = "From the unit's next start containerd and its shims find the programs where packages put them.";
    let lines = "[Service]\nEnvironment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    let mut ways = way(here, why, lines);
    let condition = "if containerd needs nothing that is only in the folders of the old PATH";
    for step in ways.iter_mut().filter_map(|way| way.steps.first_mut()) {
        step.condition = Some(condition.into());
    }
    ways
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

/// Starts Docker's daemon by its unit, also after starts that failed.
fn start_docker(here: &Here<'_>) -> Vec<Step> {
    let docker = here.node.docker.as_ref();
    let Some(unit) = docker.and_then(|docker| docker.unit_name) else {
        return vec![Step::words("Start dockerd.")];
    };
    let verbs = ["reset-failed", "start"].into_iter();
    let steps = verbs.filter_map(|verb| run(call(SYSTEMCTL).word(verb).operand(unit)));
    steps.map(Step::undoable).collect()
}

/// The file is somebody's own: only that person knows what it should say.
fn dockers_settings(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if finding.severity <= Severity::Note {
        return Vec::new();
    }
    let file = finding.location.file.clone().unwrap_or_default();
    let correct = format!("Correct {file}: {}.", finding.message);
    let check = call(DOCKERD)
        .word("--validate")
        .value("--config-file", file);
    let mut steps = vec![Step::words(correct).undoable()];
    steps.extend(run(check).map(Step::undoable));
    steps.extend(start_docker(here));
    vec![Remedy::new("dockerd takes the file, and starts.", steps)]
}

fn dockers_pid(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let file = finding.location.file.clone().unwrap_or_default();
    let aside = here.aside(&file).into_iter();
    let mut steps: Vec<Step> = aside
        .map(|step| step.only("while dockerd does not run"))
        .collect();
    steps.extend(start_docker(here));
    vec![Remedy::new("dockerd writes the file again.", steps)]
}
