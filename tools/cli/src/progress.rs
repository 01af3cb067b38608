//! Progress on standard error, for whatever takes more than a second.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::size;

#[derive(Debug)]
struct Counter {
    done: AtomicU64,
    total: AtomicU64,
    /// Whether what is counted are things, not bytes.
    things: bool,
    /// The part of the work that is being done, where nothing is counted.
    part: Option<Mutex<&'static str>>,
}

/// Tells a [`Progress`] which part of the work begins.
#[derive(Debug, Clone)]
pub struct Part(Arc<Counter>);

impl Part {
    /// This part begins.
    pub fn begin(&self, what: &'static str) {
        if let Some(part) = &self.0.part {
            *part.lock().unwrap_or_else(PoisonError::into_inner) = what;
        }
    }
}

/// Progress of one long operation; it says nothing in its first second, and ends when dropped.
#[derive(Debug)]
pub struct Progress {
    counter: Arc<Counter>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to count bytes of `what` up to `total` (0: not known).
    pub fn start(what: &'static str, total: u64, quiet: bool) -> Self {
        Self::begin(what, total, false, None, quiet)
    }

    /// Starts to count things, such as entries of directories.
    pub fn counting(what: &'static str, quiet: bool) -> Self {
        Self::begin(what, 0, true, None, quiet)
    }

    /// Starts work in parts, none of which is counted; each is told to [`Progress::part`].
    pub fn parts(quiet: bool) -> Self {
        Self::begin("", 0, true, Some(Mutex::new("beginning")), quiet)
    }

    fn begin(
        what: &'static str,
        total: u64,
        things: bool,
        part: Option<Mutex<&'static str>>,
        quiet: bool,
    ) -> Self {
        let counter = Arc::new(Counter {
            done: AtomicU64::new(0),
            total: AtomicU64::new(total),
            things,
            part,
        });
        if quiet {
            return Self {
                counter,
                stop: None,
                thread: None,
            };
        }
        let (stop, stopped) = mpsc::channel();
        let shared = Arc::clone(&counter);
        let thread = std::thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || show(what, &shared, &stopped))
            .ok();
        Self {
            counter,
            stop: Some(stop),
            thread,
        }
    }

    /// Whom to tell which part begins.
    pub fn part(&self) -> Part {
        Part(Arc::clone(&self.counter))
    }

    /// `bytes` more are done.
    pub fn add(&self, bytes: u64) {
        self.counter.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The total turned out to be `bytes`.
    pub fn total(&self, bytes: u64) {
        self.counter.total.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A progress line that fails is no reason to fail.
            let _ = thread.join();
        }
    }
}

fn show(what: &str, counter: &Counter, stopped: &mpsc::Receiver<()>) {
    let terminal = std::io::stderr().is_terminal();
    let pause = if terminal {
        Duration::from_millis(200)
    } else {
        Duration::from_secs(10)
    };
    let started = Instant::now();
    let mut shown = false;
    while matches!(
        stopped.recv_timeout(if shown || !terminal {
            pause
        } else {
            Duration::from_secs(1)
        }),
        Err(mpsc::RecvTimeoutError::Timeout)
    ) {
        let (done, total) = (
            counter.done.load(Ordering::Relaxed),
            counter.total.load(Ordering::Relaxed),
        );
        let seconds = started.elapsed().as_secs().max(1);
        let shown_as = |number: u64| {
            if counter.things {
                number.to_string()
            } else {
                size(number)
            }
        };
        let rate = shown_as(done.div_euclid(seconds));
        let of = if total == 0 {
            String::new()
        } else {
            format!(" of {}", size(total))
        };
        let left = total
            .saturating_sub(done)
            .checked_div(done.div_euclid(seconds))
            .unwrap_or(0);
        let eta = if total == 0 {
            String::new()
        } else {
            format!(", {left} s left")
        };
        let line = match &counter.part {
            Some(part) => {
                let part = *part.lock().unwrap_or_else(PoisonError::into_inner);
                format!("{part} (after {seconds} s)")
            }
            None => format!("{what}: {}{of}, {rate}/s{eta}", shown_as(done)),
        };
        let mut stderr = std::io::stderr().lock();
        let _ = if terminal {
            write!(stderr, "\r\x1b[K{line}")
        } else {
            writeln!(stderr, "{line}")
        };
        shown = true;
    }
    if shown && terminal {
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
    }
}

/// Signals that end a run: Ctrl-C, `kill`. Not SIGHUP, which `nohup` wants ignored.
const SIGNALS: [i32; 2] = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];

/// Whether the next of these ends the program at once.
fn abrupt() -> &'static Arc<AtomicBool> {
    static ABRUPT: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ABRUPT.get_or_init(|| Arc::new(AtomicBool::new(true)))
}

/// From now on, a signal ends the program with the code for that.
pub(crate) fn end_on_signals() {
    let code = i32::from(crate::Exit::INTERRUPTED.0);
    for signal in SIGNALS {
        // Without handlers a signal just ends the program, which is fine, too.
        let flag = Arc::clone(abrupt());
        let _ = signal_hook::flag::register_conditional_shutdown(signal, code, flag);
    }
}

/// A flag that the first signal sets; the second one ends the program at once.
pub(crate) fn cancel_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    abrupt().store(false, Ordering::Relaxed);
    for signal in SIGNALS {
        let _ = signal_hook::flag::register(signal, Arc::clone(&flag));
        let _ = signal_hook::flag::register(signal, Arc::clone(abrupt()));
    }
    flag
}
