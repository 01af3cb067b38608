//! Snapshots: rows of metadata.db against the directories.

use daemon::{start, told};
use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Severity};
use metadb::{Backend, Kind};
use node::{Snapshotter, path_text};

use crate::judge::{ALL, affecting};
use crate::snapshot::backend_finding;
use crate::store_unmounted::first_its_disk;
use crate::{Check, Judge, Need};

/// A row without a directory.
pub(crate) const DIRECTORY_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/directory-missing",
        rule: "D01",
        severity: Severity::Damage,
        title: "A snapshot's directory is gone",
        explanation: "metadata.db knows the snapshot, but its directory (or the fs in it) is not \
            there. Layers of an image can be unpacked again; the writable layer of a container is \
            lost.",
        remedy: "For layers: `coroner repair` unpacks them again from their blobs. Without the blobs, pull \
            the image again after the snapshot and its descendants were deleted. For a container: recreate \
            it; what it wrote is lost.",
    },
    needs: &[],
    run: directory_missing,
};

/// A directory without a row.
pub(crate) const DIRECTORY_UNKNOWN: Check = Check {
    code: &Code {
        name: "snapshot/directory-unknown",
        rule: "D03",
        severity: Severity::Note,
        title: "A snapshot directory that its snapshotter does not know",
        explanation: "A crash while a snapshot was made or removed leaves one. The snapshotter deletes it at \
            its next clean-up and logs nothing. It may be the last copy of a container's writable \
            layer.",
        remedy: "Look into it before containerd is started: the next clean-up deletes it. Where metadata.db lacks the \
            row of a snapshot, `coroner repair` rebuilds it, and gives the snapshot its directory again.",
    },
    needs: &[],
    run: directory_unknown,
};

/// An active snapshot without its work folder.
pub(crate) const WORK_MISSING: Check = Check {
    code: &Code {
        name: "snapshot/work-missing",
        rule: "D02",
        severity: Severity::Damage,
        title: "A writable snapshot lacks its work folder",
        explanation: "overlayfs needs, beside the writable layer, an empty folder work on the same \
            file system. Without it the kernel refuses the mount, and the container cannot be \
            started. Nothing is lost: what was written is in fs.",
        remedy: "Make it again: `mkdir -m 0711 work` beside fs, owned by root.",
    },
    needs: &[],
    run: work_missing,
};

/// What a crash left half done.
pub(crate) const TEMPORARY: Check = Check {
    code: &Code {
        name: "snapshot/temporary",
        rule: "D04",
        severity: Severity::Note,
        title: "Something half made or half removed among the snapshot directories",
        explanation: "new-… is a snapshot that was being created when the daemon was killed, rm-… one that was \
            being removed; nothing else belongs there. The next clean-up removes it.",
        remedy: "Nothing to repair; it only takes space.",
    },
    needs: &[],
    run: temporary,
};

/// The counter of ids is behind the ids.
pub(crate) const ID_SEQUENCE: Check = Check {
    code: &Code {
        name: "snapshot/id-sequence",
        rule: "F05",
        severity: Severity::Fatal,
        title: "metadata.db's id counter is behind",
        explanation: "Each new snapshot gets the next id, and the directory of that number. The \
            counter is lower than an id or a directory that is in use: the next snapshots will be \
            given directories of living layers, and the daemon deletes those directories when the \
            rename fails.",
        remedy: "Do not start containerd. Raise the counter in a copy of metadata.db.",
    },
    needs: &[],
    run: id_sequence,
};

/// A layer's directory holds more or less than when it was committed.
pub(crate) const USAGE: Check = Check {
    code: &Code {
        name: "snapshot/usage-differs",
        rule: "D05",
        severity: Severity::Damage,
        title: "A committed layer does not hold what it held when it was committed",
        explanation: "metadata.db keeps the disk usage and the inodes of each layer as they were at \
            its commit. The directory gives other numbers now: files lost their contents in a power \
            loss (nothing in a layer is synced), or were changed or removed afterwards.",
        remedy: "Delete the snapshots of the image and the image, then pull it again: pulling alone \
            does not help, because the snapshot exists.",
    },
    needs: &[Need::Usage],
    run: usage,
};

pub(crate) fn rows(snapshotter: &Snapshotter) -> &[metadb::Row<metadb::BackendSnapshot>] {
    snapshotter.db.rows.as_ref().map_or(&[], Backend::snapshots)
}

