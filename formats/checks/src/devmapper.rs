//! The thin pool of the devmapper snapshotter: devices, numbers and states.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Device, Pool};
use node::{Database, Snapshotter};

use crate::snapshot::{backend_finding, backend_rows};
use crate::{Check, Judge};

/// The pool's database and metadata.db disagree.
pub(crate) const DISAGREES: Check = Check {
    code: &Code {
        name: "snapshot/pool-disagrees",
        rule: "D11",
        severity: Severity::Damage,
        title: "devmapper's pool does not agree with its snapshots",
        explanation: "The devmapper snapshotter keeps a database of the thin pool's devices beside \
            metadata.db. Here a snapshot has no device, a device has no snapshot (it only takes \
            space: odd), a number is used twice, or a number counts as free although a device has \
            it: the next snapshot is given that number, and fails.",
        remedy: "Compare with `dmsetup ls` and `thin_dump` before anything is deleted; the \
            databases can only be corrected while containerd is stopped.",
    },
    needs: &[],
    run: disagrees,
};

/// A device that something went wrong with.
pub(crate) const FAULTY: Check = Check {
    code: &Code {
        name: "snapshot/device-faulty",
        rule: "D11",
        severity: Severity::Damage,
        title: "A device of devmapper's pool is marked as faulty",
        explanation: "The snapshotter marks a device as faulty when an operation on it failed, or when the \
            daemon was killed during one. Its number is never given again, and its snapshot cannot \
            be mounted.",
        remedy: "For a layer: delete the snapshot and let containerd unpack the image again. For \
            a container's: look at the thin device with `dmsetup` first.",
    },
    needs: &[],
    run: faulty,
};

/// What the database says of a number: free, or taken.
const FREE: u8 = 0;

fn pools<'n>(
    judge: &Judge<'n>,
) -> impl Iterator<Item = (&'n Snapshotter, &'n Database<Pool>, &'n Pool)> + use<'n> {
    judge.node.snapshotters.iter().flat_map(|snapshotter| {
        let pools = snapshotter.pools.iter();
        pools.filter_map(move |db| Some((snapshotter, db, db.rows.as_ref()?)))
    })
}

/// The snapshot of a device: N of `<pool>-snap-<N>`.
fn snapshot_of(name: &Text) -> Option<u64> {
    let bytes = name.bytes();
    let at = bytes.windows(6).rposition(|part| part == b"-snap-")?;
    let digits = bytes.get(at.saturating_add(6)..)?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn disagrees(judge: &mut Judge<'_>) {
    for (snapshotter, db, pool) in pools(judge) {
        let (Some(devices), Some(ids)) = (pool.devices.whole(), pool.ids.whole()) else {
            judge.abstains_for(pool.devices.unknown());
            continue;
        };
        let rows = snapshotter.db.rows.as_ref();
        let Some(rows) = rows.filter(|rows| rows.snapshots.is_whole()) else {
            judge.abstain(format!(
                "the snapshots of {} are not known whole",
                snapshotter.name
            ));
            continue;
        };
        let known: BTreeSet<u64> = rows.snapshots().iter().filter_map(|row| row.id).collect();
        let there: BTreeSet<u64> = devices
            .iter()
            .filter(|(_, device)| device.state != Some(Device::REMOVED))
            .filter_map(|(name, _)| snapshot_of(name))
            .collect();
        // Several pools: only all of them together have every device.
        if snapshotter.pools.len() == 1 {
            for row in backend_rows(snapshotter) {
                let gone = row.id.filter(|id| !there.contains(id));
                if let Some(id) = gone {
                    let message = format!("the pool has no device for the snapshot {id}");
                    let finding = backend_finding(judge, snapshotter, DISAGREES.code, row, message);
                    judge.say(finding);
                }
            }
        }
        let mut by_number: BTreeMap<u64, Vec<&Text>> = BTreeMap::new();
        for (name, device) in devices {
            if let Some(number) = device.id {
                by_number.entry(number).or_default().push(name);
            }
            let location = place(db, name);
            let snapshot = snapshot_of(name).filter(|id| !known.contains(id));
            if let Some(id) = snapshot.filter(|_| device.state != Some(Device::REMOVED)) {
                let message = format!("the device {name} has no snapshot {id} in metadata.db");
                let finding = Finding::new(DISAGREES.code, location.clone(), message);
                judge.say(
                    finding
                        .severity(Severity::Odd)
                        .affects(Object::global("device", name.clone())),
                );
            }
            let is_free = device
                .id
                .is_some_and(|id| ids.get(&id).is_none_or(|state| *state == FREE));
            if is_free && device.state != Some(Device::REMOVED) {
                let number = device.id.unwrap_or_default();
                let message = format!("the number {number} of {name} counts as free");
                let finding = Finding::new(DISAGREES.code, location, message);
                judge.say(finding.affects(Object::global("device", name.clone())));
            }
        }
        for (number, names) in by_number.iter().filter(|(_, names)| names.len() > 1) {
            let Some(first) = names.first() else { continue };
            let shown: Vec<String> = names.iter().map(ToString::to_string).collect();
            let message = format!("{} all have the number {number}", shown.join(" and "));
            let mut finding = Finding::new(DISAGREES.code, place(db, first), message);
            for name in names {
                finding = finding.affects(Object::global("device", (*name).clone()));
            }
            judge.say(finding);
        }
        let lost: Vec<String> = ids
            .iter()
            .filter(|(id, state)| **state == 1 && !by_number.contains_key(id))
            .map(|(id, _)| id.to_string())
            .collect();
        if !lost.is_empty() {
            let location = Location::file(db.path.clone()).place("bucket", "device_ids");
            let message = format!("the numbers {} are taken by no device", lost.join(", "));
            let finding = Finding::new(DISAGREES.code, location, message);
            judge.say(finding.severity(Severity::Odd));
        }
    }
}

fn place(db: &Database<Pool>, name: &Text) -> Location {
    Location::file(db.path.clone())
        .place("bucket", "devices")
        .place("device", name.clone())
}

fn faulty(judge: &mut Judge<'_>) {
    for (snapshotter, db, pool) in pools(judge) {
        for (name, device) in pool.devices.read().into_iter().flatten() {
            if device.state != Some(Device::FAULTY) {
                continue;
            }
            let why = if device.error.is_empty() {
                String::new()
            } else {
                format!(": {}", device.error)
            };
            let message = format!("the device {name} is faulty{why}");
            let id = snapshot_of(name);
            let row = backend_rows(snapshotter)
                .iter()
                .find(|row| id.is_some() && row.id == id);
            let mut finding = Finding::new(FAULTY.code, place(db, name), message.clone())
                .affects(Object::global("device", name.clone()));
            if let Some(row) = row {
                let of = backend_finding(judge, snapshotter, FAULTY.code, row, message);
                finding = crate::judge::affecting(finding, &of.affects);
            }
            judge.say(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_after_its_snapshot() {
        assert_eq!(snapshot_of(&Text::from("pool-snap-7")), Some(7));
        assert_eq!(snapshot_of(&Text::from("a-snap-b-snap-12")), Some(12));
        assert_eq!(snapshot_of(&Text::from("pool-snap-x")), None);
        assert_eq!(snapshot_of(&Text::from("pool")), None);
    }
}
