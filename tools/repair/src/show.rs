//! A plan for people.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use cli::{Answer, Exit, Pen, Style};
use evidence::{Evidence, Options};
use finding::{Command, Count, Draft, Text, program, size_text};
use node::Phase;
use repair::plan::{Action, Back, BringsBack, Foretold, HandEdit, MadeOf, Plan};
use serde::Serialize;

use crate::FromArgs;
use crate::saving::start_again;

/// What is said of a plan that was written to a file.
pub(crate) fn filed_words(plan: &Plan, file: &Path) -> Vec<String> {
    let place = finding::Escaped(file.as_os_str().as_encoded_bytes()).to_string();
    if plan.is_empty() {
        return vec![format!(
            "There is nothing to repair: the plan in {place} has no steps."
        )];
    }
    // What is lost, and what is to be stopped before it is applied, the plan itself says.
    let draft = Draft::new(program::CORONER).words(&["repair", "show"]);
    let path = Text::from(file.as_os_str().as_encoded_bytes());
    let show = draft.operand(path).command();
    let steps = Count(plan.steps.len(), "step");
    let mut words = vec![format!(
        "Plan {} is in {place}: {steps}. Nothing was changed. What it would do, what is lost, and how it is applied:",
        plan.id
    )];
    words.extend(show.map(|command| format!("    # {command}")));
    words
}

/// How many lines of a list are shown.
const SHOWN: usize = 10;

/// How many lines of the difference of a record are shown.
const OF_RECORD: usize = 12;

/// How many lines of what is lost are shown.
const LOST: usize = 200;

/// What a plan without `--every-layer` does not know.
const NOT_COMPARED: &str = "The files of layers that take the room that was recorded for them were not \
    compared with their blobs: --every-layer compares them, too. Blobs of the right size were not compared with \
    their digests: `coroner content verify` compares all.";

/// A plan, and how to go on from it.
#[derive(Serialize)]
pub(crate) struct Shown {
    #[serde(flatten)]
    plan: Plan,
    /// What was said to make it, where it is in no file yet.
    #[serde(skip)]
    said: Option<FromArgs>,
    /// How far the repair by it came, where its node is here.
    #[serde(skip)]
    phase: Option<Phase>,
}

impl Shown {
    /// A plan that is in a file.
    pub(crate) fn filed(plan: Plan) -> Self {
        let phase = plan.node.as_deref().and_then(|node| {
            let evidence = Evidence::open(Path::new(node), &Options::default()).ok()?;
            node::phase_of(&evidence, Path::new(&plan.root), &plan.id)
        });
        Self {
            plan,
            said: None,
            phase,
        }
    }

    /// A plan that was made to be looked at, and what was said to make it.
    pub(crate) const fn made(plan: Plan, said: FromArgs) -> Self {
        Self {
            plan,
            said: Some(said),
            phase: None,
        }
    }

    /// The file that the commands below write: the plan of each moment has one of its own, so that no command meets an older plan.
    fn file(&self) -> String {
        let plan = &self.plan;
        let is_now = plan.as_of.is_empty();
        node::plan_file(if is_now { &plan.made_at } else { &plan.as_of })
    }

