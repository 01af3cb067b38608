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
    unless: &[],
};

/// A start whose init does not come.
pub(crate) static START_FIFO: Signature = Signature {
    code: Code {
        name: "core/start-at-fifo",
        rule: "",
        severity: Severity::Note,
        title: "`runc start` waits at exec.fifo for its init",
        explanation: "A start opens exec.fifo and waits until the init opens it, too. This is normal for a moment. If it \
lasts, the init is stopped, frozen, or opened another FIFO of that name. How long it has waited cannot be read from \
a runc: it ends before its first collection of garbage, which would note it.",
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
        minutes: 0,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Init waits for its creator.
pub(crate) static INIT_SYNC: Signature = Signature {
    code: Code {
        name: "core/init-waits-for-runc",
        rule: "",
        severity: Severity::Note,
        title: "runc's init waits for the `runc create` or `runc exec` that made it",
        explanation: "An init does what its runc tells it, and waits for each next step. This is normal for a moment. If it \
lasts, that runc waits itself (for a hook, for dbus, for a cgroup, for a file system), or was stopped or killed.",
        remedy: "`coroner runtime stuck` says what that runc waits for; `coroner core goroutines --pid` of it shows where.",
    },
    upstream: &["runc#4481", "runc#3904", "runc#4228"],
    fixed: "depends on what that runc waits for",
    parts: &[Part {
        does: "reads the next step from the runc that made it",
        calls: &[&["libcontainer.readSync*"], &INIT],
        wants: Wants::Blocked,
        least: 1,
        minutes: 0,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Init writes what nobody reads.
pub(crate) static INIT_LOG: Signature = Signature {
    code: Code {
        name: "core/init-writes-log",
        rule: "",
        severity: Severity::Note,
        title: "runc's init waits to write its log",
        explanation: "An init writes its log into a pipe that its runc reads. This is normal for a moment. If it lasts, the \
pipe is full, and that runc does not read it: it is stopped, or (in runc 1.0.0-rc93) waits for the init itself.",
        remedy: "Look at the runc that made it: `coroner runtime stuck` says whether it is stopped.",
    },
    upstream: &["runc#2865", "runc#2871"],
    fixed: "runc 1.0.0-rc94",
    parts: &[Part {
        does: "writes its log",
        calls: &[&["os.(*File).Write"], &["logrus.(*Entry).*"], &INIT],
        wants: Wants::Blocked,
        least: 1,
        minutes: 0,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Where an init is itself.
const INIT: [&str; 5] = [
    "libcontainer.(*linuxStandardInit).Init",
    "libcontainer.(*linuxSetnsInit).Init",
    "libcontainer.(*LinuxFactory).StartInitialization",
    "libcontainer.startInitialization",
    "libcontainer.Init",
];

/// A hook that does not end.
pub(crate) static HOOK: Signature = Signature {
    code: Code {
        name: "core/runc-hook",
        rule: "",
        severity: Severity::Note,
        title: "runc waits for a hook",
        explanation: "A runc runs the hooks of its container, and waits for each. This is normal for a moment. If it lasts, \
the hook hangs, and with it the create, start or delete.",
        remedy: "Look at what that hook waits for: it is a child of the runc. The bundle's config.json names it under hooks.",
    },
    upstream: &["runc#4481"],
    fixed: "no fault of runc's",
    parts: &[Part {
        does: "runs a hook",
        calls: &[&[
            "configs.HookList.RunHooks",
            "configs.Hooks.Run",
            "configs.Command.Run",
        ]],
        wants: Wants::Blocked,
        least: 1,
        minutes: 0,
    }],
    bond: Bond::None,
    unless: &[],
};
