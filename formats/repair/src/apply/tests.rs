use std::collections::BTreeMap;
use std::fs;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::plan::{BringsBack, Held, Input, SCHEMA, Step};

/// A root with a meta.db, a folder that goes, and a file that comes.
fn root() -> (tempfile::TempDir, Made) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join(node::META_DIR)).unwrap();
    fs::write(root.join(meta_db()), b"old").unwrap();
    fs::create_dir_all(root.join("store/gone/inner")).unwrap();
    fs::write(root.join("store/gone/inner/file"), b"kept").unwrap();
    let sha256 = |bytes: &[u8]| Some(hex::encode(Sha256::digest(bytes)));
    let step = |action, path: &str, bytes: Option<&[u8]>| Step {
        action,
        sha256: bytes.and_then(sha256),
        ..Step::remove(path, "")
    };
    let plan = Plan {
        schema: SCHEMA.to_owned(),
        id: "0123456789ab".to_owned(),
        made_at: "2026-01-01T00:00:00Z".to_owned(),
        as_of: String::new(),
        node: None,
        config: None,
        daemon: None,
        root: "/".to_owned(),
        state: "/".to_owned(),
        whose: "containerd".to_owned(),
        units: Vec::new(),
        release: String::new(),
        names: Vec::new(),
        by_time: false,
        every_layer: false,
        said: Vec::new(),
        copies: Vec::new(),
        released: Vec::new(),
        sources: Vec::new(),
        inputs: vec![Input {
            path: format!("/{}", meta_db()),
            sha256: sha256(b"old"),
        }],
        wrong: Vec::new(),
        steps: vec![
            step(Action::Remove, "store/gone", None),
            step(Action::Put, "store/come", Some(b"come")),
            step(Action::Put, &meta_db(), Some(b"new")),
        ],
        paired: Vec::new(),
        brings_back: BringsBack::default(),
        edits: Vec::new(),
        lost: Vec::new(),
        held: Held::default(),
        unknown: Vec::new(),
        drafts: Vec::new(),
        pod_addresses: false,
        places_said: false,
        before: Vec::new(),
        after: Vec::new(),
        collected: Vec::new(),
        ..Plan::default()
    };
    let files = BTreeMap::from([
        ("store/come".to_owned(), b"come".to_vec()),
        (meta_db(), b"new".to_vec()),
    ]);
    let donors = Vec::new();
    (
        folder,
        Made {
            plan,
            files,
            donors,
        },
    )
}

fn meta(root: &Path) -> Vec<u8> {
    fs::read(root.join(meta_db())).unwrap()
}

fn is_new(root: &Path) {
    assert_eq!(meta(root), b"new");
    assert_eq!(fs::read(root.join("store/come")).unwrap(), b"come");
    assert!(!root.join("store/gone").exists());
}

fn is_old(root: &Path) {
    assert_eq!(meta(root), b"old");
    assert!(!root.join("store/come").exists());
    assert_eq!(
        fs::read(root.join("store/gone/inner/file")).unwrap(),
        b"kept"
    );
    let names: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Stops after the journal and this many steps, as a kill would.
fn stopped_after(count: usize, back: usize) -> (tempfile::TempDir, Made) {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    let journal = store.stage(&made, None).unwrap();
    let sites = Sites::open(&store.node, &store.root, &journal, false).unwrap();
    journal::store(&sites.quarantine, JOURNAL, &journal).unwrap();
    assert_eq!(journal.moves.len(), 4);
    for (number, step) in journal.moves.iter().take(count).enumerate() {
        if number == 3 {
            let finished = State {
                phase: Phase::Finished,
                seen: Some(store.seen(&journal, &sites).unwrap()),
                keep: false,
            };
            journal::set_state(&sites.quarantine, &finished).unwrap();
        }
        sites.forward([step]).unwrap();
    }
    for step in journal.moves.iter().take(count).rev().take(back) {
        sites.back([step]).unwrap();
    }
    (folder, made)
}

#[test]
fn wherever_it_stops_it_goes_on_to_the_new_or_back_to_the_old() {
    for count in 0..=4 {
        for back in 0..=count {
            let (folder, made) = stopped_after(count, back);
            let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
            let done = store.apply(&made, None).unwrap();
            let is_over = (count, back) == (4, 0);
            assert_eq!(done == Done::AlreadyApplied, is_over, "{count} {back}");
            is_new(folder.path());
            assert!(matches!(store.apply(&made, None), Ok(Done::AlreadyApplied)));
            assert!(matches!(store.undo(false), Ok(Done::Undone { .. })));
            is_old(folder.path());

            let (folder, _) = stopped_after(count, back);
            let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
            assert!(
                matches!(store.undo(false), Ok(Done::Undone { .. })),
                "{count} {back}"
            );
            is_old(folder.path());
            assert!(matches!(store.undo(false), Ok(Done::NothingToUndo)));
        }
    }
}

#[test]
fn between_the_first_and_the_last_step_meta_db_is_a_directory() {
    for count in 1..4 {
        let (folder, _) = stopped_after(count, 0);
        assert!(folder.path().join(meta_db()).is_dir(), "{count}");
    }
}

#[test]
fn a_missing_meta_db_is_missing_again_after_an_undo() {
    let (folder, mut made) = root();
    fs::remove_file(folder.path().join(meta_db())).unwrap();
    for input in &mut made.plan.inputs {
        input.sha256 = None;
    }
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Ok(Done::Applied { .. })));
    is_new(folder.path());
    assert!(matches!(store.undo(false), Ok(Done::Undone { .. })));
    assert!(!folder.path().join(meta_db()).exists());
}

