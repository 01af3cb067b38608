//! The stores themselves: there, readable, and not empty.

use daemon::{start, told};
use finding::{Code, Count, Finding, Location, Severity, Text, Unread};
use node::{Database, DatabaseState, path_text};

use crate::affected::users_of_backend;
use crate::still_open::first_copied;
use crate::store_unmounted::first_its_disk;
use crate::{Check, Judge};

/// `root` is not there.
pub(crate) const ROOT_MISSING: Check = Check {
    code: &Code {
        name: "store/root-missing",
        rule: "",
        severity: Severity::Fatal,
        title: "containerd's root is not there, or cannot be read",
        explanation: "No folder of containerd's was found where the configuration, the known distributions or \
            a search of the evidence led. Nothing is known about the node; this does not mean that \
            it is healthy.",
        remedy: "Name the folder with --root (inside the evidence), or check that the right disk \
            is mounted. If the data disk was not mounted when containerd started, do not start it \
            again before it is.",
    },
    needs: &[],
    run: root_missing,
};

/// `state` is not there.
pub(crate) const STATE_MISSING: Check = Check {
    code: &Code {
        name: "store/state-missing",
        rule: "",
        severity: Severity::Note,
        title: "containerd's state is not there, or cannot be read",
        explanation: "state is usually on a tmpfs: after a reboot it is empty, and an image of a \
            disk never has it. Without it nothing is known of tasks, shims, runc's state and the \
            exec FIFO.",
        remedy: "Nothing to repair. If the node is still up, collect /run/containerd, too.",
    },
    needs: &[],
    run: state_missing,
};

/// meta.db is not there.
pub(crate) const META_MISSING: Check = Check {
    code: &Code {
        name: "store/meta-missing",
        rule: "B01",
        severity: Severity::Fatal,
        title: "meta.db is not there although its root holds data",
        explanation: "containerd creates an empty meta.db when there is none, logs nothing, and \
            starts. It then knows no image and no snapshot: the CRI's folders are removed at once, \
            and the next deletion removes every blob and every snapshot, writable layers included.",
        remedy: "Do not start containerd. Restore meta.db, or copy the snapshots and blobs away \
            first. Check that the disk that holds the root is the one that is mounted.",
    },
    needs: &[],
    run: meta_missing,
};

/// meta.db has no bytes.
pub(crate) const META_EMPTY: Check = Check {
    code: &Code {
        name: "store/meta-empty",
        rule: "B01",
        severity: Severity::Fatal,
        title: "meta.db is empty although its root holds data",
        explanation: "containerd treats a meta.db of 0 bytes, or without a namespace, as new: it starts \
            without an error, and the first garbage collection after a deletion removes every blob \
            and every snapshot, writable layers included. It is what a full disk, a file system \
            check or an earlier start without the data disk leaves behind.",
        remedy: "Do not start containerd. Restore meta.db, or copy the snapshots and blobs away \
            first.",
    },
    needs: &[],
    run: meta_empty,
};

/// No tree of meta.db can be found.
pub(crate) const META_BROKEN: Check = Check {
    code: &Code {
        name: "store/meta-broken",
        rule: "B02",
        severity: Severity::Fatal,
        title: "meta.db cannot be opened",
        explanation: "Neither of its two meta pages is valid. containerd logs one warning, says \
            that it has booted successfully, and answers every call with Unimplemented.",
        remedy: "Do not delete meta.db: a start without it destroys snapshots. Work on a copy; \
            `coroner bolt info` shows what is left of both meta pages.",
    },
    needs: &[],
    run: meta_broken,
};

/// Something that a verdict needs could not be read.
pub(crate) const UNREADABLE: Check = Check {
    code: &Code {
        name: "store/unreadable",
        rule: "B12",
        severity: Severity::Damage,
        title: "A database or store could not be read",
        explanation: "It is there, but it is not a regular file, may not be read, is a link that leads out of \
            the evidence, or gives an error. What it holds is unknown; coroner reports nothing as \
            missing or orphaned because of it.",
        remedy: "Run coroner as root; look at what is there. containerd itself needs a regular file that \
            it can write.",
    },
    needs: &[],
    run: unreadable,
};

