//! How much work something was.

use std::time::Duration;

/// The processor time of this thread since then: the same on a busy machine as on a quiet one.
#[derive(Debug, Clone, Copy)]
pub struct Effort(u64);

fn nanoseconds() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    let first = text.split_whitespace().next().expect("a number");
    first.parse().expect("a number")
}

impl Effort {
    /// Begins to count.
    pub fn start() -> Self {
        Self(nanoseconds())
    }

    /// What was spent since then.
    pub fn spent(self) -> Duration {
        Duration::from_nanos(nanoseconds() - self.0)
    }
}
