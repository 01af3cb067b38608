//! `state.json`: what runc remembers of a container (libcontainer's `State`).
//!
//! `/run/containerd/runc/<namespace>/<id>/state.json`, mode 0600, one JSON object, no newline at
//! its end. Written whole to `state-<decimal>` in the same folder and renamed, at the moment the
//! init process has its root file system ("procReady"), and again by `runc update`; **not** by
//! start, pause or resume. So there is no field for "running": runc computes its status from the
//! freezer, the pid with its start time, and the presence of `exec.fifo`.
//!
//! ```text
//! {"id":"web","init_process_pid":4127,"init_process_start":101377,
//!  "created":"2026-11-21T03:36:00.123456789Z","config":{…},"rootless":false,
//!  "cgroup_paths":{"":"/sys/fs/cgroup/k8s.io/web"},"namespace_paths":{"NEWPID":"/proc/4127/ns/pid",…},
//!  "external_descriptors":["/dev/null","pipe:[5551]","pipe:[5552]"],"intel_rdt_path":""}
//! ```
//!
//! Source: `libcontainer/container_linux.go` (`BaseState`, `State`) and `libcontainer/configs`.
//! `args`, `env` and `cwd` are not in it; they stand in the bundle's `config.json`.

use finding::{Text, Time};
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::record::Record;
use json::Document;

/// Clock ticks a second in which the kernel gives start times (`CLK_TCK`), on every architecture
/// that containerd runs on.
pub const TICKS: u64 = 100;

/// What a `state.json` says. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// The container's id; the same as its folder's name.
    pub id: Option<Text>,
    /// Pid of the init process, in the pid namespace that runc ran in (the host's).
    pub init_process_pid: Option<i64>,
    /// When init started: field 22 of `/proc/<pid>/stat`, in [`TICKS`] since boot. The pid means
    /// nothing without it.
    pub init_process_start: Option<u64>,
    /// When the file was first written, a few milliseconds before `create` ended.
    pub created: Option<Time>,
    /// Whether runc ran without root. Left out since 1.4 where it is false.
    pub rootless: Option<bool>,
    /// Cgroups by controller; `""` is the unified hierarchy.
    pub cgroup_paths: Vec<(Text, Text)>,
    /// Namespaces by type (`NEWNET`): `/proc/<pid>/ns/net`, or a path that was given.
    pub namespace_paths: Vec<(Text, Text)>,
    /// What file descriptors 0, 1 and 2 of init were at `create`.
    pub external_descriptors: Vec<Text>,
    /// What runc made of the bundle's `config.json`.
    pub config: Config,
    /// Keys of the top level that are not known here.
    pub unknown: Vec<Text>,
}

/// What is read of `config` in a `state.json` (libcontainer's `configs.Config`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Version of the OCI runtime specification that the writer knows; dates the writer roughly
    /// (1.0.2-dev: runc 1.1.5; 1.2.0: 1.1.15; 1.2.1: 1.3.6).
    pub version: Option<Text>,
    /// `<bundle>/rootfs`.
    pub rootfs: Option<Text>,
    /// `bundle=<path>`, and `key=value` for every annotation.
    pub labels: Vec<Text>,
    /// The cgroup's path as it was asked for.
    pub cgroups_path: Option<Text>,
    /// How many hooks there are of each kind.
    pub hooks: Vec<(&'static str, u64)>,
    /// Where a seccomp agent listens; without it, init waits in a system call for ever.
    pub seccomp_listener: Option<Text>,
    /// The host's user id of the container's root, with a user namespace.
    pub root_uid: Option<u64>,
}

const HOOKS: [&str; 6] = [
    "prestart",
    "createRuntime",
    "createContainer",
    "startContainer",
    "poststart",
    "poststop",
];