/// A snapshotter's database cannot be opened.
pub(crate) const BACKEND_BROKEN: Check = Check {
    code: &Code {
        name: "store/metadata-broken",
        rule: "F01",
        severity: Severity::Fatal,
        title: "A snapshotter's metadata.db is lost",
        explanation: "It is missing, has no bytes, or has no valid meta page, while meta.db or the \
            directories say that there are snapshots. The daemon starts; an empty one is created \
            and nothing is logged, ids are handed out from 1 again, and each reuse deletes the directory \
            that has that number.",
        remedy: "Do not start containerd. Copy the snapshots directory away. The database can be \
            rebuilt from meta.db and the directories.",
    },
    needs: &[],
    run: backend_broken,
};

/// A database of containerd stands in the place of another.
pub(crate) const OTHER_DATABASE: Check = Check {
    code: &Code {
        name: "store/other-database",
        rule: "B01",
        severity: Severity::Fatal,
        title: "A database of containerd is in the place of another",
        explanation: "meta.db and the snapshotters' metadata.db are BoltDB files with different buckets. Where one is in \
            the place of another (they were exchanged, or one was copied over the other), containerd opens the file without \
            an error, and finds nothing of its own in it: it serves no image and no container, gives numbers of \
            snapshots a second time, and deletes what it does not know. coroner takes no fact from such a file.",
        remedy: "Do not start containerd. `coroner repair NODE` puts each database that is found into its own place, \
            as it is, and rebuilds one that is nowhere.",
    },
    needs: &[],
    run: other_database,
};

/// Whether nothing tells that there ever was a containerd: no root, no state, no configuration, no
/// program.
pub(crate) fn is_none_here(node: &node::Node) -> bool {
    let is_absent = |place: &Result<_, Unread>| matches!(place, Err(Unread::Absent));
    is_absent(&node.root)
        && is_absent(&node.state)
        && node.roots.config.is_none()
        && node.around.has_programs
        && !node.around.has_daemon
}

/// What we may not read, the daemon, which is root, may: it is not known, and no fault of the node's.
pub(crate) fn ours(finding: Finding, unread: &Unread) -> Finding {
    if *unread == Unread::Denied {
        return finding
            .severity(Severity::Note)
            .remedy("Run coroner as root: nothing is known of what it may not read.");
    }
    if matches!(unread, Unread::Disk(_)) {
        return finding.remedy(
            "Do not repair, remove or restart anything: nothing of this says that the file is damaged. Read the \
             kernel's log (`dmesg`) for the disk. Where the disk or its connection came back, unmount the file \
             system and mount it again, after a check of the file system; else copy the disk first.",
        );
    }
    if *unread == Unread::NoRoom {
        return finding.severity(Severity::Note).remedy(
            "Look at the file on the node: the archive holds more than is read of one of its size.",
        );
    }
    if matches!(unread, Unread::TooLarge { .. }) {
        return finding
            .severity(Severity::Note)
            .remedy("Look at the file by hand: no file of its kind is as large, and nothing is known of it.");
    }
    finding
}

fn root_missing(judge: &mut Judge<'_>) {
    if let Err(unread) = &judge.node.root {
        let path = path_text(&judge.node.roots.root);
        let message = format!("containerd's root {path} {unread}");
        let message = match judge.node.roots.elsewhere.first() {
            Some(other) => format!(
                "{message}; there are stores in {}, where containerd does not look",
                path_text(other)
            ),
            None => message,
        };
        let finding = Finding::new(ROOT_MISSING.code, Location::file(path), message);
        judge.say(if is_none_here(judge.node) {
            finding.severity(Severity::Note)
        } else {
            ours(finding, unread)
        });
    }
}

fn state_missing(judge: &mut Judge<'_>) {
    if let Err(unread) = &judge.node.state {
        let path = path_text(&judge.node.roots.state);
        let message = format!("containerd's state {path} {unread}");
        let finding = Finding::new(STATE_MISSING.code, Location::file(path), message);
        let known = matches!(unread, Unread::Absent | Unread::NotCollected);
        judge.say(if known {
            finding
        } else {
            ours(finding.severity(Severity::Damage), unread)
        });
    }
}

