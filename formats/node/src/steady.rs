//! A database that a daemon may be writing to, as one of its transactions left it.
//!
//! bbolt writes pages that no tree in use has, and then a meta. The tree of transaction N is
//! therefore whole until transaction N + 2 begins to write, which it does only after N + 1 wrote
//! its meta. So a copy that was read from front to back is whole, whatever was written meanwhile,
//! if the newest transaction after the copy is the newest one in it. Who writes to it without knowing bbolt (`cp`,
//! `dd`) keeps to none of this: so its tree must be whole, too.

use std::path::Path;
use std::time::Duration;

use bolt::{Db, TreeState, metas_of};
use evidence::{Evidence, Source};
use finding::Unread;
use view::View;

/// How often a copy is made before it is given up.
const TRIES: u32 = 8;

/// Bytes that hold both metas, whatever the page size (at most 64 KiB).
const HEAD: usize = 0x2_0000;

/// How a database was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// Nobody wrote to it.
    Still,
    /// It was written to; this is what this transaction left.
    Transaction(u64),
    /// It was written to faster than it could be read: a mixture.
    Torn,
}

/// The bytes of the database at `path`, at most `limit`.
pub fn steady(evidence: &Evidence, path: &Path, limit: u64) -> Result<(Source, Copied), Unread> {
    let mut wait = Duration::from_millis(1);
    let mut tries = 0_u32;
    loop {
        tries = tries.saturating_add(1);
        let source = evidence.source_as_is(path, limit)?;
        if !source.is_torn() {
            return Ok((source, Copied::Still));
        }
        let copied = newest(source.view());
        let now = head(evidence, path)
            .as_deref()
            .and_then(|head| newest(View::new(head)));
        match copied {
            Some(txid) if now == Some(txid) && is_whole(source.view()) => {
                return Ok((source, Copied::Transaction(txid)));
            }
            _ if tries >= TRIES => return Ok((source, Copied::Torn)),
            _ => std::thread::sleep(wait),
        }
        wait = wait.saturating_mul(2);
    }
}

/// Whether every page of the tree in use is there.
fn is_whole(view: View<'_>) -> bool {
    let db = Db::open(view).db;
    db.is_some_and(|db| db.check().tree == TreeState::Whole)
}

/// The beginning of the file as it is now.
fn head(evidence: &Evidence, path: &Path) -> Option<Vec<u8>> {
    let pages = evidence.pages(path).ok()?;
    let mut head = vec![0; HEAD];
    let count = pages.read_at(0, &mut head).ok()?;
    head.truncate(count);
    Some(head)
}

/// The newest transaction whose meta is valid.
fn newest(view: View<'_>) -> Option<u64> {
    Some(metas_of(&view).ok()?.newest()?.txid)
}
