//! The kind of finding about a container that hangs.

use finding::{Code, Severity};

/// A container that hangs.
pub static STUCK: Code = Code {
    name: "runtime/stuck",
    rule: "",
    severity: Severity::Damage,
    title: "a container hangs",
    explanation: "Its folder, its processes and its cgroups were judged together: it does not start, or does \
not go on, and will not by itself. The message begins with the name of the state, as `coroner runtime stuck` and \
docs/stuck.md have it: parked at its FIFO, waiting for a hook, frozen, stopped, died between creation and start, and \
so on. Given only where the evidence holds the processes: a machine that runs, or a bundle of one.",
    remedy: "`coroner runtime show ID NODE` shows the evidence line by line, who waits for whom, the commands that \
are safe in this state, and what must not be done. Do not open, read or write exec.fifo.",
    messages: &[],
};
