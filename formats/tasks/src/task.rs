//! One container, joined from everything that knows it.

use std::collections::BTreeMap;

use finding::{Escaped, Refused, Text, Time, Unknown};
use node::Node;
use runc::{Bundle, Container, CriState, CriStatus, Phase, Program, Runtime};
use serde::Serialize;
use stuck::{Diagnosis, State};

/// How sure a derived state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sure {
    /// No other story explains the files.
    Sure,
    /// Another story could.
    Likely,
    /// Files do not tell.
    Unknowable,
}

impl Sure {
    /// As a person reads it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Likely => "likely",
            Self::Unknowable => "unknowable",
        }
    }
}

/// A container, joined from the runtime's state, its bundle, the CRI's status and meta.db.
#[derive(Debug, Clone, Serialize)]
pub struct Task {
    /// containerd's namespace; none for what runc or crun was called for by hand.
    pub namespace: Option<Text>,
    /// Its id.
    pub id: Text,
    /// Its pod, as namespace and name.
    pub pod: Option<Text>,
    /// The pod's id.
    pub pod_id: Option<Text>,
    /// Its name in the pod; `(sandbox)` for the pod's own container.
    pub container: Option<Text>,
    /// Its state: that of `runtime stuck` where processes are known, else a phase, or `exited`,
    /// `bundle only`, `no task`.
    pub state: &'static str,
    /// How sure that is.
    pub sure: Sure,
    /// What it was concluded from.
    pub why: String,
    /// Since when.
    pub since: Option<Time>,
    /// Pid of its init when it was written down.
    pub pid: Option<i64>,
    /// When that process started, in clock ticks since boot: the pid means nothing without.
    pub start_ticks: Option<u64>,
    /// Who keeps its state.
    pub program: Option<Program>,
    /// Its state folder.
    pub state_dir: Option<Text>,
    /// Its bundle.
    pub bundle: Option<Text>,
    /// The socket of its shim.
    pub shim: Option<Text>,
    /// Pid of its shim, where processes are known.
    pub shim_pid: Option<u32>,
    /// What the CRI plugin says of it.
    pub cri: Option<CriState>,
    /// Whether meta.db has a container of this id; nothing where that is not known.
    pub recorded: Option<bool>,
}

impl Task {
    /// The same, with its state as its processes tell it.
    #[must_use]
    pub fn judged(mut self, all: &[Diagnosis]) -> Self {
        let mut same = all
            .iter()
            .filter(|one| one.id == self.id && one.namespace == self.namespace);
        let Some(one) = same.next() else {
            return self;
        };
        self.state = one.state.word();
        self.sure = match one.state {
            State::Unknowable => Sure::Unknowable,
            _ if one.sure => Sure::Sure,
            _ => Sure::Likely,
        };
        self.why.clone_from(&one.why);
        self.since = one.since.or(self.since);
        self.pid = one.pid.map(i64::from).or(self.pid);
        self.start_ticks = one.start_ticks.or(self.start_ticks);
        self.shim_pid = one.shim_pid;
        self
    }
}

/// A container's name: containerd's namespace, and its id.
pub type Key = (Option<Text>, Text);

/// What knows of one container.
#[derive(Debug, Default)]
pub struct Parts<'n> {
    /// The runtime's state.
    pub container: Option<&'n Container>,
    /// Its bundle.
    pub bundle: Option<&'n Bundle>,
    /// What the CRI plugin wrote down.
    pub cri: Option<&'n CriStatus>,
    /// Whether meta.db has it; nothing where that is not known.
    pub recorded: Option<bool>,
}

/// The CRI plugin's namespace.
const CRI: &str = "k8s.io";

