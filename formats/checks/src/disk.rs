//! The disk below the stores: devices, room, flags of inodes.

use daemon::{Release, start, told};
use finding::{Code, Finding, Location, Severity};
use node::Place;

use crate::{Check, Judge};

/// meta.db and metadata.db on two file systems.
pub(crate) const SPLIT: Check = Check {
    code: &Code {
        name: "store/split",
        rule: "B11",
        severity: Severity::Note,
        title: "meta.db and a metadata.db lie on different file systems",
        explanation: "A separate disk for snapshots is legal but risky. When containerd starts before one of \
            the two is mounted, it creates an empty database in the folder below, and the garbage \
            collector then removes what only the other database names (issue 3671). This may have \
            happened already: one of the two may come from such a start.",
        remedy: "Check that both file systems are mounted before containerd starts \
            (RequiresMountsFor= in its unit), and that nothing lies below the mounts.",
    },
    needs: &[],
    run: split,
};

/// A database that cannot be written.
pub(crate) const IMMUTABLE: Check = Check {
    code: &Code {
        name: "store/immutable",
        rule: "B12",
        severity: Severity::Damage,
        title: "A database or a snapshot cannot be changed",
        explanation: "The inode has the flag immutable or append-only (`lsattr`). containerd opens meta.db for \
            writing: with the flag its metadata plugin fails, the daemon logs that it has booted, \
            and answers every call with Unimplemented. A snapshot's directory with the flag is never \
            removed, with a complaint at each garbage collection (reported as odd).",
        remedy: "`chattr -i -a` on it, after it is known who set it.",
    },
    needs: &[],
    run: immutable,
};

/// A disk without room.
pub(crate) const FULL: Check = Check {
    code: &Code {
        name: "store/disk-full",
        rule: "B13",
        severity: Severity::Damage,
        title: "There is no room on the disk of a store",
        explanation: "Databases are sparse: writing inside them, too, needs blocks. With none, the \
            first garbage collection after a start fails, and releases up to 2.1 die of that, at \
            every start. Without inodes the CRI cannot write the status of its containers, and \
            does not load them; without room in state, shims leave empty address files.",
        remedy: "Free some room before containerd is started: a few megabytes are enough, or, where the inodes are \
            used up, some files fewer (`df -i`; `coroner df` counts them).",
    },
    needs: &[],
    run: full,
};

fn split(judge: &mut Judge<'_>) {
    let disks = &judge.node.disks;
    let Some(meta) = disks.meta.dev else { return };
    let others = disks
        .metadata
        .iter()
        .filter_map(|place| Some((place, place.dev?)));
    for (place, dev) in others.filter(|(_, dev)| *dev != meta) {
        let shown = |(major, minor): (u32, u32)| format!("{major}:{minor}");
        let message = format!(
            "meta.db is on device {}, this one on {}",
            shown(meta),
            shown(dev)
        );
        let location = Location::file(place.path.clone());
        judge.say(
            Finding::new(SPLIT.code, location, message)
                .want(shown(meta))
                .found(shown(dev)),
        );
    }
}

fn flag(place: &Place) -> Option<&'static str> {
    let flags = place.flags?;
    if flags.immutable {
        return Some("immutable");
    }
    flags.append_only.then_some("append-only")
}

fn immutable(judge: &mut Judge<'_>) {
    let disks = &judge.node.disks;
    for place in [&disks.meta_folder, &disks.meta] {
        if let Some(flag) = flag(place) {
            let location = Location::file(place.path.clone());
            let message = format!("it is {flag}");
            let finding = Finding::new(IMMUTABLE.code, location, message);
            judge.say(told(
                finding.severity(Severity::Fatal),
                &start::META_NO_FILE,
            ));
        }
    }
    for place in &disks.metadata {
        if let Some(flag) = flag(place) {
            let location = Location::file(place.path.clone());
            judge.say(Finding::new(
                IMMUTABLE.code,
                location,
                format!("it is {flag}"),
            ));
        }
    }
    // One fault, however many directories: somebody went over the whole tree.
    if let Some(first) = disks.immutable.first() {
        let message = match disks.immutable.len() {
            1 => "the directory of a snapshot cannot be removed".to_owned(),
            count => format!("{count} directories of snapshots cannot be removed"),
        };
        let location = Location::file(first.clone());
        judge.say(Finding::new(IMMUTABLE.code, location, message).severity(Severity::Odd));
    }
}

/// Less than this, and the next transaction of a database may fail: some pages, and their copies.
const FEW: u64 = 1 << 20;

fn full(judge: &mut Judge<'_>) {
    let disks = &judge.node.disks;
    let release = daemon::detect(&judge.node.traces);
    let dies = release.releases().any(Release::dies_of_garbage);
    let mut findings = Vec::new();
    for (what, place) in [("root", &disks.root), ("state", &disks.state)] {
        let Some(room) = place.room.filter(|room| room.size > 0) else {
            continue;
        };
        let location = Location::file(place.path.clone());
        let of = room.size;
        if room.free < FEW {
            let message = format!("{} bytes of {of} are free where {what} lies", room.free);
            let finding = Finding::new(FULL.code, location, message);
            let ends = what == "root" && room.free == 0 && dies;
            findings.push(if ends {
                told(finding.severity(Severity::Fatal), &start::DISK_FULL)
            } else {
                finding
            });
        } else if room.inodes > 0 && room.free_inodes == 0 {
            let message = format!("no inode of {} is free where {what} lies", room.inodes);
            let finding = Finding::new(FULL.code, location, message);
            findings.push(if what == "state" {
                told(finding.severity(Severity::Fatal), &start::STATE_NO_INODES)
            } else {
                told(finding, &start::NO_INODES)
            });
        }
    }
    // root and state on one full disk are one fault.
    let same = disks.root.dev.is_some() && disks.root.dev == disks.state.dev;
    for finding in findings.into_iter().take(if same { 1 } else { 2 }) {
        judge.say(finding);
    }
}
