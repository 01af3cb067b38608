//! Databases and stores.

use finding::program::{CHATTR, CORONER, CP, MOUNT};
use finding::{Finding, Remedy, Step, Text};

use super::steps::{call, run};
use super::{Here, Table};
use crate::still_open::StillOpen;

pub(super) const TABLE: Table = &[
    (&["store/state-kept"], state_below_run),
    (&["bolt/"], database),
    (
        &[
            "meta/key-missing",
            "meta/no-schema",
            "meta/value-undecodable",
            "store/meta-broken",
            "store/meta-empty",
            "store/meta-missing",
        ],
        rebuilt,
    ),
    (&["store/metadata-broken"], backend),
    (&["store/other-database"], exchanged),
    (&["snapshot/backend-unknown"], completed),
    (&["store/disk-not-mounted"], mounted),
    (&["store/immutable"], mutable),
    (&["store/mounts-broken"], mounts),
    (&["store/snapshots-elsewhere"], put_back),
    (&["config/empty"], written_again),
    (&["config/unusable"], corrected),
    (&["snapshot/name-form"], renamed),
    (
        &["runtime/daemon-cut-off", "runtime/daemon-replaced"],
        restarted,
    ),
    (&["cri/address-lost"], addressed),
    (&["store/lost-found"], copied),
    (&["store/owner-changed", "snapshot/store-copied"], compared),
];

fn is_meta(finding: &Finding) -> bool {
    let file = finding.location.file.as_ref();
    file.is_none_or(|file| file.bytes().ends_with(b"/meta.db"))
}

/// Damage of a file: meta.db is rebuilt from all stores, others from what is left of them.
fn database(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if finding.severity == finding::Severity::Note {
        return Vec::new();
    }
    let is_old =
        [bolt::codes::STALE_ROOT.name, bolt::codes::LOST_WRITE.name].contains(&finding.code.name);
    if is_old {
        return reverted(here, finding);
    }
    // What takes nothing away from any record is looked into: a new database would be the same.
    if finding.severity < finding::Severity::Damage {
        return Vec::new();
    }
    if is_meta(finding) {
        return rebuilt(here, finding);
    }
    backend(here, finding)
}

/// The tree of the transaction before, where it is whole: all that is lost is what the last one did. Else
/// what can be proven of the newest.
fn reverted(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(file) = finding.location.file.as_ref() else {
        return Vec::new();
    };
    let node = here.node;
    let backends = node.snapshotters.iter().map(|one| &one.db);
    let backends = backends.map(|db| (&db.path, db.facts));
    let mut all = backends.chain([
        (&node.meta.path, node.meta.facts),
        (&node.mounts.path, node.mounts.facts),
    ]);
    let facts = all
        .find(|(path, _)| *path == file)
        .and_then(|(_, facts)| facts);
    let is_sure = finding.code.name == bolt::codes::STALE_ROOT.name;
    let mut ways = Vec::new();
    if facts.is_some_and(|facts| facts.is_revertible) {
        ways.push(here.revert(file, is_sure));
    }
    // Where the tree before has lost more than the newest one, `surgery revert` writes nothing.
    if is_sure && is_meta(finding) {
        ways.extend(rebuilt(here, finding));
    } else if ways.is_empty() {
        ways.push(here.salvage(file));
    }
    ways
}

/// The only whole copy lives as long as the process does that has it open.
fn rescued(here: &Here<'_>, file: &Text, open: StillOpen) -> Remedy {
    let copy = Text::from("/var/tmp/coroner-rescued.db");
    let take = call(CP).path(open.path()).path(copy.clone());
    let check = call(CORONER)
        .words(&["bolt", "check"])
        .operand(copy.clone());
    let back = call(CP).word("-n").path(copy).path(file.clone());
    let mut steps = Vec::new();
    steps.extend(run(take));
    steps.extend(run(check));
    // With the daemon the file ends: a copy that was torn by a write is taken again first.
    let rest = here.stop().into_iter().chain(run(back));
    steps.extend(rest.map(|step| step.only("once nothing is wrong with the copy")));
    steps.extend(here.start_only("once the copy is whole and in its place"));
    Remedy::new(
        "The daemon still has the deleted file open: until it ends, all of it can be copied.",
        steps,
    )
}

/// The way out of a lost database that a daemon still has open.
fn while_open(here: &Here<'_>, finding: &Finding) -> Option<Remedy> {
    let file = finding.location.file.as_ref()?;
    let open = StillOpen::find_open(here.node, file)?;
    Some(rescued(here, file, open))
}

