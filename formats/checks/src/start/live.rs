//! What the processes of a node that runs tell of a start: which shims would answer it.

use finding::{Object, Text};
use node::Node;
use runc::Bundle;
use stuck::{Diagnosis, Facts, Host, State};

/// Whether a shim would answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// It lives, and somebody is connected to it.
    Likely,
    /// Connections wait at its socket: it may take them still.
    Late,
    /// It was stopped, or is frozen.
    Never,
}

/// The processes of a node, all of them.
pub(super) struct Live<'n> {
    host: Host<'n>,
    processes: &'n process::Processes,
    containers: Vec<Diagnosis>,
}

impl<'n> Live<'n> {
    /// Nothing where not every process was seen.
    pub(super) fn from_node(node: &'n Node) -> Option<Self> {
        let (runtime, processes) = (node.runtime.read()?, node.processes.as_deref()?);
        if !processes.whole {
            return None;
        }
        let facts = Facts {
            runtime,
            processes: Some(processes),
            records: &[],
            now: node.now,
        };
        Some(Self {
            host: Host::new(runtime, processes),
            processes,
            containers: stuck::diagnose(facts).containers,
        })
    }

    fn state(&self, bundle: &Bundle) -> Option<State> {
        let is_it = |one: &&Diagnosis| {
            one.id == bundle.id && one.namespace.as_ref() == Some(&bundle.namespace)
        };
        self.containers.iter().find(is_it).map(|one| one.state)
    }

    /// Whether a bundle's shim would answer; nothing where none was seen.
    pub(super) fn shim(&self, bundle: &Bundle) -> Option<Answers> {
        let group = bundle.spec.get().map(|spec| spec.group(&bundle.id));
        let names = |id: &Text| {
            *id == bundle.id || Some(id) == group || Some(id) == bundle.sandbox.as_ref()
        };
        let mut shims = self.host.shims().iter();
        let shim = shims.find(|shim| {
            shim.other.is_none() && shim.namespace == bundle.namespace && names(&shim.id)
        })?;
        let process = shim.process;
        if process.stat.is_dead() {
            return None;
        }
        let (freezer, _) = self
            .processes
            .places
            .frozen(&self.processes.tree, &process.cgroups);
        if process.stat.is_stopped() || freezer.is_some() {
            return Some(Answers::Never);
        }
        let path = bundle.shim()?.path();
        let sockets = self.processes.sockets.as_deref()?.iter();
        let mut own = sockets.filter(|socket| socket.path == path);
        if own.clone().any(|socket| socket.waiting) {
            return Some(Answers::Late);
        }
        // Whoever listens may be mute all the same: that somebody is connected shows that it accepts.
        own.any(|socket| socket.connected)
            .then_some(Answers::Likely)
    }

    /// Containers of meta.db that run below a shim whose bundle is gone, as after a cleaned /run: no start of
    /// any release finds them.
    pub(super) fn without_bundle(&self, node: &Node) -> Vec<Object> {
        let (Some(runtime), Some(meta)) = (node.runtime.read(), &node.meta.rows) else {
            return Vec::new();
        };
        let left = self.host.left_over(runtime, self.processes);
        let runs = |shim: &&stuck::Shim<'_>| {
            let mut below = self.processes.children(shim.process.pid);
            below.any(|child| !child.stat.is_dead())
        };
        let objects = left.filter(runs).filter_map(|shim| {
            let namespace = meta
                .namespaces()
                .iter()
                .find(|it| it.name == shim.namespace)?;
            let mut rows = namespace.containers.read()?.iter();
            rows.find(|row| row.key == shim.id)?;
            Some(Object::new("task", shim.namespace.clone(), shim.id.clone()))
        });
        objects.collect()
    }

    /// Whether the init of a bundle lives below a shim.
    pub(super) fn runs(&self, bundle: &Bundle) -> bool {
        let init = bundle
            .init_pid
            .get()
            .and_then(|pid| self.processes.get(u32::try_from(*pid).ok()?));
        init.is_some_and(|init| {
            let mut shims = self.host.shims().iter();
            let is_below = shims.any(|shim| shim.process.pid == init.stat.ppid);
            is_below && !init.stat.is_dead()
        })
    }

    /// Whether a task that its runtime can name no process of still does its work; nothing where the
    /// runtime can.
    pub(super) fn out_of_reach(&self, bundle: &Bundle) -> Option<bool> {
        match self.state(bundle)? {
            State::Unreachable => Some(true),
            State::Dying | State::RootfsBusy => Some(false),
            _ => None,
        }
    }
}