    /// The option without which pods lose their addresses.
    fn keeps_addresses(&self) -> Option<&'static str> {
        const FLAG: &str = "--pod-addresses";
        let mut after = self.plan.after.iter();
        let loses = after.any(|one| one.sentence.contains("loses the address of pods"));
        // Where nothing that was read has an address, the option brings none back.
        let mut drafts = self.plan.drafts.iter();
        let has = drafts.any(|one| one.option.as_deref() == Some(FLAG));
        (loses && has && !self.plan.pod_addresses).then_some(FLAG)
    }

    /// The command that makes this plan again into a file, with one option more.
    fn planning(&self, more: Option<&'static str>) -> Option<Command> {
        let draft = Draft::new(program::CORONER).words(&["repair", "plan"]);
        let node = self.plan.node.as_deref();
        let Some(node) = node.filter(|_| !self.plan.room.is_empty()) else {
            // It was made from an archive: on the node it is another one.
            let draft = more.into_iter().fold(draft, Draft::word);
            return draft.value("--output", self.file()).operand("/").command();
        };
        let plan = &self.plan;
        let mut draft = draft;
        let paths = |paths: &[PathBuf]| -> Vec<Text> {
            let all = paths.iter();
            all.map(|path| Text::from(path.as_os_str().as_encoded_bytes()))
                .collect()
        };
        if let Some(said) = &self.said {
            for file in paths(&said.names_from) {
                draft = draft.value("--names-from", file);
            }
            for store in paths(&said.from) {
                draft = draft.value("--from", store);
            }
        }
        for pair in &plan.said {
            draft = draft.value("--pair", pair.as_str());
        }
        if plan.places_said {
            draft = draft.value("--root", plan.root.as_str());
            draft = draft.value("--state", plan.state.as_str());
        }
        for (name, value) in [("--config", &plan.config), ("--daemon", &plan.daemon)] {
            if let Some(value) = value {
                draft = draft.value(name, value.as_str());
            }
        }
        for (is_said, flag) in [
            (plan.by_time, "--by-time"),
            (plan.every_layer, "--every-layer"),
            (plan.pod_addresses, "--pod-addresses"),
        ] {
            if is_said && more != Some(flag) {
                draft = draft.word(flag);
            }
        }
        if let Some(more) = more {
            draft = draft.word(more);
        }
        let draft = draft.value("--output", self.file());
        draft.operand(node).command()
    }

    /// Where the node is, if it is a tree of this machine and not this machine.
    fn copy(&self) -> Option<&str> {
        let node = self.plan.node.as_deref()?;
        let is_running = node == "/" || node.starts_with("/proc/");
        (!is_running && !self.plan.room.is_empty()).then_some(node)
    }

    /// What is to be typed, in order.
    fn next(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.phase == Some(Phase::Finished) {
            return pen.paragraph(
                "",
                "`coroner repair undo NODE` takes it back, as long as no daemon has run.",
            );
        }
        let units = self.plan.known_units();
        let copy = self.copy();
        pen.heading("Next, on the node:")?;
        if copy.is_some() {
            pen.paragraph(
                "  ",
                "The `systemctl` commands are for the node itself, not for this machine: they stop its daemons. Where this is \
                 a disk of a node that is off, leave them out.",
            )?;
        }
        if units.all.iter().any(|unit| !unit.is_seen) {
            pen.paragraph(
                "  ",
                "Not all units of the node are in the evidence: stop whatever else starts containerd, too.",
            )?;
        }
        if let Some(words) = units.stopping_words() {
            pen.paragraph("  ", &words)?;
        }
        for command in units.stopping() {
            pen.verbatim(format_args!("    # {command}"))?;
        }
        if let Some(copy) = copy {
            let line = format!("Here, where {} is:", finding::Escaped(copy.as_bytes()));
            pen.paragraph("  ", &line)?;
        }
        if self.said.is_some() {
            let apply = Draft::new(program::CORONER).words(&["repair", "apply"]);
            let apply = apply.operand(self.file()).command();
            for command in self.planning(self.keeps_addresses()).iter().chain(&apply) {
                pen.verbatim(format_args!("    # {command}"))?;
            }
        } else {
            pen.verbatim("    # coroner repair apply PLAN")?;
        }
        let then = if copy.is_some() {
            "Only if `apply` says that the plan was applied (exit code 1), and on the node itself:"
        } else {
            "Only if `apply` says that the plan was applied (exit code 1):"
        };
        pen.paragraph("  ", then)?;
        let node = self.plan.node.as_deref().unwrap_or("/");
        start_again(node, &self.plan.restarted, &units, pen)?;
        pen.paragraph(
            "  ",
            "`coroner repair undo NODE` takes it back, as long as no daemon has run.",
        )
    }
}

fn list(head: &str, lines: &[String], pen: &mut Pen<'_>) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    pen.heading(head)?;
    // One line more takes no more room than to say so.
    let shown = if lines.len() == SHOWN.saturating_add(1) {
        lines.len()
    } else {
        SHOWN
    };
    for line in lines.iter().take(shown) {
        pen.paragraph("  ", line)?;
    }
    if lines.len() > shown {
        let more = lines.len().saturating_sub(shown);
        pen.line(format_args!("  and {more} more (--format json names all)"))?;
    }
    Ok(())
}

