//! Snapshotters: loaded with the plugins, and their databases opened when the CRI first asks.

use std::collections::BTreeMap;
use std::path::Path;

use daemon::Release;
use daemon::start as rules;
use finding::{Location, Object, Text, Unread};
use metadb::{Backend, Kind};
use node::{DatabaseState, Snapshotter, path_text};

use super::run::{Flow, Run};
use super::{Outcome, Target, bbolt, meta, overlay, settings};

fn id(snapshotter: &Text) -> String {
    format!("io.containerd.snapshotter.v1.{snapshotter}")
}

/// Snapshotters that cannot be loaded.
pub(super) fn plugins(run: &mut Run<'_>) -> Flow {
    settings::snapshotters(run)?;
    overlay::needs(run)?;
    let node = run.node;
    let around = &node.around;
    let used = node.snapshotters.iter().filter(|s| !s.is_proxy);
    let mut all: BTreeMap<&Text, &Path> = used.map(|s| (&s.name, s.root.as_path())).collect();
    // Of those that were never used, the one that asks more of its disk.
    let overlayfs = Text::from("overlayfs");
    all.entry(&overlayfs).or_insert(&around.overlay);
    for (name, root) in all {
        let id = id(name);
        if settings::is_disabled(run, &id) {
            continue;
        }
        let is_wrong = around.is_no_folder(root);
        let is_overlay = *name == overlayfs;
        let is_blind = is_overlay && around.tells_kinds == Some(false);
        let at = Location::file(path_text(root));
        let target = Target::new(Object::global("snapshotter", name.clone()));
        let rule = match () {
            () if is_wrong => &rules::SNAPSHOTTER_LOST,
            () if is_blind => &rules::NO_DTYPE,
            () => continue,
        };
        run.failed.push(id);
        if run.release >= Release::V2_0 {
            if is_blind {
                let statement = run.statement(&rules::NO_DTYPE);
                run.note(statement.at(at.clone()).target(target.clone()));
            }
            let statement = run.statement(&rules::SNAPSHOTTER_KILLS_METADATA);
            run.die(statement.at(at).target(target))?;
        } else {
            run.note(run.statement(rule).at(at).target(target));
        }
    }
    Flow::Continue(())
}

/// The database of the CRI's snapshotter is opened when the CRI recovers; those of the others when
/// somebody asks for them.
pub(super) fn used(run: &mut Run<'_>) -> Flow {
    let chosen = settings::chosen_snapshotter(run);
    let node = run.node;
    for snapshotter in node.snapshotters.iter().filter(|s| !s.is_proxy) {
        let is_cris =
            run.has_cri && snapshotter.name == *chosen.as_str() && names(run, snapshotter) > 0;
        let path = snapshotter.root.join("metadata.db");
        if let Some(holder) = meta::holder(run, &path).map(meta::process) {
            let at = Location::file(snapshotter.db.path.clone());
            let statement = run.statement(&rules::BACKEND_LOCKED).at(at).target(holder);
            if is_cris {
                run.say(statement)?;
            } else {
                run.note(statement.perhaps());
            }
            continue;
        }
        state(run, snapshotter);
        if is_cris {
            panics(run, snapshotter)?;
        }
        counters(run, snapshotter);
        rolled_back(run, snapshotter);
    }
    cycles(run);
    Flow::Continue(())
}

/// How many snapshots of the CRI's namespace meta.db names in a snapshotter.
fn names(run: &Run<'_>, snapshotter: &Snapshotter) -> usize {
    let pods = run.pods().into_iter();
    let all = pods.flat_map(|namespace| namespace.snapshots.read().into_iter().flatten());
    all.filter(|all| all.snapshotter == snapshotter.name)
        .map(|all| all.rows.read().map_or(0, Vec::len))
        .sum()
}

