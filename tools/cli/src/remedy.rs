//! Ways out, as text.

use std::collections::BTreeMap;
use std::io;

use finding::{Action, Finding, Loss, Object, Remedy, Step, Text};

use crate::{Pen, Style};

/// Ways out that were written, by their steps, and of which code.
#[derive(Debug, Default)]
pub struct Ways(BTreeMap<String, &'static str>);

/// So many steps are written again and again.
const FEW: usize = 2;

/// How many objects a loss names.
const SHOWN: usize = 6;

impl Pen<'_> {
    /// What to do about a finding, after `first`, with the steps of its ways out below.
    pub fn what_to_do(&mut self, first: &str, finding: &Finding) -> io::Result<()> {
        self.what_to_do_once(first, finding, &mut Ways::default())
    }

    /// As [`what_to_do`](Self::what_to_do), of one of many findings: long ways out that stand above already, with the
    /// same steps, are pointed to.
    pub fn what_to_do_once(
        &mut self,
        first: &str,
        finding: &Finding,
        told: &mut Ways,
    ) -> io::Result<()> {
        let said = finding.what_to_do();
        self.paragraph(first, said)?;
        let indent = " ".repeat(first.chars().count());
        for (number, way) in finding.ways.iter().enumerate() {
            let or = if number == 0 { "" } else { "Or: " };
            if number > 0 || !(way.why.is_empty() || said.contains(&way.why)) {
                self.paragraph(&indent, &format!("{or}{}", way.why))?;
            }
            let steps = format!("{:?}", way.steps);
            match told.0.get(&steps) {
                Some(code) if way.steps.len() > FEW => {
                    self.paragraph(
                        &indent,
                        &format!("  The commands are those of {code} above."),
                    )?;
                }
                _ => {
                    told.0.insert(steps, finding.code.name);
                    self.steps(&indent, way)?;
                }
            }
        }
        Ok(())
    }

    /// The steps of a way out. A command is never broken into lines.
    pub fn steps(&mut self, indent: &str, way: &Remedy) -> io::Result<()> {
        let mut said = None;
        for step in &way.steps {
            let condition = step.condition.as_ref();
            // What follows under the same condition needs no second word of it.
            let is_new = condition != said;
            said = condition;
            if let Some(condition) = condition.filter(|_| is_new) {
                self.paragraph(indent, &format!("Only {condition}:"))?;
            }
            for action in &step.save_first {
                self.action(&format!("{indent}  first "), action)?;
            }
            self.action(&format!("{indent}  "), &step.action)?;
            if let Some(loss) = loss(step) {
                let loss = self.styled(Style::Faint, loss).to_string();
                self.paragraph(&format!("{indent}    "), &loss)?;
            }
        }
        Ok(())
    }

    fn action(&mut self, indent: &str, action: &Action) -> io::Result<()> {
        match action {
            Action::Command(command) => self.verbatim(format_args!("{indent}# {command}")),
            Action::Edit(edit) => {
                self.paragraph(indent, &format!("Let {} hold exactly this:", edit.file))?;
                let contents = edit.contents.bytes();
                let contents = contents.strip_suffix(b"\n").unwrap_or(contents);
                for line in contents.split(|byte| *byte == b'\n') {
                    self.verbatim(format_args!("{indent}  {}", Text::from(line)))?;
                }
                Ok(())
            }
            Action::Words(words) => self.paragraph(indent, words),
        }
    }
}

/// What a step takes away, if it takes anything.
fn loss(step: &Step) -> Option<String> {
    let lost = match &step.loses {
        Loss::Nothing => return None,
        Loss::Unknown => "what this may harm besides is not known".to_owned(),
        Loss::Objects(objects) | Loss::AtLeast(objects) => {
            let names = objects.iter().take(SHOWN).map(Object::to_string);
            let more = objects.len().saturating_sub(SHOWN);
            let more = (more > 0).then(|| format!("{more} more"));
            let is_all = matches!(step.loses, Loss::Objects(_));
            let rest = (!is_all).then(|| "and what else is not known".to_owned());
            let names: Vec<String> = names.chain(more).chain(rest).collect();
            format!("this loses {}", names.join(", "))
        }
    };
    let undoable = if step.is_undoable {
        "; it can be undone"
    } else {
        ""
    };
    Some(format!("({lost}{undoable})"))
}
