//! Of runc.

use finding::{Code, Severity};

use crate::signature::{Bond, Part, Signature, Wants};

/// Created, and not started.
pub(crate) static INIT_FIFO: Signature = Signature {
    code: Code {
        name: "core/init-at-fifo",
        rule: "",
        severity: Severity::Note,
        title: "runc's init waits at exec.fifo for a start",
        explanation: "The container was created, and waits for `runc start` to open its FIFO. This is normal between \
create and start. If it lasts, the process that should start the container is blocked: look at the \
shim and the daemon.",
        remedy: "Do not open, read or write exec.fifo: that starts the container. `coroner runtime stuck` says which process should.",
    },
    upstream: &["runc#2828", "containerd#5280"],
    fixed: "no fault of runc's",
    parts: &[Part {
        does: "opens exec.fifo",
        calls: &[
            &[
                "syscall.openat",
                "unix.openat",
                "unix.Open",
                "unix.Openat",
                "syscall.Open",
                "os.OpenFile",
                "pathrs.Reopen",
            ],
            &["libcontainer.(*linuxStandardInit).Init"],
        ],
        wants: Wants::Syscall,
        least: 1,
        minutes: 0,
    }],
    bond: Bond::None,
};

/// A start whose init does not come.
pub(crate) static START_FIFO: Signature = Signature {
    code: Code {
        name: "core/start-at-fifo",
        rule: "",
        severity: Severity::Damage,
        title: "`runc start` waits at exec.fifo for an init that does not come",
        explanation: "A start opens exec.fifo and waits until the init opens it, too. It did not, for at least a minute: \
the init is stopped, frozen, or opened another FIFO of that name.",
        remedy: "`coroner runtime stuck` says what became of the init. Ending `runc start` loses nothing: it can be called again.",
    },
    upstream: &["runc#2828"],
    fixed: "depends on what the init waits for",
    parts: &[Part {
        does: "opens exec.fifo",
        calls: &[&[
            "libcontainer.fifoOpen",
            "libcontainer.awaitFifoOpen*",
            "libcontainer.handleFifoResult",
        ]],
        wants: Wants::Blocked,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
};
