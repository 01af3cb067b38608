//! The runtime: containers that wait, state that is damaged or alone, bundles, shims.
//!
//! A daemon or a whole machine that is killed leaves half-made and half-removed things behind, and
//! a capture of a busy node shows some. What is that young is a note; see [`in_flight`].

mod bundle;
mod ground;
mod hang;
mod limits;
mod not_read;
mod record;
mod state;
mod status;

use std::path::Path;

use finding::{Fault as _, Finding, Location, Object, Severity, Text, Time};
use node::path_text;
use runc::{Bundle, Container, Doc, Runtime, TASKS};

use crate::Judge;

pub(crate) use bundle::{
    ADDRESS_DAMAGED, BUNDLE_HIDDEN, BUNDLE_WITHOUT_STATE, CWD_ESCAPE, SOCKET_FOREIGN,
    SOCKET_ORPHAN, WORK_DIR_MISSING, WORK_DIR_ORPHAN,
};
pub(crate) use ground::{CGROUP_VERSION, KERNEL_LACKS};
pub(crate) use hang::{DAEMON_STUCK, SHIM_LEFT, STUCK};
pub(crate) use limits::{AT_LIMIT, DAEMON_AT_LIMIT, SLOWED};
pub(crate) use not_read::NOT_READ;
pub(crate) use record::{BUNDLE_WITHOUT_RECORD, SOCKET_MISSING};
pub(crate) use state::{
    BINARY_LEFTOVER, FIFO_STALE, NEVER_STARTED, STATE_LEFTOVER, STATE_MISSING, STATE_STALE,
    STATE_UNREAD, STATE_WITHOUT_BUNDLE,
};
pub(crate) use status::{
    STATUS_DIR_MISSING, STATUS_LEFTOVER, STATUS_MISSING, STATUS_ORPHAN, STATUS_WITHOUT_TASK,
};

/// Seconds that making or removing a task may take: kubelet gives up a request after two minutes.
/// A normal creation takes a tenth of a second.
const IN_FLIGHT: i64 = 120;

/// Whether something that began or changed at `since` may be under way at the time of the capture.
fn in_flight(judge: &Judge<'_>, since: Option<Time>) -> bool {
    since.is_some_and(|since| judge.node.now.since(since) <= IN_FLIGHT)
}

/// How long ago, for people.
fn ago(judge: &Judge<'_>, since: Option<Time>) -> String {
    let Some(since) = since else {
        return "at an unknown time".to_owned();
    };
    let seconds = judge.node.now.since(since);
    let div = |by| seconds.checked_div(by).unwrap_or(0);
    match seconds {
        ..0 => format!("at {since}, after the capture"),
        0..120 => format!("{seconds} s before the capture"),
        120..7200 => format!("{} min before the capture", div(60)),
        7200..172_800 => format!("{} h before the capture", div(3600)),
        _ => format!("{} days before the capture", div(86_400)),
    }
}

/// The folder of bundles under state, or of work folders under root.
fn tasks(base: &Path) -> Location {
    Location::file(path_text(&base.join(TASKS)))
}

/// What the runtime left, as far as it could be read.
fn runtime<'n>(judge: &Judge<'n>) -> Option<&'n Runtime> {
    judge.node.runtime.read()
}

/// The task `id` of `namespace`, or of no namespace, as an object.
fn task(namespace: Option<&Text>, id: &Text) -> Object {
    match namespace {
        Some(namespace) => Object::new("task", namespace.clone(), id.clone()),
        None => Object::global("task", id.clone()),
    }
}

/// The bundle of a container.
fn bundle_of<'n>(runtime: &'n Runtime, container: &Container) -> Option<&'n Bundle> {
    runtime.bundle(container.namespace.as_ref()?, &container.id)
}

/// Adds the pod that a container belongs to.
fn with_pod(judge: &Judge<'_>, finding: Finding, pod: Option<&Text>) -> Finding {
    match pod.and_then(|pod| judge.graph.pod(pod)) {
        Some(pod) => finding.affects(pod),
        None => finding,
    }
}