fn directory_missing(judge: &mut Judge<'_>) {
    let proxies = judge.node.snapshotters.iter().filter(|s| s.is_proxy);
    for snapshotter in proxies.filter(|s| !rows(s).is_empty()) {
        judge.abstain(format!(
            "the directories of {} were not compared with its snapshots: another daemon keeps them",
            snapshotter.name
        ));
    }
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(layout) = snapshotter
            .layout
            .whole()
            .filter(|layout| layout.is_understood())
        else {
            if !rows(snapshotter).is_empty() {
                let layout = snapshotter.layout.read();
                let why = layout.and_then(|layout| layout.unread).or_else(|| {
                    let unknown = snapshotter.layout.unknown().first();
                    unknown.map(|unknown| unknown.why.as_str())
                });
                let why = why.map_or_else(String::new, |why| format!(": {why}"));
                judge.abstain(format!(
                    "the directories of {} are not known whole{why}",
                    snapshotter.name
                ));
            }
            continue;
        };
        let with_id = rows(snapshotter).iter().filter(|row| row.id.is_some());
        if judge.folds && layout.dirs.is_empty() && with_id.clone().count() >= ALL {
            let count = with_id.clone().count();
            let name = &snapshotter.name;
            let message = format!("none of the {count} snapshots of {name} has a directory");
            let folder = path_text(&snapshotter.root.join("snapshots"));
            let rest = DIRECTORY_MISSING.code.remedy;
            let remedy = first_its_disk(judge.node, &snapshotter.root, rest);
            let mut finding = Finding::new(DIRECTORY_MISSING.code, Location::file(folder), message)
                .remedy(remedy);
            for row in with_id {
                let code = DIRECTORY_MISSING.code;
                let one = backend_finding(judge, snapshotter, code, row, String::new());
                finding = affecting(finding, &one.affects);
            }
            judge.say(finding);
            continue;
        }
        for row in rows(snapshotter) {
            let Some(id) = row.id else { continue };
            let path = path_text(&layout.directory(id));
            let lack = match layout.dirs.get(&id) {
                None => "is not there",
                Some(dir) if layout.has_fs() && dir.fs.is_none() => "has no fs",
                Some(_) => continue,
            };
            let message = format!("the directory {path} of the snapshot {} {lack}", row.key);
            let mut finding =
                backend_finding(judge, snapshotter, DIRECTORY_MISSING.code, row, message);
            if row.kind == Some(Kind::Active) {
                finding = finding.remedy(
                    "This is a writable layer: what was written to it is lost, unless it is among \
                     the directories without a record (snapshot/directory-unknown).",
                );
            }
            judge.say(finding);
        }
    }
}

fn directory_unknown(judge: &mut Judge<'_>) {
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(layout) = snapshotter.layout.read() else {
            continue;
        };
        let Some(backend) = &snapshotter.db.rows else {
            if !layout.dirs.is_empty() {
                judge.abstain(format!("{} could not be read", snapshotter.db.path));
            }
            continue;
        };
        if judge.abstains_for(backend.snapshots.unknown()) {
            continue;
        }
        let known: std::collections::BTreeSet<u64> =
            rows(snapshotter).iter().filter_map(|row| row.id).collect();
        let unknown = layout.dirs.iter().filter(|(id, _)| !known.contains(id));
        let findings = unknown.map(|(id, dir)| {
            let location = Location::file(path_text(&dir.path)).place("snapshot", id.to_string());
            let message = format!("metadata.db of {} knows no snapshot {id}", snapshotter.name);
            Finding::new(DIRECTORY_UNKNOWN.code, location, message)
        });
        judge.say_all(findings.collect(), layout.dirs.len(), |count| {
            let folder = path_text(&snapshotter.root.join("snapshots"));
            let name = &snapshotter.name;
            let message = format!("metadata.db of {name} knows none of the {count} snapshots");
            (Location::file(folder), message)
        });
    }
}

fn temporary(judge: &mut Judge<'_>) {
    for snapshotter in &judge.node.snapshotters {
        let layout = snapshotter.layout.read();
        for stray in layout.into_iter().flat_map(|layout| &layout.temporaries) {
            let message = "it was being created or removed when the daemon was killed".to_owned();
            let location = Location::file(path_text(&stray.path));
            judge.say(Finding::new(TEMPORARY.code, location, message));
        }
        let is_told = |path: &std::path::Path| {
            let mut told = judge.node.lost_found.iter();
            told.any(|one| one.path == path)
        };
        let strays = layout.into_iter().flat_map(|layout| &layout.strays);
        let strays: Vec<_> = strays.filter(|stray| !is_told(&stray.path)).collect();
        for stray in strays {
            let location = Location::file(path_text(&stray.path));
            judge.say(Finding::new(
                TEMPORARY.code,
                location,
                "it does not belong there".to_owned(),
            ));
        }
    }
}

/// How far above the counter a directory may lie that the counter will come to: one of a number
/// beyond that is none of an older metadata.db's, but something that was put there.
const NEAR: u64 = 1000;

/// The highest number of a directory that the counter may come to.
pub(crate) fn highest_near(layout: Option<&snapshots::Layout>, sequence: u64) -> u64 {
    let directories = layout.into_iter().flat_map(|layout| layout.dirs.keys());
    let near = directories.filter(|id| **id <= sequence.saturating_add(NEAR));
    near.copied().max().unwrap_or(0)
}

