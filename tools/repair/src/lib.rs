//! `coroner repair`: brings a node back from what is on its disk.
//!
//! ```text
//! $ coroner repair NODE                        shows what would be done, on one screen; writes nothing
//! $ coroner repair plan NODE -o plan.json      writes the plan to a file
//! $ coroner repair show plan.json              shows a plan for people
//! $ coroner repair draft NODE -o NEW           a corrected config.toml, to be compared and put in place
//! $ coroner repair apply plan.json             carries out the plan
//! $ coroner repair undo NODE                   undoes the last repair
//! $ coroner repair release NODE                lists what the recovery leases hold
//! $ coroner repair purge NODE                  lists what the quarantines hold
//! $ coroner repair backup NODE --into DIR      copies the databases, for the next time
//! $ coroner repair backup NODE -o FILE         keeps what a start would destroy at once
//! ```
//!
//! Nothing is deleted: what a step replaces goes to the quarantine, `ROOT/.coroner-repair-<plan>`.

mod apply;
mod backup;
mod bundle;
mod draft;
mod given;
mod mounts;
mod purge;
mod release;
mod request;
mod saving;
mod show;
mod undo;

use std::path::PathBuf;

use cli::{Answer, EvidenceArgs, Failure, Out, Outcome, Pen, PlaceArgs, Tool};
use repair::plan::Plan;
use serde::Serialize;

/// Arguments of `coroner repair`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  coroner repair /                                    what a repair of this machine would do
  coroner repair plan / --names-from nodes.json -o plan.json
                                                      with names from `kubectl get nodes -o json`
  coroner repair show plan.json
  coroner repair apply plan.json                      with containerd and the kubelet stopped
  coroner repair undo /
  coroner repair release /                            what the recovery leases hold
  coroner repair purge /                              what the quarantines hold
  coroner repair backup / -o /mnt/usb/before.tar.zst  before anything else: what a start would destroy
  coroner repair backup / --into /var/backups/containerd  by a timer: the last 7 copies of the databases

Only `apply`, `undo` and `purge --delete` write to the node. `apply` deletes nothing: what it replaces
goes to the quarantine, which `purge --delete` deletes."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The node: a directory, a tar or a bundle, as `triage` takes them
    #[arg(value_name = "NODE")]
    node: Option<PathBuf>,
    #[command(flatten)]
    places: PlaceArgs,
    #[command(flatten)]
    from: FromArgs,
}

/// What a plan is made of.
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    #[command(flatten)]
    pub(crate) from: FromArgs,
    /// What the recovery leases are to hold no longer.
    #[arg(skip)]
    pub(crate) released: Vec<String>,
}

/// What is known beside the node.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct FromArgs {
    /// Names of images: `kubectl get nodes -o json`, `kubectl get pods -A -o json`, `crictl images -o
    /// json`, `coroner meta ls NODE images --format json`, or lines of `NAME DIGEST`. Or a copy of the databases
    /// (a folder of `backup --into`, a file of `backup -o`, a bundle, a meta.db): it has records of
    /// containers, too, which come back where their files are still there and nothing newer is known
    #[arg(long, value_name = "FILE")]
    pub(crate) names_from: Vec<PathBuf>,
    /// Another store to take blobs from that this node's images lack: another node's root, a content store,
    /// an OCI layout, an archive of images. Each is found by its digest, and hashed
    #[arg(long, value_name = "STORE")]
    pub(crate) from: Vec<PathBuf>,
    /// Match a directory to the snapshot that was created at the same time, where nothing else tells:
    /// likely right, and wrong where two were created in one moment
    #[arg(long)]
    pub(crate) by_time: bool,
    /// Compare every unpacked layer with its blob: slow. Without it only layers whose size differs from the
    /// recorded size are compared, which does not see a lost second name of a file
    #[arg(long)]
    pub(crate) every_layer: bool,
    /// This directory is that snapshot's: SNAPSHOTTER/NAMESPACE/KEY=NUMBER
    #[arg(long, value_name = "PAIR")]
    pub(crate) pair: Vec<String>,
    /// Write the addresses of pods into records that lack them (containerd issue 7843), from what the CNI
    /// plugins answered; without it the plan only shows them
    #[arg(long)]
    pub(crate) pod_addresses: bool,
    /// The release that will be started (1.6, 1.7.24, 2.1, ...); else the one that the node shows
    #[arg(long, value_name = "RELEASE")]
    pub(crate) daemon: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make a plan, as JSON
    Plan(PlanArgs),
    /// Show a plan for people
    Show {
        /// The plan
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
    },
    /// Write a corrected config.toml, as far as the correction is certain: to -o, never to its place
    Draft {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// The file of the configuration, where more than one is corrected
        #[arg(long, value_name = "PATH")]
        file: Option<String>,
        /// The release that will be started (1.6, 1.7.24, 2.1, ...); else the one that the node shows
        #[arg(long, value_name = "RELEASE")]
        daemon: Option<String>,
    },
    /// Carry out a plan, or continue where an attempt stopped
    Apply {
        /// The plan
        #[arg(value_name = "PLAN")]
        plan: PathBuf,
        /// Write to this copy of the node, and leave the node as it is
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// NODE is a copy that no daemon and no container uses: processes and mounts are not asked
        #[arg(long)]
        copy: bool,
    },
    /// Copy the databases into a folder (--into), so that names of images and records of containers
    /// survive a loss of them; or keep all that a start would destroy at once in one bundle (-o)
    Backup {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// A folder for the copies; each gets a folder of its own in it. Without it a bundle is written to
        /// the file of -o: databases, the CRI's folders, bundles of containers, their states
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
        /// How many copies are kept: older ones are deleted
        #[arg(long, value_name = "N", default_value_t = 7)]
        last: usize,
    },
    /// List what recovery leases hold, or make a plan that releases what is named
    Release {
        #[command(flatten)]
        evidence: EvidenceArgs,
        /// What to release: NAMESPACE/SNAPSHOTTER/KEY or NAMESPACE/DIGEST, as the list names it
        #[arg(long, value_name = "NAME")]
        give_back: Vec<String>,
        /// The release that will be started
        #[arg(long, value_name = "RELEASE")]
        daemon: Option<String>,
    },
    /// List the quarantines of repairs, or delete those that are named
    Purge {
        /// The node, as it was given to `plan`
        #[arg(value_name = "NODE")]
        node: PathBuf,
        #[command(flatten)]
        places: PlaceArgs,
        /// The repair whose quarantine is deleted: it cannot be undone afterwards
        #[arg(long, value_name = "PLAN")]
        delete: Vec<String>,
    },
    /// Undo the last repair
    Undo {
        /// The node, as it was given to `plan`
        #[arg(value_name = "NODE")]
        node: PathBuf,
        #[command(flatten)]
        places: PlaceArgs,
        /// Undo even after a daemon has run: what it wrote since is lost
        #[arg(long)]
        anyway: bool,
        /// NODE is a copy that no daemon and no container uses
        #[arg(long)]
        copy: bool,
    },
}

