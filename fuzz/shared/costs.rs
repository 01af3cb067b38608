//! What a run of a target may cost: an allocation beyond the limit fails, which ends the process, as libFuzzer then
//! reports; so does work without end, which is counted by what it allocates in all.
//!
//! Each target is made by `bounded_target!`, which gives every run a limit that grows with its input.

use std::alloc::System;

use cap::Cap;

/// Counts what is allocated.
#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// What an input of so many bytes may have at once: 256 MiB, as a verb may have for an archive of a mebibyte.
const fn most(len: usize) -> usize {
    (256 << 20) + 64 * len
}

/// What it may allocate in all, one after the other: the budget of its steps, for a step that costs something
/// allocates something. What loops and allocates nothing meets libFuzzer's `-timeout`.
const fn steps(len: usize) -> usize {
    (4 << 30) + 8192 * len
}

/// Runs `work`, which may have `limit` bytes at once beyond what there was before: where a target needs less than
/// others, or, as what is packed inflates, more.
#[allow(dead_code, reason = "not every target has a limit of its own")]
pub fn within<T>(limit: usize, work: impl FnOnce() -> T) -> T {
    let outer = ALLOCATED.limit();
    let most = ALLOCATED.allocated().saturating_add(limit);
    ALLOCATED.set_limit(most).expect("less is allocated");
    let done = work();
    ALLOCATED.set_limit(outer).expect("less is allocated");
    done
}

/// One run of a target.
pub fn bounded(data: &[u8], run: impl FnOnce(&[u8])) {
    let before = ALLOCATED.total_allocated();
    within(most(data.len()), || run(data));
    let took = ALLOCATED.total_allocated().wrapping_sub(before);
    assert!(
        took <= steps(data.len()),
        "{took} bytes were allocated for {} of input",
        data.len()
    );
}

/// A fuzz target, whose runs are `bounded`.
macro_rules! bounded_target {
    (|$data:ident: &[u8]| $body:block) => {
        libfuzzer_sys::fuzz_target!(|input: &[u8]| {
            $crate::costs::bounded(input, |$data: &[u8]| $body);
        });
    };
}