fn directories(snapshotter: &Snapshotter, which: impl Fn(u64) -> bool) -> Vec<Target> {
    let rows = snapshotter
        .db
        .rows
        .as_ref()
        .map_or(&[][..], Backend::snapshots);
    let layout = snapshotter.layout.read();
    let ids = layout
        .into_iter()
        .flat_map(|layout| layout.dirs.keys().copied());
    ids.filter(|id| which(*id))
        .map(|id| {
            let row = rows.iter().find(|row| row.id == Some(id));
            let object = Object::global("snapshot-dir", format!("{}/{id}", snapshotter.name));
            let bytes = row.and_then(|row| u64::try_from(row.size?).ok());
            Target::sized(object, bytes)
        })
        .collect()
}

fn state(run: &mut Run<'_>, snapshotter: &Snapshotter) {
    let db = &snapshotter.db;
    let at = Location::file(db.path.clone());
    let all = directories(snapshotter, |_| true);
    match &db.state {
        DatabaseState::Empty | DatabaseState::Unread(Unread::Absent) if !all.is_empty() => {
            let statement = run.statement(&rules::BACKEND_NEW).at(at);
            run.note(
                statement
                    .code("store/metadata-broken")
                    .targets(all)
                    .forbids(),
            );
        }
        DatabaseState::Other(_) if !all.is_empty() => {
            let statement = run.statement(&rules::BACKEND_OTHER).at(at);
            let statement = statement.code("store/other-database");
            run.note(statement.targets(all).forbids());
        }
        DatabaseState::Open if lacks_snapshots(db.rows.as_ref()) && !all.is_empty() => {
            let does = "finds no snapshot in metadata.db; ids start again at 1, and each new snapshot \
                        deletes the folder of that number";
            let statement = run.statement(&rules::BACKEND_NEW).at(at).does(does);
            let statement = statement.code("snapshot/backend-missing");
            run.note(statement.targets(all).forbids());
        }
        DatabaseState::Broken => {
            let statement = run.statement(&rules::BACKEND_UNOPENED).at(at);
            run.note(statement.code("store/metadata-broken").forbids());
        }
        DatabaseState::Stale => {
            let statement = run.statement(&rules::TREE_STALE).at(at);
            run.note(statement.code("bolt/stale-root").forbids());
            run.unknown.extend(
                db.lost()
                    .map(|unknown| format!("{}: {}", unknown.what, unknown.why)),
            );
        }
        DatabaseState::Unread(Unread::Special(_) | Unread::Dangling(_)) => {
            run.note(
                run.statement(&rules::BACKEND_UNOPENED)
                    .at(at)
                    .code("store/unreadable"),
            );
        }
        DatabaseState::Unread(unread) if *unread != Unread::Absent => {
            run.unknown.push(format!("{} {unread}", db.path));
        }
        _ => {}
    }
}

/// Whether the bucket of the snapshots is known not to be there.
fn lacks_snapshots(rows: Option<&Backend>) -> bool {
    rows.is_some_and(|rows| {
        let is_bare = rows.snapshots.read().is_some_and(Vec::is_empty);
        rows.sequence.is_none() && is_bare && rows.snapshots.unknown().is_empty()
    })
}

