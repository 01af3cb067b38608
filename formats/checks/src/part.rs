//! The parts of a node that a start touches, and what of them is not known.
//!
//! | part | known when |
//! |---|---|
//! | configuration | every file of it was read; without one, the folder where it would stand was seen |
//! | plugins | each that is loaded is covered by a rule |
//! | databases | the file was read, and every row of it |
//! | snapshotters | the store is laid out by rules that are known, and was listed |
//! | content, CRI, tasks | their folders were listed; the network's configuration was read |
//! | programs, disks | they are in the evidence: of a tar they never are |
//!
//! What a kind of evidence never holds is told apart from what could not be read: the first is said
//! once, the second stands in the verdict.

use finding::{Severity, Text, Unknown, Unread};
use metadb::{Backend, MetaDb};
use node::config::ConfigFault;
use node::network::{ConfFile, Folder};
use node::{Database, DatabaseState, Node, Snapshotter};
use runc::Doc;

pub use crate::not_known::{NotKnown, Part};

/// Programs of the runtime of which it is not known whether they are where they are looked for, though the machine's
/// programs are in the evidence.
fn runtime_programs(node: &Node) -> Option<NotKnown> {
    let is_unknown = |one: &&node::RuntimeProgram| {
        one.wanted.needed && matches!(one.found, node::network::Program::Unknown)
    };
    let unknown = node.programs.all.iter().filter(is_unknown);
    let names: std::collections::BTreeSet<&str> =
        unknown.map(|one| one.wanted.name.as_str()).collect();
    if names.is_empty() || !node.around.has_programs {
        return None;
    }
    let names: Vec<&str> = names.into_iter().take(3).collect();
    let folders: Vec<String> = node.programs.folders.iter().map(Text::to_string).collect();
    let why = format!(
        "whether one of {} has it is not in the evidence",
        folders.join(", ")
    );
    Some(NotKnown::new(Part::Programs, names.join(", "), why))
}

/// The first of several reasons, and how many more there are.
fn reason(unknown: &[Unknown]) -> Option<String> {
    let first = unknown.first()?;
    let more = match unknown.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!("{}: {}{more}", first.what, first.why))
}

/// Why nothing was read of a file that is there, or may be there; what stands in its place is met by
/// a rule of the start.
fn unread<T>(db: &Database<T>) -> Option<String> {
    match &db.state {
        DatabaseState::Unread(Unread::Absent | Unread::Special(_) | Unread::Dangling(_)) => None,
        DatabaseState::Unread(why) => Some(format!("{} {why}", db.path)),
        _ => None,
    }
}

/// What of the parts that a start touches could not be read, or is laid out as no rule knows.
pub(crate) fn not_known(node: &Node) -> Vec<NotKnown> {
    let mut all = Vec::new();
    if let Err(why) = &node.root
        && !why.is_absent()
    {
        // It holds all the others.
        let name = node::path_text(&node.roots.root).to_string();
        all.push(NotKnown::new(Part::Database, name, why.to_string()));
        configuration(node, &mut all);
        return all;
    }
    if let Some(option) = node.around.without_journal {
        let why = format!(
            "mounted with {option}, without its journal: what was written last is missing or wrong \
             here; mount a copy that may be written to"
        );
        all.push(NotKnown::new(Part::Disks, "the disk", why));
    }
    configuration(node, &mut all);
    if node.roots.whose == "containerd" && node.around.has_programs && node.around.lacks_daemon {
        let has_unit = node.roots.unit.as_ref();
        let elsewhere = has_unit.is_some_and(|unit| unit.program().is_some());
        let why = "its program is not where programs are installed";
        all.extend((!elsewhere).then(|| NotKnown::new(Part::Programs, "containerd", why)));
    }
    all.extend(crate::registries_yaml::not_known(node));
    all.extend(runtime_programs(node));
    all.extend(crate::cni_conf::weight(node).and_then(|_| network(node)));
    let is_used = crate::cni_conf::weight(node) == Some(Severity::Damage);
    all.extend(crate::cni_file::not_known(node).filter(|_| is_used));
    meta(node, &mut all);
    for snapshotter in &node.snapshotters {
        of_snapshotter(node, snapshotter, &mut all);
    }
    let listed = [
        (
            Part::Content,
            "the content store",
            reason(node.content.unknown()),
        ),
        (Part::Tasks, "the tasks", of_tasks(node)),
    ];
    for (part, name, why) in listed {
        all.extend(why.map(|why| NotKnown::new(part, name, why)));
    }
    all
}

