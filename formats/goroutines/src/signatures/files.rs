//! Of whoever waits for a file: a FIFO without its other end, a database without its writer.

use finding::{Code, Severity};

use crate::signature::{Bond, Part, Signature, Wants};

/// The other end of a FIFO.
pub(crate) static FIFO: Signature = Signature {
    code: Code {
        name: "core/fifo-unopened",
        rule: "",
        severity: Severity::Damage,
        title: "a FIFO is opened whose other end is not opened",
        explanation: "A FIFO opens when both ends are opened. A shim waits so for the client that should read a container's \
output or write its input, while it creates the container.",
        remedy: "Find who should open the other end: the client that asked for the task, or the daemon. Do not open it \
by hand: what is in it would be lost to whoever wants it.",
    },
    upstream: &["containerd#13952"],
    fixed: "no fault of the shim's",
    parts: &[Part {
        does: "opens a FIFO, and waits for its other end",
        calls: &[&["fifo.openFifo", "fifo.OpenFifo", "fifo.OpenFifoDup2"]],
        wants: Wants::Channel,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Threads that open FIFOs.
pub(crate) static PILE_UP: Signature = Signature {
    code: Code {
        name: "core/fifo-opens-pile-up",
        rule: "",
        severity: Severity::Damage,
        title: "threads pile up that open FIFOs whose other end is not opened",
        explanation: "The daemon opens FIFOs of shims and containers, and each open keeps a thread until the other end is \
opened. Those of shims and tasks that did not start are never opened. At 10000 threads Go ends the daemon.",
        remedy: "Find why shims or tasks do not start: the daemon's log says it. A restart of containerd frees the threads; \
ask `coroner preflight NODE` first.",
    },
    upstream: &["containerd#4905", "containerd#13952"],
    fixed: "containerd 1.4.4, 1.5.0 for logs of shims; no release is known for output of containers",
    parts: &[Part {
        does: "opens a FIFO",
        calls: &[&["os.OpenFile"], &["fifo.openFifo*", "fifo.OpenFifo*"]],
        wants: Wants::Syscall,
        least: 16,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// A write to a database that was begun, and left.
pub(crate) static TRANSACTION: Signature = Signature {
    code: Code {
        name: "core/bolt-transaction-left",
        rule: "",
        severity: Severity::Damage,
        title: "everything that writes to a database waits for a write that no goroutine does any more",
        explanation: "BoltDB has one writer at a time, and goroutines wait for it, but none of the others does anything \
with a database or a snapshotter: one began a write, and returned without ending it.",
        remedy: "The daemon does not recover: images, containers and snapshots cannot be changed until it is restarted. What \
that write had changed was never in the file. Ask `coroner preflight NODE` before the restart.",
    },
    upstream: &["containerd#1724", "containerd#6727"],
    fixed: "each is a mistake of one snapshotter: no single release",
    parts: &[Part {
        does: "waits to write to the database",
        calls: &[&["bbolt.(*DB).beginRWTx"]],
        wants: Wants::Lock,
        least: 1,
        minutes: 5,
    }],
    bond: Bond::None,
    unless: &[
        "bbolt.*",
        "storage.*",
        "metadata.*",
        "overlay.*",
        "native.*",
        "btrfs.*",
        "devmapper.*",
        "blockfile.*",
        "erofs.*",
        "zfs.*",
        "lcow.*",
        "snapshot.*",
    ],
};
