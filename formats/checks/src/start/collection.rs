//! The first garbage collection, 100 ms after the start.

use daemon::gc::{self, Collection, Fate};
use daemon::start as rules;
use finding::{Count, Location, Object};
use node::graph::{Id, Kind};

use super::run::{Flow, Run};
use super::{Outcome, Target};

/// How much room the collector's transaction needs: some pages.
const NEEDED: u64 = 64 << 10;

/// Collects.
pub(super) fn first(run: &mut Run<'_>) -> Flow {
    let room = run.node.disks.root.room;
    if room.is_some_and(|room| room.free < NEEDED) {
        full(run);
    }
    if room.is_some_and(|room| room.inodes > 0 && room.free_inodes == 0) {
        let at = Location::file(node::path_text(&run.node.roots.root));
        run.note(run.statement(&rules::NO_INODES).at(at));
    }
    if run.is_new() {
        return Flow::Continue(());
    }
    let collection = match gc::simulate(run.node, run.release, run.at) {
        Ok(collection) => collection,
        Err(unknown) => {
            run.unknown
                .push(format!("{}: {}", unknown.what, unknown.why));
            return Flow::Continue(());
        }
    };
    if let Some(failure) = &collection.failure {
        let at = place(run, &failure.record);
        let rule = if failure.is_fatal {
            &rules::COLLECTION_FAILS
        } else {
            &rules::COLLECTION_STOPS
        };
        return run.say(run.statement(rule).at(at).code("meta/value-undecodable"));
    }
    for unknown in &collection.unknown {
        run.unknown
            .push(format!("{}: {}", unknown.what, unknown.why));
    }
    removed(run, &collection);
    waiting(run, &collection);
    Flow::Continue(())
}

/// What the first removal from a store takes along, some day.
fn waiting(run: &mut Run<'_>, collection: &Collection) {
    for backend in &collection.backends {
        let entries = backend
            .entries
            .iter()
            .filter(|entry| entry.fate == Fate::Waits);
        let targets: Vec<Target> = entries
            .map(|entry| {
                let name = entry.path.bytes().rsplit(|byte| *byte == b'/').next();
                let name = [backend.snapshotter.bytes(), b"/", name.unwrap_or_default()].concat();
                Target::new(Object::global("snapshot-dir", name))
            })
            .collect();
        if !targets.is_empty() {
            let at = Location::file(backend.root.clone());
            let statement = run.statement(&rules::CLEANS_DIRECTORIES).at(at);
            run.note(statement.targets(targets));
        }
    }
    let waits = |stored: &&daemon::gc::Stored| stored.fate == Fate::Waits;
    let mut targets: Vec<Target> = Vec::new();
    let mut bytes = 0_u64;
    for (kind, stored) in [
        ("blob", &collection.content.blobs),
        ("ingest-dir", &collection.content.ingests),
    ] {
        for one in stored.iter().filter(waits) {
            bytes = bytes.saturating_add(one.size.unwrap_or(0));
            let name = if kind == "blob" { &one.name } else { &one.path };
            targets.push(Target::sized(Object::global(kind, name.clone()), one.size));
        }
    }
    if !targets.is_empty() {
        let does = format!("{} ({bytes} bytes)", rules::CLEANS_CONTENT.does);
        let at = Location::file(node::path_text(&run.node.content_root()));
        let statement = run.statement(&rules::CLEANS_CONTENT).at(at).does(does);
        run.note(statement.targets(targets));
    }
}

/// A record of meta.db as a place.
fn place(run: &Run<'_>, id: &Id) -> Location {
    run.in_meta(&[])
        .place(id.kind.name(), format!("{}/{}", id.namespace, id.key))
}

