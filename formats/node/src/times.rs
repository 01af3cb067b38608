//! Whether the times of files are those of the node, or of whoever copied them.
//!
//! `cp -r`, `unzip` and archives without times give each file the time of the copy. What is written
//! *in* files keeps its own: a blob's row is made as its file is, state.json says when its container
//! was created. Where every file is younger than what tells of it, times tell nothing, and the time of
//! the node is the newest that is written down.

use std::time::{SystemTime, UNIX_EPOCH};

use content::Store;
use finding::Time;
use metadb::MetaDb;
use runc::Runtime;

/// Seconds that a node's clock may be ahead of the reader's: a day.
const AHEAD: i64 = 86_400;
/// Seconds that a file may be younger than what was written of it.
const SLACK: i64 = 60;

/// The first second of 2000: what is older is no time of a file (reproducible archives and images give
/// all files that of 1970 or 1980).
const EARLIEST: i64 = 946_684_800;

/// Whether `made`, a file's time, is that of its making, which was at `told`.
fn is_own(made: Time, told: Time) -> bool {
    made.since(told) <= SLACK && made.seconds >= EARLIEST
}

/// Whether times were kept, of what can be told; `true` where nothing tells.
pub(crate) fn are_kept(
    meta: Option<&MetaDb>,
    content: Option<&Store>,
    runtime: Option<&Runtime>,
) -> bool {
    let rows = meta.map_or(&[][..], MetaDb::namespaces);
    let rows = rows
        .iter()
        .flat_map(|namespace| namespace.blobs.read().into_iter().flatten());
    let mut first: std::collections::BTreeMap<&finding::Text, Time> =
        std::collections::BTreeMap::new();
    for row in rows {
        if let Some(created) = row.value.created {
            let earliest = first.entry(&row.key).or_insert(created);
            *earliest = (*earliest).min(created);
        }
    }
    let blobs = content.into_iter().flat_map(|store| &store.blobs);
    let blobs = blobs
        .filter(|blob| !blob.stat.only_kind)
        .filter_map(|blob| {
            let name = finding::Text::from(blob.digest.to_string());
            Some(is_own(blob.stat.mtime, *first.get(&name)?))
        });
    let containers = runtime.into_iter().flat_map(|runtime| &runtime.containers);
    let containers = containers.filter_map(|container| {
        let stat = container
            .state_stat
            .as_ref()
            .filter(|stat| !stat.only_kind)?;
        Some(is_own(stat.mtime, container.created()?))
    });
    let told: Vec<bool> = blobs.chain(containers).collect();
    told.is_empty() || told.contains(&true)
}

/// Whether a file's time can be that of a node: not after the clock of the machine that reads it. A board
/// without a clock of its own, or a wrong time server, leaves files of the next century.
pub(crate) fn is_past(time: Time) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now = now.and_then(|since| i64::try_from(since.as_secs()).ok());
    now.is_none_or(|now| time.seconds <= now.saturating_add(AHEAD))
}

/// The newest time that is written down.
pub(crate) fn newest_told(meta: Option<&MetaDb>, runtime: Option<&Runtime>) -> Option<Time> {
    let mut all: Vec<Option<Time>> = Vec::new();
    for namespace in meta.map_or(&[][..], MetaDb::namespaces) {
        let images = namespace.images.read().into_iter().flatten();
        all.extend(images.flat_map(|row| [row.value.created, row.value.updated]));
        let containers = namespace.containers.read().into_iter().flatten();
        all.extend(containers.flat_map(|row| [row.value.created, row.value.updated]));
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        all.extend(sandboxes.flat_map(|row| [row.value.created, row.value.updated]));
        let blobs = namespace.blobs.read().into_iter().flatten();
        all.extend(blobs.flat_map(|row| [row.value.created, row.value.updated]));
        let leases = namespace.leases.read().into_iter().flatten();
        all.extend(leases.map(|row| row.value.created));
        let snapshots = namespace.snapshots.read().into_iter().flatten();
        for rows in snapshots.filter_map(|all| all.rows.read()) {
            all.extend(
                rows.iter()
                    .flat_map(|row| [row.value.created, row.value.updated]),
            );
        }
    }
    let containers = runtime.into_iter().flat_map(|runtime| &runtime.containers);
    all.extend(containers.map(runc::Container::created));
    all.into_iter()
        .flatten()
        .filter(|time| is_past(*time))
        .max()
}
