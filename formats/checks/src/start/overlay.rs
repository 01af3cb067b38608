//! Overlayfs: whether the kernel can mount one, and whether the file system below can be written
//! through it. The plugin loads all the same: it tries no mount at a start.

use daemon::start as rules;
use finding::{Location, Object, Text};
use node::{Overlay, path_text};

use super::run::{Flow, Run};
use super::{Target, settings};
use crate::part::Part;

/// Whether pods or images of the node are on overlayfs, or the CRI would put them there.
fn is_used(run: &Run<'_>) -> bool {
    let has_store = run.node.snapshotters.iter().any(|it| {
        let rows = it.db.rows.as_ref();
        it.name == *"overlayfs" && rows.is_some_and(|rows| !rows.snapshots().is_empty())
    });
    let is_cris = !run.node.roots.whose.contains("docker")
        && settings::chosen_snapshotter(run) == "overlayfs";
    has_store || is_cris
}

/// Whether an overlay that is written below its folders is mounted now.
fn is_mounted(run: &Run<'_>) -> bool {
    let folder = path_text(&run.node.around.overlay);
    let processes = run.node.processes.as_deref();
    let mounts = processes.and_then(|all| all.mounts.as_ref());
    mounts.into_iter().flatten().any(|mount| {
        let upper = mount.option("upperdir").unwrap_or_default();
        mount.kind == *"overlay" && upper.bytes().starts_with(folder.bytes())
    })
}

/// What overlayfs needs of the kernel and of its disk.
pub(super) fn needs(run: &mut Run<'_>) -> Flow {
    let id = "io.containerd.snapshotter.v1.overlayfs";
    if settings::is_disabled(run, id) || is_mounted(run) {
        return Flow::Continue(());
    }
    let node = run.node;
    let around = &node.around;
    let root = path_text(&around.overlay);
    let target = Target::new(Object::global("snapshotter", "overlayfs"));
    if let Some(kind) = around.overlay_mount.and_then(|it| it.refuses_overlay()) {
        let does = format!(
            "starts; no container can be started on overlayfs: the file system of its folders is \
             {kind}, which cannot hold what containers write"
        );
        let statement = run.statement(&rules::NO_UPPER).does(&does);
        run.note(
            statement
                .at(Location::file(root.clone()))
                .target(target.clone()),
        );
    }
    if !is_used(run) {
        return Flow::Continue(());
    }
    if let Some(kind) = around.overlay_mount.and_then(|it| it.doubts_overlay()) {
        let why = format!(
            "its disk is {kind}: whether containers can write there depends on the release of {kind} \
             and of the kernel"
        );
        run.not_known(Part::Disks, format!("overlayfs at {root}"), why);
    }
    match &around.kernel.overlay {
        Overlay::NotTaken | Overlay::Works => Flow::Continue(()),
        Overlay::Unknown(why) => {
            run.not_known(Part::Disks, "overlayfs in the kernel", why.clone());
            Flow::Continue(())
        }
        Overlay::Lacks { at, why } => lacks(run, at, why, target),
    }
}

fn lacks(run: &mut Run<'_>, at: &Text, why: &str, target: Target) -> Flow {
    let tries = ["k3s", "rke2"].contains(&run.node.roots.whose)
        && settings::chosen_snapshotter(run) == "overlayfs";
    let rule = if tries {
        &rules::NO_OVERLAY_TRIED
    } else {
        &rules::NO_OVERLAY
    };
    let does = format!("{} ({why})", rule.does);
    let statement = run
        .statement(rule)
        .does(&does)
        .at(Location::file(at.clone()));
    run.say(statement.target(target))
}