/// What is lost is never cut to a few lines: it is what the decision hangs on.
fn all(head: &str, lines: &[String], pen: &mut Pen<'_>) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    pen.heading(head)?;
    for line in lines.iter().take(LOST) {
        pen.paragraph("  ", line)?;
    }
    if lines.len() > LOST {
        let more = lines.len().saturating_sub(LOST);
        pen.line(format_args!("  and {more} more (--format json names all)"))?;
    }
    Ok(())
}

/// What is foretold; where that differs, of which releases.
fn starts(head: &str, all: &[Foretold], pen: &mut Pen<'_>) -> io::Result<()> {
    let mut told: Vec<(&Foretold, Vec<&str>)> = Vec::new();
    for one in all {
        let names = one.releases.iter().map(String::as_str);
        match told
            .iter_mut()
            .find(|(other, _)| other.sentence == one.sentence)
        {
            Some((_, releases)) => releases.extend(names),
            None => told.push((one, names.collect())),
        }
    }
    let is_one = told.len() < 2;
    for (one, releases) in told {
        let style = if one.start == "yes" {
            Style::Good
        } else {
            Style::Bad
        };
        let sentence = pen.styled(style, &one.sentence).to_string();
        let of = if is_one {
            String::new()
        } else {
            format!("{}: ", releases.join(", "))
        };
        pen.paragraph(head, &format!("{of}{sentence}"))?;
    }
    Ok(())
}

/// What is written, what stays free, and what would keep `apply` from its work.
fn room(plan: &Plan, pen: &mut Pen<'_>) -> io::Result<()> {
    let mut said = format!("The repair writes {}.", size_text(plan.bytes));
    for room in &plan.room {
        let place = room.store.as_deref().unwrap_or(&plan.root);
        let free = format!(
            " On the disk of {} {} are free now and {} afterwards; {} must stay free ({}).",
            finding::Escaped(place.as_bytes()),
            size_text(room.free),
            size_text(room.after),
            size_text(room.floor),
            room.floor_from
        );
        said.push_str(&free);
    }
    pen.paragraph("Room      ", &said)?;
    let would_not = plan.after.iter().any(|one| one.fails);
    if would_not {
        let words = "`apply` refuses this plan: containerd would not serve after it. Fix what \"After\" names first, then plan again.";
        let words = pen.styled(Style::Bad, words).to_string();
        pen.paragraph("Apply     ", &words)?;
    }
    let mut blind = plan.after.iter().flat_map(|one| &one.blind);
    if let Some(first) = blind.next().filter(|_| !would_not) {
        let why = finding::Escaped(first.as_bytes());
        let words = format!(
            "`apply` refuses this plan: what a start deletes after it is not known: {why}."
        );
        let words = pen.styled(Style::Bad, &words).to_string();
        pen.paragraph("Apply     ", &words)?;
    }
    for one in &plan.obstacles {
        let why = finding::Escaped(one.why.as_bytes());
        let words = format!("`apply` would refuse now: {why}. To do: {}.", one.hint);
        let words = pen.styled(Style::Bad, &words).to_string();
        pen.paragraph("Apply     ", &words)?;
    }
    Ok(())
}

/// Evidence that was taken before is judged as of then, by triage and here.
fn as_of(plan: &Plan) -> String {
    if plan.as_of.is_empty() || plan.as_of == plan.made_at {
        String::new()
    } else {
        format!(" (as of {})", plan.as_of)
    }
}

