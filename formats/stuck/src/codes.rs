//! The kind of finding about a container that hangs.

use finding::{Code, Severity};

/// The daemon does not move.
pub static DAEMON_STUCK: Code = Code {
    name: "runtime/daemon-stuck",
    rule: "",
    severity: Severity::Damage,
    title: "the daemon does not move",
    explanation: "containerd itself was stopped or frozen, threads of it wait for a file system that does not answer, \
or a program that it called does not end. Containers run on; none is made, started or stopped \
meanwhile, or only some: pods stay in ContainerCreating or Terminating, kubelet says that PLEG is \
not healthy, and each retry fails because the name is reserved. Given only where the evidence holds \
the processes: a machine that runs, or a bundle of one.",
    remedy: "End what it waits for: bring the mount's server back or abort the mount, continue what was stopped, end the \
plugin that hangs. A restart of containerd helps only until it waits for the same again.",
};

/// A container that hangs.
pub static STUCK: Code = Code {
    name: "runtime/stuck",
    rule: "",
    severity: Severity::Damage,
    title: "a container hangs",
    explanation: "Its folder, its processes and its cgroups were judged together: it does not start, or does not go \
on, and will not by itself. The message begins with the name of the state, as `coroner runtime \
stuck` and docs/stuck.md have it: parked at its FIFO, waiting for a hook, frozen, stopped, ended \
between creation and start, and so on. Given only where the evidence holds the processes: a machine \
that runs, or a bundle of one.",
    remedy: "`coroner runtime show NODE ID` shows the evidence line by line, who waits for whom, the commands that \
are safe in this state, and what must not be done. Do not open, read or write exec.fifo.",
};

/// A shim that serves nothing any more.
pub static SHIM_LEFT: Code = Code {
    name: "runtime/shim-left",
    rule: "",
    severity: Severity::Odd,
    title: "A shim is left over",
    explanation: "A shim runs, and its bundle is gone. containerd finds shims by their bundles: no start of it finds or ends this \
one. Where nothing runs below it, it holds memory and open files, and nothing else. What runs below it runs on, and its owner \
may have made another. Usually its container was deleted while the daemon was killed, or /run was cleaned. Given only where the evidence holds the processes: a machine \
that runs, or a bundle of one.",
    remedy: "Compare its -namespace and -id with what containerd lists, then end it by its pid; what runs below it is lost then.",
};