fn configuration(node: &Node, all: &mut Vec<NotKnown>) {
    let faults = node.roots.config.iter().flat_map(|config| &config.faults);
    let why = faults.into_iter().find_map(|fault| match fault {
        ConfigFault::Unread { file, unread } => match unread {
            Unread::Denied
            | Unread::NotCollected
            | Unread::Disk(_)
            | Unread::Io(_)
            | Unread::Escapes(_)
            | Unread::NoRoom
            | Unread::TooLarge { .. } => Some(format!("{file} {unread}")),
            _ => None,
        },
        _ => None,
    });
    let why = why.or_else(|| node.around.config_untold.clone());
    let is_searched = node.roots.rule == node::Rule::Scan && node.roots.config.is_none();
    let why = why.or_else(|| {
        is_searched.then(|| {
            "the root was found by searching; which config.toml its daemon reads is not known: \
             --config names it"
                .to_owned()
        })
    });
    all.extend(why.map(|why| NotKnown::new(Part::Configuration, "the configuration", why)));
}

/// A configuration of the network that is there, that a start loads, and that could not be read.
fn network(node: &Node) -> Option<NotKnown> {
    const fn is_there(unread: &Unread) -> bool {
        matches!(
            unread,
            Unread::Denied
                | Unread::Io(_)
                | Unread::Escapes(_)
                | Unread::NoRoom
                | Unread::TooLarge { .. }
        )
    }
    let folders = &node.network.folders;
    let of_file = |file: &ConfFile| {
        let own = file.list.as_ref().err().map(|why| (&file.path, why));
        let more = file.unread.iter().map(|(path, why)| (path, why));
        let mut all = own.into_iter().chain(more);
        let (path, why) = all.find(|(_, why)| is_there(why))?;
        Some(format!("{path} {why}"))
    };
    let of_folder = |folder: &Folder| {
        let why = folder
            .unread
            .as_ref()
            .filter(|why| matches!(why, Unread::Io(_)))?;
        Some(format!("{} {why}", folder.path))
    };
    let mut files = folders.iter().flat_map(|folder| folder.loaded().0);
    let why = files
        .find_map(of_file)
        .or_else(|| folders.iter().find_map(of_folder))?;
    Some(NotKnown::new(Part::Cri, "the network of pods", why))
}

fn meta(node: &Node, all: &mut Vec<NotKnown>) {
    let rows = node.meta.rows.as_ref();
    let why = unread(&node.meta).or_else(|| reason(&rows.map(of_rows).unwrap_or_default()));
    all.extend(why.map(|why| NotKnown::new(Part::Database, "meta.db", why)));
}

/// What is not known of the rows of meta.db.
fn of_rows(rows: &MetaDb) -> Vec<Unknown> {
    let mut unknown = rows.unknown(|namespace| &namespace.images);
    unknown.extend(rows.unknown(|namespace| &namespace.containers));
    unknown.extend(rows.unknown_snapshots());
    unknown.extend(rows.unknown(|namespace| &namespace.blobs));
    unknown.extend(rows.unknown(|namespace| &namespace.ingests));
    unknown.extend(rows.unknown(|namespace| &namespace.leases));
    unknown.dedup();
    unknown
}

fn of_tasks(node: &Node) -> Option<String> {
    match &node.state {
        // After a boot there is none; where there is none it is told beside the verdict.
        Err(Unread::Absent | Unread::NotCollected) => None,
        Err(why) => Some(format!("{} {why}", node::path_text(&node.roots.state))),
        Ok(_) => reason(node.runtime.unknown()).or_else(|| of_bundles(node)),
    }
}