/// meta.db is completed from the other stores; what cannot be kept is named first.
fn rebuilt(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if let Some(way) = while_open(here, finding) {
        return vec![way];
    }
    if !is_meta(finding) {
        return backend(here, finding);
    }
    let mut way = here.repair(
        "`coroner repair` builds a new meta.db from what all stores hold, and says what it cannot keep. `coroner \
         repair undo` takes it back.",
    );
    if !matches!(
        finding.code.name,
        "meta/key-missing" | "meta/value-undecodable"
    ) {
        saved_by_fsck(here, &mut way);
    }
    // A record that cannot be set right is left out.
    let is_record = matches!(
        finding.code.name,
        "meta/key-missing" | "meta/value-undecodable"
    );
    let record = finding.affects.first().filter(|_| is_record).cloned();
    let apply = way.steps.iter_mut().find(|step| step.condition.is_some());
    if let (Some(record), Some(apply)) = (record, apply) {
        apply.loses = finding::Loss::of_object(record);
    }
    vec![way]
}

/// How many databases of lost+found are asked about.
const FEW: usize = 4;

/// A database that a check of the file system saved may be meta.db as it was: it is asked about before a new one is
/// built.
fn saved_by_fsck(here: &Here<'_>, way: &mut Remedy) {
    let found = here.node.lost_found.iter();
    let paths = found.flat_map(|found| {
        let top = node::path_text(&found.path);
        let name = move |name: &Text| Text::from([top.bytes(), b"/", name.bytes()].concat());
        found.databases.iter().map(name)
    });
    let looks = paths.take(FEW).filter_map(|path| here.preflight_on(&path));
    let looks: Vec<Step> = looks.map(Step::undoable).collect();
    if looks.is_empty() {
        return;
    }
    way.why = format!(
        "lost+found holds a database. If preflight forbids no start on it, it is meta.db as it was: copy it to meta.db's \
         place, and repair nothing. Else: {}",
        way.why
    );
    let stopped = here.stop().len();
    way.steps.splice(stopped..stopped, looks);
}

/// Each database goes to its own place.
fn exchanged(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    vec![here.repair("What is replaced is kept; `coroner repair undo` takes the repair back.")]
}

/// meta.db is completed where it lost so many that it is an older one; a few are leftovers.
fn completed(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if finding.severity < finding::Severity::Damage {
        return Vec::new();
    }
    vec![here.repair("coroner completes meta.db from the snapshots that it does not name.")]
}

/// Snapshotters whose database is made anew from meta.db and their directories.
const MADE_ANEW: [&[u8]; 2] = [
    b"/io.containerd.snapshotter.v1.overlayfs/metadata.db",
    b"/io.containerd.snapshotter.v1.native/metadata.db",
];

/// A snapshotter's database: rows that salvage lost would be directories that nobody knows, so it is
/// made anew where that can be done, and salvaged elsewhere.
fn backend(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(file) = finding.location.file.as_ref() else {
        return Vec::new();
    };
    if let Some(way) = while_open(here, finding) {
        return vec![way];
    }
    if MADE_ANEW.iter().any(|end| file.bytes().ends_with(end)) {
        let why = "`coroner repair` rebuilds metadata.db from meta.db and the snapshots' directories, and says which of \
                   them it cannot tell. `coroner repair undo` takes it back.";
        return vec![here.repair(why)];
    }
    let is_database = file.bytes().ends_with(b".db");
    is_database
        .then(|| here.salvage(file))
        .into_iter()
        .collect()
}

/// The disk is mounted where it belongs, before anything is started.
fn mounted(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let at = finding.location.file.clone().unwrap_or_default();
    let mount = run(call(MOUNT).path(at));
    let again = "if triage, asked again, says that the daemon would start";
    let steps = here.stop().into_iter();
    let steps = steps
        .chain(mount.map(Step::undoable))
        .chain(here.start_only(again));
    let why = "The disk is mounted as fstab or its unit says; what was seen below it stays there.";
    vec![Remedy::new(why, steps.collect())]
}

/// The key leads to the store again.
fn put_back(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let (Some(old), Some(file)) = (&finding.want, &finding.location.file) else {
        return Vec::new();
    };
    let words = format!("Let root_path of this snapshotter's table in {file} be {old} again.");
    let steps = here.stop().into_iter();
    let steps = steps
        .chain([Step::words(words).undoable()])
        .chain(here.start_only("once that is done"));
    let why = "The snapshotter finds its store again; nothing of it was changed.";
    vec![Remedy::new(why, steps.collect())]
}

/// What fsck saved is copied before anything can delete it.
fn copied(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(folder) = finding.location.file.clone() else {
        return Vec::new();
    };
    let draft = call(CP).words(&["-a", "-n"]).path(folder);
    let copy = run(draft.path("/var/tmp/coroner-lost-found")).map(Step::undoable);
    let steps = here.stop().into_iter().chain(copy);
    let steps = steps.chain(here.start_only("once it is known what is in it"));
    let why = "The copy stays, whatever containerd deletes.";
    vec![Remedy::new(why, steps.collect())]
}

