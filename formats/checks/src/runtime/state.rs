//! State folders of runc and crun.

use finding::{Draft, Finding, Location, Loss, Remedy, Severity, Step, Text, Unread, program};
use runc::codes;
use runc::{Container, Phase, Program, Runtime, SHIM_ROOT, State};

use super::hang::{processes_tell, told};
use super::{about, ago, bundle_of, in_flight, pod_of, runtime, tasks};
use crate::{Check, Judge};

/// Seconds that a created container may wait for its start before somebody has forgotten it.
const FORGOTTEN: i64 = 600;

pub(crate) const NEVER_STARTED: Check = Check {
    code: &codes::FIFO_WAITING,
    needs: &[],
    run: never_started,
};
pub(crate) const FIFO_STALE: Check = Check {
    code: &codes::FIFO_STALE,
    needs: &[],
    run: fifo_stale,
};
pub(crate) const STATE_MISSING: Check = Check {
    code: &codes::STATE_MISSING,
    needs: &[],
    run: state_missing,
};
pub(crate) const STATE_UNREAD: Check = Check {
    code: &codes::STATE_UNREAD,
    needs: &[],
    run: state_unread,
};
pub(crate) const STATE_LEFTOVER: Check = Check {
    code: &codes::STATE_LEFTOVER,
    needs: &[],
    run: state_leftover,
};
pub(crate) const BINARY_LEFTOVER: Check = Check {
    code: &codes::BINARY_LEFTOVER,
    needs: &[],
    run: binary_leftover,
};
pub(crate) const STATE_WITHOUT_BUNDLE: Check = Check {
    code: &codes::STATE_WITHOUT_BUNDLE,
    needs: &[],
    run: state_without_bundle,
};
pub(crate) const STATE_STALE: Check = Check {
    code: &codes::STATE_STALE,
    needs: &[],
    run: state_stale,
};

/// Says something about every container that `tell` has something to say of.
fn each(judge: &mut Judge<'_>, tell: impl Fn(&Judge<'_>, &Runtime, &Container) -> Option<Finding>) {
    if let Some(runtime) = runtime(judge) {
        for finding in found(judge, runtime, tell) {
            judge.say(finding);
        }
    }
}