/// Edits that no step makes.
fn drafts(
    all: &[HandEdit],
    planning: impl Fn(Option<&'static str>) -> Option<Command>,
    says_next: bool,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    pen.heading("For a person to edit (no step does it, and nothing of it is written):")?;
    for draft in all {
        pen.paragraph("  ", &format!("{}:", finding::Escaped(draft.of.as_bytes())))?;
        for why in &draft.why {
            pen.paragraph("    ", why)?;
        }
        let lines: Vec<&str> = draft.diff.lines().collect();
        // A whole file is read line by line; of a record the first lines say it.
        let is_file = draft.of.starts_with('/');
        let most = if is_file { usize::MAX } else { OF_RECORD };
        for line in lines.iter().take(most) {
            pen.verbatim(format_args!("      {line}"))?;
        }
        if lines.len() > most {
            let more = lines.len().saturating_sub(most);
            pen.line(format_args!(
                "      and {more} lines more (--format json has all)"
            ))?;
        }
        for what in &draft.decide {
            pen.paragraph("    To decide: ", what)?;
        }
        if !draft.next.is_empty() {
            pen.paragraph("    ", &draft.next)?;
        }
    }
    // Of several records one command makes the steps.
    let flags: BTreeSet<&str> = all.iter().filter_map(|one| one.option.as_deref()).collect();
    if flags.contains("--pod-addresses")
        && !says_next
        && let Some(command) = planning(Some("--pod-addresses"))
    {
        pen.verbatim(format_args!("    # {command}"))?;
    }
    Ok(())
}

impl Answer for Shown {
    const SCHEMA: &'static str = "repair-plan/2";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let plan = &self.plan;
        if plan.is_empty() {
            let was_read = |one: &Foretold| !matches!(one.start.as_str(), "no" | "unknown");
            let starts_well = plan.before.iter().all(was_read);
            let said = if plan.lost.is_empty() && plan.unknown.is_empty() && starts_well {
                "Nothing to repair: the databases were read whole, and nothing that was looked at can be fixed by repair."
            } else if plan.lost.is_empty() {
                "There is nothing in what was looked at that repair can fix."
            } else {
                "Nothing that repair can fix, but something is lost:"
            };
            pen.line(said)?;
            all("Lost:", &plan.lost, pen)?;
            list("Unknown:", &plan.unknown, pen)?;
            if !plan.every_layer {
                pen.paragraph("", NOT_COMPARED)?;
            }
            starts("Start     ", &plan.before, pen)?;
            let then = as_of(plan);
            if !then.is_empty() && !plan.before.is_empty() {
                pen.line(format_args!("         {then}"))?;
            }
            return drafts(&plan.drafts, |more| self.planning(more), false, pen);
        }
        pen.line(format_args!(
            "Plan {} for {} (containerd {}), made at {}{}",
            plan.id,
            plan.root,
            plan.release,
            plan.made_at,
            as_of(plan)
        ))?;
        if let Some(words) = self.phase.and_then(applied) {
            let words = pen.styled(Style::Bad, words).to_string();
            pen.paragraph("Applied   ", &words)?;
        }
        starts("Now       ", &plan.before, pen)?;
        starts("After     ", &plan.after, pen)?;
        if self.keeps_addresses().is_some() {
            pen.paragraph(
                "          ",
                "With `--pod-addresses`, as in the commands below, the plan keeps these addresses, from what the CNI \
                 plugins answered: the pods then go on. Without it they end.",
            )?;
        }
        room(plan, pen)?;
        list("What is wrong:", &plan.wrong, pen)?;
        list("Records that are set right or left out:", &plan.edits, pen)?;
        pen.heading("Steps (nothing is deleted; what is replaced goes to the quarantine):")?;
        for (number, step) in plan.steps.iter().enumerate().take(SHOWN) {
            let what = match (step.action, &step.made_of) {
                (Action::Put, MadeOf::Layer { .. }) => "unpack",
                (Action::Put, _) => "write",
                (Action::Remove, _) => "set aside",
            };
            pen.paragraph(
                &format!("  {:>3} ", number.saturating_add(1)),
                &format!("{what} {}: {}", step.place(), step.why),
            )?;
        }
        if plan.steps.len() > SHOWN {
            pen.line(format_args!(
                "  and {} more",
                plan.steps.len().saturating_sub(SHOWN)
            ))?;
        }
        let pairs: Vec<String> = plan.paired.iter().map(pair).collect();
        list(
            "Directories that were matched to their snapshots:",
            &pairs,
            pen,
        )?;
        let back = &plan.brings_back;
        if *back != repair::plan::BringsBack::default() {
            pen.heading("What comes back:")?;
            pen.paragraph("  ", &counts(back))?;
            for (namespace, back) in &back.namespaces {
                let of = records(back);
                let namespace = finding::Escaped(namespace.as_bytes());
                pen.paragraph("    ", &format!("{namespace}: {of}"))?;
            }
            let images: Vec<String> = back.images.iter().map(image).collect();
            list("Images:", &images, pen)?;
            list("Containers:", &back.containers, pen)?;
            let stays = counted(&back.stays);
            if !stays.is_empty() {
                pen.paragraph("", &format!("Stays as it is: {}.", stays.join(", ")))?;
            }
        }
        all("Lost:", &plan.lost, pen)?;
        list(
            "Held by a recovery lease, since nothing else refers to it:",
            &[plan.held.snapshots.as_slice(), plan.held.blobs.as_slice()].concat(),
            pen,
        )?;
        list(
            "A later collection deletes, since nothing refers to it:",
            &plan.collected,
            pen,
        )?;
        list("Unknown:", &plan.unknown, pen)?;
        if !plan.every_layer {
            pen.paragraph("", NOT_COMPARED)?;
        }
        // One block of commands, and not two that write two plans.
        let says_next = self.keeps_addresses().is_some() && self.said.is_some();
        drafts(&plan.drafts, |more| self.planning(more), says_next, pen)?;
        pen.gap()?;
        self.next(pen)
    }

    fn exit(&self) -> Exit {
        exit(&self.plan)
    }
}

