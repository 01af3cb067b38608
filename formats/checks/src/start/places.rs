//! Folders, sockets, stores: what stands where the daemon makes or needs something.

use std::path::{Path, PathBuf};

use daemon::Release;
use daemon::start as rules;
use evidence::FileKind;
use finding::Location;
use node::{CONTENT_DIR, META_DIR, path_text};

use super::run::{Flow, Run};
use super::{settings, unit};

fn at(path: &Path) -> Location {
    Location::file(path_text(path))
}

/// Whether the start would take these stores.
fn roots(run: &mut Run<'_>) {
    let node = run.node;
    let roots = &node.roots;
    let said = [("root", roots.said_root()), ("state", roots.said_state())];
    for (key, path) in &said {
        if let Some(path) = path.as_ref().filter(|path| path.is_relative()) {
            let does = format!(
                "starts in a folder that depends on its working directory: {key} is the relative \
                 path {}",
                path_text(path)
            );
            let setting = run.settings.get(&[*key]);
            let place = setting.map(|setting| Location::file(setting.file.clone()));
            let statement = run.statement(&rules::RELATIVE_PLACE).does(does);
            run.note(statement.at(place.unwrap_or_default()));
        }
    }
    let [(_, root), _] = said;
    let usual = Path::new("/var/lib/containerd");
    let taken = Path::new("/").join(root.as_deref().unwrap_or(usual));
    let was_found = matches!(roots.rule, node::Rule::Distribution | node::Rule::Config);
    if roots.whose != "containerd" || !was_found {
        return;
    }
    let other = if taken != roots.root {
        Some((taken, roots.root.clone()))
    } else if run.is_new() {
        let mut elsewhere = roots.elsewhere.iter();
        elsewhere.next().map(|other| (taken, other.clone()))
    } else {
        None
    };
    if let Some((taken, stores)) = other {
        let does = format!(
            "starts on {}, and not on {}, where stores are: it sees no image and no container of \
             theirs",
            path_text(&taken),
            path_text(&stores)
        );
        let statement = run.statement(&rules::ROOT_ELSEWHERE).does(does);
        let statement = statement.at(at(&taken));
        // What was found by searching may be a backup, and the node a new one.
        let was_searched = taken == roots.root && roots.rule == node::Rule::Distribution;
        run.note(if was_searched {
            statement.perhaps()
        } else {
            statement
        });
    }
}

/// What is done before any plugin is loaded.
pub(super) fn top(run: &mut Run<'_>) -> Flow {
    roots(run);
    let node = run.node;
    let around = &node.around;
    let (root, state) = (&node.roots.root, &node.roots.state);
    if around.mount.is_some_and(|mount| mount.read_only) {
        run.say(run.statement(&rules::ROOT_READ_ONLY).at(at(root)))?;
    }
    if around.state_mount.is_some_and(|mount| mount.read_only) {
        run.say(run.statement(&rules::STATE_READ_ONLY).at(at(state)))?;
    }
    let disk = node.disks.state.room;
    if disk.is_some_and(|disk| disk.inodes > 0 && disk.free_inodes == 0) {
        run.say(run.statement(&rules::STATE_NO_INODES).at(at(state)))?;
    }
    unit::view(run)?;
    for path in [root.clone(), state.clone(), root.join("tmpmounts")] {
        if around.is_no_folder(&path) {
            // A link that leads nowhere is there, and no folder can be made in its place.
            let why = match around.kind(&path) {
                Some(_) => "not a directory",
                None => "file exists",
            };
            let says = format!("mkdir {}: {why}", path_text(&path));
            let mut statement = run.statement(&rules::NOT_A_FOLDER).says(says);
            if around.kind(&path).is_none() {
                statement = statement.does(format!(
                    "exits: {} is a link, and what it leads to is not there (is its disk mounted?)",
                    path_text(&path)
                ));
            }
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
        let at = settings::place(run, &["disabled_plugins"]);
        return run.die(run.statement(&rules::METADATA_DISABLED).at(at));
    }
    settings::policy(run)?;
    let content = root.join(CONTENT_DIR);
    let ingest = content.join("ingest");
    let is_no_folder = |path: &PathBuf| node.around.is_no_folder(path);
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
