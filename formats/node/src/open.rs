//! All stores of a node, opened.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use content::Store;
use evidence::{Evidence, Hidden, Stat};
use finding::{Coverage, Known, Text, Time, Unread};
use metadb::{MetaDb, Mounts};
use process::{Processes, Tree};
use runc::Runtime;

use crate::clients::{self, Client};
use crate::graph::Graph;
use crate::lost_found::LostFound;
use crate::{
    Cores, Database, DatabaseState, Disks, Docker, Documents, Headers, META_DIR, MountPoint,
    Network, PodFiles, Registries, RegistriesYaml, Roots, RuntimePrograms, Snapshotter,
    Surroundings, Traces, Units, left_out, snapshotter, times, whose,
};

/// Name of the content store's folder.
pub const CONTENT_DIR: &str = "io.containerd.content.v1.content";

/// Name of the mount manager's folder, under state.
pub(crate) const MOUNTS_DIR: &str = "io.containerd.mount-manager.v1.bolt";

/// A path of the evidence as text.
pub fn path_text(path: &Path) -> Text {
    Text::from(path.as_os_str().as_bytes())
}

/// The path of a text that is one.
pub(crate) fn path_of(text: &Text) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(text.bytes()))
}

/// How to open a node.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What time it is at the node; else the evidence says it.
    pub now: Option<Time>,
    /// Its processes, where they were taken from the machine itself; else the evidence may hold
    /// them.
    pub processes: Option<Arc<Processes>>,
    /// The bytes of a meta.db that is not in the evidence, to be read in the place of the node's.
    pub meta: Option<Arc<Vec<u8>>>,
}

/// A node: facts about every store, read as far as they can be read.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where its stores are.
    pub roots: Roots,
    /// `root` itself.
    pub root: Result<Stat, Unread>,
    /// `state` itself.
    pub state: Result<Stat, Unread>,
    /// meta.db.
    pub meta: Database<MetaDb>,
    /// Its snapshotters.
    pub snapshotters: Vec<Snapshotter>,
    /// Its content store.
    pub content: Known<Store>,
    /// Manifests, indexes and configurations of its images.
    pub documents: Documents,
    /// runc's state, bundles, shims and the CRI's files.
    pub runtime: Known<runc::Runtime>,
    /// mounts.db of the mount manager (2.2 and later).
    pub mounts: Database<Mounts>,
    /// What the kernel says of the disk below the stores.
    pub disks: Disks,
    /// CNI: configurations, programs, results, leases of addresses.
    pub network: Network,
    /// The programs that containers need.
    pub programs: RuntimePrograms,
    /// Clients of the CRI, and where they look for it.
    pub clients: Vec<Client>,
    /// Docker's daemon, where one is installed.
    pub docker: Option<Docker>,
    /// What pulls are told about registries.
    pub registries: Registries,
    /// registries.yaml of k3s or rke2.
    pub registries_yaml: Option<RegistriesYaml>,
    /// What is kept of pods outside of containerd.
    pub pods: PodFiles,
    /// Traces of the release that wrote it.
    pub traces: Traces,
    /// Disks that belong at its root, above it, or at the stores in it.
    pub mount_points: Vec<MountPoint>,
    /// What a check of the file system saved, on the disks of the stores.
    pub lost_found: Vec<LostFound>,
    /// Files in which a redaction masked values.
    pub masked: Vec<Text>,
    /// What a start of the daemon meets around its stores.
    pub around: Surroundings,
    /// Units of systemd that run it.
    pub units: Units,
    /// Cores of containerd, shims and runc.
    pub cores: Cores,
    /// What time it was at the node when it was captured or last written.
    pub now: Time,
    /// Whether the times of its files are its own: those of a copy may all be that of the copy.
    pub keeps_times: bool,
    /// Its processes; nothing where the evidence does not hold them.
    pub processes: Option<Arc<Processes>>,
    /// The same node with its databases as containerd 1.6 reads them, where that makes a
    /// difference: it takes pages for what their flags say ([`Headers::ByFlags`]).
    pub by_flags: Option<Arc<Self>>,
    /// What was read, and what not.
    pub coverage: Coverage,
    graph: OnceLock<Arc<Graph>>,
}

