//! `config.json` of a bundle: what was to be run (the OCI runtime specification).
//!
//! Only what a diagnosis needs is read, and of the environment only how much there is: it carries
//! secrets.

use std::collections::BTreeSet;

use finding::Text;
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::record::Record;
use json::Document;

/// Annotation with the id of the pod that a container belongs to.
pub const SANDBOX_ID: &str = "io.kubernetes.cri.sandbox-id";
/// Annotation that puts a container into another one's shim.
pub const GROUP: &str = "io.containerd.runc.v2.group";

/// What is read of a bundle's `config.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// Version of the specification; dates the writer (1.0.2-dev: 1.6; 1.2.0: 1.7; 1.2.1: 2.1).
    pub oci_version: Option<Text>,
    /// The command.
    pub args: Vec<Text>,
    /// Where it starts.
    pub cwd: Option<Text>,
    /// How many environment variables it gets.
    pub environment: u64,
    /// The root file system, relative to the bundle.
    pub rootfs: Option<Text>,
    /// Host name.
    pub hostname: Option<Text>,
    /// Annotations; the CRI plugin writes the pod's names here.
    pub annotations: Vec<(Text, Text)>,
    /// The cgroup that is asked for.
    pub cgroups_path: Option<Text>,
    /// Namespaces with the path that they are joined at, empty where a new one is made.
    pub namespaces: Vec<(Text, Text)>,
    /// What the kernel must be able to do for it.
    pub needs: BTreeSet<KernelNeed>,
    /// Host programs that run before, around and after the container, by kind of hook.
    pub hooks: Vec<(Text, Text)>,
}

/// What a specification asks of the kernel, where not every kernel in use can do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KernelNeed {
    /// A namespace of type `cgroup`.
    CgroupNamespace,
    /// A namespace of type `time`, or `linux.timeOffsets`.
    TimeNamespace,
    /// A mount that is read-only with all below it (`rro`).
    RecursiveReadOnly,
    /// A mount whose owners are mapped (`idmap`, `uidMappings`).
    IdMappedMount,
    /// An agent that answers system calls (`linux.seccomp.listenerPath`).
    SeccompListener,
}

impl KernelNeed {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::CgroupNamespace,
        Self::TimeNamespace,
        Self::RecursiveReadOnly,
        Self::IdMappedMount,
        Self::SeccompListener,
    ];

    /// What it is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::CgroupNamespace => "a cgroup namespace",
            Self::TimeNamespace => "a time namespace",
            Self::RecursiveReadOnly => "a mount that is read-only with all below it (rro)",
            Self::IdMappedMount => "a mount with mapped owners (idmap)",
            Self::SeccompListener => "a seccomp agent (listenerPath)",
        }
    }

    /// The first kernel that has it, as `(major, minor)`.
    pub const fn since(self) -> (u32, u32) {
        match self {
            Self::CgroupNamespace => (4, 6),
            Self::TimeNamespace => (5, 6),
            Self::RecursiveReadOnly | Self::IdMappedMount => (5, 12),
            Self::SeccompListener => (5, 0),
        }
    }
}