#[test]
fn what_changed_meanwhile_is_not_overwritten() {
    let (folder, made) = root();
    fs::write(folder.path().join(meta_db()), b"another").unwrap();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Err(Failed::Refused(_))));
    assert_eq!(meta(folder.path()), b"another");
    let (folder, made) = stopped_after(2, 0);
    fs::write(folder.path().join("store/come"), b"another program's").unwrap();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(
        store.apply(&made, None),
        Err(Failed::HalfWay { .. })
    ));
    assert_eq!(
        fs::read(folder.path().join("store/come")).unwrap(),
        b"another program's"
    );
}

#[test]
fn after_a_daemon_has_run_an_undo_is_refused() {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Ok(Done::Applied { .. })));
    fs::write(folder.path().join(meta_db()), b"the daemon's").unwrap();
    assert!(matches!(store.undo(false), Err(Failed::Refused(_))));
    assert_eq!(meta(folder.path()), b"the daemon's");
}

/// Says in the state of the repair that an undo has begun, and no more.
fn begin_undo(store: &Store) {
    let journal = store.journal("0123456789ab").unwrap();
    let sites = Sites::open(&store.node, &store.root, &journal, true).unwrap();
    let state = journal::state(&sites.quarantine).unwrap();
    let phase = Phase::Undoing;
    journal::set_state(&sites.quarantine, &State { phase, ..state }).unwrap();
}

#[test]
fn a_daemon_that_ran_while_an_undo_had_only_begun_is_seen() {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Ok(Done::Applied { .. })));
    begin_undo(&store);
    fs::write(folder.path().join(meta_db()), b"the daemon's").unwrap();
    assert!(matches!(store.undo(false), Err(Failed::Refused(_))));
    // Nor does going on make it forgotten.
    assert!(matches!(
        store.go_on("0123456789ab"),
        Ok(Done::Applied { .. })
    ));
    assert!(matches!(store.undo(false), Err(Failed::Refused(_))));
    assert!(matches!(store.undo(true), Ok(Done::Undone { .. })));
    assert_eq!(meta(folder.path()), b"old");
    let kept = fs::read_dir(folder.path().join(".coroner-repair-0123456789ab")).unwrap();
    let kept = kept.map(|entry| fs::read(entry.unwrap().path()).unwrap_or_default());
    assert!(kept.into_iter().any(|bytes| bytes == b"the daemon's"));
}

#[test]
fn a_daemon_that_ran_before_the_repair_was_said_to_have_ended_is_seen() {
    let (folder, made) = stopped_after(4, 0);
    fs::write(folder.path().join(meta_db()), b"the daemon's").unwrap();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.undo(false), Err(Failed::Refused(_))));
    assert_eq!(meta(folder.path()), b"the daemon's");
    drop(made);
}

#[test]
fn a_quarantine_without_its_journal_is_not_cleared_away() {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Ok(Done::Applied { .. })));
    let quarantine = folder.path().join(".coroner-repair-0123456789ab");
    fs::remove_file(quarantine.join(JOURNAL)).unwrap();
    assert!(matches!(store.undo(true), Ok(Done::NothingToUndo)));
    assert!(store.purge("0123456789ab").is_err());
    assert_eq!(fs::read(quarantine.join(STOPPER)).unwrap(), b"old");
    assert!(quarantine.join("slot-0/inner/file").is_file());
}

#[test]
fn what_an_attempt_left_that_had_not_begun_is_cleared_away() {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    store.stage(&made, None).unwrap();
    assert!(matches!(store.undo(false), Ok(Done::NothingToUndo)));
    is_old(folder.path());
    // Killed while the state was written, on a full disk.
    store.stage(&made, None).unwrap();
    let quarantine = folder.path().join(".coroner-repair-0123456789ab");
    fs::write(quarantine.join("state.json"), b"").unwrap();
    assert!(matches!(store.undo(false), Ok(Done::NothingToUndo)));
    is_old(folder.path());
}

#[test]
fn a_state_takes_no_new_room() {
    let (folder, made) = root();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(store.apply(&made, None), Ok(Done::Applied { .. })));
    let quarantine = folder.path().join(".coroner-repair-0123456789ab");
    let sizes = || -> Vec<u64> {
        let names = ["state.json", "state.spare"];
        let size = |name| fs::metadata(quarantine.join(name)).unwrap().len();
        names.map(size).to_vec()
    };
    let before = sizes();
    begin_undo(&store);
    assert_eq!(sizes(), before);
    assert_eq!(before.first(), before.last());
}

#[test]
fn two_repairs_at_once_are_refused() {
    let (folder, _) = root();
    let _store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(matches!(
        Store::open(folder.path(), Path::new("/"), true),
        Err(Failed::Refused(_))
    ));
}

#[test]
fn a_link_below_the_root_is_never_followed() {
    let (folder, made) = root();
    let outside = tempfile::tempdir().unwrap();
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    fs::create_dir(outside.path().join("gone")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("store")).unwrap();
    let store = Store::open(folder.path(), Path::new("/"), true).unwrap();
    assert!(store.apply(&made, None).is_err());
    assert!(outside.path().join("gone").is_dir());
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}