/// A file of a bundle that is there and could not be read: what stands in it, the shim reads.
fn of_bundles(node: &Node) -> Option<String> {
    fn unread<T>(doc: &Doc<T>) -> Option<&Unread> {
        match doc {
            Doc::Unread(why @ (Unread::TooLarge { .. } | Unread::NoRoom | Unread::Io(_))) => {
                Some(why)
            }
            _ => None,
        }
    }
    let bundles = node.runtime.read().into_iter();
    let bundles = bundles.flat_map(|runtime| &runtime.bundles);
    let found: Vec<String> = bundles
        .filter(|bundle| !bundle.hidden)
        .filter_map(|bundle| {
            let docs = [
                ("config.json", unread(&bundle.spec)),
                ("options.json", unread(&bundle.options)),
                ("address", unread(&bundle.address)),
                ("bootstrap.json", unread(&bundle.bootstrap)),
                ("init.pid", unread(&bundle.init_pid)),
            ];
            let mut docs = docs.into_iter();
            docs.find_map(|(name, why)| Some(format!("{}/{name} {}", bundle.path, why?)))
        })
        .collect();
    let first = found.first()?;
    Some(match found.len().saturating_sub(1) {
        0 => first.clone(),
        more => format!("{first}, and {more} more"),
    })
}

/// Snapshotters whose stores are laid out as the rules of `snapshots` know, whatever they hold.
const LAID_OUT: &[&str] = &["overlayfs", "native", "btrfs"];

fn of_snapshotter(node: &Node, snapshotter: &Snapshotter, all: &mut Vec<NotKnown>) {
    let used = snapshots_of(node, snapshotter);
    let known = LAID_OUT.iter().any(|name| snapshotter.name == **name);
    let why = if snapshotter.elsewhere.is_some() {
        // What is not where it should be is a finding.
        None
    } else if snapshotter.is_proxy {
        (used > 0).then(|| {
            format!("a daemon of its own keeps its {used} snapshots; whether that one runs is not in the files")
        })
    } else {
        let rows = snapshotter.db.rows.as_ref();
        let rows = rows.map_or(&[][..], |rows: &Backend| rows.snapshots.unknown());
        unread(&snapshotter.db)
            .or_else(|| reason(rows))
            .or_else(|| reason(snapshotter.layout.unknown()).filter(|_| used > 0))
            .or_else(|| {
                (used > 0 && !known).then(|| {
                    format!(
                        "no rule covers what it needs; what holds its {used} snapshots was not looked into"
                    )
                })
            })
    };
    let name = format!("snapshotter {}", snapshotter.name);
    all.extend(why.map(|why| NotKnown::new(Part::Snapshotter, name, why)));
}

/// How many snapshots meta.db or its own database has of a snapshotter.
fn snapshots_of(node: &Node, snapshotter: &Snapshotter) -> usize {
    let own = snapshotter
        .db
        .rows
        .as_ref()
        .map_or(0, |rows| rows.snapshots().len());
    let rows = node.meta.rows.as_ref().map_or(&[][..], MetaDb::namespaces);
    let named: usize = rows
        .iter()
        .flat_map(|namespace| namespace.snapshots.read().into_iter().flatten())
        .filter(|all| all.snapshotter == snapshotter.name)
        .map(|all| all.rows.read().map_or(0, Vec::len))
        .sum();
    own.max(named)
}

/// Parts that a start touches, and that this evidence does not hold by its kind: an archive has no
/// disk, a copy of the stores no programs.
pub(crate) fn not_in_evidence(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    if matches!(node.state, Err(Unread::Absent | Unread::NotCollected)) {
        all.push(format!(
            "tasks ({} is not there; after a boot there are none)",
            node::path_text(&node.roots.state)
        ));
    }
    if !node.around.has_programs {
        all.push("programs (containerd, runc, NRI plugins)".to_owned());
    }
    if node.disks.root.room.is_none() {
        all.push("disks".to_owned());
    }
    if node.around.kernel.overlay == node::Overlay::NotTaken {
        all.push("kernel".to_owned());
    }
    all
}
