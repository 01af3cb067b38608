//! Snapshots and their directories.

use finding::program::MKDIR;
use finding::{Finding, Loss, Remedy, Step, Text};

use super::steps::{RUNNING, SHOWN, and_more, call, objects_of_kind, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["snapshot/work-missing"], work),
    (&["snapshot/directory-unknown"], unknown),
    (
        &[
            "snapshot/backend-missing",
            "snapshot/directory-missing",
            "snapshot/parent-missing",
            "snapshot/layer-differs",
            "snapshot/layer-marks",
            "snapshot/usage-differs",
            "image/chain-broken",
        ],
        unpacked_again,
    ),
    (&["container/snapshot-gone"], made_anew),
    (&["container/runtime-gone"], removed_after_save),
    (
        &[
            "snapshot/id-sequence",
            "snapshot/id-twice",
            "snapshot/kind",
            "snapshot/parent-cycle",
            "snapshot/parents-disagree",
            "snapshot/parents-index",
        ],
        rows_anew,
    ),
    (&["snapshot/name-sequence", "snapshot/name-twice"], records),
    (&["snapshot/half-committed"], half),
];

/// metadata.db is made anew from what meta.db and the directories say.
fn rows_anew(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    vec![here.repair(
        "`coroner repair` rebuilds the rows of metadata.db from meta.db and the directories, and says which pair \
        is only likely. `coroner repair undo` takes it back.",
    )]
}

/// meta.db gets the value that metadata.db says.
fn records(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    vec![
        here.repair(
            "`coroner repair` corrects the record by the rows of metadata.db. `coroner repair undo` takes it back.",
        ),
    ]
}

/// The folder that overlayfs works in is empty: it can be made again.
fn work(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    // The finding stands at the row; the directory is what it names.
    let message = finding.message.as_str();
    let Some((_, folder)) = message.split_once(" (").filter(|_| message.ends_with(')')) else {
        return Vec::new();
    };
    let path = Text::from(format!("{}/work", folder.trim_end_matches(')')));
    let step = run(call(MKDIR).words(&["-m", "0711"]).path(path)).map(Step::undoable);
    vec![Remedy::new(
        "Nothing was in it: the kernel mounts the snapshot again. `coroner repair` makes the folder, too.",
        step.into_iter().collect(),
    )]
}

/// What the next clean-up would delete is kept.
fn unknown(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut way = here.set_aside(
        finding,
        "The next clean-up does not find it: its files are kept. Where metadata.db lacks the row of a snapshot, \
         `coroner repair` rebuilds it.",
        true,
    );
    for step in way.steps.iter_mut().take(1) {
        step.condition = Some("if its files are wanted".to_owned());
    }
    vec![way]
}

/// The layers go with the last name of their image, and are unpacked anew by the next pull.
fn unpacked_again(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut steps = here.remove_holders(finding);
    // Nothing is lost by this one, so it stands first.
    // Layers that take their recorded room are compared only where that is asked for.
    let is_compared = matches!(
        finding.code.name,
        "snapshot/layer-differs" | "snapshot/layer-marks" | "snapshot/usage-differs"
    );
    let options: &[&str] = if is_compared { &["--every-layer"] } else { &[] };
    let repaired = here.repair_with(
        options,
        "Where the blob is there, is not encrypted, and files of the layer are gone or empty, `coroner repair` unpacks it again: no \
         image name and no container is lost. `coroner repair undo` takes it back.",
    );
    let pulls = here.pulls(finding);
    // What something else holds as well stays as it is, and the pull fails at it: all would be lost for nothing.
    let going = objects_of_kind(finding, "container").chain(objects_of_kind(finding, "image"));
    let is_free = here
        .hanging
        .frees(going, objects_of_kind(finding, "snapshot"));
    if pulls.is_empty() || !is_free {
        return vec![repaired];
    }
    steps.extend(pulls);
    vec![
        repaired,
        Remedy::new(
            "Once no name and no container holds them, the layers are removed, and the pull unpacks them \
         again.",
            steps,
        ),
    ]
}

/// A container whose files are gone is made anew by its owner.
fn made_anew(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let containers = objects_of_kind(finding, "container").take(SHOWN);
    let condition =
        "with containerd running, and if `coroner snapshots orphans /` does not show its files";
    let steps = containers.filter_map(|one| Some(here.remove_container(one)?.only(condition)));
    let mut steps: Vec<Step> = steps.collect();
    and_more(
        &mut steps,
        objects_of_kind(finding, "container").count(),
        "Remove",
    );
    vec![Remedy::new(
        "The record is removed; the owner recreates the container.",
        steps,
    )]
}

/// A container whose runtime cannot come back is made for another one by its owner.
fn removed_after_save(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let containers = objects_of_kind(finding, "container")
        .take(SHOWN)
        .zip(1_usize..);
    let steps = containers.filter_map(|(one, number)| {
        let step = here.container_after_save(finding, one, number)?;
        Some(step.only("with containerd running, and if its shim cannot be installed again"))
    });
    let mut steps: Vec<Step> = steps.collect();
    and_more(
        &mut steps,
        objects_of_kind(finding, "container").count(),
        "Remove",
    );
    vec![Remedy::new(
        "Its owner recreates the container, for a runtime that is there.",
        steps,
    )]
}

/// The half that only meta.db has goes.
fn half(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut places = finding.location.places.iter();
    let found = places.any(|place| place.name == *"snapshots");
    let Some(snapshotter) = places.next().filter(|_| found) else {
        return Vec::new();
    };
    let snapshots = objects_of_kind(finding, "snapshot").take(1);
    let steps = snapshots.filter_map(|snapshot| {
        let draft = here.ctr(snapshot.namespace.as_ref()?, &["snapshots"]);
        let draft = draft
            .value("--snapshotter", snapshotter.name.clone())
            .word("rm");
        let step = run(draft.operand(snapshot.name.clone()))?;
        Some(step.loses(Loss::of_object(snapshot.clone())).only(RUNNING))
    });
    vec![Remedy::new(
        "The next pull or container unpacks the layer again.",
        steps.collect(),
    )]
}
