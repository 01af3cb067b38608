//! Which runtime keeps a task, as far as its bundle and its record say.
//!
//! A bundle is laid out by containerd alike for every shim. What stands in it and in the runtime's
//! own folders, and what a missing one means, differs: gVisor, Kata and the shims of wasm keep no
//! state where runc does. Of a task of theirs nothing follows from what runc would have left.
//!
//! ```text
//! <bundle>/shim-binary-path   /usr/bin/containerd-shim-runsc-v1    -> runsc
//! meta.db, runtime/name       io.containerd.kata.v2, or a path     -> kata
//! <bundle>/options.json       binary_name: /usr/bin/crun           -> crun, by runc's shim
//! <bundle>/runtime            the same, as the shim writes it
//! ```

use core::fmt;

use finding::Text;
use serde::{Serialize, Serializer};

use crate::{Bundle, Runtime, SHIM_ROOT};

/// Who keeps the state of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// runc, by its own shim.
    Runc,
    /// crun, by runc's shim.
    Crun,
    /// youki, by runc's shim.
    Youki,
    /// Another program by runc's shim: its state is read if it lies where runc's does, as that of
    /// programs which call runc themselves (nvidia-container-runtime).
    Program(Text),
    /// Another shim: nothing of what it keeps is read.
    Unread(Text),
    /// runc, or one like it, below a root that is not in the evidence.
    Elsewhere(Text),
    /// Nothing says.
    Untold,
}

impl Keeper {
    /// By the name or path of a shim, or the name of a runtime as containerd has it.
    fn of_shim(name: &Text) -> Option<Self> {
        let base = last(name.bytes());
        let kind = if let Some(rest) = base.strip_prefix(b"containerd-shim-") {
            rest.split(|byte| *byte == b'-').next()
        } else if base == b"containerd-shim" {
            Some(&b"runc"[..])
        } else if let Some(rest) = base.strip_prefix(b"io.containerd.") {
            // The runtime of the first generation called runc, or what its options name.
            let rest = rest.strip_prefix(b"runtime.v1.").map_or(rest, |_| b"runc");
            rest.split(|byte| *byte == b'.').next()
        } else {
            None
        }?;
        Some(match kind {
            b"runc" => Self::Runc,
            kind => Self::Unread(Text::from(kind)),
        })
    }

    /// By the name or path of an OCI runtime.
    fn of_program(path: &Text) -> Self {
        let name = last(path.bytes());
        let is = |start: &[u8]| {
            let rest = name.strip_prefix(start);
            rest.is_some_and(|rest| rest.first().is_none_or(|byte| !byte.is_ascii_lowercase()))
        };
        match () {
            () if name.is_empty() || is(b"runc") => Self::Runc,
            () if is(b"crun") => Self::Crun,
            () if is(b"youki") => Self::Youki,
            () if is(b"runsc") => Self::Unread("runsc".into()),
            () if is(b"kata-runtime") => Self::Unread("kata".into()),
            () => Self::Program(Text::from(name)),
        }
    }

    /// By a shim that runs.
    pub fn of_process(program: &[u8]) -> Option<Self> {
        Self::of_shim(&Text::from(program))
    }

    /// Why what it keeps is not read.
    pub fn why_unread(&self) -> String {
        match self {
            Self::Elsewhere(root) => {
                format!("its runtime keeps its state below {root}, which is not in the evidence")
            }
            other => format!("its runtime is {other}; coroner does not read state of {other}"),
        }
    }

    /// Whether what it keeps is read; `state` says whether it lies where runc's does.
    pub const fn is_read(&self, state: bool) -> bool {
        match self {
            Self::Runc | Self::Crun | Self::Youki | Self::Untold => true,
            Self::Program(_) | Self::Elsewhere(_) => state,
            Self::Unread(_) => false,
        }
    }
}

impl fmt::Display for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runc | Self::Untold => f.write_str("runc"),
            Self::Crun => f.write_str("crun"),
            Self::Youki => f.write_str("youki"),
            Self::Unread(name) if *name == *"runsc" => f.write_str("gVisor (runsc)"),
            Self::Unread(name) if *name == *"kata" => f.write_str("Kata Containers (kata)"),
            Self::Program(name) | Self::Unread(name) => write!(f, "{name}"),
            Self::Elsewhere(root) => {
                write!(f, "not known (its root {root} is not in the evidence)")
            }
        }
    }
}

impl Serialize for Keeper {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

impl Bundle {
    /// The root of its runtime that its options name; containerd's own where they name none.
    pub fn named_root(&self) -> Option<&Text> {
        let options = self.options.get();
        options
            .and_then(|options| options.root.as_ref())
            .filter(|root| !root.is_empty())
    }

