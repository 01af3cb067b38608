//! The check on which all verbs stand, so that none says of a file what another denies.

use bolt::{CheckOptions, CheckReport, PageSource as _, Schemas, TreeState, check};
use cli::{Failure, Progress};
use view::View;

use crate::file::{File, FileArgs};

/// Larger files are not compared with their transaction before: that takes them whole into memory.
pub(crate) const COMPARED: u64 = 32 << 20;

/// Checks all of `file`: its metas, trees and freelist, and the newest tree against the one before.
pub(crate) fn checked(
    args: &FileArgs,
    file: &File,
    threads: usize,
    progress: &Progress,
    schemas: Schemas,
) -> Result<CheckReport, Failure> {
    let options = CheckOptions {
        threads,
        done: &|bytes| progress.add(bytes),
    };
    let report = check(file, &options).map_err(|why| args.unread(&why))?;
    let used = file.used();
    if used > COMPARED || report.tree != TreeState::Whole {
        return Ok(report);
    }
    let mut bytes = vec![0; usize::try_from(used).unwrap_or(0)];
    Ok(match file.read_at(0, &mut bytes) {
        Ok(()) => report.with_lost_writes(View::new(&bytes), schemas),
        Err(_) => report,
    })
}