/// What is told of a plan by which something was done already.
const fn applied(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Finished => Some(
            "This plan was applied before. All below is as it was then. Against what happened since, make a new plan in \
             another file.",
        ),
        Phase::Begun => Some(
            "`apply` stopped half-way with this plan: run it again to continue, or `coroner repair undo` to go back.",
        ),
        Phase::Undoing => Some("`undo` stopped half-way with this plan: run it again to continue."),
        Phase::Ended => None,
    }
}

/// Where nothing can be mended and a start is foretold to fail, something is left to do.
pub(crate) fn exit(plan: &Plan) -> Exit {
    let is_stuck = plan.before.iter().any(|one| one.start == "no");
    if plan.is_empty() && !is_stuck && plan.lost.is_empty() {
        Exit::CLEAN
    } else {
        Exit::FINDINGS
    }
}

fn counts(back: &BringsBack) -> String {
    let nameless = back.images.iter().filter(|image| image.from.is_none());
    let nameless = match nameless.count() {
        0 => String::new(),
        count => format!(" ({count} without the name)"),
    };
    let all = counted(&Back {
        snapshots: back.snapshots,
        blobs: back.blobs,
        containers: back.containers.len(),
        images: back.images.len(),
    });
    format!("{}{nameless}", all.join(", "))
}

/// Records of a namespace.
fn records(back: &Back) -> String {
    format!("records of {}", counted(back).join(", "))
}

/// Counts; kinds of which there are none are left out.
fn counted(back: &Back) -> Vec<String> {
    let all = [
        (back.snapshots, "snapshot"),
        (back.blobs, "blob"),
        (back.containers, "container"),
        (back.images, "image"),
    ];
    let some = all.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, one)| Count(count, one).to_string())
        .collect()
}

fn pair(pair: &repair::plan::Paired) -> String {
    let what = if pair.written { "" } else { "; not written" };
    format!(
        "{}: directory {} is {} ({}{what})",
        pair.snapshotter,
        pair.directory,
        pair.snapshot,
        pair.proof.word()
    )
}

fn image(image: &repair::plan::PlanImage) -> String {
    let from = match &image.from {
        Some(from) => format!("the name is from {from}"),
        None => "its name is lost".to_owned(),
    };
    let missing = match image.missing.len() {
        0 => String::new(),
        1 => "; 1 of its blobs is not on this node".to_owned(),
        count => format!("; {count} of its blobs are not on this node"),
    };
    format!("{}/{} ({from}{missing})", image.namespace, image.name)
}
