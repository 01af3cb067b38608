//! Reads what the runtime left: its own folders, containerd's bundles, the CRI's files.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Entry, Evidence, FileKind, Stat};
use finding::{Known, Text, Time, Unknown, Unread};

use crate::address::{SOCKETS, socket_name};
use crate::doc::some;
use crate::folder::{Folder, Gaps, absolute, path_text, there};
use crate::phase::Signs;
use crate::runtime::{
    Bundle, Container, CriStatus, Leftover, Program, Runtime, ShimSocket, WorkDir,
};
use crate::{
    Address, CrunStatus, Doc, Options, Places, Spec, State, Status, YoukiState, init_pid, log,
    youki,
};

/// Name of the folder, under root and under state, that holds a folder for each task.
pub const TASKS: &str = "io.containerd.runtime.v2.task";

/// Name of the CRI plugin's folder under root and under state, in 2.x, too.
pub const CRI: &str = "io.containerd.grpc.v1.cri";

/// Where containerd's shims keep runc's state, whatever `state` says: a folder for each namespace.
pub const SHIM_ROOT: &str = "/run/containerd/runc";

/// Other places with a folder for each namespace.
const ROOTS_OF_NAMESPACES: &[&str] = &["/run/docker/runtime-runc", "/run/snap.docker/runtime-runc"];

/// Places without namespaces: runc and crun called by hand, by podman or by buildkit.
const ROOTS: &[&str] = &["/run/runc", "/run/crun", "/run/youki"];

/// Where runtimes of users other than root keep their state: a folder for each user.
const OF_USERS: &str = "/run/user";

/// Users whose folders are looked into.
const USERS: usize = 64;

/// A place where a runtime may keep its state, as something else in the evidence says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// A folder that may hold a folder for each container.
    pub root: PathBuf,
    /// A FIFO below it that a process holds, and its inode: no hint if another stands there (a path
    /// may be that of another mount namespace).
    pub fifo: Option<(PathBuf, u64)>,
}

impl Hint {
    fn holds(&self, evidence: &Evidence) -> bool {
        self.fifo.as_ref().is_none_or(|(path, inode)| {
            let stat = evidence.stat(path);
            stat.is_ok_and(|stat| stat.kind == FileKind::Fifo && stat.ino == Some(*inode))
        })
    }
}

/// Reads everything that the runtime left.
///
/// `root` and `state` are containerd's. Roots of runc and crun are those that are usual, those that
/// bundles' `options.json` name, and those that `hints` lead to.
pub fn read_runtime(
    evidence: &Evidence,
    root: &Path,
    state: &Path,
    hints: &[Hint],
) -> Known<Runtime> {
    let daemon = [state.as_os_str().as_bytes(), b"/containerd.sock"].concat();
    read_of(evidence, root, state, hints, &daemon)
}