/// `coroner repair`
pub const TOOL: Tool = cli::tool!(
    "repair",
    "Bring a node back from what is on its disk, and take it back",
    Args,
    run
);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    if let Some(Verb::Apply { .. } | Verb::Undo { .. } | Verb::Purge { .. }) = &args.verb {
        cli::lock_down_writer();
    }
    match (args.verb, args.node) {
        (Some(Verb::Plan(args)), _) => {
            let plan = request::plan(&args, out)?;
            let file = out.options().output.clone();
            let filed = file.map(|file| show::filed_words(&plan, &file));
            let exit = out.answer(&PlanFile(plan))?;
            if let Some(words) = filed {
                out.after(words);
            }
            Ok(exit)
        }
        (Some(Verb::Show { plan }), _) => out.answer(&show::Shown::filed(request::load(&plan)?)),
        (
            Some(Verb::Draft {
                evidence,
                file,
                daemon,
            }),
            _,
        ) => draft::run(evidence, file.as_deref(), daemon, out),
        (Some(Verb::Apply { plan, to, copy }), _) => apply::run(&plan, to.as_deref(), copy, out),
        (
            Some(Verb::Undo {
                node,
                places,
                anyway,
                copy,
            }),
            _,
        ) => undo::run(&node, &places, anyway, copy, out),
        (
            Some(Verb::Backup {
                evidence,
                into,
                last,
            }),
            _,
        ) => match into {
            Some(into) => backup::run(&evidence, &into, last, out),
            None => bundle::run(&evidence, out),
        },
        (
            Some(Verb::Release {
                evidence,
                give_back,
                daemon,
            }),
            _,
        ) => release::run(evidence, give_back, daemon, out),
        (
            Some(Verb::Purge {
                node,
                places,
                delete,
            }),
            _,
        ) => purge::run(&node, &places, &delete, out),
        (None, Some(node)) => {
            let evidence = EvidenceArgs {
                evidence: node,
                places: args.places,
            };
            let from = args.from;
            let args = PlanArgs {
                evidence,
                from,
                released: Vec::new(),
            };
            let plan = request::plan(&args, out)?;
            out.answer(&show::Shown::made(plan, args.from))
        }
        (None, None) => Err(Failure::usage("which node?").hint("coroner repair NODE")),
    }
}

/// A plan as a file: JSON in either format.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct PlanFile(pub(crate) Plan);

impl Answer for PlanFile {
    const SCHEMA: &'static str = "repair-plan/2";
    // A line before the JSON would make the file unreadable.
    const SAYS_RUNNING: bool = true;

    fn write_text(&self, pen: &mut Pen<'_>) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(&self.0)?;
        pen.verbatim(text)
    }

    fn exit(&self) -> cli::Exit {
        show::exit(&self.0)
    }
}
