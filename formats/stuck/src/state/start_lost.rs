//! `start-lost`: the CRI plugin made it, and the request to start it never came.
//!
//! kubelet creates a container and starts it within a second. Where it, or containerd, was restarted
//! between the two, the container stays *created*: no task, no process, no folder of a runtime.
//! kubelets before kubernetes#126543 neither start nor remove such an init container, and its pod
//! stays in `Init:0/1` for ever; of other containers they make another, and leave this one.
//!
//! Tests: `tests/states/left.rs`; made for real by `testdata/make/runtime` (`start-lost` in runtime.toml).

use finding::program::CRICTL;
use finding::{Draft, Remedy, Step};
use runc::CriState;

use super::{Row, State};
use crate::facts::Index;
use crate::found::Found;
use crate::may::never;
use crate::remedy::{Case, risky, safe};
use crate::subject::Subject;

pub(crate) const ROW: Row = Row {
    state: State::StartLost,
    word: "start-lost",
    row: None,
    healthy: false,
    cause: "kubelet or containerd was restarted between its creation and its start, or whoever created \
            it by hand did not start it.",
    never: &["Do not remove its pod for it: the other containers of the pod may be healthy."],
    remedy: way_out,
    may: never,
};

/// Seconds after which the start of a container does not come any more: kubelet runs its own hooks
/// and managers between the two.
const PATIENCE: i64 = 60;

/// Whether the CRI plugin made a container of a pod that runs, and nobody started it.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let cri = subject.cri?;
    let status = cri.status.whole()?;
    let created = status.created?;
    let old = index.facts.now.since(created) >= PATIENCE;
    if status.state() != CriState::Created || subject.bundle.is_some() || !old {
        return None;
    }
    // The record stands in meta.db, and the pod is there: somebody still waits for it.
    let pod = cri.pod.as_ref()?;
    if !subject.members.is_empty() || !is_alive(index, subject, pod) {
        return None;
    }
    // One that does not move may have been asked for the start.
    let daemon = crate::daemon::find_daemon(index)?;
    if daemon.stuck {
        return None;
    }
    let kubelet = index.processes.iter().find(|it| is_kubelet(it.program()));
    let why = "the CRI created it, it was never started, and its pod runs";
    let found = Found::new(State::StartLost, why)
        .since(Some(created))
        .note(format!("its pod is {pod}"));
    Some(match kubelet {
        Some(kubelet) => found.note(format!("kubelet runs (pid {})", kubelet.pid)),
        None => found
            .sure(false)
            .note("no kubelet was seen: whoever created it may still start it"),
    })
}

/// kubelet, or a distribution that has it inside.
fn is_kubelet(program: &[u8]) -> bool {
    let names: &[&[u8]] = &[
        b"kubelet",
        b"kubelite",
        b"hyperkube",
        b"k3s",
        b"rke2",
        b"k0s",
    ];
    names.contains(&program) || program.starts_with(b"k3s-")
}

/// Whether the sandbox of a pod lives.
fn is_alive(index: &Index<'_>, subject: &Subject<'_>, pod: &finding::Text) -> bool {
    let runtime = index.facts.runtime;
    let container = runtime.container(subject.namespace.as_ref(), pod);
    let pid = container.and_then(|it| u32::try_from(it.pid()?).ok());
    let init = pid.and_then(|pid| index.processes.get(pid));
    let start = container.and_then(runc::Container::start_ticks);
    let lives = init.is_some_and(|init| {
        !init.stat.is_dead() && start.is_none_or(|start| start == init.stat.start_ticks)
    });
    // Of runtimes that are not read, the shim tells.
    let shims = index.host.shims().iter();
    let mut shims = shims.filter(|shim| shim.other.is_none() && shim.id == *pod);
    lives
        || container.is_none()
            && shims.any(|shim| Some(&shim.namespace) == subject.namespace.as_ref())
}

fn way_out(case: &Case<'_, '_>) -> Remedy {
    let id = case.subject.id.clone();
    let command = Draft::new(CRICTL).word("rm").operand(id).command();
    let steps = command.map(Step::from).into_iter().collect();
    if case.found.sure {
        return safe(
            "The container has run no program and has no process: remove it, and the kubelet creates \
             it again.",
            steps,
        );
    }
    risky(
        "The container has run no program and has no process. Ask first who created it: who does so by \
         hand may start it later.",
        steps,
    )
}