impl Spec {
    /// Reads a `config.json`, or what is left of one.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut spec = Self::default();
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::Config, &document, &mut faults) {
            spec.read_spec(&mut record);
        }
        (spec, faults)
    }

    fn read_spec(&mut self, record: &mut Record<'_, '_>) {
        self.oci_version = record.text_field("ociVersion");
        self.hostname = record.text_field("hostname");
        self.annotations = record.map("annotations");
        if let Some(mut process) = record.object("process") {
            self.args = process.texts("args");
            self.cwd = process.text_field("cwd");
            self.environment = u64::try_from(process.nodes("env").len()).unwrap_or(u64::MAX);
        }
        if let Some(mut root) = record.object("root") {
            self.rootfs = root.text_field("path");
        }
        if let Some(mut hooks) = record.object("hooks") {
            for kind in [
                "prestart",
                "createRuntime",
                "createContainer",
                "startContainer",
                "poststart",
                "poststop",
            ] {
                let list = &mut self.hooks;
                hooks.objects(kind, |hook| {
                    list.push((
                        Text::from(kind),
                        hook.text_field("path").unwrap_or_default(),
                    ));
                });
            }
        }
        let needs = &mut self.needs;
        record.objects("mounts", |mount| {
            for option in mount.texts("options") {
                match option.bytes() {
                    b"rro" => _ = needs.insert(KernelNeed::RecursiveReadOnly),
                    b"idmap" | b"ridmap" => _ = needs.insert(KernelNeed::IdMappedMount),
                    _ => {}
                }
            }
            if !mount.nodes("uidMappings").is_empty() {
                needs.insert(KernelNeed::IdMappedMount);
            }
        });
        if let Some(mut linux) = record.object("linux") {
            self.cgroups_path = linux.text_field("cgroupsPath");
            if linux.node("timeOffsets").is_some() {
                self.needs.insert(KernelNeed::TimeNamespace);
            }
            if let Some(mut seccomp) = linux.object("seccomp") {
                let listener = seccomp.text_field("listenerPath");
                if listener.is_some_and(|path| !path.is_empty()) {
                    self.needs.insert(KernelNeed::SeccompListener);
                }
            }
            let list = &mut self.namespaces;
            linux.objects("namespaces", |namespace| {
                let kind = namespace.text_field("type").unwrap_or_default();
                list.push((kind, namespace.text_field("path").unwrap_or_default()));
            });
            let has = |kind: &str| self.namespaces.iter().any(|(name, _)| *name == *kind);
            if has("cgroup") {
                self.needs.insert(KernelNeed::CgroupNamespace);
            }
            if has("time") {
                self.needs.insert(KernelNeed::TimeNamespace);
            }
        }
        record.missing("ociVersion");
    }

    /// The value of an annotation.
    pub fn annotation(&self, name: &str) -> Option<&Text> {
        let (_, value) = self.annotations.iter().find(|(key, _)| *key == *name)?;
        Some(value)
    }

    /// The pod's id, where the CRI plugin made this container.
    pub fn sandbox_id(&self) -> Option<&Text> {
        self.annotation(SANDBOX_ID)
    }

    /// The pod's names, where the CRI plugin made this container.
    pub fn pod(&self) -> Option<Pod> {
        let get = |name: &str| self.annotation(name).cloned();
        Some(Pod {
            id: self.sandbox_id()?.clone(),
            name: get("io.kubernetes.cri.sandbox-name"),
            namespace: get("io.kubernetes.cri.sandbox-namespace"),
            uid: get("io.kubernetes.cri.sandbox-uid"),
            container: get("io.kubernetes.cri.container-name"),
            is_sandbox: self
                .annotation("io.kubernetes.cri.container-type")
                .is_some_and(|kind| *kind == "sandbox"),
        })
    }

    /// The name of the group that shares a shim with this container, whose id is `id`.
    pub fn group<'a>(&'a self, id: &'a Text) -> &'a Text {
        self.annotation(GROUP)
            .or_else(|| self.sandbox_id())
            .unwrap_or(id)
    }

    /// The working directory, if it leads through a file descriptor of runc (CVE-2024-21626).
    ///
    /// `^/proc/(self|thread-self|<digits>)/fd/`: runc up to 1.1.11 leaks a descriptor of the
    /// host's `/sys/fs/cgroup` into init, and such a directory is then one of the host.
    pub fn escaping_cwd(&self) -> Option<&Text> {
        let cwd = self.cwd.as_ref()?;
        escapes(cwd.bytes()).then_some(cwd)
    }
}

/// Whether a path goes through a process's file descriptors.
fn escapes(path: &[u8]) -> bool {
    let mut parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    let mut next = || parts.next().unwrap_or_default();
    let proc = next() == b"proc";
    let process = next();
    let is_process =
        matches!(process, b"self" | b"thread-self") || process.iter().all(u8::is_ascii_digit);
    proc && is_process && next() == b"fd"
}

/// The pod that a container belongs to, as its annotations say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pod {
    /// Id of the pod's sandbox.
    pub id: Text,
    /// The pod's name.
    pub name: Option<Text>,
    /// Its Kubernetes namespace.
    pub namespace: Option<Text>,
    /// Its Kubernetes uid.
    pub uid: Option<Text>,
    /// The container's name in it; none for the sandbox itself.
    pub container: Option<Text>,
    /// Whether this is the pod's sandbox (pause) container.
    pub is_sandbox: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_diagnosis_needs_is_read() {
        let text = br#"{"ociVersion":"1.2.0","process":{"terminal":false,"args":["/bin/a","-v"],"env":["SECRET=1","B=2"],"cwd":"/"},"root":{"path":"rootfs"},"hostname":"h","annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"p0d","io.kubernetes.cri.sandbox-name":"web-0"},"hooks":{"prestart":[{"path":"/usr/bin/nvidia"}]},"linux":{"cgroupsPath":"/k8s/x","namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/cni-1"}]}}"#;
        let (spec, faults) = Spec::parse(View::new(text));
        assert_eq!(faults, []);
        assert_eq!(spec.args.len(), 2);
        assert_eq!(spec.environment, 2);
        assert_eq!(spec.pod().unwrap().name.unwrap(), "web-0");
        assert_eq!(spec.group(&Text::from("me")), &Text::from("p0d"));
        assert_eq!(spec.hooks.len(), 1);
        assert_eq!(spec.namespaces[1].1, "/run/netns/cni-1");
        assert!(spec.escaping_cwd().is_none());
    }

    #[test]
    fn a_directory_of_runc_is_no_place_to_start_in() {
        for path in [
            "/proc/self/fd/7",
            "/proc/thread-self/fd/8/../..",
            "/proc/1/fd/9/",
            "//proc/./self//fd/7",
        ] {
            assert!(escapes(path.as_bytes()), "{path}");
        }
        for path in ["/", "/proc/self", "/proc/x/fd/1", "/srv/proc/self/fd/7", ""] {
            assert!(!escapes(path.as_bytes()), "{path}");
        }
    }
}