/// Everything that anybody knows, by namespace and id.
pub fn parts(node: &Node) -> BTreeMap<Key, Parts<'_>> {
    let mut all: BTreeMap<Key, Parts<'_>> = BTreeMap::new();
    let runtime: Option<&Runtime> = node.runtime.read();
    if let Some(runtime) = runtime {
        for container in &runtime.containers {
            let key = (container.namespace.clone(), container.id.clone());
            all.entry(key).or_default().container = Some(container);
        }
        for bundle in &runtime.bundles {
            let key = (Some(bundle.namespace.clone()), bundle.id.clone());
            let part = all.entry(key).or_default();
            // A hidden bundle may stand beside a new one of its name.
            if part.bundle.is_none_or(|there| there.hidden) {
                part.bundle = Some(bundle);
            }
        }
        for cri in &runtime.cri {
            let key = (Some(Text::from(CRI)), cri.id.clone());
            all.entry(key).or_default().cri = Some(cri);
        }
    }
    let namespaces = node.namespaces();
    let mut whole = node.meta.rows.is_some();
    for namespace in namespaces {
        whole &= namespace.containers.is_whole();
        for row in namespace.containers.read().into_iter().flatten() {
            let key = (Some(namespace.name.clone()), row.key.clone());
            all.entry(key).or_default().recorded = Some(true);
        }
    }
    if whole {
        for part in all.values_mut() {
            part.recorded = part.recorded.or(Some(false));
        }
    }
    all
}

impl Parts<'_> {
    /// Whether a runtime or a bundle knows it.
    pub const fn is_task(&self) -> bool {
        self.container.is_some() || self.bundle.is_some()
    }

    /// The joined container.
    pub fn task(&self, key: &Key) -> Task {
        let (state, sure, why, since) = self.state();
        let spec = self.bundle.and_then(|bundle| bundle.spec.get());
        let pod = spec.and_then(runc::Spec::pod);
        let label = |name: &str| self.container?.best_state()?.label(name);
        let pod_id = pod
            .as_ref()
            .map(|pod| pod.id.clone())
            .or_else(|| label(runc::SANDBOX_ID));
        let name = pod.as_ref().and_then(|pod| pod.name.clone());
        let name = name.or_else(|| label("io.kubernetes.cri.sandbox-name"));
        let pod_namespace = pod.as_ref().and_then(|pod| pod.namespace.clone());
        let pod_namespace = pod_namespace.or_else(|| label("io.kubernetes.cri.sandbox-namespace"));
        let named = name.map(|name| match &pod_namespace {
            Some(namespace) => Text::from([namespace.bytes(), name.bytes()].join(&b'/').as_slice()),
            None => name,
        });
        let container = pod.as_ref().and_then(|pod| {
            if pod.is_sandbox {
                Some(Text::from("(sandbox)"))
            } else {
                pod.container.clone()
            }
        });
        let container = container.or_else(|| label("io.kubernetes.cri.container-name"));
        let init = self
            .bundle
            .and_then(|bundle| bundle.init_pid.get().copied());
        Task {
            namespace: key.0.clone(),
            id: key.1.clone(),
            pod: named,
            pod_id,
            container,
            state,
            sure,
            why,
            since,
            pid: self.container.and_then(Container::pid).or(init),
            start_ticks: self
                .container
                .and_then(|container| container.best_state()?.init_process_start),
            program: self.container.map(|container| container.program),
            state_dir: self.container.map(|container| container.path.clone()),
            bundle: self.bundle.map(|bundle| bundle.path.clone()),
            shim: self.bundle.and_then(Bundle::shim).map(runc::Address::path),
            shim_pid: None,
            cri: self.cri.and_then(|cri| Some(cri.status.get()?.state())),
            recorded: self.recorded,
        }
    }

    /// The state file of a container's runtime, if it is damaged or could not be read, and what is wrong with it.
    pub fn damaged_state(&self) -> Option<Unknown> {
        let container = self.container?;
        let (name, fault) = match container.program {
            runc::Program::Runc => ("state.json", fault(&container.state)),
            runc::Program::Crun => ("status", fault(&container.status)),
            runc::Program::Youki => ("state.json", fault(&container.youki)),
            runc::Program::Other => return None,
        };
        let file = [container.path.bytes(), b"/", name.as_bytes()].concat();
        Some(Unknown {
            what: Text::from(file).to_string(),
            why: fault?,
        })
    }

    fn state(&self) -> (&'static str, Sure, String, Option<Time>) {
        let status = self.cri.and_then(|cri| cri.status.whole());
        let Some(container) = self.container else {
            let Some(bundle) = self.bundle else {
                let since = status.and_then(|status| status.finished.or(status.started));
                let why = "neither a runtime nor a bundle knows it".to_owned();
                return ("no task", Sure::Sure, why, since);
            };
            let why = "there is a bundle, and no runtime knows it".to_owned();
            return ("bundle only", Sure::Sure, why, Some(bundle.dir.mtime));
        };
        let derived = &container.derived;
        let finished = status.and_then(|status| status.finished);
        if let (Phase::Started, Some(finished)) = (derived.phase, finished) {
            let why = "it was started, and the CRI plugin wrote down that it ended".to_owned();
            return ("exited", Sure::Sure, why, Some(finished));
        }
        let sure = match derived.phase {
            Phase::Unknowable => Sure::Unknowable,
            _ if derived.sure => Sure::Sure,
            _ => Sure::Likely,
        };
        (
            derived.phase.word(),
            sure,
            derived.why.clone(),
            derived.since,
        )
    }
}

