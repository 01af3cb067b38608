//! What a record or a pod names, and the node does not have: it is put back where it is looked for.

use finding::program::CORONER;
use finding::{Finding, Remedy, Step};

use super::steps::{call, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (&["container/snapshotter-unknown"], snapshotter),
    (&["cni/plugin-missing"], plugin),
    (&["cni/no-config"], network),
    (
        &[
            "runtime/bundle-file-damaged",
            "runtime/bundle-without-record",
            "runtime/bundle-without-state",
            "runtime/state-damaged",
            "runtime/state-missing",
            "runtime/state-stale",
            "runtime/state-truncated",
            "runtime/state-unread",
        ],
        looked,
    ),
];

/// The configuration that the daemon reads.
fn config(here: &Here<'_>) -> String {
    let config = here.node.roots.config.as_ref();
    let file = config.and_then(|config| config.files.first());
    file.map_or_else(
        || "/etc/containerd/config.toml".to_owned(),
        ToString::to_string,
    )
}

/// The name that follows these words of a message.
fn named<'f>(finding: &'f Finding, words: &str) -> &'f str {
    let after = finding.message.split_once(words);
    let name = after.and_then(|(_, rest)| rest.split_whitespace().next());
    name.unwrap_or_default().trim_end_matches([',', ';'])
}

/// A proxy: the daemon that it leads to has the snapshots.
fn snapshotter(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let words = format!(
        "Put the table [proxy_plugins.{}] back into {} (type = \"snapshot\", address = its socket).",
        named(finding, "the snapshotter "),
        config(here)
    );
    let check = run(call(CORONER).word("preflight").operand("/")).map(Step::undoable);
    let steps = [Step::words(words).undoable()].into_iter().chain(check);
    vec![Remedy::new(
        "From its next start containerd knows again what the record names: nothing is lost.",
        steps.collect(),
    )]
}

fn plugin(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let at = finding.location.file.clone().unwrap_or_default();
    let words = format!(
        "Install the program so that it is at {at} (Debian: containernetworking-plugins), or let bin_dir (2.x: bin_dirs) of \
         {} be the folder that has it, and restart containerd.",
        config(here)
    );
    vec![Remedy::new(
        "Programs are looked for at each pod.",
        vec![Step::words(words).undoable()],
    )]
}

fn network(_: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    let at = finding.location.file.clone().unwrap_or_default();
    let words = format!(
        "Have the network's agent write its file into {at} (restart its pod: it is on the host's network, and can run \
         without). A file that lies elsewhere comes in by `cp`: what is moved in is not seen."
    );
    vec![Remedy::new(
        "containerd reads the folder again once a file of it is written.",
        vec![Step::words(words).undoable()],
    )]
}

/// On the node itself processes tell which way out there is.
fn looked(_: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let look = run(call(CORONER).words(&["runtime", "stuck"]).operand("/")).map(Step::undoable);
    let why = "On the node, its processes tell whether the container runs, and what ends it without a loss.";
    vec![Remedy::new(why, look.into_iter().collect())]
}