/// Without room the transaction fails where it needs a block that the file does not have yet.
fn full(run: &mut Run<'_>) {
    let at = Location::file(node::path_text(&run.node.roots.root));
    let dies = run.release.dies_of_garbage();
    if dies {
        let statement = run.statement(&rules::DISK_FULL).at(at.clone());
        run.note(statement.perhaps().forbids());
        run.or.push(Outcome::CrashLoop);
    }
    run.note(run.statement(&rules::DISK_FULL_LATER).at(at));
}

fn removed(run: &mut Run<'_>, collection: &Collection) {
    let records: Vec<Target> = collection
        .records
        .iter()
        .filter(|record| record.fate == Fate::Deleted)
        .map(|record| {
            let name = record.id.key.clone();
            let kind = record.id.kind.name();
            Target::new(Object::new(kind, record.id.namespace.clone(), name))
        })
        .collect();
    let mut layers: Vec<Target> = Vec::new();
    let mut files: Vec<Target> = Vec::new();
    for backend in &collection.backends {
        if backend.dirty == Some(true) {
            run.collected.insert(backend.snapshotter.clone());
        }
        for row in backend.rows.iter().filter(|row| row.fate == Fate::Deleted) {
            let Some(id) = row.id.filter(|_| row.path.is_some()) else {
                continue;
            };
            let object = Object::global("snapshot-dir", format!("{}/{id}", backend.snapshotter));
            let target = Target::sized(object, row.size);
            if row.kind == Some(metadb::Kind::Active) {
                layers.push(Target {
                    is_written: true,
                    ..target
                });
            } else {
                files.push(target);
            }
        }
        for entry in backend
            .entries
            .iter()
            .filter(|entry| entry.fate == Fate::Deleted)
        {
            let name = entry
                .path
                .bytes()
                .rsplit(|byte| *byte == b'/')
                .next()
                .unwrap_or_default();
            let name = [backend.snapshotter.bytes(), b"/", name].concat();
            files.push(Target::new(Object::global("snapshot-dir", name)));
        }
    }
    for blob in collection
        .content
        .blobs
        .iter()
        .filter(|blob| blob.fate == Fate::Deleted)
    {
        let object = Object::global("blob", blob.name.clone());
        files.push(Target::sized(object, blob.size));
    }
    for ingest in collection
        .content
        .ingests
        .iter()
        .filter(|ingest| ingest.fate == Fate::Deleted)
    {
        let object = Object::global("ingest-dir", ingest.path.clone());
        files.push(Target::sized(object, ingest.size));
    }
    if !layers.is_empty() {
        let count = layers.len();
        let statement = run.statement(&rules::COLLECTS_LAYERS).at(run.in_meta(&[]));
        let does = format!(
            "removes, 100 ms after the start, {} that nothing refers to",
            Count(count, "writable layer")
        );
        run.note(statement.does(does).targets(layers));
    }
    if !records.is_empty() || !files.is_empty() {
        let does = format!(
            "removes, 100 ms after the start, what nothing refers to: {}",
            kinds(&records, &files)
        );
        let statement = run
            .statement(&rules::COLLECTS)
            .at(run.in_meta(&[]))
            .does(does);
        run.note(statement.targets(records).targets(files));
    }
}

/// `2 leases, 1 image, 3 blobs`.
fn kinds(records: &[Target], files: &[Target]) -> String {
    let mut words = Vec::new();
    for kind in [
        Kind::Lease,
        Kind::Image,
        Kind::Ingest,
        Kind::Snapshot,
        Kind::Blob,
    ] {
        let count = records
            .iter()
            .filter(|target| target.object.kind == kind.name())
            .count();
        if count > 0 {
            words.push(format!("{} of meta.db", Count(count, kind.name())));
        }
    }
    for (kind, what) in [
        ("snapshot-dir", "snapshot directory"),
        ("blob", "blob file"),
        ("ingest-dir", "unfinished write"),
    ] {
        let count = files
            .iter()
            .filter(|target| target.object.kind == kind)
            .count();
        if count > 0 {
            words.push(Count(count, what).to_string());
        }
    }
    words.join(", ")
}