impl State {
    /// Reads a `state.json`, or what is left of one.
    ///
    /// Whatever could be read stands in the state, whatever could not in the faults. With any
    /// fault of severity damage, runc itself reads nothing at all: `state`, `list` and
    /// `delete --force` fail.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut state = Self::default();
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::State, &document, &mut faults) {
            state.read_state(&mut record);
        }
        (state, faults)
    }

    fn read_state(&mut self, record: &mut Record<'_, '_>) {
        self.id = record.text_field("id");
        self.init_process_pid = record.integer("init_process_pid", "a pid");
        if let Some(pid) = self.init_process_pid
            && pid <= 0
        {
            record.refuse("init_process_pid", "a pid above 0", pid.to_string());
        }
        self.init_process_start = record.integer("init_process_start", "clock ticks since boot");
        self.created = record.time("created");
        self.rootless = record.boolean("rootless");
        self.cgroup_paths = record.map("cgroup_paths");
        self.namespace_paths = record.map("namespace_paths");
        self.external_descriptors = record.texts("external_descriptors");
        let _ = record.text_field("intel_rdt_path");
        let _ = record.text_field("intel_rdt_mon_path");
        if let Some(mut config) = record.object("config") {
            self.config.read_state_config(&mut config);
        }
        for key in [
            "id",
            "init_process_pid",
            "init_process_start",
            "created",
            "config",
        ] {
            record.missing(key);
        }
        self.unknown = record.others();
    }

    /// The bundle that it was made from, as a label says.
    pub fn bundle(&self) -> Option<Text> {
        self.label("bundle")
    }

    /// The value of a label; annotations are labels, too.
    pub fn label(&self, name: &str) -> Option<Text> {
        self.config.labels.iter().find_map(|label| {
            let rest = label.bytes().strip_prefix(name.as_bytes())?;
            Some(Text::from(rest.strip_prefix(b"=")?))
        })
    }

    /// When the machine was booted, from the time of creation and the start time in ticks.
    ///
    /// All containers of one boot agree within about 0.1 s, unless the wall clock was set.
    pub fn implied_boot(&self) -> Option<Time> {
        let created = self.created?;
        let start = self.init_process_start?;
        let seconds = i64::try_from(start.checked_div(TICKS)?).ok()?;
        let ticks = u32::try_from(start.checked_rem(TICKS)?).ok()?;
        let nanos = ticks.checked_mul(10_000_000)?;
        let (borrow, nanos) = match created.nanos.checked_sub(nanos) {
            Some(nanos) => (0, nanos),
            None => (
                1,
                created
                    .nanos
                    .checked_add(1_000_000_000)?
                    .checked_sub(nanos)?,
            ),
        };
        let seconds = created.seconds.checked_sub(seconds)?.checked_sub(borrow)?;
        Some(Time::new(seconds, nanos))
    }
}

