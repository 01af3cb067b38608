//! What `fsck` saved in `lost+found`, on the disks of the stores.

use finding::{Code, Finding, Location, Severity};
use node::lost_found::LostFound;
use node::{Node, path_text};

use crate::snapshot_dir::rows;
use crate::{Check, Judge};

/// Files that a check of the file system saved.
pub(crate) const LOST_FOUND: Check = Check {
    code: &Code {
        name: "store/lost-found",
        rule: "",
        severity: Severity::Damage,
        title: "A check of the file system saved files in lost+found",
        explanation: "A check of the damaged file system found files without a name, and put them into \
            lost+found under the number of their inode. A folder with an fs in it may be that of a \
            snapshot that is missing, a file of BoltDB the missing meta.db or metadata.db: often there is no other \
            copy. Where the disk is mounted at a snapshotter's folder `snapshots`, its lost+found lies \
            among the folders of snapshots, and the next clean-up deletes it with all that is in it \
            (tried with 1.7), and logs nothing.",
        remedy: "Look there before anything is repaired or removed: `coroner bolt check` reads a database \
            there, and the files of a folder tell whose it is.",
    },
    needs: &[],
    run: lost_found,
};

/// What to do where the next clean-up deletes it.
const FIRST: &str = "Do not start containerd. First copy what is in lost+found to another place: the next \
    clean-up of the snapshotter deletes it, and logs nothing. A folder with an fs in it may be that of a \
    snapshot that is missing.";

fn lost_found(judge: &mut Judge<'_>) {
    for found in &judge.node.lost_found {
        let location = Location::file(path_text(&found.path));
        let what = what_is_in(found);
        if found.among_snapshots {
            let message = format!("{what} among the folders of snapshots");
            judge.say(Finding::new(LOST_FOUND.code, location, message).remedy(FIRST));
            continue;
        }
        let is_wanted = (!found.snapshots.is_empty() && lacks_directory(judge.node))
            || (!found.databases.is_empty() && lacks_database(judge.node));
        if is_wanted {
            let message = format!("{what}; this node lacks such");
            judge.say(Finding::new(LOST_FOUND.code, location, message));
        } else if !found.snapshots.is_empty() || !found.databases.is_empty() {
            let finding = Finding::new(LOST_FOUND.code, location, what);
            judge.say(finding.severity(Severity::Note));
        }
    }
}

/// `lost+found holds 3 entries: the folder #12 looks like that of a snapshot, …`
fn what_is_in(found: &LostFound) -> String {
    let count = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let mut kinds = Vec::new();
    for (names, one, many) in [
        (&found.databases, "file of BoltDB", "files of BoltDB"),
        (
            &found.snapshots,
            "folder like that of a snapshot",
            "folders like those of snapshots",
        ),
    ] {
        if let Some(first) = names.first() {
            kinds.push(format!("{} ({first})", count(names.len(), one, many)));
        }
    }
    let all = count(found.entries, "entry", "entries");
    if kinds.is_empty() {
        return format!("lost+found holds {all}");
    }
    format!("lost+found holds {all}: {}", kinds.join(", "))
}

/// Whether a snapshot has no directory.
fn lacks_directory(node: &Node) -> bool {
    let stores = node.snapshotters.iter().filter(|one| !one.is_proxy);
    let mut stores = stores.filter_map(|one| Some((one, one.layout.read()?)));
    stores.any(|(snapshotter, layout)| {
        let mut ids = rows(snapshotter).iter().filter_map(|row| row.id);
        ids.any(|id| {
            layout
                .dirs
                .get(&id)
                .is_none_or(|dir| layout.has_fs() && dir.fs.is_none())
        })
    })
}

/// Whether meta.db, or the metadata.db of a snapshotter, has no rows that can be read.
fn lacks_database(node: &Node) -> bool {
    let mut backends = node.snapshotters.iter().filter(|one| !one.is_proxy);
    node.meta.rows.is_none() || backends.any(|one| one.db.rows.is_none())
}