impl Node {
    /// Opens the stores under `roots`.
    pub fn open(evidence: &Evidence, roots: Roots, options: Options) -> Self {
        let mut node = Self::open_as(evidence, roots.clone(), options.clone(), Headers::Exact);
        let backends = node.snapshotters.iter();
        if node.meta.has_other_headers() || backends.into_iter().any(|s| s.db.has_other_headers()) {
            let by_flags = Self::open_as(evidence, roots, options, Headers::ByFlags);
            node.by_flags = Some(Arc::new(by_flags));
        }
        node
    }

    fn open_as(evidence: &Evidence, roots: Roots, options: Options, headers: Headers) -> Self {
        evidence.begin_keeping();
        let mut coverage = Coverage::default();
        let root = evidence.stat(&roots.root);
        let state = evidence.stat(&roots.state);
        let meta_path = roots.root.join(META_DIR).join("meta.db");
        let mut meta = match &options.meta {
            Some(bytes) => Database::meta_of(bytes, &meta_path, headers),
            None => Database::open_meta(evidence, &meta_path, headers),
        };
        let config = roots.config.as_ref();
        let is_part = left_out::is_part(evidence);
        let mut snapshotters =
            snapshotter::all(evidence, &roots.root, config, meta.rows.as_ref(), headers);
        whose::compare(evidence, headers, &mut meta, &mut snapshotters);
        for folder in snapshotter::left_over(evidence, &roots.root, config, meta.rows.as_ref()) {
            coverage.skipped.push(format!(
                "{} is the folder of no snapshotter that this containerd loads, and meta.db names none of its \
                 snapshots: no daemon reads it, and it was not looked at",
                path_text(&folder)
            ));
        }
        if is_part {
            let all = snapshotters.into_iter();
            snapshotters = all
                .map(|one| left_out::snapshotter(evidence, one, meta.rows.as_ref()))
                .collect();
        }
        for snapshotter in &snapshotters {
            note(&snapshotter.db, &mut coverage);
            let rows = snapshotter.db.rows.as_ref();
            let unknown = rows.map_or(&[][..], |rows| rows.snapshots.unknown());
            coverage.unknown.extend(unknown.iter().cloned());
            coverage
                .unknown
                .extend(snapshotter.layout.unknown().iter().cloned());
        }
        let content_root = roots.root.join(CONTENT_DIR);
        let mut content = Store::read_store(evidence, &content_root);
        if is_part {
            content = left_out::content(content, meta.rows.as_ref());
        }
        coverage.unknown.extend(content.unknown().iter().cloned());
        whose::disown_foreign(&mut meta, &snapshotters, &content);
        note(&meta, &mut coverage);
        let documents = Documents::read_documents(evidence, &content_root, meta.rows.as_ref());
        let processes = options.processes.or_else(|| stored_processes(evidence));
        let hints = processes.as_deref();
        let hints = hints.map_or_else(Vec::new, |all| crate::hints(evidence, all));
        let runtime = runc::read_of(
            evidence,
            &roots.root,
            &roots.state,
            &hints,
            &roots.address(),
        );
        let runtime = runtime.map(|mut runtime| {
            learn(&mut runtime, meta.rows.as_ref());
            if is_part {
                let unknown = left_out::cri(&mut runtime, &roots.root, meta.rows.as_ref());
                coverage.unknown.extend(unknown);
            }
            runtime
        });
        match &state {
            // An image of a disk, or a tar of the root alone: one line says it all.
            Err(Unread::Absent | Unread::NotCollected) => coverage.skipped.push(format!(
                "{} is not in the evidence: nothing is known of tasks, shims and runc's state",
                path_text(&roots.state)
            )),
            _ => coverage.unknown.extend(runtime.unknown().iter().cloned()),
        }
        let hidden = evidence.hidden();
        if hidden != Hidden::default() {
            coverage.skipped.push(format!(
                "secrets are masked in {} files, and {} were left out: what rests on their bytes is not \
                 checked (`coroner bundle ls` names them)",
                hidden.masked.len(),
                hidden.left_out
            ));
        }
        let mounts_path = roots.state.join(MOUNTS_DIR).join("mounts.db");
        let mounts = Database::open(evidence, &mounts_path, Mounts::read_mounts);
        let disks = Disks::read_disks(evidence, &roots, &snapshotters);
        let network = Network::read_network(evidence, &roots);
        let registries = Registries::read_registries(evidence, config);
        let registries_yaml = RegistriesYaml::read_registries_yaml(evidence, &roots);
        let clients = clients::clients(evidence);
        let docker = Docker::read_docker(evidence);
        let pods = PodFiles::read_pod_files(evidence, &roots, &clients, meta.rows.as_ref());
        let traces = Traces::read_traces(evidence, &roots, &meta, runtime.read());
        if let Some(rows) = &meta.rows {
            coverage
                .unknown
                .extend(rows.unknown(|namespace| &namespace.images));
            coverage
                .unknown
                .extend(rows.unknown(|namespace| &namespace.containers));
            coverage.unknown.extend(rows.unknown_snapshots());
            coverage
                .unknown
                .extend(rows.unknown(|namespace| &namespace.blobs));
            coverage
                .unknown
                .extend(rows.unknown(|namespace| &namespace.ingests));
            coverage
                .unknown
                .extend(rows.unknown(|namespace| &namespace.leases));
        }
        coverage.unknown.extend(documents.unknown().cloned());
        let cores = Cores::read_cores(evidence, runtime.read(), &mut coverage.unknown);
        let lost_found =
            LostFound::read_lost_found(evidence, &roots, &snapshotters, &mut coverage.unknown);
        let mount_points = crate::mountpoints::mount_points(
            evidence,
            &roots,
            &snapshotters,
            processes.as_deref(),
            &mut coverage.unknown,
        );
        let around =
            Surroundings::read_surroundings(evidence, &roots, &snapshotters, processes.as_deref());
        let programs = RuntimePrograms::read_runtime_programs(
            evidence,
            &roots,
            meta.rows.as_ref(),
            runtime.read(),
        );
        let units = Units::read_units(evidence, roots.whose);
        let mut node = Self {
            roots,
            root,
            state,
            meta,
            snapshotters,
            content,
            documents,
            runtime,
            mounts,
            disks,
            mount_points,
            lost_found,
            masked: hidden.masked,
            around,
            units,
            cores,
            network,
            programs,
            clients,
            docker,
            registries,
            registries_yaml,
            pods,
            traces,
            now: Time::new(0, 0),
            keeps_times: true,
            processes,
            by_flags: None,
            coverage,
            graph: OnceLock::new(),
        };
        // All readers have read.
        let unknown = &mut node.coverage.unknown;
        unknown.extend(evidence.left_out());
        unknown.sort_by(|a, b| (&a.what, &a.why).cmp(&(&b.what, &b.why)));
        unknown.dedup();
        let (rows, runtime) = (node.meta.rows.as_ref(), node.runtime.read());
        node.keeps_times = times::are_kept(rows, node.content.read(), runtime);
        let told = times::newest_told(rows, runtime);
        let by_files = || {
            // Our own bundle has the clock of its node, whatever that showed.
            let is_possible = |at: &Time| evidence.manifest().is_some() || times::is_past(*at);
            let taken = evidence.captured_at().filter(is_possible);
            let newest = taken.unwrap_or_else(|| node.newest(evidence));
            // No node is older than what it has written down.
            told.map_or(newest, |told| newest.max(told))
        };
        node.now = match options.now {
            Some(now) => now,
            None if node.keeps_times => by_files(),
            None => told.or(evidence.captured_at()).unwrap_or_else(by_files),
        };
        node
    }

