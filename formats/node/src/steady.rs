//! A database that a daemon may be writing to, as one of its transactions left it.
//!
//! bbolt writes pages that no tree in use has, and then a meta. The tree of transaction N is
//! therefore whole until transaction N + 2 begins to write, which it does only after N + 1 wrote
//! its meta. So a copy that was read from front to back is whole, whatever was written meanwhile,
//! if the newest transaction after the copy is the newest one in it.

use std::path::Path;
use std::time::Duration;

use bolt::metas_of;
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
            Some(txid) if now == Some(txid) => return Ok((source, Copied::Transaction(txid))),
            _ if tries >= TRIES => return Ok((source, Copied::Torn)),
            _ => std::thread::sleep(wait),
        }
        wait = wait.saturating_mul(2);
    }
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
