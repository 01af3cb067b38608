//! Stores of snapshotters that were copied, as the birth of their folders tells.

use finding::{Code, Finding, Location, Severity, Time};
use node::path_text;

use crate::judge::ALL;
use crate::snapshot_dir::rows;
use crate::{Check, Judge};

/// The folders of a store are younger than its records.
pub(crate) const COPIED: Check = Check {
    code: &Code {
        name: "snapshot/store-copied",
        rule: "D12",
        severity: Severity::Note,
        title: "The store of a snapshotter was copied",
        explanation: "A snapshotter makes the directory of a snapshot when it records it. Each directory that is \
            recorded from before a certain moment was born after that moment: the store was restored or moved \
            by a copy. A complete copy (`cp -a`, `rsync -aHAX`, `tar --xattrs --xattrs-include=*`) does no \
            harm. A copy without attributes lacks the marks of folders that an image deleted and made again, \
            and the capabilities of programs: containers see deleted files again.",
        remedy: "Compare the layers with their blobs: `coroner triage --layers`. `coroner repair plan` names what \
            is lost, and unpacks such layers again.",
    },
    needs: &[],
    run: copied,
};

/// A directory that is so many seconds younger than its record was not made with it.
const YOUNGER: i64 = 60;

fn copied(judge: &mut Judge<'_>) {
    // A birth is that of this machine's file: a copy has births of its own.
    let processes = judge.node.processes.as_deref();
    if !processes.is_some_and(|processes| processes.live) {
        return;
    }
    for snapshotter in judge.node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let Some(layout) = snapshotter.layout.read().filter(|layout| layout.has_fs()) else {
            continue;
        };
        let times = rows(snapshotter).iter().filter_map(|row| {
            let dir = row.id.and_then(|id| layout.dirs.get(&id))?;
            Some((row.created?, dir.fs.as_ref()?.btime?))
        });
        let times: Vec<_> = times.collect();
        let Some((count, at)) = since(&times) else {
            continue;
        };
        let folder = snapshotter.root.join("snapshots");
        let message = format!(
            "{count} of the {} directories of {} that have a record are younger than it; the first was made at {at}",
            times.len(),
            snapshotter.name
        );
        judge.say(Finding::new(
            COPIED.code,
            Location::file(path_text(&folder)),
            message,
        ));
    }
}

/// How many of directories (when they were recorded, and when they were born) were copied, and since when: all that were
/// recorded before. One that is older was in its place all the time: then single layers were unpacked again.
fn since(times: &[(Time, Time)]) -> Option<(usize, Time)> {
    let is_younger =
        |(recorded, born): &&(Time, Time)| born.seconds.saturating_sub(recorded.seconds) > YOUNGER;
    let copied: Vec<_> = times.iter().filter(is_younger).collect();
    let first = copied.iter().map(|(_, born)| *born).min()?;
    let is_older = times.iter().any(|(_, born)| *born < first);
    (copied.len() >= ALL && !is_older).then_some((copied.len(), first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time { seconds, nanos: 0 }
    }

    #[test]
    fn a_copy_is_younger_than_what_is_recorded() {
        let of = |times: &[(i64, i64)]| {
            let times: Vec<_> = times.iter().map(|(a, b)| (at(*a), at(*b))).collect();
            since(&times)
        };
        // As they are made: at once, or on a busy disk.
        assert_eq!(of(&[(100, 100), (200, 199), (300, 330)]), None);
        // Copied at 900, and used since.
        let times = [(100, 900), (200, 905), (300, 901), (1000, 1000)];
        assert_eq!(of(&times), Some((3, at(900))));
        // One layer, or two, were unpacked again: the others stayed.
        assert_eq!(of(&[(100, 100), (200, 900), (300, 901)]), None);
        // One alone proves nothing: a clock that was set while it was made.
        assert_eq!(of(&[(100, 900), (1000, 1000)]), None);
        assert_eq!(of(&[]), None);
    }
}
