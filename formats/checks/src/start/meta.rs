//! meta.db: locked, opened, walked, migrated.

use std::path::Path;

use bolt::What;
use daemon::Release;
use daemon::start as rules;
use evidence::Lock;
use finding::{Location, Object, Text, Unread};
use metadb::Problem;
use node::{DatabaseState, META_DIR, Scalar, Stranger};

use super::run::{Flow, Run};
use super::{Outcome, Target, bbolt};

/// Opens meta.db as the daemon would.
pub(super) fn open(run: &mut Run<'_>) -> Flow {
    locked(run)?;
    file(run)?;
    freelist(run)?;
    pages(run)?;
    migrate(run)?;
    if run.is_new() {
        made_anew(run);
    }
    Flow::Continue(())
}

/// Who holds the lock, if it is not the daemon that would be started again.
pub(super) fn holder<'h>(run: &'h Run<'_>, path: &Path) -> Option<&'h Lock> {
    let holders = run.node.around.holders.get(path)?;
    // A daemon that runs holds its own locks; a start is a restart then.
    holders.iter().find(|lock| {
        let command = lock.command.as_ref().map(Text::bytes).unwrap_or_default();
        !crate::running::is_daemon(command)
    })
}

pub(super) fn process(lock: &Lock) -> Target {
    let pid = lock
        .pid
        .map_or_else(|| "?".to_owned(), |pid| pid.to_string());
    let command = lock
        .command
        .as_ref()
        .map_or_else(|| "?".to_owned(), ToString::to_string);
    Target::new(Object::global("process", format!("{pid} ({command})")))
}

fn locked(run: &mut Run<'_>) -> Flow {
    let path = run.node.roots.root.join(META_DIR).join("meta.db");
    let Some(holder) = holder(run, &path).map(process) else {
        return Flow::Continue(());
    };
    let timeout = run
        .settings
        .get(&["timeouts", "io.containerd.timeout.bolt.open"]);
    let gives_up = timeout.is_some_and(|setting| match &setting.value {
        Scalar::Text(text) => !text.starts_with('0'),
        _ => false,
    });
    let at = run.in_meta(&[]);
    if gives_up {
        let statement = run.statement(&rules::META_LOCK_TIMEOUT).at(at);
        return run.die(statement.target(holder));
    }
    let statement = run.statement(&rules::META_LOCKED).at(at);
    run.say(statement.target(holder))
}

fn file(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    let meta = &node.meta;
    let at = run.in_meta(&[]);
    if node
        .disks
        .meta
        .flags
        .is_some_and(|flags| flags.immutable || flags.append_only)
    {
        let says = format!("open {}: operation not permitted", meta.path);
        let statement = run.statement(&rules::META_NO_FILE).says(says);
        return run.die(statement.at(at));
    }
    // bbolt wants both metas to be there, good or not.
    if let Some(facts) = meta.facts
        && facts.size < facts.page_size.saturating_mul(2)
    {
        let statement = run.statement(&rules::META_UNOPENED);
        let says = "file size too small";
        return run.die(
            statement
                .says(says)
                .at(at)
                .code("bolt/file-short")
                .forbids(),
        );
    }
    match &meta.state {
        DatabaseState::Broken => {
            let says = refusal(run);
            let statement = run.statement(&rules::META_UNOPENED).says(says);
            run.die(statement.at(at).code("store/meta-broken").forbids())
        }
        DatabaseState::Unread(Unread::Special(_) | Unread::Dangling(_)) => {
            let statement = run.statement(&rules::META_NO_FILE);
            run.die(statement.at(at).code("store/unreadable"))
        }
        DatabaseState::Stale => {
            let statement = run.statement(&rules::TREE_STALE).at(at);
            run.note(statement.code("bolt/stale-root").forbids());
            run.undecided.extend(
                meta.lost()
                    .map(|unknown| format!("{}: {}", unknown.what, unknown.why)),
            );
            Flow::Continue(())
        }
        DatabaseState::Other(Stranger::Both) => {
            run.undecided.extend(
                meta.lost()
                    .map(|unknown| format!("{}: {}", unknown.what, unknown.why)),
            );
            Flow::Continue(())
        }
        DatabaseState::Unread(Unread::Absent)
        | DatabaseState::Empty
        | DatabaseState::Other(_)
        | DatabaseState::Open => Flow::Continue(()),
        DatabaseState::Unread(unread) => {
            run.undecided.push(format!("{} {unread}", meta.path));
            Flow::Continue(())
        }
    }
}

