//! Unpacked layers against the tars that they were unpacked from.

use std::collections::BTreeMap;

use finding::{Code, Severity};
use measure::{Departure, Difference, LayerFound};

use crate::snapshot::backend_finding;
use crate::snapshot_dir::rows;
use crate::{Check, Judge, Need};

/// Files of a layer that are not those of its tar.
pub(crate) const DIFFERS: Check = Check {
    code: &Code {
        name: "snapshot/layer-differs",
        rule: "D06",
        severity: Severity::Damage,
        title: "Files of an unpacked layer are not those of its blob",
        explanation: "A committed layer never changes. Its blob, whose digest is right, has other files than \
            its directory: bytes were lost in a power loss (nothing in a layer is synced: such files \
            are empty), a disk failed, or the layer was changed. Every container of every image with \
            this layer is affected. Times of directories and what the kernel writes for itself are \
            not compared.",
        remedy: "In an investigation, copy the directory first. Then delete the snapshots of the \
            image and the image, and pull it again: pulling alone does not help, because the \
            snapshot exists. `coroner snapshots verify` lists every file.",
    },
    needs: &[Need::Layers],
    run: differs,
};

/// Deleted names and marks that are not those of the tar.
pub(crate) const MARKS: Check = Check {
    code: &Code {
        name: "snapshot/layer-marks",
        rule: "D07",
        severity: Severity::Damage,
        title: "An unpacked layer hides or shows other names than its blob says",
        explanation: "A layer deletes names of the layers below with a device 0:0 of that name, and \
            hides all that a directory has below with a mark. Where these are not what the blob \
            says, containers see files that the image deleted, or do not see files that it has. \
            Copies of a snapshotter's directory that were made without devices or without \
            trusted.* attributes lack them all.",
        remedy: "Delete the snapshots of the image and the image, and pull it again. \
            `coroner snapshots verify` lists every name.",
    },
    needs: &[Need::Layers],
    run: marks,
};

fn differs(judge: &mut Judge<'_>) {
    compare(judge, &DIFFERS, false);
}

fn marks(judge: &mut Judge<'_>) {
    compare(judge, &MARKS, true);
}

/// Differences that are named in a finding.
const SHOWN: usize = 8;

fn compare(judge: &mut Judge<'_>, check: &Check, marks: bool) {
    let Some(layers) = &judge.measured.layers else {
        return;
    };
    if !layers.without.is_empty() && !marks {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for layer in &layers.without {
            let count = reasons.entry(&layer.why).or_default();
            *count = count.saturating_add(1);
        }
        for (why, count) in reasons {
            judge.abstain(format!(
                "{count} layers have nothing to be compared with: {why}"
            ));
        }
    }
    for snapshotter in &judge.node.snapshotters {
        for row in rows(snapshotter) {
            let Some(id) = row.id else { continue };
            let Some(found) = layers.found.get(&(snapshotter.name.clone(), id)) else {
                continue;
            };
            if !found.is_whole() && !marks {
                judge.abstains_for(found.unknown());
                judge.could_not_read(found.unknown());
            }
            let Some(found) = found.read() else { continue };
            let of_check = |one: &&Difference| one.how.is_mark() == marks;
            let all: Vec<&Difference> = found.differences.iter().filter(of_check).collect();
            if all.is_empty() {
                continue;
            }
            let message = message(&all, found);
            let finding = backend_finding(judge, snapshotter, check.code, row, message);
            let is_rounded = all.iter().all(|one| is_rounded(one));
            judge.say(if is_rounded && found.more == 0 {
                finding.severity(Severity::Note)
            } else {
                finding
            });
        }
    }
}

/// Whether only the parts of a second are lost: what copies do that keep whole seconds.
fn is_rounded(one: &Difference) -> bool {
    let (Some(want), Some(found)) = (&one.want, &one.found) else {
        return false;
    };
    let seconds = |time: &[u8]| {
        time.split(|byte| b".Z".contains(byte))
            .next()
            .map(<[u8]>::to_vec)
    };
    one.how == Departure::Mtime
        && !found.bytes().contains(&b'.')
        && seconds(want.bytes()) == seconds(found.bytes())
}

fn message(all: &[&Difference], found: &LayerFound) -> String {
    let mut told: Vec<String> = Vec::new();
    for one in all.iter().take(SHOWN) {
        told.push(line(one));
    }
    let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
    let more = count
        .saturating_add(found.more)
        .saturating_sub(u64::try_from(told.len()).unwrap_or(0));
    let more = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", told.join("; "))
}

/// A difference in words: `/bin/su: setuid (want 0755, found 4755)`.
pub fn line(one: &Difference) -> String {
    let how = one.how.word();
    match (&one.want, &one.found) {
        (Some(want), Some(found)) => format!("{}: {how} (want {want}, found {found})", one.path),
        (Some(want), None) => format!("{}: {how} (want {want})", one.path),
        (None, Some(found)) => format!("{}: {how} ({found})", one.path),
        (None, None) => format!("{}: {how}", one.path),
    }
}
