//! Steps that many ways out share.

use finding::program::{self, Program};
use finding::{Action, Draft, Finding, Loss, Object, Remedy, Step, Text};
use node::{Node, path_text};

use super::loss::Hanging;

/// The node that a way out is for.
pub(crate) struct Here<'n> {
    pub(crate) node: &'n Node,
    /// What hangs on what, there.
    pub(crate) hanging: &'n Hanging<'n>,
}

/// How many objects get a step of their own. A way out that stops half-way breaks what it was to mend: where
/// there are more, its last step says so.
pub(super) const SHOWN: usize = 100;

/// Says that a list of steps ends before its objects do.
pub(super) fn and_more(steps: &mut Vec<Step>, count: usize, done: &str) {
    let more = count.saturating_sub(SHOWN);
    if more > 0 {
        steps.push(Step::words(format!(
            "{done} the other {more} in the same way: the finding's `affects` names them in --format json."
        )));
    }
}

/// Where what is saved goes.
const SAVED: &str = "/var/tmp";

/// A start on what is not repaired may destroy it.
const DONE: &str = "once that is done";

/// What was refused or stopped half-way is not repaired, whatever was pasted.
const APPLIED: &str = "if `apply` says that the plan was applied (exit code 1)";

/// Only while the daemon answers, and what may come else.
const PULLING: &str = "with containerd running, and if the tag still names the same image";

/// Only while the daemon answers.
pub(super) const RUNNING: &str = "with containerd running";

/// Objects of a kind that a finding affects.
pub(super) fn objects_of_kind<'f>(
    finding: &'f Finding,
    kind: &'static str,
) -> impl Iterator<Item = &'f Object> + Clone {
    finding
        .affects
        .iter()
        .filter(move |object| object.kind == kind)
}

/// A step, where it can be given.
fn step(draft: Draft) -> Option<Step> {
    draft.command().map(Step::from)
}

