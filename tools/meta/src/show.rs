//! `coroner meta show`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Failure, Out, Outcome, Pen, value_lines};
use finding::{Escaped, Text, Unknown};
use serde::Serialize;
use serde_json::Value;

use crate::Kind;
use crate::kind::{Listed, Objects};
use crate::list;
use names::Called;

#[derive(Serialize)]
struct Shown {
    file: Text,
    objects: Vec<Listed>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(
    kind: Kind,
    name: &str,
    namespace: Option<&str>,
    args: &EvidenceArgs,
    out: &mut Out,
) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let Objects { objects, unknown } = list::objects(&node, kind, namespace)?;
    let shown = names::pick(objects, name, called)?;
    if shown.is_empty() {
        let name = Escaped(name.as_bytes());
        let failure = match unknown.first() {
            None => Failure::usage(format!("there is no such object: {name}")),
            Some(Unknown { what, why }) => Failure::unread(format!(
                "{name} was not found, but {what} cannot be known whole: {why}"
            )),
        };
        return Err(failure.hint("`coroner meta ls` lists what there is"));
    }
    out.answer(&Shown {
        file: node.meta.path.clone(),
        objects: shown,
        unknown,
    })
}

fn called(listed: &Listed) -> Called<'_> {
    Called {
        namespace: Some(&listed.object.namespace),
        snapshotter: listed.object.snapshotter(),
        name: &listed.object.name,
        also: &listed.also,
    }
}

impl Answer for Shown {
    const SCHEMA: &'static str = "meta-show/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, Listed { object, .. }) in self.objects.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            pen.heading(format_args!("{} in {}", object.name, object.namespace))?;
            if let Some(at) = &object.at {
                pen.line(format_args!("  {}", at.location(&self.file)))?;
            }
            if !object.whole {
                pen.line("  part of it could not be read")?;
            }
            value_lines(&untold(&object.record), 1, pen)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let whole = self.objects.iter().all(|listed| listed.object.whole);
        if whole { Exit::CLEAN } else { Exit::UNREAD }
    }
}

/// What the heading has not told already.
fn untold(record: &Value) -> Value {
    let mut record = record.clone();
    if let Value::Object(map) = &mut record {
        map.retain(|key, _| !["key", "at", "whole"].contains(&key.as_str()));
    }
    record
}
