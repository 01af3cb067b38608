//! Arguments and variables of frames, where the program's DWARF is there.

use std::collections::{BTreeMap, HashSet};
use std::io;

use cli::{Failure, Pen};
use finding::Unknown;
use goroutines::{Frame, Goroutine};
use goruntime::{Variable, Variables};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::Files;

/// Frames that are looked at.
const FRAMES: usize = 20_000;

/// The variables of frames, by goroutine and by the address above the frame.
#[derive(Debug, Default)]
pub(crate) struct Found(BTreeMap<(u64, u64), Vec<Variable>>);

/// The variables of one frame, as JSON has them.
#[derive(Serialize)]
struct Row<'v> {
    goroutine: u64,
    #[serde(serialize_with = "finding::hex_number")]
    fp: u64,
    variables: &'v [Variable],
}

impl Serialize for Found {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|((goroutine, fp), variables)| Row {
            goroutine: *goroutine,
            fp: *fp,
            variables,
        }))
    }
}

/// Reads them.
pub(crate) fn read_variables(
    args: &CoreArgs,
    goroutines: &[&Goroutine],
    unknown: &mut Vec<Unknown>,
) -> Result<Found, Failure> {
    let files = Files::open(args)?;
    let image = files.image();
    let Some((dwarf, slide)) = files.dwarf(args)? else {
        return Err(
            Failure::unread("the program has no DWARF: it was built without, or stripped").hint(
                "name a folder with its debug files with --debug-dir; a build of the same release with the \
                 same toolchain has the same code, but another build id",
            ),
        );
    };
    let variables = Variables::new(&dwarf);
    let mut found = BTreeMap::new();
    let mut left = FRAMES;
    for one in goroutines {
        let mut seen = HashSet::new();
        for frame in one
            .frames
            .iter()
            .filter(|frame| frame.fp != 0 && seen.insert(frame.fp))
        {
            if left == 0 {
                unknown.push(Unknown::new(
                    "variables of more frames",
                    format!("only those of the first {FRAMES} frames were read"),
                ));
                return Ok(Found(found));
            }
            left = left.saturating_sub(1);
            // The call stands before the address to which it returns.
            let pc = frame.pc.saturating_sub(1);
            let all = variables.variables_at(&image, pc, frame.fp, slide);
            if !all.is_empty() {
                found.insert((one.id, frame.fp), all);
            }
        }
    }
    Ok(Found(found))
}

impl Found {
    /// Shows those of one frame: of inlined functions, only their own.
    pub(crate) fn show(&self, one: u64, frame: &Frame, pen: &mut Pen<'_>) -> io::Result<()> {
        let all = self.0.get(&(one, frame.fp)).into_iter().flatten();
        let function = frame.site.function.to_string();
        for variable in all.filter(|variable| variable.function == function) {
            let Variable {
                name,
                kind,
                value,
                why,
                ..
            } = variable;
            let word = if variable.argument {
                "argument"
            } else {
                "variable"
            };
            match (value, why) {
                (Some(value), _) => {
                    pen.line(format_args!("      {word} {name} {kind} = {value}"))?;
                }
                (None, why) => {
                    let why = why.unwrap_or("not known");
                    pen.line(format_args!("      {word} {name} {kind}: {why}"))?;
                }
            }
        }
        Ok(())
    }
}
