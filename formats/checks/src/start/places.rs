//! Folders, sockets, stores: what stands where the daemon makes or needs something.

use std::path::{Path, PathBuf};

use daemon::Release;
use daemon::start as rules;
use evidence::FileKind;
use finding::Location;
use node::{CONTENT_DIR, META_DIR, path_text};

use super::run::{Flow, Run};
use super::settings;

fn at(path: &Path) -> Location {
    Location::file(path_text(path))
}

/// What is done before any plugin is loaded.
pub(super) fn top(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    let around = &node.around;
    let (root, state) = (&node.roots.root, &node.roots.state);
    if around.mount.is_some_and(|mount| mount.read_only) {
        run.say(run.statement(&rules::ROOT_READ_ONLY).at(at(root)))?;
    }
    for path in [root.clone(), state.clone(), root.join("tmpmounts")] {
        let kind = around.kind(&path);
        if kind.is_some_and(|kind| kind != FileKind::Dir) {
            let says = format!("mkdir {}: not a directory", path_text(&path));
            let statement = run.statement(&rules::NOT_A_FOLDER).says(says);
            run.say(statement.at(at(&path)))?;
        }
    }
    for (name, which) in [
        ("containerd.sock.ttrpc", "main ttrpc endpoint"),
        ("containerd.sock", "main endpoint"),
    ] {
        let path = state.join(name);
        if around.kind(&path) == Some(FileKind::Dir) {
            let says = format!("failed to get listener for {which}");
            let statement = run.statement(&rules::SOCKET_TAKEN).says(says);
            run.say(statement.at(at(&path)))?;
        }
    }
    if around.state_has_stores && run.is_new() {
        run.note(run.statement(&rules::SWAPPED).at(at(state)).forbids());
    } else if around.mount.is_some_and(|mount| mount.is_memory()) {
        run.note(run.statement(&rules::ROOT_IN_MEMORY).at(at(root)));
    }
    Flow::Continue(())
}

/// What plugins need of their folders.
pub(super) fn plugins(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    let root = &node.roots.root;
    if settings::is_disabled(run, "io.containerd.metadata.v1.bolt") {
        return run.die(run.statement(&rules::METADATA_DISABLED));
    }
    settings::policy(run)?;
    let content = root.join(CONTENT_DIR);
    let ingest = content.join("ingest");
    let is_no_folder = |path: &PathBuf| {
        let kind = node.around.kind(path);
        kind.is_some_and(|kind| kind != FileKind::Dir)
    };
    // 1.6 makes the folder of ingests when it starts, later ones when they need it.
    let store = is_no_folder(&content);
    if store || is_no_folder(&ingest) {
        let path = if store { &content } else { &ingest };
        if run.release == Release::V1_6 {
            let statement = run.statement(&rules::CONTENT_LOST).at(at(path));
            run.die(statement)?;
        } else {
            run.note(run.statement(&rules::CONTENT_FAILS).at(at(path)));
        }
    }
    let bolt = root.join(META_DIR);
    if is_no_folder(&bolt) {
        let says = format!("mkdir {}: not a directory", path_text(&bolt));
        let statement = run.statement(&rules::META_NO_FILE).says(says);
        return run.die(statement.at(at(&bolt)));
    }
    Flow::Continue(())
}