/// A container's pod, as its bundle or its labels say.
fn pod_of(runtime: &Runtime, container: &Container) -> Option<Text> {
    let spec = bundle_of(runtime, container).and_then(|bundle| bundle.spec.get());
    let pod = spec.and_then(|spec| spec.sandbox_id().cloned());
    pod.or_else(|| container.best_state()?.label(runc::SANDBOX_ID))
}

/// A finding about a container's state folder.
fn about(
    judge: &Judge<'_>,
    runtime: &Runtime,
    container: &Container,
    code: &'static finding::Code,
    file: &str,
    message: impl Into<String>,
) -> Finding {
    let mut path = container.path.bytes().to_vec();
    if !file.is_empty() {
        path.push(b'/');
        path.extend_from_slice(file.as_bytes());
    }
    let location = Location::file(path).place("container", container.id.clone());
    let finding = Finding::new(code, location, message)
        .affects(task(container.namespace.as_ref(), &container.id));
    with_pod(judge, finding, pod_of(runtime, container).as_ref())
}

/// Faults of the files themselves.
pub(crate) fn faults(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    for container in &runtime.containers {
        let object = task(container.namespace.as_ref(), &container.id);
        let pod = pod_of(runtime, container);
        let mut file = |name: &[u8], faults: &[runc::Fault]| {
            tell(
                judge,
                &container.path,
                name,
                faults,
                &object,
                pod.as_ref(),
                |_| None,
            );
        };
        // Nobody reads a temporary file: that it is there is odd, that it is cut is not worse.
        file(b"state.json", container.state.faults());
        file(b"status", container.status.faults());
        file(b"state.json", container.youki.faults());
    }
    for bundle in &runtime.bundles {
        let object = task(Some(&bundle.namespace), &bundle.id);
        let pod = bundle.spec.get().and_then(|spec| spec.sandbox_id());
        let young = in_flight(judge, Some(bundle.dir.mtime)) && !bundle.init_pid.is_there();
        let lower = |fault: &runc::Fault| {
            let harmless = bundle.hidden || (young && fault.is_cut());
            harmless.then_some(Severity::Note)
        };
        let mut file = |name: &[u8], faults: &[runc::Fault]| {
            tell(judge, &bundle.path, name, faults, &object, pod, lower);
        };
        // `address` and `bootstrap.json` have a check of their own.
        file(b"config.json", bundle.spec.faults());
        file(b"options.json", bundle.options.faults());
        file(b"init.pid", bundle.init_pid.faults());
        file(b"log.json", bundle.log.faults());
    }
    for cri in &runtime.cri {
        let object = Object::new("container", "k8s.io", cri.id.clone());
        tell(
            judge,
            &cri.path,
            b"status",
            cri.status.faults(),
            &object,
            None,
            |_| None,
        );
    }
}

fn tell(
    judge: &mut Judge<'_>,
    folder: &Text,
    name: &[u8],
    faults: &[runc::Fault],
    object: &Object,
    pod: Option<&Text>,
    lower: impl Fn(&runc::Fault) -> Option<Severity>,
) {
    for fault in faults {
        let path = [folder.bytes(), name].join(&b'/');
        let location = Location::file(path).place(object.kind, object.name.clone());
        let mut finding = fault.finding(location).affects(object.clone());
        finding.severity = lower(fault).unwrap_or(finding.severity);
        let finding = with_pod(judge, finding, pod);
        judge.say(daemon::with_start(finding));
    }
}

/// Why a file that is there could not be read, in words; nothing if it was, or is not there.
fn unread<T>(doc: &Doc<T>) -> Option<String> {
    match doc {
        Doc::Unread(why) if why.tells_nothing() => None,
        Doc::Unread(why) => Some(why.to_string()),
        _ => None,
    }
}