/// What the file held is not in the evidence: who wrote it writes it again.
fn written_again(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(file) = &finding.location.file else {
        return Vec::new();
    };
    let words = format!(
        "Put the contents of {file} back from a backup, or let what made it (kubeadm, Ansible, an image) write \
         it again."
    );
    let words = Step::words(words).undoable();
    let is_empty = finding.code.name == "config/empty";
    let (stop, words) = if is_empty {
        (here.stop(), words.only("if it had contents"))
    } else {
        (Vec::new(), words)
    };
    let steps = stop.into_iter().chain([words]);
    let steps = steps.chain(here.start_only("once that is done"));
    let why = "containerd reads its configuration at the start.";
    vec![Remedy::new(why, steps.collect())]
}

/// The corrected copy is made by coroner, as far as that is certain; a backup is better.
fn corrected(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let Some(file) = &finding.location.file else {
        return Vec::new();
    };
    let new = Text::from("/var/tmp/coroner-config.toml");
    let draft = run(here.draft(&new, file));
    // Where no copy was written, nothing is changed.
    let put = call(CP).word("--backup=numbered").path(new);
    let put = run(put.path(file.clone())).map(Step::undoable);
    // A daemon that runs has read the file before: it is not stopped for this.
    let mut steps = Vec::new();
    steps.extend(draft.map(Step::undoable));
    steps.extend(put.map(|step| step.only("if the corrected copy says what it should")));
    steps.extend(here.start_only("once that is done"));
    let certain = Remedy::new(
        "coroner writes a corrected copy where the correction is certain, and refuses where it is not; the old \
         file is kept.",
        steps,
    );
    vec![certain]
        .into_iter()
        .chain(written_again(here, finding))
        .collect()
}

/// A restart, when it is known what it does.
fn restarted(_: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let ask = run(call(CORONER).word("preflight").operand("/")).map(Step::undoable);
    // Where systemd would end the tasks, a finding about the unit says so first.
    let words = Step::words("Restart containerd, by what started it.");
    let condition = "if preflight says that it would start normally, and nothing against a restart";
    let steps = ask.into_iter().chain([words.only(condition)]);
    vec![Remedy::new(
        "The daemon that is started makes its socket, and finds the containers that run.",
        steps.collect(),
    )]
}

/// Which layers differ, and how each is unpacked again.
fn compared(_: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let look = run(call(CORONER).words(&["triage", "--layers"]).operand("/"));
    let why = "Each layer that differs from its blob is named, with the way to unpack it again.";
    vec![Remedy::new(
        why,
        look.into_iter().map(Step::undoable).collect(),
    )]
}

/// Names of snapshots that clients could not ask for.
fn renamed(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "`coroner repair` gives the snapshot the name that its namespace asks for. `coroner repair undo` takes it back.";
    vec![here.repair(why)]
}

/// Addresses that the network's own files still have.
fn addressed(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let why = "coroner writes the address into the pod's record where the network's results and reservations \
               agree on it; elsewhere it says what is not known.";
    vec![here.repair_with(&["--pod-addresses"], why)]
}

fn mutable(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let file = finding.location.file.clone().unwrap_or_default();
    let step = run(call(CHATTR).words(&["-i", "-a"]).path(file));
    let step = step.map(|step| step.undoable().only("when it is known who set the flag"));
    vec![Remedy::new(
        "The file can be written again.",
        step.into_iter().collect(),
    )]
}

/// The mount manager makes its database anew; nothing in it outlives a reboot.
fn mounts(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let mut way = here.set_aside(finding, "The mount manager recreates it.", true);
    let unmount = Step::words("Unmount what is mounted below its folder t.");
    let stopped = here.stop().len();
    if way.steps.len() > stopped {
        way.steps.insert(stopped, unmount);
    }
    vec![way]
}

/// The bundles go at the next start; what is to be mended is where the next ones lie.
fn state_below_run(here: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let state = node::path_text(&here.node.roots.state);
    let roots = &here.node.roots;
    let config = roots
        .config
        .as_ref()
        .and_then(|config| config.files.first());
    let words = match config.filter(|_| !state.bytes().starts_with(b"/run/")) {
        Some(file) => format!("Set `state` in {file} to \"/run/containerd\"."),
        None => format!("Mount a tmpfs at {state} at each boot (fstab, or a unit)."),
    };
    let step = Step::words(words)
        .undoable()
        .only("while no container runs");
    vec![Remedy::new(
        "From then on a boot empties state, and no bundle of a dead task is left.",
        vec![step],
    )]
}
