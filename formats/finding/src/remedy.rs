//! Ways out, as data: what to do, in which order, and what it costs.

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{Command, Object, Text, program};

/// What a step takes away for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Nothing that anybody needs.
    Nothing,
    /// These.
    Objects(Vec<Object>),
    /// These, and perhaps more.
    AtLeast(Vec<Object>),
    /// That is not known.
    Unknown,
}

impl Loss {
    /// The loss of this one object.
    pub fn of_object(object: Object) -> Self {
        Self::Objects(vec![object])
    }

    /// The objects that are named.
    pub fn objects(&self) -> &[Object] {
        match self {
            Self::Objects(objects) | Self::AtLeast(objects) => objects,
            Self::Nothing | Self::Unknown => &[],
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Objects(_) => 1,
            Self::AtLeast(_) | Self::Unknown => 2,
        }
    }
}

/// What is to be done in a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Run a command.
    Command(Command),
    /// Write a file.
    Edit(Edit),
    /// Do what a sentence says.
    Words(String),
}

impl Action {
    /// What a sentence says.
    pub fn words(words: impl Into<String>) -> Self {
        Self::Words(words.into())
    }

    /// The same for who stands outside of the node, where `process` is in it; where no process is known to
    /// be, a sentence instead of a command.
    fn inside(self, process: Option<u32>) -> Self {
        match (self, process) {
            (Self::Command(command), Some(process)) => Self::Command(command.inside(process)),
            (Self::Command(command), None) if command.program() != program::CORONER.name() => {
                Self::Words(format!(
                    "Inside the node, whose pids and paths are not this machine's: {command}"
                ))
            }
            (other, _) => other,
        }
    }
}

/// The contents that a file should have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// Its absolute path.
    pub file: Text,
    /// All that it should hold, to the byte.
    pub contents: Text,
}

/// A step of a way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// When; always, if that is not said.
    pub condition: Option<String>,
    /// What it takes away for good.
    pub loses: Loss,
    /// Whether it can be undone.
    pub is_undoable: bool,
    /// What to do before, since it saves what the step takes away.
    pub save_first: Vec<Action>,
}

impl Step {
    /// A step that takes nothing away, and cannot be undone.
    pub const fn new(action: Action) -> Self {
        Self {
            action,
            condition: None,
            loses: Loss::Nothing,
            is_undoable: false,
            save_first: Vec::new(),
        }
    }

    /// What a sentence says, as a step that takes nothing away.
    pub fn words(words: impl Into<String>) -> Self {
        Self::new(Action::words(words))
    }

    /// Only then.
    #[must_use]
    pub fn only(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// Which takes this away.
    #[must_use]
    pub fn loses(mut self, loses: Loss) -> Self {
        self.loses = loses;
        self
    }

    /// Which can be undone.
    #[must_use]
    pub const fn undoable(mut self) -> Self {
        self.is_undoable = true;
        self
    }

    /// Before which this is done.
    #[must_use]
    pub fn save_first(mut self, action: Action) -> Self {
        self.save_first.push(action);
        self
    }

    /// The command, if it is one.
    pub const fn command(&self) -> Option<&Command> {
        match &self.action {
            Action::Command(command) => Some(command),
            Action::Edit(_) | Action::Words(_) => None,
        }
    }
}

impl From<Command> for Step {
    fn from(command: Command) -> Self {
        Self::new(Action::Command(command))
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.action {
            Action::Command(command) => map.serialize_entry("command", command)?,
            Action::Edit(edit) => map.serialize_entry("edit", edit)?,
            Action::Words(words) => map.serialize_entry("words", words)?,
        }
        if let Some(condition) = &self.condition {
            map.serialize_entry("only", condition)?;
        }
        match &self.loses {
            Loss::Nothing => map.serialize_entry("loses", "nothing")?,
            Loss::Unknown => map.serialize_entry("loses", "unknown")?,
            Loss::Objects(objects) => {
                map.serialize_entry("loses", "objects")?;
                map.serialize_entry("objects", objects)?;
            }
            Loss::AtLeast(objects) => {
                map.serialize_entry("loses", "unknown")?;
                map.serialize_entry("objects", objects)?;
            }
        }
        map.serialize_entry("undoable", &self.is_undoable)?;
        if !self.save_first.is_empty() {
            map.serialize_entry("save_first", &self.save_first)?;
        }
        map.end()
    }
}

/// A way out: steps in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// What it brings, and why that works.
    pub why: String,
    /// The steps.
    pub steps: Vec<Step>,
}

impl Remedy {
    /// A way out of these steps.
    pub fn new(why: impl Into<String>, steps: Vec<Step>) -> Self {
        Self {
            why: why.into(),
            steps,
        }
    }

    /// Whether no step takes anything away. Where no step is known, nothing is promised.
    pub fn is_safe(&self) -> bool {
        let keeps = |step: &Step| step.loses == Loss::Nothing;
        !self.steps.is_empty() && self.steps.iter().all(keeps)
    }

    /// The commands among its steps.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.steps.iter().filter_map(Step::command)
    }

    /// The same for who stands outside of a node that is a container: each command is run in the
    /// namespaces of `process`; where none is known, it is told and not given as a command.
    pub fn put_inside(&mut self, process: Option<u32>) {
        for step in &mut self.steps {
            let action = std::mem::replace(&mut step.action, Action::Words(String::new()));
            step.action = action.inside(process);
            let first = std::mem::take(&mut step.save_first);
            step.save_first = first.into_iter().map(|one| one.inside(process)).collect();
        }
    }

    /// How much harm it does; the least first.
    pub fn harm(&self) -> (u8, bool, usize) {
        let worst = self.steps.iter().map(|step| step.loses.rank()).max();
        let is_final = self.steps.iter().any(|step| !step.is_undoable);
        (worst.unwrap_or(0), is_final, self.steps.len())
    }
}

impl Serialize for Remedy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if !self.steps.is_empty() {
            map.serialize_entry("safe", &self.is_safe())?;
        }
        map.serialize_entry("why", &self.why)?;
        map.serialize_entry("steps", &self.steps)?;
        map.end()
    }
}
