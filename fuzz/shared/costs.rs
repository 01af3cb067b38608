//! What a target may cost: an allocation beyond the limit fails, which ends the process, as libFuzzer then reports.

use std::alloc::System;

use cap::Cap;

/// Counts what is allocated.
#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// Runs `work`, which may have `limit` bytes at once beyond what there was before.
pub fn within<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    let most = ALLOCATED.allocated().saturating_add(limit);
    ALLOCATED.set_limit(most).expect("less is allocated");
    let done = work();
    ALLOCATED.set_limit(usize::MAX).expect("less is allocated");
    done
}