fn id_sequence(judge: &mut Judge<'_>) {
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(sequence) = snapshotter.db.rows.as_ref().and_then(|rows| rows.sequence) else {
            continue;
        };
        let ids = rows(snapshotter).iter().filter_map(|row| row.id);
        let in_database = ids.max().unwrap_or(0);
        let on_disk = highest_near(snapshotter.layout.read(), sequence);
        // A crash between mkdir and commit leaves one directory of the next id: that heals itself.
        let next = sequence.saturating_add(1);
        let behind = in_database > sequence || on_disk > next;
        if behind {
            let highest = in_database.max(on_disk);
            let message = format!("the counter is {sequence}, while {highest} is in use");
            let location = Location::file(snapshotter.db.path.clone())
                .place("bucket", "v1")
                .place("bucket", "snapshots");
            let finding = Finding::new(ID_SEQUENCE.code, location, message)
                .want(format!("{highest} or more"))
                .found(sequence.to_string());
            judge.say(told(finding, &start::IDS_AGAIN));
        }
    }
}

/// Layers that are known to have held files, and hold none: that is seen without measuring.
pub(crate) const EMPTIED: Check = Check {
    code: USAGE.code,
    needs: &[],
    run: emptied,
};

fn emptied(judge: &mut Judge<'_>) {
    if judge.measured.usage.is_some() {
        return;
    }
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(layout) = snapshotter.layout.read().filter(|layout| layout.has_fs()) else {
            continue;
        };
        let committed = rows(snapshotter)
            .iter()
            .filter(|row| row.kind == Some(Kind::Committed));
        // The directory itself counts as one.
        let held = committed.filter(|row| row.inodes.is_some_and(|inodes| inodes > 1));
        let held: Vec<_> = held.collect();
        let empty = held.iter().filter(|row| {
            let dir = row.id.and_then(|id| layout.dirs.get(&id));
            dir.is_some_and(|dir| dir.is_empty == Some(true))
        });
        let empty: Vec<_> = empty.collect();
        // A copy may hold the folders of all layers, and files of none.
        if !empty.is_empty() && empty.len() == held.len() && held.len() >= ALL {
            judge.abstain(format!(
                "no layer of {} has a file in the evidence: they may just not have been taken",
                snapshotter.name
            ));
            continue;
        }
        for row in empty {
            let inodes = row.inodes.unwrap_or_default();
            let message = format!("the directory of the layer {} is empty", row.key);
            let finding = backend_finding(judge, snapshotter, USAGE.code, row, message);
            judge.say(
                finding
                    .want(format!("{inodes} inodes"))
                    .found("no file".to_owned()),
            );
        }
    }
}

fn usage(judge: &mut Judge<'_>) {
    let Some(measured) = &judge.measured.usage else {
        return;
    };
    for snapshotter in &judge.node.snapshotters {
        let by_id: BTreeMap<u64, _> = rows(snapshotter)
            .iter()
            .filter_map(|row| Some((row.id?, row)))
            .collect();
        for (id, row) in by_id
            .into_iter()
            .filter(|(_, row)| row.kind == Some(Kind::Committed))
        {
            let Some(found) = measured.get(&(snapshotter.name.clone(), id)) else {
                continue;
            };
            let Some(found) = found.whole() else {
                judge.abstains_for(found.unknown());
                continue;
            };
            let (Some(size), Some(inodes)) = (row.size, row.inodes) else {
                continue;
            };
            let same_inodes = i64::try_from(found.inodes).is_ok_and(|found| found == inodes);
            // A tar does not say how many blocks a file takes.
            let same_size = found
                .size
                .is_none_or(|found| i64::try_from(found).is_ok_and(|found| found == size));
            if same_inodes && same_size {
                continue;
            }
            let message = format!("the directory of the layer {} has changed", row.key);
            let now = found
                .size
                .map_or("an unknown number of".to_owned(), |size| size.to_string());
            let finding = backend_finding(judge, snapshotter, USAGE.code, row, message)
                .want(format!("{size} bytes on disk in {inodes} inodes"))
                .found(format!("{now} bytes in {} inodes", found.inodes));
            judge.say(finding);
        }
    }
}

fn work_missing(judge: &mut Judge<'_>) {
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(layout) = snapshotter
            .layout
            .read()
            .filter(|layout| layout.rules == snapshots::Rules::Overlay)
        else {
            continue;
        };
        for row in rows(snapshotter) {
            let dir = row.id.and_then(|id| layout.dirs.get(&id));
            let Some(dir) =
                dir.filter(|dir| row.kind == Some(Kind::Active) && dir.unknown.is_empty())
            else {
                continue;
            };
            let Some(fs) = &dir.fs else { continue };
            let lack = match &dir.work {
                None => "it has no folder work".to_owned(),
                Some(work) => match (work.dev, fs.dev) {
                    (Some(work), Some(fs)) if work != fs => {
                        "fs and work lie on different file systems".to_owned()
                    }
                    _ => continue,
                },
            };
            let place = path_text(&dir.path);
            let message = format!("{lack} ({place})");
            let finding = backend_finding(judge, snapshotter, WORK_MISSING.code, row, message);
            judge.say(finding);
        }
    }
}