    /// Who keeps its task, as far as its own files and its record say.
    fn own_keeper(&self) -> Keeper {
        let shims = [
            &self.shim_binary,
            &self.recorded_runtime,
            &self.runtime_file,
        ];
        let shim = shims.into_iter().flatten().find_map(Keeper::of_shim);
        if let Some(Keeper::Unread(name)) = shim {
            return Keeper::Unread(name);
        }
        let options = self.options.get();
        let named = options.and_then(|options| options.binary_name.as_ref());
        let file = || {
            let is_program = |file: &&Text| Keeper::of_shim(file).is_none();
            self.runtime_file.as_ref().filter(is_program)
        };
        match (named.or_else(file), shim) {
            (Some(program), _) => Keeper::of_program(program),
            (None, Some(shim)) => shim,
            (None, None) => Keeper::Untold,
        }
    }
}

impl Runtime {
    /// Who keeps a bundle's task; of a member of a pod, who keeps the pod's, if it does not say.
    pub fn keeper(&self, bundle: &Bundle) -> Keeper {
        let own = bundle.own_keeper();
        if matches!(own, Keeper::Unread(_)) {
            return own;
        }
        let pod = bundle
            .sandbox
            .as_ref()
            .or_else(|| bundle.spec.get()?.sandbox_id());
        let pod = pod.filter(|pod| **pod != bundle.id);
        let pods = pod.and_then(|pod| self.bundle(&bundle.namespace, pod));
        let pods = pods.map_or(Keeper::Untold, Bundle::own_keeper);
        // All of a pod is kept by one runtime: a pod of gVisor has no member of runc's.
        let keeper = if own == Keeper::Untold || matches!(pods, Keeper::Unread(_)) {
            pods
        } else {
            own
        };
        match self.unseen_root(bundle) {
            Some(root) if !matches!(keeper, Keeper::Unread(_)) => Keeper::Elsewhere(root),
            _ => keeper,
        }
    }

    /// The root below which a bundle's runtime keeps its state, if that is not in the evidence and
    /// no other place has it.
    fn unseen_root(&self, bundle: &Bundle) -> Option<Text> {
        let named = bundle.named_root().cloned();
        let root = named.unwrap_or_else(|| Text::from(SHIM_ROOT));
        let state = self.container(Some(&bundle.namespace), &bundle.id);
        (state.is_none() && self.unseen_roots.contains(&root)).then_some(root)
    }

    /// Whether what a bundle's runtime keeps is read: only then does anything follow from what is
    /// not there.
    pub fn is_read(&self, bundle: &Bundle) -> bool {
        let state = self.container(Some(&bundle.namespace), &bundle.id);
        self.keeper(bundle).is_read(state.is_some())
    }

    /// Adds the pods that meta.db names for containers of the CRI, by their ids.
    pub fn learn_pods(&mut self, records: impl IntoIterator<Item = (Text, Text)>) {
        for (id, pod) in records {
            if let Ok(at) = self.cri.binary_search_by(|cri| cri.id.cmp(&id))
                && let Some(cri) = self.cri.get_mut(at)
            {
                cri.pod = Some(pod);
            }
        }
    }

    /// Adds the runtimes that meta.db names for containers, by namespace and id.
    pub fn learn<'r>(&mut self, records: impl IntoIterator<Item = (&'r Text, &'r Text, &'r Text)>) {
        for (namespace, id, runtime) in records {
            let mut bundles = self.bundles.iter_mut();
            let found = bundles.find(|it| it.id == *id && it.namespace == *namespace);
            if let Some(bundle) = found.filter(|_| !runtime.is_empty()) {
                bundle.recorded_runtime = Some(runtime.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_told_by_its_names() {
        let unread = |name: &str| Some(Keeper::Unread(name.into()));
        for (name, want) in [
            ("/usr/bin/containerd-shim-runc-v2", Some(Keeper::Runc)),
            ("io.containerd.runc.v1", Some(Keeper::Runc)),
            ("io.containerd.runtime.v1.linux", Some(Keeper::Runc)),
            ("/usr/local/bin/containerd-shim-runsc-v1", unread("runsc")),
            ("io.containerd.kata-qemu.v2", unread("kata-qemu")),
            ("/opt/kata/bin/containerd-shim-kata-v2", unread("kata")),
            ("io.containerd.wasmtime.v1", unread("wasmtime")),
            ("containerd-shim-spin-v2", unread("spin")),
            ("crun", None),
            ("", None),
        ] {
            assert_eq!(Keeper::of_shim(&name.into()), want, "{name}");
        }
        for (name, want) in [
            ("", Keeper::Runc),
            ("/usr/sbin/runc", Keeper::Runc),
            ("runc-1.2", Keeper::Runc),
            ("/usr/bin/crun", Keeper::Crun),
            ("youki", Keeper::Youki),
            ("runcx", Keeper::Program("runcx".into())),
            (
                "/usr/bin/nvidia-container-runtime",
                Keeper::Program("nvidia-container-runtime".into()),
            ),
            ("runsc", Keeper::Unread("runsc".into())),
        ] {
            assert_eq!(Keeper::of_program(&name.into()), want, "{name}");
        }
        assert!(!Keeper::Program("x".into()).is_read(false));
    }
}