/// What bbolt says of a file of which neither meta is valid.
fn refusal(run: &Run<'_>) -> String {
    let mut says = "invalid database";
    for found in &run.node.meta.faults {
        match found.fault.what {
            What::MetaChecksum { .. } => says = "checksum error",
            What::MetaVersion { .. } => says = "version mismatch",
            What::FileShort { .. } if run.release >= Release::V1_7 => says = "file size too small",
            What::MetaMagic { .. } | What::NotBolt => return "invalid database".to_owned(),
            _ => {}
        }
    }
    says.to_owned()
}

fn freelist(run: &mut Run<'_>) -> Flow {
    let meta = &run.node.meta;
    if !meta.facts.is_some_and(|facts| facts.freelist_synced) {
        return Flow::Continue(());
    }
    let found = meta.faults.iter().find_map(bbolt::freelist);
    if let Some((panic, is_absurd)) = found {
        let rule = if is_absurd {
            &rules::FREELIST_COUNT
        } else {
            &rules::FREELIST
        };
        let statement = run.statement(rule).at(in_file(&meta.path, &panic.at));
        return run.say(statement.code(panic.code).says(panic.says).forbids());
    }
    Flow::Continue(())
}

/// The place of a fault, in its file.
pub(super) fn in_file(path: &Text, at: &Location) -> Location {
    Location {
        file: Some(path.clone()),
        ..at.clone()
    }
}

/// Whether something reads this bucket of meta.db at every start: the collector and the monitor of
/// restarts read nearly all.
fn is_read(path: &[Vec<u8>]) -> bool {
    let names: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
    !matches!(
        names.as_slice(),
        [b"v1", _, b"labels", ..]
            | [b"v1", _, b"images", _, b"annotations", ..]
            | [b"v1", _, b"snapshots", _, _, b"children", ..]
    )
}

fn pages(run: &mut Run<'_>) -> Flow {
    let meta = &run.node.meta;
    let Some(facts) = meta.facts else {
        return Flow::Continue(());
    };
    let walks = !facts.freelist_synced;
    let mut others = 0_usize;
    let faults = bbolt::in_order(&meta.faults);
    let mut all = faults
        .iter()
        .filter_map(|found| Some((*found, bbolt::page(found, run.release, walks)?)))
        .peekable();
    while let Some((found, panic)) = all.next() {
        if !walks && !is_read(&found.path) {
            others = others.saturating_add(1);
            continue;
        }
        let rule = if walks {
            &rules::PAGE_AT_OPEN
        } else {
            &rules::PAGE_AT_USE
        };
        let mut statement = run.statement(rule).at(in_file(&meta.path, &panic.at));
        statement = statement.code(panic.code).forbids();
        if !panic.says.is_empty() {
            statement = statement.says(panic.says);
        }
        // In one bucket, which of several comes first depends on its branches.
        let several = all.peek().is_some_and(|(next, _)| next.path == found.path);
        if several {
            statement = statement.says("");
        }
        if panic.may_hang {
            statement = statement.says("").does(if walks {
                "panics at a damaged page when it opens meta.db, or reads the bytes behind the page \
                 as part of it"
            } else {
                "panics at a page that the CRI or the first garbage collection reads, or follows \
                 its bytes and never ends"
            });
            // Another one of the walk may be certain.
            if !(walks && all.any(|(_, panic)| !panic.may_hang)) {
                // Whoever writes waits for the collector that never ends.
                run.or.extend([Outcome::Hangs, Outcome::Boots]);
                run.unknown.push(format!(
                    "{} is damaged: what is removed if it goes on is not known",
                    meta.path
                ));
            }
        }
        return run.say(statement);
    }
    if others > 0 {
        let statement = run.statement(&rules::PAGE_AT_USE).forbids().perhaps();
        run.note(statement.does("starts, and panics when something touches a damaged page"));
        run.or.push(Outcome::CrashLoop);
    }
    let lost = meta.rows.as_ref().is_some_and(|rows| {
        !rows.namespaces.unknown().is_empty() || rows.namespaces.read().is_none()
    });
    let hides = meta
        .faults
        .iter()
        .any(|found| found.fault.unknown.is_some());
    if (hides || lost) && !run.is_new() {
        run.undecided.push(format!(
            "{} is damaged: what it holds is not known whole",
            meta.path
        ));
    }
    Flow::Continue(())
}