    /// The newest time that meta.db and the runtime's files tell of: a daemon ran then.
    pub fn newest_record(&self) -> Option<Time> {
        times::newest_told(self.meta.rows.as_ref(), self.runtime.read())
    }

    /// The newest time that a store was written: the best guess where nothing says more.
    fn newest(&self, evidence: &Evidence) -> Time {
        let mut newest = Time::new(0, 0);
        let mut learn = |time: Time| {
            if times::is_past(time) {
                newest = newest.max(time);
            }
        };
        let databases = self
            .snapshotters
            .iter()
            .map(|snapshotter| snapshotter.root.join("metadata.db"));
        let meta = self.roots.root.join(META_DIR).join("meta.db");
        for path in databases.chain([meta, self.roots.root.clone(), self.roots.state.clone()]) {
            if let Ok(stat) = evidence.stat(&path) {
                learn(stat.mtime);
            }
        }
        for container in self
            .runtime
            .read()
            .iter()
            .flat_map(|runtime| &runtime.containers)
        {
            learn(container.dir.mtime);
        }
        newest
    }

    /// The namespaces of meta.db that could be read. Who concludes from absence asks [`MetaDb::unknown`] first.
    pub fn namespaces(&self) -> impl Iterator<Item = &metadb::Namespace> {
        self.meta.rows.iter().flat_map(MetaDb::namespaces)
    }