/// Pages that the CRI's look-ups read: the rows of its own snapshots.
fn panics(run: &mut Run<'_>, snapshotter: &Snapshotter) -> Flow {
    let db = &snapshotter.db;
    let Some(facts) = db.facts else {
        return Flow::Continue(());
    };
    if facts.freelist_synced
        && let Some((panic, _)) = db.faults.iter().find_map(bbolt::freelist)
    {
        let statement = run.statement(&rules::BACKEND_FREELIST);
        let at = meta::in_file(&db.path, &panic.at);
        return run.say(statement.at(at).code(panic.code).says(panic.says).forbids());
    }
    for found in bbolt::in_order(&db.faults) {
        let is_number = matches!(found.fault.what, bolt::What::PageId { .. });
        if is_number && found.fault.page.is_some() && found.fault.page == facts.freelist {
            frees_another(run, snapshotter, found);
            continue;
        }
        let Some(panic) = bbolt::page(found, run.release, !facts.freelist_synced) else {
            taken_for_another(run, snapshotter, found);
            continue;
        };
        let names: Vec<&[u8]> = found.path.iter().map(Vec::as_slice).collect();
        let prefix: &[u8] = b"k8s.io/";
        let range = found.fault.unknown.as_ref();
        let hides = |key: &[u8]| range.is_none_or(|range| range.may_hold(key));
        let is_read = match names.as_slice() {
            // The two buckets of it are asked for by their names: nothing opens another one.
            [b"v1"] if facts.freelist_synced && !hides(b"snapshots") && !hides(b"parents") => {
                continue;
            }
            [] | [b"v1"] => true,
            [b"v1", b"snapshots"] => keys(run, snapshotter).any(|key| hides(key.bytes())),
            [b"v1", b"snapshots", key, ..] => key.starts_with(prefix),
            _ => false,
        };
        let at = meta::in_file(&db.path, &panic.at);
        let mut statement = run.statement(&rules::BACKEND_PAGE).at(at).code(panic.code);
        if !panic.says.is_empty() {
            statement = statement.says(panic.says);
        }
        if is_read || !facts.freelist_synced {
            if panic.may_hang {
                run.or.extend([Outcome::Hangs, Outcome::Boots]);
                statement = statement.says("").does(
                    "panics at a page of metadata.db when the CRI looks for its snapshots, or \
                     follows its bytes",
                );
            }
            run.say(statement.forbids())?;
        } else {
            run.note(statement.perhaps().forbids());
        }
    }
    Flow::Continue(())
}

/// The freelist's page is read whatever its number says; that number is what is freed when the next
/// one is written.
fn frees_another(run: &mut Run<'_>, snapshotter: &Snapshotter, found: &bolt::Found) {
    let at = found
        .finding(Location::file(snapshotter.db.path.clone()))
        .location;
    let statement = run.statement(&rules::BACKEND_PAGE).at(at);
    let does = "frees a page that is in use, or that there is not, when it next writes metadata.db";
    run.note(
        statement
            .does(does)
            .says("")
            .code("bolt/page-id")
            .perhaps()
            .forbids(),
    );
}

/// A page of another number: 1.6 takes it for what its flags say, and panics where they say
/// nothing.
fn taken_for_another(run: &mut Run<'_>, snapshotter: &Snapshotter, found: &bolt::Found) {
    if matches!(found.fault.what, bolt::What::PageId { .. }) {
        let at = Location::file(snapshotter.db.path.clone());
        let at = found.finding(at).location;
        let statement = run.statement(&rules::BACKEND_PAGE).at(at);
        run.or.push(Outcome::CrashLoop);
        run.note(statement.code("bolt/page-id").perhaps().forbids());
    }
}

/// Keys of the CRI's snapshots in metadata.db, as meta.db has them.
fn keys<'n>(run: &Run<'n>, snapshotter: &'n Snapshotter) -> impl Iterator<Item = &'n Text> {
    let pods = run.pods().into_iter();
    let all = pods.flat_map(|namespace| namespace.snapshots.read().into_iter().flatten());
    all.filter(|all| all.snapshotter == snapshotter.name)
        .flat_map(|all| all.rows.read().into_iter().flatten())
        .map(|row| &row.name)
}

/// Counters that are behind what is in use.
fn counters(run: &mut Run<'_>, snapshotter: &Snapshotter) {
    let Some(rows) = &snapshotter.db.rows else {
        return;
    };
    let Some(sequence) = rows.sequence else {
        return;
    };
    let in_database = rows
        .snapshots()
        .iter()
        .filter_map(|row| row.id)
        .max()
        .unwrap_or(0);
    let on_disk = crate::snapshot_dir::highest_near(snapshotter.layout.read(), sequence);
    // A crash between mkdir and commit leaves one directory of the next id: that heals itself.
    if in_database <= sequence && on_disk <= sequence.saturating_add(1) {
        return;
    }
    let at = Location::file(snapshotter.db.path.clone())
        .place("bucket", "v1")
        .place("bucket", "snapshots");
    let targets = directories(snapshotter, |id| {
        id > sequence && id <= on_disk.max(in_database)
    });
    let statement = run.statement(&rules::IDS_AGAIN).at(at);
    run.note(
        statement
            .code("snapshot/id-sequence")
            .targets(targets)
            .forbids(),
    );
}

