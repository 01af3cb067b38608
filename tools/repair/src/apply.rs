//! `coroner repair apply`.

use std::io;
use std::path::{Path, PathBuf};

use cli::{Answer, Exit, Failure, Out, Outcome, Pen};
use finding::Count;
use node::Units;
use repair::plan::Plan;
use repair::{Done, Failed, Store};
use serde::Serialize;

use crate::request;
use crate::saving::start_again;

/// What `apply` answers.
#[derive(Serialize)]
struct Applied {
    plan: String,
    root: String,
    steps: usize,
    already: bool,
    /// What starts the node again; nothing of a copy.
    #[serde(skip)]
    units: Option<Units>,
    /// Where the node is, and what the kubelet restarts there.
    #[serde(skip)]
    node: String,
    #[serde(skip)]
    restarted: Vec<String>,
}

impl Answer for Applied {
    const SCHEMA: &'static str = "repair-apply/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.already {
            pen.line(format_args!(
                "The plan {} was applied before: nothing was done.",
                self.plan
            ))?;
            return pen.paragraph(
                "  ",
                "It does not help against what happened since: if containerd does not start now, do not start it, and make a new plan in another file.",
            );
        }
        pen.line(format_args!(
            "The plan {} was applied to {}: {} (exit code 1: the node was changed).",
            self.plan,
            self.root,
            Count(self.steps, "step")
        ))?;
        if let Some(units) = &self.units {
            pen.heading("Next, on the node:")?;
            start_again(&self.node, &self.restarted, units, pen)?;
        }
        pen.paragraph(
            "  ",
            "Look at what the recovery lease holds (`coroner repair release NODE`). Restart a daemon that was started while this ran: it serves nothing. `coroner repair undo NODE` takes the repair back, as long as no daemon has run.",
        )
    }

    fn exit(&self) -> Exit {
        if self.already {
            Exit::CLEAN
        } else {
            Exit::REPAIRED
        }
    }
}

/// Why it ended, for people.
pub(crate) fn failure(failed: Failed) -> Failure {
    match failed {
        Failed::Refused(all) => {
            let lines: Vec<String> = all.iter().map(|one| one.why.clone()).collect();
            let hints: Vec<String> = all.iter().map(|one| one.hint.clone()).collect();
            let mut failure = Failure::unread(format!("refused, and nothing has changed: {}", lines.join("; ")));
            failure = failure.hint(hints.join("; "));
            failure
        }
        Failed::HalfWay { plan, error } => Failure::unread(format!("the repair {plan} stopped half-way: {error}"))
            .hint("do not start containerd (it would serve nothing and delete nothing). Fix the cause, then run `coroner repair apply` again to continue, or `coroner repair undo` to go back"),
        Failed::Io(error) => Failure::unread(format!("nothing has changed: {error}")),
    }
}

/// What is told of `/` that was called a copy.
pub(crate) fn not_a_copy() -> Failure {
    Failure::usage("this is the root of this machine, not a copy")
        .hint("stop what uses it, and leave --copy and --to out")
}

fn is_folder(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|stat| stat.is_dir())
}

/// Whether a folder is `/` of this machine, by whatever name.
pub(crate) fn is_own_root(node: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let known = |path: &Path| std::fs::metadata(path).map(|stat| (stat.dev(), stat.ino()));
    matches!((known(node), known(Path::new("/"))), (Ok(node), Ok(root)) if node == root)
}

pub(crate) fn run(path: &Path, to: Option<&Path>, copy: bool, out: &mut Out) -> Outcome {
    let plan = request::load(path)?;
    let node = plan.node.clone().ok_or_else(|| {
        Failure::usage("the plan does not say where its node is")
            .hint("plan again, from a directory")
    })?;
    let node = to.map_or_else(|| PathBuf::from(node), Path::to_owned);
    if (copy || to.is_some()) && is_own_root(&node) {
        return Err(not_a_copy());
    }
    if let Some(to) = to {
        let root = to.join(plan.root.trim_start_matches('/'));
        let missing = [to, &root].into_iter().find(|path| !is_folder(path));
        if let Some(missing) = missing {
            return Err(Failure::usage(format!(
                "{} is no folder: nothing has changed",
                cli::shown(missing)
            ))
            .hint(
                "copy the node there first, with owners and attributes: `cp -a`, `rsync -aHAX`",
            ));
        }
    }
    let store = Store::open(&node, Path::new(&plan.root), copy || to.is_some()).map_err(failure)?;
    let known = store
        .repairs()
        .map_err(|error| failure(Failed::Io(error)))?;
    let done = match known.iter().find(|(other, _)| other.id == plan.id) {
        Some((_, true)) => {
            if let Some(database) = store.replaced_since(&plan.id).map_err(failure)? {
                return Err(Failure::unread(format!(
                    "this plan was applied before, and {database} is not the file of that repair any more: nothing was done"
                ))
                .hint("do not start containerd; make a new plan in another file"));
            }
            Done::AlreadyApplied
        }
        Some((_, false)) => store.go_on(&plan.id).map_err(failure)?,
        None => fresh(&store, &plan, &node, out)?,
    };
    let units = plan.known_units();
    let steps = match done {
        Done::Applied { steps } => steps,
        _ => 0,
    };
    out.answer(&Applied {
        node: node.display().to_string(),
        restarted: plan.restarted,
        plan: plan.id,
        root: node
            .join(plan.root.trim_start_matches('/'))
            .display()
            .to_string(),
        steps,
        already: done == Done::AlreadyApplied,
        units: (!copy && to.is_none()).then_some(units),
    })
}

fn fresh(store: &Store, plan: &Plan, node: &Path, out: &Out) -> Result<Done, Failure> {
    if plan.is_empty() {
        return Err(Failure::usage(
            "the plan has no steps: there is nothing to do",
        ));
    }
    store.clear_attempts();
    let progress = out.parts();
    let (made, evidence) = request::again(plan, node, &progress)?;
    if (&made.plan.steps, &made.plan.inputs) != (&plan.steps, &plan.inputs) {
        return Err(Failure::unread(
            "the node has changed since the plan was made; nothing has been done",
        )
        .hint("plan again"));
    }
    progress
        .part()
        .begin("writing the new files beside, and exchanging names");
    store.apply(&made, Some(&evidence)).map_err(failure)
}