    /// Its reference graph, made when it is first asked for.
    pub fn graph(&self) -> &Arc<Graph> {
        self.graph
            .get_or_init(|| Arc::new(Graph::build_graph(self)))
    }

    /// The content store's folder.
    pub fn content_root(&self) -> std::path::PathBuf {
        self.roots.root.join(CONTENT_DIR)
    }
}

/// The namespace of the CRI plugin.
const CRI_NAMESPACE: &str = "k8s.io";
/// The namespace of Docker's images and containers.
pub const DOCKER_NAMESPACE: &str = "moby";

/// Tells the runtime's bundles what meta.db says of their runtimes, and the CRI's files of their pods.
pub fn learn(runtime: &mut Runtime, rows: Option<&MetaDb>) {
    for namespace in rows.into_iter().flat_map(MetaDb::namespaces) {
        let containers = namespace.containers.read().into_iter().flatten();
        let containers = containers.map(|row| (&row.key, row.value.runtime.as_ref()));
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        let sandboxes = sandboxes.map(|row| (&row.key, row.value.runtime.as_ref()));
        let named = containers.chain(sandboxes);
        runtime
            .learn(named.filter_map(|(id, runtime)| Some((&namespace.name, id, &runtime?.name))));
        if namespace.name == *CRI_NAMESPACE {
            let containers = namespace.containers.read().into_iter().flatten();
            let containers = containers.filter(|row| row.value.cri_kind() == Some("container"));
            let pods = containers.filter_map(|row| {
                let record = row.value.pod_container().ok()?;
                Some((row.key.clone(), record.sandbox_id))
            });
            runtime.learn_pods(pods);
        }
    }
}

/// Processes that were stored in the evidence. Those of a machine that runs are not read through
/// it: see [`evidence::LiveProc`].
pub fn stored_processes(evidence: &Evidence) -> Option<Arc<Processes>> {
    let tree = Tree::load(evidence)?;
    Some(Arc::new(Processes::new(tree)))
}

fn note<T>(db: &Database<T>, coverage: &mut Coverage) {
    match (&db.state, db.facts) {
        (DatabaseState::Unread(unread), _) => coverage.unread(db.path.clone(), unread.clone()),
        (DatabaseState::Empty, _) => coverage.note_read(db.path.clone(), 0),
        (state, facts) => {
            coverage.note_read(db.path.clone(), facts.map_or(0, |facts| facts.size));
            if matches!(
                state,
                DatabaseState::Broken | DatabaseState::Stale | DatabaseState::Other(_)
            ) {
                coverage.unknown.extend(db.lost());
            }
        }
    }
}