/// The schema that a release writes.
fn migrate(run: &mut Run<'_>) -> Flow {
    let Some(rows) = &run.node.meta.rows else {
        return Flow::Continue(());
    };
    let wanted = run.release.schema();
    // A version that could not be read is not one that is missing.
    let unread = rows.version.is_none() && rows.namespaces.whole().is_none();
    if run.is_new() || unread || rows.version.is_some_and(|version| version >= wanted) {
        return Flow::Continue(());
    }
    let from = rows.version.unwrap_or(0);
    if wanted >= 4 && from < 4 {
        old_sandboxes(run)?;
    }
    let does = format!(
        "changes meta.db from schema {from} to {wanted}{}",
        if wanted >= 4 {
            ", and removes every bucket beside v1; there is no way back but a copy"
        } else {
            ""
        }
    );
    let at = run.in_meta(&["v1".into(), "version".into()]);
    run.note(run.statement(&rules::MIGRATES).does(does).at(at));
    Flow::Continue(())
}

/// What the migration to schema 4 copies: `<namespace>/sandboxes` of 1.7.
fn old_sandboxes(run: &mut Run<'_>) -> Flow {
    let Some(rows) = &run.node.meta.rows else {
        return Flow::Continue(());
    };
    for trouble in &rows.troubles {
        let Problem::Record(metadb::Fault::PlainKey { key, .. }) = &trouble.problem else {
            continue;
        };
        if trouble.path.is_empty() {
            let at = run.in_meta(std::slice::from_ref(key));
            return run.say(
                run.statement(&rules::MIGRATION_PANICS)
                    .at(at)
                    .code("meta/plain-key"),
            );
        }
    }
    for trouble in &rows.troubles {
        let Problem::Record(
            metadb::Fault::BucketKey { key, .. } | metadb::Fault::PlainKey { key, .. },
        ) = &trouble.problem
        else {
            continue;
        };
        // `v1/<namespace>/sandboxes` is a key, or a bucket stands too deep beside v1.
        let v1 = trouble.path.first().is_some_and(|name| *name == "v1");
        let clash = v1 && trouble.path.len() == 2 && *key == "sandboxes";
        let deep = !v1 && trouble.path.len() >= 3;
        if clash || deep {
            let at = run.in_meta(&trouble.path);
            return run.die(run.statement(&rules::MIGRATION_FAILS).at(at));
        }
    }
    Flow::Continue(())
}

/// An empty meta.db beside stores that are not.
fn made_anew(run: &mut Run<'_>) {
    let node = run.node;
    let mut targets = Vec::new();
    for snapshotter in &node.snapshotters {
        let layout = snapshotter.layout.read();
        let rows = snapshotter
            .db
            .rows
            .as_ref()
            .map_or(&[][..], metadb::Backend::snapshots);
        for id in layout.into_iter().flat_map(|layout| layout.dirs.keys()) {
            let row = rows.iter().find(|row| row.id == Some(*id));
            let bytes = row.and_then(|row| u64::try_from(row.size?).ok());
            let name = format!("{}/{id}", snapshotter.name);
            let object = Object::global("snapshot-dir", name);
            targets.push(Target::sized(object, bytes));
        }
    }
    for blob in node
        .content
        .read()
        .into_iter()
        .flat_map(|store| &store.blobs)
    {
        let object = Object::global("blob", blob.digest.to_string());
        targets.push(Target::sized(object, Some(blob.stat.size)));
    }
    if targets.is_empty() {
        return;
    }
    let statement = if matches!(node.meta.state, DatabaseState::Other(_)) {
        run.statement(&rules::META_OTHER)
            .code("store/other-database")
    } else {
        run.statement(&rules::META_NEW)
    };
    let at = run.in_meta(&[]);
    run.note(statement.at(at).targets(targets).forbids());
}
