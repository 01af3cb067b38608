//! The same work on many items, on several threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// `work` on each of `items`, taken in order by `threads` threads; the results in any order.
///
/// A thread that cannot be started is done without: the caller's own always works.
pub(crate) fn each<I: Sync, O: Send>(
    items: &[I],
    threads: usize,
    work: impl Fn(&I) -> O + Sync,
) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let run = || {
        let mut mine = Vec::new();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            mine.push(work(item));
        }
        done.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .extend(mine);
    };
    thread::scope(|scope| {
        for number in 1..threads {
            let name = format!("measure-{number}");
            if thread::Builder::new()
                .name(name)
                .spawn_scoped(scope, run)
                .is_err()
            {
                break;
            }
        }
        run();
    });
    done.into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_item_once() {
        let items: Vec<u64> = (0..1000).collect();
        for threads in [1, 2, 7] {
            let mut done = super::each(&items, threads, |item| item * 2);
            done.sort_unstable();
            assert_eq!(done.len(), 1000);
            assert_eq!(done.last(), Some(&1998));
        }
        assert!(super::each(&[], 3, |item: &u64| *item).is_empty());
    }
}