/// Snapshots that meta.db does not name: a few are leftovers, many tell of an older meta.db.
fn rolled_back(run: &mut Run<'_>, snapshotter: &Snapshotter) {
    let Some(rows) = &snapshotter.db.rows else {
        return;
    };
    let meta = &run.node.meta;
    let whole = meta
        .rows
        .as_ref()
        .is_some_and(|meta| meta.unknown_snapshots().is_empty());
    if run.is_new() || !whole {
        return;
    }
    let named: std::collections::BTreeSet<&Text> = run
        .namespaces()
        .iter()
        .flat_map(|namespace| namespace.snapshots.read().into_iter().flatten())
        .filter(|all| all.snapshotter == snapshotter.name)
        .flat_map(|all| all.rows.read().into_iter().flatten())
        .map(|row| &row.name)
        .collect();
    let unnamed: Vec<_> = rows
        .snapshots()
        .iter()
        .filter(|row| !named.contains(&row.key))
        .collect();
    if unnamed.is_empty() {
        return;
    }
    // What the first collection removes anyway is told there.
    let gone = run.collected.contains(&snapshotter.name);
    let targets: Vec<Target> = unnamed
        .iter()
        .filter_map(|row| {
            let object =
                Object::global("snapshot-dir", format!("{}/{}", snapshotter.name, row.id?));
            let bytes = row.size.and_then(|size| u64::try_from(size).ok());
            Some(Target::sized(object, bytes))
        })
        .collect();
    // A crash between the two databases leaves one row of the next number: that is no older meta.db.
    let ahead: Vec<u64> = unnamed
        .iter()
        .filter_map(|row| ahead(run, snapshotter, &row.key))
        .collect();
    let ahead = ahead.len() > 1 || ahead.iter().any(|by| *by > 1);
    let writable = unnamed.iter().any(|row| row.kind == Some(Kind::Active));
    let many = unnamed.len().saturating_mul(4) > rows.snapshots().len();
    let at = Location::file(snapshotter.db.path.clone());
    if ahead || (many && writable) {
        let statement = run.statement(&rules::META_ROLLED_BACK).at(at).forbids();
        run.note(statement.targets(targets));
    } else if !gone {
        let statement = run.statement(&rules::SNAPSHOTS_UNNAMED).at(at);
        let statement = statement.code("snapshot/backend-unknown").targets(targets);
        run.note(if many { statement.forbids() } else { statement });
    }
}

/// By how much the N of `<namespace>/<N>/<key>` is above what meta.db ever handed out there.
fn ahead(run: &Run<'_>, snapshotter: &Snapshotter, key: &Text) -> Option<u64> {
    let mut parts = key.bytes().splitn(3, |byte| *byte == b'/');
    let (namespace, number) = (parts.next()?, parts.next()?);
    let number = core::str::from_utf8(number)
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    let of = run
        .namespaces()
        .iter()
        .find(|each| each.name.bytes() == namespace);
    let sequence = of
        .into_iter()
        .flat_map(|each| each.snapshots.read().into_iter().flatten())
        .find(|all| all.snapshotter == snapshotter.name)
        .map(|all| all.sequence);
    match (number?, sequence) {
        (number, Some(sequence)) => number.checked_sub(sequence).filter(|by| *by > 0),
        // The namespace, or its bucket of this snapshotter, is gone.
        (_, None) => Some(u64::MAX),
    }
}

fn cycles(run: &mut Run<'_>) {
    let found = run
        .report
        .findings
        .iter()
        .find(|finding| finding.code.name == "snapshot/parent-cycle");
    if let Some(finding) = found {
        let statement = run.statement(&rules::CYCLE).at(finding.location.clone());
        run.note(statement.code("snapshot/parent-cycle"));
    }
}