impl Here<'_> {
    pub(super) fn root(&self) -> Text {
        path_text(&self.node.roots.root)
    }

    /// Stops the daemon and what starts it again, and keeps it from being started meanwhile.
    pub(super) fn stop(&self) -> Vec<Step> {
        let units = &self.node.units;
        if let Some(words) = units.stopping_words() {
            return vec![Step::words(words)];
        }
        let mut steps: Vec<Step> = units
            .stopping()
            .into_iter()
            .map(|command| Step::from(command).undoable())
            .collect();
        let unit = self.node.roots.unit.as_ref();
        let loses = unit.is_some_and(|unit| {
            let mut lines = unit.others.after_stop();
            let is_harm =
                |words: Vec<String>| crate::unit::harms_at_stop(self.node, &words).is_some();
            unit.others
                .removes_at_stop(&self.node.roots.state)
                .is_some()
                || lines.any(is_harm)
        });
        if (loses || unit.is_some_and(node::Unit::kills_all))
            && let Some(first) = steps.first_mut()
        {
            // Every process of the unit is ended, the shims too.
            let tasks = Object::global("task", "every one that runs");
            first.loses = Loss::of_object(tasks);
            first.is_undoable = false;
        }
        steps
    }

    /// The way back, and a start.
    pub(super) fn start(&self) -> Vec<Step> {
        let units = &self.node.units;
        let commands = units.starting().into_iter();
        let mut steps: Vec<Step> = commands
            .map(|command| Step::from(command).undoable())
            .collect();
        steps.extend(units.starting_words().map(Step::words));
        steps
    }

    /// The same, where it must not be done before that.
    pub(super) fn start_only(&self, condition: &str) -> Vec<Step> {
        let steps = self.start().into_iter();
        steps.map(|step| step.only(condition)).collect()
    }

    /// A call of coroner for this node, as it is mounted at `/`.
    fn coroner(&self, words: &[&'static str]) -> Draft {
        let draft = Draft::new(program::CORONER).words(words);
        let root = self.root();
        if self.node.roots.whose == "containerd" && root == *"/var/lib/containerd" {
            draft
        } else {
            let draft = draft.value("--root", root);
            // What no place of the evidence tells, the user said.
            if self.node.roots.rule != node::Rule::Said {
                return draft;
            }
            let draft = draft.value("--state", path_text(&self.node.roots.state));
            let config = self.node.roots.config.as_ref();
            match config.and_then(|config| config.files.first()) {
                Some(file) => draft.value("--config", file.clone()),
                None => draft,
            }
        }
    }

    /// A call of ctr in a namespace.
    pub(super) fn ctr(&self, namespace: &Text, words: &[&'static str]) -> Draft {
        let draft = Draft::new(program::CTR);
        let address = self.node.roots.address();
        let draft = if address == b"/run/containerd/containerd.sock" {
            draft
        } else {
            draft.value("--address", Text::from(address))
        };
        draft.value("--namespace", namespace.clone()).words(words)
    }

    /// Moves something out of the way, on its own file system: nothing is lost.
    pub(super) fn aside(&self, path: &Text) -> Vec<Step> {
        let (root, state) = (self.root(), path_text(&self.node.roots.state));
        let below = |top: &Text| {
            let rest = path.bytes().strip_prefix(top.bytes());
            rest.is_some_and(|rest| rest.starts_with(b"/"))
        };
        let top = if below(&state) {
            state
        } else if below(&root) {
            root
        } else {
            Text::from(SAVED)
        };
        let folder = Text::from([top.bytes(), b"/.coroner-aside/"].concat());
        let make = Draft::new(program::MKDIR).word("-p").path(folder.clone());
        let move_it = Draft::new(program::MV)
            .word("-n")
            .path(path.clone())
            .path(folder);
        let steps = [step(make), step(move_it)];
        let steps: Option<Vec<Step>> = steps.into_iter().map(|it| it.map(Step::undoable)).collect();
        steps.unwrap_or_default()
    }

    /// Copies an image out of the stores first.
    pub(super) fn export(&self, image: &Object, number: usize) -> Option<Action> {
        let file = Text::from(format!("{SAVED}/coroner-image-{number}.tar"));
        let draft = self.coroner(&["content", "export"]).value("--output", file);
        let draft = draft.operand("/").operand(image.name.clone());
        draft.command().map(Action::Command)
    }

    /// Copies the files of a container or snapshot out first.
    pub(super) fn extract(&self, object: &Object, number: usize) -> Option<Action> {
        let folder = Text::from(format!("{SAVED}/coroner-files-{number}"));
        let draft = self
            .coroner(&["snapshots", "extract"])
            .value("--output", folder);
        let draft = draft.operand("/").operand(object.name.clone());
        draft.command().map(Action::Command)
    }

    /// Pulls images by those of their names that are no digests.
    pub(super) fn pulls(&self, finding: &Finding) -> Vec<Step> {
        download(finding, "Pull", |namespace| {
            if *namespace == *"k8s.io" {
                Draft::new(program::CRICTL).word("pull")
            } else {
                self.ctr(namespace, &["images", "pull"])
            }
        })
    }

    /// Downloads all that such images name, and unpacks nothing.
    pub(super) fn fetches(&self, finding: &Finding) -> Vec<Step> {
        download(finding, "Fetch", |namespace| {
            self.ctr(namespace, &["content", "fetch"])
        })
    }

    /// Repairs meta.db, with the daemon stopped.
    pub(super) fn repair(&self, why: &str) -> Remedy {
        self.repair_with(&[], why)
    }

    /// The same, with options without which the plan does not look at what is wrong.
    pub(super) fn repair_with(&self, options: &[&'static str], why: &str) -> Remedy {
        let plan = Text::from(node::plan_file(&self.node.now.to_string()));
        let make = self
            .coroner(&["repair", "plan"])
            .words(options)
            .value("--output", plan.clone());
        let make = step(make.operand("/"));
        let apply = Draft::new(program::CORONER)
            .words(&["repair", "apply"])
            .path(plan.clone());
        let show = Draft::new(program::CORONER)
            .words(&["repair", "show"])
            .path(plan);
        let mut steps = self.stop();
        steps.extend(make.map(Step::undoable));
        steps.extend(step(show).map(Step::undoable));
        steps.extend(step(apply).map(|it| {
            it.undoable()
                .only("if you can do without what the plan lists as lost")
        }));
        steps.extend(self.start_only(APPLIED));
        Remedy::new(why, steps)
    }

    /// Writes a corrected copy of a file of the configuration.
    pub(super) fn draft(&self, new: &Text, file: &Text) -> Draft {
        let draft = self.coroner(&["repair", "draft"]);
        let draft = draft.value("--file", file.clone());
        draft.value("--output", new.clone()).operand("/")
    }

    /// Writes a database anew from what can be proven of it, and puts it in its place.
    pub(super) fn salvage(&self, file: &Text) -> Remedy {
        let new = Text::from(format!("{SAVED}/coroner-new.db"));
        let draft = Draft::new(program::CORONER).words(&["bolt", "salvage"]);
        let write = step(draft.value("--output", new.clone()).path(file.clone()));
        let put = Draft::new(program::MV)
            .word("-n")
            .path(new)
            .path(file.clone());
        let mut steps = self.stop();
        steps.extend(write.map(Step::undoable));
        let aside = self.aside(file);
        if aside.is_empty() {
            return Remedy::default();
        }
        steps.extend(aside);
        let condition = "if what its last lines say that a start would lose may be lost";
        steps.extend(step(put).map(|it| it.undoable().only(condition)));
        steps.extend(self.start_only(DONE));
        Remedy::new(
            "A new database of what can be proven takes the place of this one.",
            steps,
        )
    }

    /// Asks what a start does with this file as meta.db.
    pub(super) fn preflight_on(&self, file: &Text) -> Option<Step> {
        let draft = self.coroner(&["preflight"]);
        step(draft.value("--meta-db", file.clone()).operand("/"))
    }

    /// Writes a database as it was one transaction before, and puts it in its place.
    pub(super) fn revert(&self, file: &Text, is_sure: bool) -> Remedy {
        let new = Text::from(format!("{SAVED}/coroner-before.db"));
        let look = Draft::new(program::CORONER).words(&["bolt", "diff"]);
        let look = step(look.path(file.clone()));
        let draft = Draft::new(program::CORONER).words(&["bolt", "surgery", "revert"]);
        let write = step(draft.value("--output", new.clone()).path(file.clone()));
        let is_meta = file.bytes().ends_with(b"/meta.db");
        let ask = self.preflight_on(&new).filter(|_| is_meta);
        let put = Draft::new(program::MV)
            .word("-n")
            .path(new)
            .path(file.clone());
        let aside = self.aside(file);
        if aside.is_empty() {
            return Remedy::default();
        }
        let condition = match (is_sure, is_meta) {
            (true, true) => "if preflight does not forbid a start on it",
            (true, false) => "if triage finds nothing else in this file",
            (false, _) => {
                "if bolt diff shows that the last transaction did what it should not have"
            }
        };
        let mut steps = self.stop();
        steps.extend(look.map(Step::undoable));
        steps.extend(write.map(Step::undoable));
        steps.extend(ask.map(Step::undoable));
        steps.extend(aside.into_iter().map(|it| it.only(condition)));
        steps.extend(step(put).map(|it| it.undoable().only(condition)));
        steps.extend(self.start_only(DONE));
        Remedy::new(
            "The tree of the transaction before is whole: a copy that has it as the newest takes the place of \
             this one. What the last transaction did is lost.",
            steps,
        )
    }

    /// Puts the thing at the finding's place aside; with the daemon stopped, if `stopped`.
    pub(super) fn set_aside(&self, finding: &Finding, why: &str, stopped: bool) -> Remedy {
        let Some(path) = &finding.location.file else {
            return Remedy::default();
        };
        let aside = self.aside(path);
        if aside.is_empty() {
            return Remedy::default();
        }
        let (before, after) = if stopped {
            (self.stop(), self.start())
        } else {
            (Vec::new(), Vec::new())
        };
        Remedy::new(why, before.into_iter().chain(aside).chain(after).collect())
    }

    /// Removes objects of one kind by ctr.
    pub(super) fn remove(
        &self,
        finding: &Finding,
        kind: &'static str,
        words: &[&'static str],
    ) -> Vec<Step> {
        let count = objects_of_kind(finding, kind).count();
        let objects = objects_of_kind(finding, kind).take(SHOWN);
        let steps = objects.filter_map(|object| {
            let draft = self.ctr(object.namespace.as_ref()?, words);
            let step = step(draft.operand(object.name.clone()))?;
            Some(step.loses(Loss::of_object(object.clone())).only(RUNNING))
        });
        let mut steps: Vec<Step> = steps.collect();
        and_more(&mut steps, count, "Remove");
        steps
    }
}

/// Steps that download images by those of their names that are no digests.
fn download(finding: &Finding, verb: &str, draft: impl Fn(&Text) -> Draft) -> Vec<Step> {
    let names = objects_of_kind(finding, "image").filter(|image| {
        let name = image.name.bytes();
        !name.starts_with(b"sha256:") && !name.contains(&b'@')
    });
    let count = names.clone().count();
    let steps = names
        .take(SHOWN)
        .filter_map(|image| step(draft(image.namespace.as_ref()?).operand(image.name.clone())));
    let mut steps: Vec<Step> = steps.collect();
    and_more(&mut steps, count, verb);
    steps.into_iter().map(|step| step.only(PULLING)).collect()
}

/// A command as a step.
pub(super) fn run(draft: Draft) -> Option<Step> {
    step(draft)
}

/// A call of a program.
pub(super) fn call(program: Program) -> Draft {
    Draft::new(program)
}