fn found(
    judge: &Judge<'_>,
    runtime: &Runtime,
    tell: impl Fn(&Judge<'_>, &Runtime, &Container) -> Option<Finding>,
) -> Vec<Finding> {
    let containers = runtime.containers.iter();
    containers
        .filter_map(|container| tell(judge, runtime, container))
        .collect()
}

/// Created, and not started; or whether it was cannot be told.
fn never_started(judge: &mut Judge<'_>) {
    if processes_tell(judge) {
        return;
    }
    each(judge, |judge, runtime, container| {
        let derived = &container.derived;
        let waits = derived.phase == Phase::Created;
        let may_wait = derived.phase == Phase::Unknowable && container.fifo.is_some();
        if !waits && !may_wait {
            return None;
        }
        let age = derived.since.map_or(0, |since| judge.node.now.since(since));
        let in_pod = pod_of(runtime, container).is_some();
        let severity = match (age > FORGOTTEN, waits) {
            (true, true) if in_pod => Severity::Damage,
            (true, true) => Severity::Odd,
            _ => Severity::Note,
        };
        let pid = container
            .pid()
            .map_or(String::new(), |pid| format!("; its init had pid {pid}"));
        let (namespace, id) = (container.namespace.as_ref(), &container.id);
        let message = if waits {
            format!(
                "the container was created {} and never started{pid}",
                ago(judge, derived.since)
            )
        } else {
            format!(
                "the container may never have been started: {}{pid}",
                derived.why
            )
        };
        let code = &codes::FIFO_WAITING;
        let finding = about(judge, runtime, container, code, "exec.fifo", message);
        let finding = finding.severity(severity);
        Some(match namespace {
            Some(namespace) if waits && !in_pod => {
                let address = judge.node.roots.address();
                let ctr = Draft::new(program::CTR);
                let ctr = if address == b"/run/containerd/containerd.sock" {
                    ctr
                } else {
                    ctr.value("--address", Text::from(address))
                };
                let ctr = ctr.value("--namespace", namespace.clone());
                let task = |why: &str, verb: &[&'static str], loses: Loss| {
                    let command = ctr
                        .clone()
                        .word("tasks")
                        .words(verb)
                        .operand(id.clone())
                        .command();
                    let step = |command| {
                        let step = Step::from(command).loses(loses);
                        step.only("with containerd running")
                    };
                    Remedy::new(why, command.map(step).into_iter().collect())
                };
                let remove = Loss::of_object(super::task(Some(namespace), id));
                finding
                    .remedy(
                        "Never open, read or write exec.fifo: that kills or starts the container.",
                    )
                    .way(task("Start it.", &["start"], Loss::Nothing))
                    .way(task(
                        "Remove it: nothing of it has run.",
                        &["delete", "--force"],
                        remove,
                    ))
            }
            _ => finding,
        })
    });
}

fn fifo_stale(judge: &mut Judge<'_>) {
    if processes_tell(judge) {
        return;
    }
    each(judge, |judge, runtime, container| {
        if container.derived.phase != Phase::Released {
            return None;
        }
        let since = container.derived.since;
        let message = format!(
            "the container was let go {}, but exec.fifo is still there",
            ago(judge, since)
        );
        let state = container.state_stat.as_ref().map(|stat| stat.mtime);
        let mut finding = about(
            judge,
            runtime,
            container,
            &codes::FIFO_STALE,
            "exec.fifo",
            message,
        );
        if let (Some(fifo), Some(state)) = (since, state) {
            finding = finding
                .want(format!("no FIFO, or its mtime not after {state}"))
                .found(format!("mtime {fifo}"));
        }
        Some(stale_ways(finding, container))
    });
}

/// What to look at first, and how a FIFO is removed that has done its work.
fn stale_ways(finding: Finding, container: &Container) -> Finding {
    let look = container.pid().and_then(|pid| u32::try_from(pid).ok());
    let look = look.and_then(|pid| {
        let exe = Text::from(format!("/proc/{pid}/exe"));
        Draft::new(program::READLINK).path(exe).command()
    });
    let fifo = Text::from([container.path.bytes(), b"/exec.fifo"].concat());
    let remove = Draft::new(program::RM).path(fifo).command();
    let remove = remove.map(|command| {
        let step = Step::from(command);
        step.only(
            "if that is the workload, and the pid is still its own (start time in state.json)",
        )
    });
    let steps = look.map(Step::from).into_iter().chain(remove).collect();
    finding
        .remedy(
            "Check what init became, and that the pid is still its own (start time in state.json). \
             If it is the workload, remove exec.fifo without opening it; runc then says \
             \"running\". If it is runc, a startContainer hook hangs: end the hook, not init. Do \
             not start the container again.",
        )
        .way(Remedy::new("", steps))
}

/// Whether a container's folder says that it was being created, and has no state file.
/// A folder without a state file. Young and without the creator's last act, it may be in the making.
fn state_missing(judge: &mut Judge<'_>) {
    if !runtime(judge).is_some_and(|runtime| runtime.containers.iter().any(Container::lacks_state))
    {
        return;
    }
    let told = told(judge);
    each(judge, |judge, runtime, container| {
        let key = (container.namespace.clone(), container.id.clone());
        if !container.lacks_state() || told.contains(&key) {
            return None;
        }
        let since = container.derived.since;
        let bundle = bundle_of(runtime, container);
        let pid = bundle.and_then(|bundle| bundle.init_pid.get());
        let message = match pid {
            Some(pid) => format!(
                "the container was created (its bundle's init.pid says {pid}), but has no state.json"
            ),
            None => format!(
                "the container's creation began {} and is not done",
                ago(judge, since)
            ),
        };
        let code = &codes::STATE_MISSING;
        let mut finding = about(judge, runtime, container, code, "", message);
        if pid.is_none() && in_flight(judge, since) {
            finding = finding.severity(Severity::Note);
        }
        let left = container
            .leftovers
            .iter()
            .find_map(|left| left.state.whole());
        if let Some(pid) = left.and_then(|state| state.init_process_pid) {
            let said = format!("a temporary state file says that init had pid {pid}");
            finding = finding.found(said);
        }
        if let Some(line) = bundle.and_then(|bundle| bundle.errors().next()) {
            finding = finding.found(format!("runc's log says: {}", line.message));
        }
        Some(finding)
    });
}

fn state_unread(judge: &mut Judge<'_>) {
    each(judge, |judge, runtime, container| {
        let (file, _) = container.state_file();
        let why = container.unread().filter(|why| !why.tells_nothing())?;
        let message = format!("{file} {why}");
        Some(about(
            judge,
            runtime,
            container,
            &codes::STATE_UNREAD,
            file,
            message,
        ))
    });
    let strange = runtime(judge).map_or(&[][..], |runtime| &runtime.strange);
    for (path, why) in strange {
        let message = format!("it {why}, where only folders belong");
        let severity = match why {
            Unread::Special("symlink") => Severity::Odd,
            _ => Severity::Damage,
        };
        let location = Location::file(path.clone());
        judge.say(Finding::new(&codes::STATE_UNREAD, location, message).severity(severity));
    }
}

fn state_leftover(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    for container in &runtime.containers {
        for left in &container.leftovers {
            let what = match left.state.whole() {
                Some(_) => "is whole",
                None => "is not whole",
            };
            let message = format!("{} was left, and {what}", left.name);
            let name = left.name.to_string();
            let code = &codes::STATE_LEFTOVER;
            judge.say(about(judge, runtime, container, code, &name, message));
        }
    }
}

fn binary_leftover(judge: &mut Judge<'_>) {
    each(judge, |judge, runtime, container| {
        let name = container.binaries.first()?.to_string();
        let message = format!("{name}, a copy of runc, was left");
        Some(about(
            judge,
            runtime,
            container,
            &codes::BINARY_LEFTOVER,
            &name,
            message,
        ))
    });
}

/// The pid of a container's init, if that is known to run.
fn running(judge: &Judge<'_>, container: &Container) -> Option<u32> {
    let processes = judge.node.processes.as_deref()?;
    let pid = u32::try_from(container.pid()?).ok()?;
    let process = processes.get(pid)?;
    let is_same = container
        .start_ticks()
        .is_none_or(|start| start == process.stat.start_ticks);
    (is_same && !process.stat.is_dead()).then_some(pid)
}

fn state_without_bundle(judge: &mut Judge<'_>) {
    let Some(known) = runtime(judge).filter(|runtime| runtime.whole.bundles) else {
        return judge.abstain("the bundles cannot be known whole");
    };
    let findings = found(judge, known, |judge, runtime, container| {
        let is_read = container.program != Program::Other;
        if bundle_of(runtime, container).is_some() || !is_read {
            return None;
        }
        let ours = container.path.bytes().starts_with(SHIM_ROOT.as_bytes());
        let message = match &container.bundle {
            Some((path, Err(Unread::Absent))) => format!("its bundle {path} is not there"),
            // Its state names none: containerd would have made one for every folder here.
            None if ours => "no bundle has its id".to_owned(),
            _ => return None,
        };
        let code = &codes::STATE_WITHOUT_BUNDLE;
        let mut finding = about(judge, runtime, container, code, "", message);
        if let Some(pid) = container.pid() {
            finding = finding.found(format!("init had pid {pid}"));
        }
        let root = container.path.bytes().strip_suffix(container.id.bytes());
        let root = root
            .and_then(|root| root.strip_suffix(b"/"))
            .map(Text::from);
        if let Some(pid) = running(judge, container) {
            finding = finding.remedy(format!(
                "Its init, pid {pid}, runs: whoever made it may still need it. Find out who that is \
                 before anything is ended."
            ));
        } else if let (Program::Runc, Some(root)) = (container.program, root) {
            let delete = Draft::new(program::RUNC)
                .value("--root", root)
                .words(&["delete", "--force"])
                .operand(container.id.clone())
                .command();
            let task = super::task(container.namespace.as_ref(), &container.id);
            let delete = delete.map(|command| Step::from(command).loses(Loss::of_object(task)));
            let unmount = Step::words("Unmount its root file system if it is still mounted.");
            let steps = delete.into_iter().chain([unmount]).collect();
            finding = finding
                .remedy(
                    "Compare the pid and start time from state.json with /proc: if the process is \
                     not its own, nothing is left to end.",
                )
                .way(Remedy::new("This ends and removes the container.", steps));
        }
        Some(finding)
    });
    let folder = tasks(&judge.node.roots.state);
    // Without any bundle, the folder of the bundles is gone, not each of them.
    let total = if known.bundles.is_empty() {
        findings.len()
    } else {
        usize::MAX
    };
    judge.say_all(findings, total, |count| {
        let message = format!("none of the {count} containers that the runtime knows has a bundle");
        (folder, message)
    });
}

/// Seconds that two times of boot must differ by to be two boots; a clock is rarely set by more.
const TWO_BOOTS: i64 = 60;

fn state_stale(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let boot = |state: &State| {
        Some((
            state.created?,
            state.init_process_start?,
            state.implied_boot()?,
        ))
    };
    let boots: Vec<_> = runtime
        .containers
        .iter()
        .filter_map(|c| boot(c.state.whole()?))
        .collect();
    // The last created is of the last boot; with a clock that was set back, nothing is concluded.
    let Some(last) = boots.iter().max_by_key(|(created, ..)| *created).copied() else {
        return;
    };
    each(judge, |judge, runtime, container| {
        let (created, ticks, implied) = boot(container.state.whole()?)?;
        let later = last.0 > created && last.2.since(implied) > TWO_BOOTS;
        // Ticks that went back prove it; a clock set forward looks the same without.
        if !later || last.1 >= ticks {
            return None;
        }
        let message = format!(
            "its machine was booted at {implied}, and again at {}",
            last.2
        );
        let code = &codes::STATE_STALE;
        Some(about(
            judge,
            runtime,
            container,
            code,
            "state.json",
            message,
        ))
    });
}
