//! Work that may never come back: it is done beside, and given up after a while.
//!
//! The kernel lets a reader of another process's memory wait for its lock, and whoever opens a file wait
//! for a scanner that has to allow it (`FAN_OPEN_PERM` of fanotify(7)), or for a disk.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use finding::Unread;

/// Threads that may be left waiting; from then on nothing is waited for.
const ABANDONED: u32 = 8;

/// How long those after the first are waited for.
const NEXT: Duration = Duration::from_secs(1);

/// Those that were left, or may yet be.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// What `work` gives within `wait`; else `late` says why nothing came.
pub(crate) fn within<T: Send + 'static>(
    wait: Duration,
    late: &str,
    work: impl FnOnce() -> Result<T, Unread> + Send + 'static,
) -> Result<T, Unread> {
    if LEFT.load(Ordering::Relaxed) >= ABANDONED {
        return Err(Unread::Io(format!("{late} (as others before it)")));
    }
    // Where one did not come, the next seldom does.
    let is_first = LEFT.load(Ordering::Relaxed) == 0;
    let wait = if is_first { wait } else { wait.min(NEXT) };
    let (give, take) = channel();
    LEFT.fetch_add(1, Ordering::Relaxed);
    let started = std::thread::Builder::new().spawn(move || {
        let done = work();
        LEFT.fetch_sub(1, Ordering::Relaxed);
        // Nobody may be waiting any more.
        let _ = give.send(done);
    });
    if let Err(error) = started {
        LEFT.fetch_sub(1, Ordering::Relaxed);
        return Err(Unread::Io(error.to_string()));
    }
    let none = |_| Err(Unread::Io(late.to_owned()));
    take.recv_timeout(wait).unwrap_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_comes_is_given_up() {
        let never = || {
            std::thread::sleep(Duration::from_hours(1));
            Ok(())
        };
        let late = within(Duration::from_millis(20), "does not come", never);
        assert_eq!(late, Err(Unread::Io("does not come".into())));
        assert_eq!(within(Duration::from_mins(1), "late", || Ok(7)), Ok(7));
    }
}