impl Config {
    fn read_state_config(&mut self, record: &mut Record<'_, '_>) {
        self.version = record.text_field("version");
        self.rootfs = record.text_field("rootfs");
        self.labels = record.texts("labels");
        if let Some(mut cgroups) = record.object("cgroups") {
            let path = cgroups.text_field("path").filter(|path| !path.is_empty());
            self.cgroups_path = path.or_else(|| {
                let parent = cgroups.text_field("parent")?;
                let name = cgroups.text_field("name")?;
                Some(Text::from(
                    [parent.bytes(), name.bytes()].join(&b'/').as_slice(),
                ))
            });
        }
        if let Some(mut hooks) = record.object("Hooks") {
            for kind in HOOKS {
                let count = u64::try_from(hooks.nodes(kind).len()).unwrap_or(u64::MAX);
                if count > 0 {
                    self.hooks.push((kind, count));
                }
            }
        }
        if let Some(mut seccomp) = record.object("seccomp") {
            self.seccomp_listener = seccomp
                .text_field("listener_path")
                .filter(|path| !path.is_empty());
        }
        let mut root = None;
        record.objects("uid_mappings", |mapping| {
            let container = mapping.integer::<u64>("container_id", "a user id");
            let host = mapping.integer::<u64>("host_id", "a user id");
            if container == Some(0) {
                root = host;
            }
        });
        self.root_uid = root;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes;
    use finding::Fault as _;

    const WHOLE: &str = r#"{"id":"web","init_process_pid":4127,"init_process_start":101377,"created":"2026-11-21T03:36:00.123456789Z","config":{"no_pivot_root":false,"rootfs":"/run/containerd/io.containerd.runtime.v2.task/default/web/rootfs","labels":["io.kubernetes.cri.sandbox-id=pod","bundle=/run/containerd/io.containerd.runtime.v2.task/default/web"],"cgroups":{"path":"/default/web"},"version":"1.0.2-dev","Hooks":{"prestart":[{"path":"/h"}],"poststop":null},"uid_mappings":[{"container_id":0,"host_id":100000,"size":65536}]},"rootless":false,"cgroup_paths":{"":"/sys/fs/cgroup/unified/default/web","pids":"/sys/fs/cgroup/pids/default/web"},"namespace_paths":{"NEWNET":"/run/netns/cni-1","NEWPID":"/proc/4127/ns/pid"},"external_descriptors":["/dev/null","pipe:[1]","pipe:[2]"],"intel_rdt_path":""}"#;

    fn parse(text: &str) -> (State, Vec<Fault>) {
        State::parse(View::new(text.as_bytes()))
    }

    #[test]
    fn every_key_is_read() {
        let (state, faults) = parse(WHOLE);
        assert_eq!(faults, []);
        assert_eq!(state.id.as_ref().unwrap(), "web");
        assert_eq!(state.init_process_pid, Some(4127));
        assert_eq!(state.init_process_start, Some(101_377));
        assert_eq!(state.cgroup_paths.len(), 2);
        assert_eq!(
            state.bundle().unwrap(),
            "/run/containerd/io.containerd.runtime.v2.task/default/web"
        );
        assert_eq!(state.label("io.kubernetes.cri.sandbox-id").unwrap(), "pod");
        assert_eq!(state.config.cgroups_path.as_ref().unwrap(), "/default/web");
        assert_eq!(state.config.hooks, [("prestart", 1)]);
        assert_eq!(state.config.root_uid, Some(100_000));
        assert!(state.unknown.is_empty());
        assert_eq!(
            state.implied_boot().unwrap().to_string(),
            "2026-11-21T03:19:06.353456789Z"
        );
    }

    #[test]
    fn cut_at_every_byte_it_is_truncated_and_keeps_what_it_has() {
        for end in 0..WHOLE.len() {
            let (state, faults) = parse(&WHOLE[..end]);
            let [fault] = faults.as_slice() else {
                panic!("{end}: {faults:?}");
            };
            assert_eq!(fault.code(), &codes::STATE_TRUNCATED, "{end}");
            assert!(fault.is_cut());
            assert_eq!(state.init_process_pid.is_some(), end > 35, "{end}");
        }
    }

    #[test]
    fn wrong_types_are_faults_of_one_key() {
        let (state, faults) = parse(
            r#"{"id":7,"init_process_pid":-3,"init_process_start":1.5,"created":"noon","config":[],"cgroup_paths":{"":1,"a":"b"},"external_descriptors":["x",null],"rootless":"no"}"#,
        );
        let keys: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            keys,
            [
                "id of state.json is a number, not a string",
                "init_process_pid of state.json is \"-3\", not a pid above 0",
                "init_process_start of state.json is \"1.5\", not clock ticks since boot",
                "created of state.json is \"noon\", not an RFC 3339 time",
                "rootless of state.json is a string, not a boolean",
                "cgroup_paths. of state.json is a number, not a string",
                "external_descriptors[1] of state.json is null, not a string",
                "config of state.json is an array, not an object",
            ]
        );
        assert!(
            faults
                .iter()
                .all(|fault| fault.code() == &codes::STATE_DAMAGED)
        );
        assert_eq!(state.cgroup_paths.len(), 1);
    }

    #[test]
    fn newer_releases_leave_keys_out_and_bring_others() {
        let (state, faults) = parse(
            r#"{"id":"a","init_process_pid":1,"init_process_start":2,"created":"2026-11-21T03:36:00Z","config":{"rootfs":"/r"},"brand_new":{}}"#,
        );
        assert_eq!(faults, []);
        assert_eq!(state.unknown, [Text::from("brand_new")]);
        let (_, faults) = parse(r#"{"id":"a","config":{}}"#);
        assert_eq!(faults.len(), 3);
    }

    #[test]
    fn another_kind_of_document_is_a_fault() {
        for text in ["[]", "null", "7", "\"x\""] {
            assert_eq!(parse(text).1.len(), 1, "{text}");
        }
        assert_eq!(parse("\0\0\0\0").1[0].code(), &codes::STATE_DAMAGED);
    }
}