/// What a start on an empty meta.db would destroy, in words; nothing where there is nothing.
fn at_stake(judge: &Judge<'_>) -> Option<String> {
    let node = judge.node;
    let blobs = node.content.read().map_or(0, |store| store.blobs.len());
    let directories: usize = node
        .snapshotters
        .iter()
        .map(|snapshotter| {
            snapshotter
                .layout
                .read()
                .map_or(0, |layout| layout.dirs.len())
        })
        .sum();
    (blobs > 0 || directories > 0).then(|| {
        let directories = Count(directories, "snapshot directory");
        format!("{} and {directories} are at stake", Count(blobs, "blob"))
    })
}

fn meta_missing(judge: &mut Judge<'_>) {
    let DatabaseState::Unread(Unread::Absent) = judge.node.meta.state else {
        return;
    };
    let path = judge.node.meta.path.clone();
    let finding = |message| Finding::new(META_MISSING.code, Location::file(path.clone()), message);
    if judge.node.root.is_err() {
        return;
    }
    judge.say(match at_stake(judge) {
        Some(stake) => told(
            first_copied(
                judge.node,
                finding(format!("meta.db is not there, and {stake}")),
            ),
            &start::META_NEW,
        ),
        None => finding("meta.db is not there; nor are blobs or snapshots".to_owned())
            .severity(Severity::Note),
    });
}

fn meta_empty(judge: &mut Judge<'_>) {
    let meta = &judge.node.meta;
    let is_new = meta.rows.as_ref().is_some_and(|rows| {
        rows.version.is_none() && rows.namespaces.whole().is_some_and(Vec::is_empty)
    });
    let path = meta.path.clone();
    let what = match meta.state {
        DatabaseState::Empty => "has no bytes",
        DatabaseState::Open if is_new => "has no namespace",
        _ => return,
    };
    let finding = |message| Finding::new(META_EMPTY.code, Location::file(path.clone()), message);
    judge.say(match at_stake(judge) {
        Some(stake) => told(
            finding(format!("meta.db {what}, and {stake}")),
            &start::META_EMPTY,
        ),
        None => finding(format!(
            "meta.db {what}; there are no blobs or snapshots either"
        ))
        .severity(Severity::Note),
    });
}

fn meta_broken(judge: &mut Judge<'_>) {
    let meta = &judge.node.meta;
    if meta.state == DatabaseState::Broken {
        let message = "no tree of meta.db can be found: all that it holds is unknown";
        let location = Location::file(meta.path.clone());
        let finding = Finding::new(META_BROKEN.code, location, message);
        judge.say(told(finding, &start::META_UNOPENED));
    }
}

fn unreadable(judge: &mut Judge<'_>) {
    let node = judge.node;
    let databases = node
        .snapshotters
        .iter()
        .map(|snapshotter| (&snapshotter.db.path, &snapshotter.db.state));
    let databases = [(&node.meta.path, &node.meta.state)]
        .into_iter()
        .chain(databases);
    let unread = databases.filter_map(|(path, state)| match state {
        DatabaseState::Unread(unread) => Some((path, unread)),
        _ => None,
    });
    let noted = node
        .coverage
        .unread
        .iter()
        .map(|note| (&note.path, &note.unread));
    let unread = unread.map(|(path, unread)| (path.clone(), unread));
    let noted = noted.map(|(path, unread)| (path.clone(), unread));
    let files = node.runtime.read().into_iter().flat_map(files_of_tasks);
    let mut told = std::collections::BTreeSet::new();
    for (path, unread) in unread.chain(noted).chain(files) {
        let is_known = matches!(unread, Unread::Absent | Unread::NotCollected);
        if !is_known && told.insert(path.clone()) {
            let message = format!("it {unread}");
            let finding = Finding::new(UNREADABLE.code, Location::file(path), message);
            judge.say(ours(finding, unread));
        }
    }
}

