//! A node that may be this machine, and its containers judged.

use std::path::PathBuf;

use cli::{Case, EvidenceArgs, Failure, PlaceArgs};
use evidence::LiveProc;
use finding::{Time, Unknown, Unread};
use process::Depth;
use stuck::Verdicts;
use tasks::places;

/// Which node: this machine, if none is named.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct NodeArgs {
    /// The node: `/` for this machine, a bundle of `coroner collect`, a tar, a folder
    #[arg(value_name = "NODE", default_value = "/")]
    node: PathBuf,
    #[command(flatten)]
    places: PlaceArgs,
}

impl NodeArgs {
    pub(crate) fn evidence(self) -> EvidenceArgs {
        EvidenceArgs {
            evidence: self.node,
            places: self.places,
        }
    }
}

/// Judged containers, and what may be missing of them.
#[derive(Debug)]
pub struct Judged {
    /// The node.
    pub case: Case,
    /// What time it was there.
    pub now: Time,
    /// Its containers.
    pub verdicts: Verdicts,
    /// The daemon, where processes are known.
    pub daemon: Option<stuck::Daemon>,
    /// What could not be known.
    pub unknown: Vec<Unknown>,
}

/// Reads and judges the containers of a node; of containerd's stores nothing else is opened.
///
/// # Errors
/// The node cannot be opened.
pub fn judge(args: &EvidenceArgs) -> Result<Judged, Failure> {
    let door = LiveProc::open(&args.evidence);
    let case = Case::open_live(args, Depth::Diagnosis)?;
    let judged = judge_opened(case, door.as_ref());
    let verdicts = &judged.verdicts;
    if verdicts.containers.is_empty() && verdicts.shims.is_empty() && judged.daemon.is_none() {
        has_node(&judged.case)?;
    }
    Ok(judged)
}

/// Whether the root or the state of a containerd is there, or may be.
pub(crate) fn is_node(case: &Case) -> bool {
    let absent = |path| matches!(case.evidence.stat(path), Err(Unread::Absent));
    let (root, state) = places(case.roots.first());
    !absent(root) || !absent(state)
}

/// That a node of containerd is there: where nothing was found, an empty list would read as "all is well".
///
/// # Errors
/// Neither its root nor its state is there.
pub(crate) fn has_node(case: &Case) -> Result<(), Failure> {
    if is_node(case) {
        return Ok(());
    }
    let (root, state) = places(case.roots.first());
    let (root, state) = (node::path_text(root), node::path_text(state));
    Err(
        Failure::unread(format!("there is no node: neither {root} nor {state} is there")).hint(
            "check that the right disk is mounted, or name the folders with --root and --state; a tar or a \
             bundle that lies in a folder is named itself",
        ),
    )
}

/// As [`judge`], of a node that is open; with its `door`, what seems to hang is looked at once more.
pub fn judge_opened(case: Case, door: Option<&LiveProc>) -> Judged {
    let (processes, time) = (case.processes.as_deref(), case.time());
    let judged = tasks::judge(&case.evidence, case.roots.first(), processes, time, door);
    let tasks::Judged {
        now,
        verdicts,
        daemon,
        unknown,
    } = judged;
    Judged {
        case,
        now,
        verdicts,
        daemon,
        unknown,
    }
}
