//! How much of a mapped source was looked at, so that its pages are given back in time.

use core::fmt;
use core::panic::{RefUnwindSafe, UnwindSafe};
use core::sync::atomic::{AtomicU64, Ordering};

/// Bytes around one that the kernel maps with it.
const BLOCK: u64 = 64 << 10;

/// What gives pages back.
type GiveBack = Box<dyn Fn() + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// Counts the blocks of a source that its views look at, and has them given back after so many: what was read of a
/// mapped file would else count as memory until the map ends.
///
/// ```
/// # use std::sync::atomic::{AtomicU64, Ordering};
/// # use view::{Meter, View};
/// static GIVEN: AtomicU64 = AtomicU64::new(0);
/// let meter = Meter::new(1 << 20, || { GIVEN.fetch_add(1, Ordering::Relaxed); });
/// let bytes = vec![0; 4 << 20];
/// let view = View::new(&bytes).metered(&meter);
/// for at in (0..view.len()).step_by(4096) {
///     view.u8(at, "byte")?;
/// }
/// assert_eq!(GIVEN.load(Ordering::Relaxed), 4);
/// # Ok::<(), view::Short>(())
/// ```
pub struct Meter {
    /// The block that was looked at last, and how many were since pages were given back.
    last: AtomicU64,
    seen: AtomicU64,
    most: u64,
    give_back: GiveBack,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Meter({} blocks)", self.most)
    }
}

impl Meter {
    /// Has pages given back after so many bytes.
    pub fn new(
        most: u64,
        give_back: impl Fn() + Send + Sync + UnwindSafe + RefUnwindSafe + 'static,
    ) -> Self {
        Self {
            last: AtomicU64::new(u64::MAX),
            seen: AtomicU64::new(0),
            most: (most / BLOCK).max(1),
            give_back: Box::new(give_back),
        }
    }

    /// Notes that `len` bytes at `at` are looked at.
    pub fn see(&self, at: u64, len: u64) {
        let block = at / BLOCK;
        if self.last.load(Ordering::Relaxed) == block && len < BLOCK {
            return;
        }
        self.last.store(block, Ordering::Relaxed);
        let new = (len / BLOCK).saturating_add(1);
        let seen = self.seen.fetch_add(new, Ordering::Relaxed);
        if seen.saturating_add(new) >= self.most {
            self.seen.store(0, Ordering::Relaxed);
            (self.give_back)();
        }
    }
}