/// Whether a container is called so: `web/server` and `apps/web/server` in its pod, `apps/web` its sandbox,
/// `k8s.io/4f3c` as other answers name it.
fn is_called(key: &Key, part: &Parts<'_>, wanted: &str) -> bool {
    let whole = key.0.as_ref().and_then(|space| {
        let rest = wanted.as_bytes().strip_prefix(space.bytes())?;
        rest.strip_prefix(b"/")
    });
    if whole.is_some_and(|id| !id.is_empty() && key.1.bytes().starts_with(id)) {
        return true;
    }
    let task = part.task(key);
    let (Some(pod), Some(container)) = (task.pod, task.container) else {
        return false;
    };
    let name = if container == *"(sandbox)" {
        pod.to_string()
    } else {
        format!("{pod}/{container}")
    };
    let below = name
        .strip_suffix(wanted)
        .is_some_and(|rest| rest.ends_with('/'));
    wanted.contains('/') && (name == wanted || below)
}

/// The container whose id is `wanted`, or the only one whose id begins so, or that is called so in its pod.
///
/// # Errors
/// There is none, or several.
pub fn pick<'n>(
    all: BTreeMap<Key, Parts<'n>>,
    wanted: &str,
    node: &Node,
) -> Result<Vec<(Key, Parts<'n>)>, Refused> {
    let shown = Escaped(wanted.as_bytes()).to_string();
    let begins = |key: &Key| key.1.bytes().starts_with(wanted.as_bytes());
    // meta.db names those that have ended, too.
    let ids = if wanted.contains('/') {
        names::container_ids(node, wanted)
    } else {
        Vec::new()
    };
    let is_it = |(key, part): &(Key, Parts<'n>)| {
        begins(key) || ids.contains(&key.1) || is_called(key, part, wanted)
    };
    let mut found: Vec<_> = all.into_iter().filter(is_it).collect();
    if found.iter().any(|(key, _)| key.1 == *wanted) {
        found.retain(|(key, _)| key.1 == *wanted);
    }
    let Some(first) = found.first().map(|(key, _)| key.1.clone()) else {
        let unknown = unknown(node);
        let refused = match unknown.first() {
            None => Refused::question(format!("there is no container {shown}")),
            Some(Unknown { what, why }) => Refused::unread(format!(
                "{shown} was not found, but {what} cannot be known whole: {why}"
            )),
        };
        return Err(refused.hint("`coroner runtime ls --all` lists what there is"));
    };
    if found.iter().any(|(key, _)| key.1 != first) {
        let ids: Vec<String> = found
            .iter()
            .take(5)
            .map(|(key, _)| key.1.to_string())
            .collect();
        let message = format!("{shown} begins the ids of several: {}", ids.join(", "));
        return Err(Refused::question(message).hint("give more of the id"));
    }
    Ok(found)
}

/// What may be missing from a list of tasks: nothing where state folders and bundles are whole.
pub fn unknown(node: &Node) -> Vec<Unknown> {
    let whole = node.runtime.read().is_some_and(|runtime| {
        let whole = runtime.whole;
        whole.containers && whole.bundles
    });
    if whole {
        Vec::new()
    } else {
        node.runtime.unknown().to_vec()
    }
}

fn fault<T>(doc: &runc::Doc<T>) -> Option<String> {
    match doc {
        runc::Doc::Damaged(_, faults) => faults.first().map(ToString::to_string),
        runc::Doc::Unread(why) => Some(why.to_string()),
        runc::Doc::Absent | runc::Doc::Whole(_) => None,
    }
}