/// Files of tasks and of the CRI that could not be read, for a reason that tells nothing of the file.
fn files_of_tasks(runtime: &runc::Runtime) -> impl Iterator<Item = (Text, &Unread)> {
    let below =
        |folder: &Text, file: &str| Text::from([folder.bytes(), file.as_bytes()].join(&b'/'));
    let status = runtime.cri.iter().map(move |cri| {
        let why = cri.status.why_unread();
        (below(&cri.path, "status"), why)
    });
    let bundles = runtime.bundles.iter().flat_map(move |bundle| {
        [
            (below(&bundle.path, "address"), bundle.address.why_unread()),
            (
                below(&bundle.path, "bootstrap.json"),
                bundle.bootstrap.why_unread(),
            ),
            (below(&bundle.path, "config.json"), bundle.spec.why_unread()),
        ]
    });
    let containers = runtime.containers.iter().map(move |container| {
        let (file, _) = container.state_file();
        (below(&container.path, file), container.unread())
    });
    let all = status.chain(bundles).chain(containers);
    all.filter_map(|(path, why)| Some((path, why.filter(|why| why.tells_nothing())?)))
}

fn other_database(judge: &mut Judge<'_>) {
    let node = judge.node;
    let misplaced = node.misplaced();
    let meta = (&node.meta.path, &node.meta.state);
    let backends = node.snapshotters.iter();
    let backends = backends.map(|one| (&one.db.path, &one.db.state));
    for (path, state) in [meta].into_iter().chain(backends) {
        let DatabaseState::Other(stranger) = state else {
            continue;
        };
        let place = misplaced.iter().find(|one| path_text(&one.place) == *path);
        let own = place.map_or_else(
            || "the one that belongs here was not found".to_owned(),
            |one| format!("the one that belongs here is {}", path_text(&one.found)),
        );
        let location = Location::file(path.clone());
        let finding = Finding::new(OTHER_DATABASE.code, location, format!("{stranger}; {own}"));
        let rule = if *path == node.meta.path {
            &start::META_OTHER
        } else {
            &start::BACKEND_OTHER
        };
        judge.say(told(finding, rule));
    }
}

fn backend_broken(judge: &mut Judge<'_>) {
    let node = judge.node;
    for snapshotter in node
        .snapshotters
        .iter()
        .filter(|snapshotter| !snapshotter.is_proxy && snapshotter.elsewhere.is_none())
    {
        let Database { path, state, .. } = &snapshotter.db;
        let what = match state {
            DatabaseState::Broken => "no tree of it can be found",
            DatabaseState::Empty => "it has no bytes",
            DatabaseState::Unread(Unread::Absent) => "it is not there",
            _ => continue,
        };
        let rows: usize = judge
            .namespaces()
            .iter()
            .flat_map(|namespace| namespace.snapshots.read().into_iter().flatten())
            .filter(|snapshots| snapshots.snapshotter == snapshotter.name)
            .map(|snapshots| snapshots.rows.read().map_or(0, Vec::len))
            .sum();
        let directories = snapshotter
            .layout
            .read()
            .map_or(0, |layout| layout.dirs.len());
        if rows == 0 && directories == 0 && *state != DatabaseState::Broken {
            continue;
        }
        let name = &snapshotter.name;
        // With meta.db gone as well, the directories are all that tells of the snapshots.
        let named = match &node.meta.rows {
            Some(_) => format!("meta.db names {rows} snapshots of {name}"),
            None => format!("meta.db cannot say how many snapshots of {name} there were"),
        };
        let message = format!("{what}, while {named}, and {directories} directories are there");
        let finding = Finding::new(BACKEND_BROKEN.code, Location::file(path.clone()), message);
        let is_bare = directories == 0 && *state == DatabaseState::Unread(Unread::Absent);
        let finding = if is_bare {
            let rest = BACKEND_BROKEN.code.remedy;
            finding.remedy(first_its_disk(node, &snapshotter.root, rest))
        } else {
            first_copied(node, finding)
        };
        let rule = match state {
            DatabaseState::Broken => &start::BACKEND_UNOPENED,
            _ => &start::BACKEND_NEW,
        };
        let finding = told(finding, rule);
        let users = users_of_backend(judge, snapshotter, |_| true);
        judge.say(finding.affecting(&users));
    }
}
