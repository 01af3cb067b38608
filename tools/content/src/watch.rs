//! Ends a long reading: at Ctrl-C, or when its time is up.

use core::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// `90s`, `15m`, `2h`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeLimit(pub(crate) Duration);

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time such as 90s, 15m or 2h".to_owned();
        let (number, unit) = match text.as_bytes().last() {
            Some(b's') => (text.strip_suffix('s'), 1),
            Some(b'm') => (text.strip_suffix('m'), 60),
            Some(b'h') => (text.strip_suffix('h'), 3_600),
            _ => (Some(text), 1_u64),
        };
        let number = number.unwrap_or_default();
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(unit).ok_or_else(wrong)?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// Runs `work` with a flag that is set at Ctrl-C (`cancel`), or after `limit`. Gives what it
/// gives, and whether its time was up.
pub(crate) fn watched<T>(
    cancel: &AtomicBool,
    limit: Option<TimeLimit>,
    work: impl FnOnce(&AtomicBool) -> T,
) -> (T, bool) {
    let Some(TimeLimit(limit)) = limit else {
        return (work(cancel), false);
    };
    // No time at all is over before a thread could say so.
    let stop = AtomicBool::new(limit.is_zero());
    let late = AtomicBool::new(limit.is_zero());
    let started = Instant::now();
    let (done, ended) = mpsc::channel::<()>();
    let (stopped, was_late) = (&stop, &late);
    let watch = move || {
        loop {
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                was_late.store(true, Ordering::Relaxed);
            }
            if left.is_zero() || cancel.load(Ordering::Relaxed) {
                stopped.store(true, Ordering::Relaxed);
                return;
            }
            let pause = left.min(Duration::from_millis(50));
            if ended.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    };
    let value = thread::scope(|scope| {
        let watcher = thread::Builder::new().spawn_scoped(scope, watch);
        let value = work(&stop);
        drop(done);
        // Without the thread there is no limit, and Ctrl-C is the kernel's.
        if let Ok(watcher) = watcher {
            let _ = watcher.join();
        }
        value
    });
    let late = late.load(Ordering::Relaxed);
    (value, late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("15m", 900),
            ("2h", 7200),
            ("0s", 0),
        ] {
            let limit = text.parse::<TimeLimit>().unwrap();
            assert_eq!(limit.0.as_secs(), seconds, "{text}");
        }
        for text in [
            "",
            "s",
            "1.5h",
            "-1",
            "1d",
            "99999999999999999999",
            "9999999999999999999h",
        ] {
            assert!(text.parse::<TimeLimit>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_limit_ends_the_work() {
        let cancel = AtomicBool::new(false);
        let wait = |stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        };
        let limit = TimeLimit(Duration::from_millis(20));
        assert!(watched(&cancel, Some(limit), wait).1);
        let quick = watched(&cancel, Some(TimeLimit(Duration::from_mins(1))), |_| 7);
        assert_eq!(quick, (7, false));
        cancel.store(true, Ordering::Relaxed);
        let hour = Some(TimeLimit(Duration::from_hours(1)));
        assert!(!watched(&cancel, hour, wait).1);
    }
}
