//! `coroner snapshots cat`: the bytes of one file as the container saw it.

use std::path::Path;

use cli::{Exit, Failure, Out, Outcome};
use finding::Unread;

use crate::pick::{self, PickArgs};

pub(crate) fn run(args: &PickArgs, path: &Path, max_file: u64, out: &mut Out) -> Outcome {
    let (case, node) = pick::open(&args.evidence)?;
    let picked = args.pick(&node)?;
    let merged = picked.merged(&case.evidence, args.prefix(&node))?;
    let shown = node::path_text(path);
    let failed = |why: &dyn std::fmt::Display| {
        Failure::unread(format!("{shown} of {} {why}", picked.what))
            .hint("`coroner snapshots files NODE NAME` lists what is there")
    };
    let (real, entry) = merged.resolve(path).map_err(|why| failed(&why))?;
    if let Some(why) = entry.stat.kind.unread() {
        return Err(failed(&why));
    }
    let Some(bytes) = entry.bytes_at() else {
        return Err(failed(
            &"has no bytes in any layer: only its metadata were copied up",
        ));
    };
    let pages = case.evidence.pages(bytes).map_err(|why| failed(&why))?;
    let mut exit = Exit::CLEAN;
    if let Err(why) = out.copy(&pages, max_file)? {
        let place = node::path_text(&real);
        let failure = Failure::unread(format!("{place} could not be read to its end: {why}"));
        return Err(match why {
            Unread::TooLarge { .. } => failure
                .hint("--max-file SIZE lets more through; to a file of -o, holes do not count"),
            _ => failure,
        });
    }
    if !entry.stat.is_file() {
        exit |= Exit::UNREAD;
    }
    Ok(exit)
}