/// The same of a daemon that listens at `daemon`, by which shims' sockets are named.
pub fn read_of(
    evidence: &Evidence,
    root: &Path,
    state: &Path,
    hints: &[Hint],
    daemon: &[u8],
) -> Known<Runtime> {
    let mut gaps = Gaps::default();
    let mut runtime = Runtime {
        state: path_text(state),
        ..Runtime::default()
    };
    each_task(
        evidence,
        &state.join(TASKS),
        &mut gaps,
        |folder, entry, namespace, gaps| {
            let bundle = bundle(evidence, folder, entry, namespace, daemon, gaps);
            runtime.bundles.push(bundle);
        },
    );
    // A start looks into each of these folders, also where it is empty.
    let folders = Folder::list(evidence, &state.join(TASKS), &mut Gaps::default());
    let own = folders.folders(&mut Gaps::default());
    runtime.task_namespaces = own.map(|(entry, _)| entry.name.clone()).collect();
    runtime.whole.bundles = gaps.unknown.is_empty();
    each_task(
        evidence,
        &root.join(TASKS),
        &mut gaps,
        |folder, entry, namespace, _| {
            runtime.work_dirs.push(WorkDir {
                namespace: namespace.clone(),
                id: entry.name.clone(),
                path: path_text(folder),
                dir: entry.stat.clone(),
            });
        },
    );
    let before = gaps.unknown.len();
    let mut roots: Vec<PathBuf> = vec![SHIM_ROOT.into()];
    roots.extend(
        ROOTS_OF_NAMESPACES
            .iter()
            .map(PathBuf::from)
            .filter(|root| seen_at(evidence, root)),
    );
    for bundle in &runtime.bundles {
        let named = bundle.named_root();
        if let Some(path) = named.and_then(absolute) {
            roots.push(evidence.at_run(path));
        }
    }
    // On the machine itself, what is not there is gone.
    let is_machine = evidence.is_machine();
    roots.retain(|root| {
        let is_unseen = if is_machine {
            false
        } else if root == Path::new(SHIM_ROOT) {
            // That nothing is there is believed where the folder above it was taken.
            let above = root.parent();
            evidence.stat(root) == Err(Unread::Absent)
                && above.is_some_and(|above| !seen_at(evidence, above))
        } else {
            !seen_at(evidence, root)
        };
        if is_unseen {
            runtime.unseen_roots.insert(path_text(root));
        }
        !is_unseen
    });
    for bundle in &runtime.bundles {
        let named = bundle.named_root();
        if let (Some(named), Some(path)) = (named, named.and_then(absolute))
            && runtime
                .unseen_roots
                .contains(&path_text(&evidence.at_run(path)))
        {
            runtime.unseen_roots.insert(named.clone());
        }
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    for root in roots {
        if !seen.contains(&root) {
            let is_link = evidence.read_link(&root).is_ok();
            each_task(
                evidence,
                &root,
                &mut gaps,
                |folder, entry, namespace, gaps| {
                    // crun's `.empty-directory`; no id of containerd's begins with a dot.
                    let is_hidden = entry.name.bytes().starts_with(b".");
                    if !is_hidden && (!is_link || is_container(evidence, folder)) {
                        let container = container(evidence, folder, entry, Some(namespace), gaps);
                        runtime.containers.push(container);
                    }
                },
            );
            seen.push(root);
        }
    }
    let mut plain: Vec<PathBuf> = ROOTS
        .iter()
        .map(PathBuf::from)
        .chain(of_users(evidence, &mut gaps))
        .filter(|root| seen_at(evidence, root))
        .collect();
    let usual = plain.len();
    plain.extend(
        hints
            .iter()
            .filter(|hint| hint.holds(evidence))
            .map(|hint| hint.root.clone()),
    );
    let mut read: Vec<PathBuf> = Vec::new();
    for (nth, root) in plain.into_iter().enumerate() {
        let of_namespaces = root
            .parent()
            .is_some_and(|above| seen.iter().any(|seen| seen == above));
        if of_namespaces || read.contains(&root) || !seen_at(evidence, &root) {
            continue;
        }
        // That a place which only a hint names is not known whole hides nothing of the usual ones.
        let mut ignored = Gaps::default();
        let of_root = if nth < usual { &mut gaps } else { &mut ignored };
        let all = Folder::list(evidence, &root, of_root);
        // A link may lead to where anything stands, and so may a hint.
        let is_root = nth < usual && evidence.read_link(&root).is_err();
        for (entry, folder) in all.folders(of_root) {
            if entry.name.bytes().starts_with(b".") {
                continue;
            }
            if is_root || is_container(evidence, &folder) {
                let container = container(evidence, &folder, entry, None, &mut gaps);
                runtime.containers.push(container);
            }
        }
        read.push(root);
    }
    others_bundles(evidence, state, &mut runtime.containers);
    runtime.whole.containers = gaps.unknown.len() == before;
    for root in &runtime.unseen_roots {
        gaps.unknown.push(Unknown::new(
            format!("state of the containers below {root}"),
            "it is not in the evidence",
        ));
    }
    sockets(evidence, &mut runtime, &mut gaps);
    let before = gaps.unknown.len();
    cri(evidence, root, &mut runtime, &mut gaps);
    runtime.whole.cri = gaps.unknown.len() == before;
    runtime.gvisor = crate::gvisor::read_gvisor(evidence, &seen);
    runtime.places = Places::read_places(evidence, root, state, &mut gaps.unknown);
    runtime.strange = gaps.strange;
    runtime.sort();
    Known::with(runtime, gaps.unknown)
}

/// Bundles that are not this daemon's, podman's or another containerd's, are not missing where the
/// folder that holds them was not taken either.
fn others_bundles(evidence: &Evidence, state: &Path, containers: &mut [Container]) {
    for container in containers {
        let Some((named, found @ Err(Unread::Absent))) = &mut container.bundle else {
            continue;
        };
        let path = absolute(named).map(|path| evidence.at_run(path));
        let is_unseen = path
            .as_deref()
            .and_then(Path::parent)
            .is_some_and(|above| !above.starts_with(state) && !seen_at(evidence, above));
        if is_unseen {
            *found = Err(Unread::NotCollected);
        }
    }
}

/// Where runtimes of users keep theirs: `$XDG_RUNTIME_DIR/runc`, and crun's.
fn of_users(evidence: &Evidence, gaps: &mut Gaps) -> Vec<PathBuf> {
    if !seen_at(evidence, Path::new(OF_USERS)) {
        return Vec::new();
    }
    let mut ignored = Gaps::default();
    let users = Folder::list(evidence, Path::new(OF_USERS), &mut ignored);
    if users.entries.len() > USERS {
        let rest = format!("state of runtimes of the users after the first {USERS}");
        gaps.unknown.push(Unknown::new(rest, "there are too many"));
    }
    let folders: Vec<PathBuf> = users
        .folders(&mut ignored)
        .map(|(_, path)| path)
        .take(USERS)
        .collect();
    folders
        .iter()
        .flat_map(|user| ["runc", "crun", "youki"].map(|name| user.join(name)))
        .collect()
}

/// Whether a folder has what a runtime makes in one.
fn is_container(evidence: &Evidence, folder: &Path) -> bool {
    let kind = |name: &str| evidence.stat(&folder.join(name)).map(|stat| stat.kind);
    kind("exec.fifo") == Ok(FileKind::Fifo)
        || kind("state.json") == Ok(FileKind::File)
        || (kind("status") == Ok(FileKind::File) && kind("config.json") == Ok(FileKind::File))
}

/// Whether something is there. The places of other callers of runc are usually not: that a tar of
/// containerd's own folders does not hold them hides nothing of containerd's.
fn seen_at(evidence: &Evidence, root: &Path) -> bool {
    !matches!(
        evidence.stat(root),
        Err(Unread::Absent | Unread::NotCollected)
    )
}

/// Every folder `<at>/<namespace>/<id>`.
fn each_task(
    evidence: &Evidence,
    at: &Path,
    gaps: &mut Gaps,
    mut each: impl FnMut(&Path, &Entry, &Text, &mut Gaps),
) {
    let namespaces = Folder::list(evidence, at, gaps);
    for (namespace, path) in namespaces.folders(gaps) {
        let tasks = Folder::list(evidence, &path, gaps);
        for (entry, path) in tasks.folders(gaps) {
            each(&path, entry, &namespace.name, gaps);
        }
    }
}

/// Seconds that state.json may be younger than the container that it tells of.
const COPIED: i64 = 60;

/// The mtime of an entry, as far as the evidence has it.
fn mtime(stat: &Stat) -> Option<Time> {
    (!stat.only_kind).then_some(stat.mtime)
}

fn container(
    evidence: &Evidence,
    path: &Path,
    entry: &Entry,
    namespace: Option<&Text>,
    gaps: &mut Gaps,
) -> Container {
    let folder = Folder::list(evidence, path, gaps);
    let read_state =
        |name: &str| Doc::read_doc(evidence, &folder, name, |view| some(State::parse(view)));
    let is_youkis = youki::is_youkis(&folder.entries);
    let (state, youki) = if is_youkis {
        let youki = Doc::read_doc(evidence, &folder, "state.json", |view| {
            some(YoukiState::parse(view))
        });
        (Doc::Absent, youki)
    } else {
        (read_state("state.json"), Doc::Absent)
    };
    let status = Doc::read_doc(evidence, &folder, "status", |view| {
        some(CrunStatus::parse(view))
    });
    // crun copies the bundle's config.json before it makes anything; runc never does.
    let is_cruns = status.is_there() || folder.get("config.json").is_some();
    let program = match () {
        () if is_youkis => Program::Youki,
        () if state.is_absent() && is_cruns => Program::Crun,
        () if folder.whole && !folder.entries.is_empty() && !is_runcs(&folder) => Program::Other,
        () => Program::Runc,
    };
    let mut leftovers = Vec::new();
    let mut binaries = Vec::new();
    for entry in &folder.entries {
        let name = entry.name.bytes();
        if entry.stat.kind == FileKind::File && is_temporary_state(name) {
            let state = entry.name.utf8().map_or(Doc::Absent, read_state);
            leftovers.push(Leftover {
                name: entry.name.clone(),
                state,
            });
        } else if entry.stat.kind == FileKind::File && name.starts_with(b"runc.") {
            binaries.push(entry.name.clone());
        }
    }
    let state_file = match program {
        Program::Crun => "status",
        Program::Runc | Program::Youki | Program::Other => "state.json",
    };
    let state_stat = folder.get(state_file).map(|entry| entry.stat.clone());
    let mut fifo = folder.get("exec.fifo").map(|entry| entry.stat.clone());
    if let Some(fifo) = fifo.as_mut().filter(|_| !evidence.keeps_inodes()) {
        // It would be compared with the inodes that processes hold.
        fifo.ino = None;
    }
    let known = |entry: &&Entry| {
        let name = entry.name.bytes();
        matches!(
            name,
            b"exec.fifo" | b"state.json" | b"status" | b"config.json"
        )
    };
    let created = match program {
        Program::Runc => state.get().and_then(|state| state.created),
        Program::Crun => status.get().and_then(|status| status.created),
        Program::Youki | Program::Other => None,
    };
    // state.json is written as the container is created: a younger one was copied without its times,
    // and those of the others tell nothing either.
    let written = state_stat.as_ref().and_then(mtime);
    let is_copied = written
        .zip(created)
        .is_some_and(|(written, created)| written.since(created) > COPIED);
    let signs = Signs {
        dir: mtime(&entry.stat),
        fifo: fifo.as_ref().map(|stat| mtime(stat).filter(|_| !is_copied)),
        state: state_stat.as_ref().map(mtime),
        created,
        others: folder.entries.iter().any(|entry| !known(&entry)),
        crun: program == Program::Crun,
        partial: !folder.whole,
    };
    let named = match program {
        Program::Runc => state
            .get()
            .or_else(|| leftovers.iter().find_map(|left| left.state.get()))
            .and_then(State::bundle),
        Program::Crun => status.get().and_then(|status| status.bundle.clone()),
        Program::Youki => youki.get().and_then(|youki| youki.bundle.clone()),
        Program::Other => None,
    };
    let derived = match &youki {
        Doc::Whole(read) | Doc::Damaged(Some(read), _) => read.derive(mtime(&entry.stat)),
        _ => signs.derive(),
    };
    let bundle = named.map(|named| {
        let there = there(evidence, &named);
        (named, there)
    });
    Container {
        namespace: namespace.cloned(),
        id: entry.name.clone(),
        path: path_text(path),
        dir: entry.stat.clone(),
        program,
        fifo,
        state,
        state_stat,
        status,
        youki,
        leftovers,
        binaries,
        derived,
        pid_files: bundle
            .as_ref()
            .map(|(named, _)| pid_files(evidence, named))
            .unwrap_or_default(),
        bundle,
    }
}

/// Whether a folder holds anything that runc makes in one, at any time.
fn is_runcs(folder: &Folder) -> bool {
    folder.entries.iter().any(|entry| {
        let name = entry.name.bytes();
        let whole = matches!(
            name,
            b"state.json" | b"exec.fifo" | b"notify" | b"checkpoint"
        );
        whole || name.starts_with(b"runc.") || is_temporary_state(name)
    })
}

/// Pid files in a bundle that containerd did not make.
fn pid_files(evidence: &Evidence, bundle: &Text) -> Vec<(Text, i64)> {
    let Some(folder) = absolute(bundle) else {
        return Vec::new();
    };
    let of_containerd = folder.components().any(|part| part.as_os_str() == TASKS);
    let Ok(Known::Whole(entries) | Known::Partial(entries, _)) = evidence.try_list(folder) else {
        return Vec::new();
    };
    let pid = |entry: &&Entry| {
        let name = entry.name.bytes();
        entry.stat.kind == FileKind::File && (name.ends_with(b"pid") || name.ends_with(b".pid"))
    };
    let files = entries.iter().filter(pid).filter(|_| !of_containerd);
    files
        .map(|entry| {
            let path = folder.join(std::ffi::OsStr::from_bytes(entry.name.bytes()));
            let source = evidence.source(&path, 64).ok();
            let text = source
                .as_ref()
                .and_then(|source| core::str::from_utf8(source.bytes()).ok());
            let pid = text.and_then(|text| text.trim().parse().ok());
            (entry.name.clone(), pid.unwrap_or(0))
        })
        .collect()
}

/// `state-` and digits.
fn is_temporary_state(name: &[u8]) -> bool {
    name.strip_prefix(b"state-")
        .is_some_and(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
}

/// Seconds between the last change of a bundle's contents and that of its inodes.
const SET_BACK: i64 = 10;

/// Whether an inode changed long after its contents. Not all that copies sets the time of folders back
/// (`busybox tar`, `rsync --omit-dir-times`), but of files.
fn is_set_back(stat: &Stat) -> bool {
    stat.ctime
        .is_none_or(|changed| changed.since(stat.mtime) > SET_BACK)
}

fn bundle(
    evidence: &Evidence,
    path: &Path,
    entry: &Entry,
    namespace: &Text,
    daemon: &[u8],
    gaps: &mut Gaps,
) -> Bundle {
    let folder = Folder::list(evidence, path, gaps);
    let hidden = entry.name.bytes().strip_prefix(b".");
    let id = hidden.map_or_else(|| entry.name.clone(), Text::from);
    let spec = Doc::read_doc(evidence, &folder, "config.json", |view| {
        some(Spec::parse(view))
    });
    let word = |name: &str| {
        let doc = Doc::read_doc(evidence, &folder, name, |view| {
            let bytes = view.bytes().trim_ascii();
            (
                Some(Text::from(bytes.get(..4096).unwrap_or(bytes))),
                Vec::new(),
            )
        });
        doc.get().filter(|word| !word.is_empty()).cloned()
    };
    let link = evidence.read_link(&path.join("work")).ok().map(|target| {
        let there = there(evidence, &target);
        (target, there)
    });
    let group = spec.get().map_or(&id, |spec| spec.group(&id));
    let name = |debug| socket_name(daemon, namespace.bytes(), group.bytes(), debug);
    let mut files = folder
        .entries
        .iter()
        .filter(|entry| entry.stat.kind == FileKind::File && !entry.stat.only_kind);
    let (socket, debug_socket) = (name(false), name(true));
    Bundle {
        namespace: namespace.clone(),
        path: path_text(path),
        dir: entry.stat.clone(),
        copied: is_set_back(&entry.stat) || files.any(|entry| is_set_back(&entry.stat)),
        hidden: hidden.is_some(),
        entries: folder.whole.then_some(folder.entries.len()),
        address: Doc::read_doc(evidence, &folder, "address", Address::parse),
        bootstrap: Doc::read_doc(evidence, &folder, "bootstrap.json", |view| {
            Address::parse_bootstrap(view)
        }),
        init_pid: Doc::read_doc(evidence, &folder, "init.pid", init_pid),
        options: Doc::read_doc(evidence, &folder, "options.json", |view| {
            some(Options::parse(view))
        }),
        log: Doc::read_doc(evidence, &folder, "log.json", |view| some(log(view))),
        sandbox: word("sandbox"),
        shim_binary: word("shim-binary-path"),
        runtime_file: word("runtime"),
        recorded_runtime: None,
        work: link,
        socket,
        debug_socket,
        id,
        spec,
    }
}

fn sockets(evidence: &Evidence, runtime: &mut Runtime, gaps: &mut Gaps) {
    if !evidence.keeps_sockets() {
        return;
    }
    let mut named: BTreeMap<Text, BTreeSet<(Text, Text)>> = BTreeMap::new();
    for bundle in &runtime.bundles {
        let computed = [&bundle.socket, &bundle.debug_socket];
        let computed = computed.map(|name| Text::from(format!("{SOCKETS}/{name}")));
        for path in computed.into_iter().chain(bundle.shim().map(Address::path)) {
            let task = (bundle.namespace.clone(), bundle.id.clone());
            named.entry(path).or_default().insert(task);
        }
    }
    let folder = Folder::list(evidence, Path::new(SOCKETS), gaps);
    let sockets = folder.entries.iter();
    let sockets = sockets.filter(|entry| entry.stat.kind == FileKind::Socket);
    let sockets = sockets.map(|entry| {
        let path = path_text(&folder.join(&entry.name));
        let bundles = named.get(&path);
        ShimSocket {
            bundles: bundles.into_iter().flatten().cloned().collect(),
            stat: entry.stat.clone(),
            path,
        }
    });
    runtime.sockets = Some(sockets.collect());
}

fn cri(evidence: &Evidence, root: &Path, runtime: &mut Runtime, gaps: &mut Gaps) {
    let root = root.join(CRI);
    let containers = Folder::list(evidence, &root.join("containers"), gaps);
    runtime.has_cri_dir = containers.there;
    for entry in &containers.entries {
        if entry.name.bytes().ends_with(b".del-status") {
            runtime
                .cri_deleted
                .push(path_text(&containers.join(&entry.name)));
        }
    }
    for (entry, path) in containers.folders(gaps) {
        let folder = Folder::list(evidence, &path, gaps);
        let leftovers = folder.entries.iter().map(|entry| &entry.name);
        runtime.cri.push(CriStatus {
            id: entry.name.clone(),
            path: path_text(&path),
            dir: entry.stat.clone(),
            status: Doc::read_doc(evidence, &folder, "status", |view| {
                some(Status::parse(view))
            }),
            leftovers: leftovers
                .filter(|name| name.bytes().starts_with(b".tmp-status"))
                .cloned()
                .collect(),
            pod: None,
        });
    }
    let sandboxes = Folder::list(evidence, &root.join("sandboxes"), gaps);
    runtime.sandbox_dirs = sandboxes
        .folders(gaps)
        .map(|(entry, _)| entry.name.clone())
        .collect();
}
