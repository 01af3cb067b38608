//! Of the shim of runc.

use finding::{Code, Severity};

use crate::signature::{Bond, Part, Signature, Wants};

/// Everything waits for `runc create`.
pub(crate) static CREATE: Signature = Signature {
    code: Code {
        name: "core/shim-create",
        rule: "",
        severity: Severity::Damage,
        title: "the shim waits for `runc create`, and answers no request meanwhile",
        explanation: "The shim holds its lock while `runc create` runs. One that does not end (a hook, dbus, a frozen \
cgroup, a file system) keeps every request for the pod's containers waiting: State, Kill and Delete, too.",
        remedy: "Find what that runc waits for: `coroner runtime stuck` joins the shim, the runc and its init. Ending \
runc makes the create fail, and the shim goes on.",
    },
    upstream: &["containerd#13483", "runc#4481", "runc#3904"],
    fixed: "containerd 2.4.0 no longer holds the lock",
    parts: &[
        Part {
            does: "waits for runc",
            calls: &[
                &["reaper.(*Monitor).Wait"],
                &["go-runc.(*Runc).Create", "go-runc.(*Runc).Restore"],
                &["task.(*service).*"],
            ],
            wants: Wants::Channel,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "waits for the shim's lock",
            calls: &[&["task.(*service).*"]],
            wants: Wants::Lock,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// Everything of one container waits for another runc.
pub(crate) static RUNC: Signature = Signature {
    code: Code {
        name: "core/shim-runc",
        rule: "",
        severity: Severity::Damage,
        title: "the shim waits for a runc that it called, and that does not end",
        explanation: "The shim called runc to start, enter, signal, pause, measure or delete a container, and runc does not \
end. Most of these are done under the lock of that container, or of that exec: State, Kill and Delete of it wait, too. \
Other containers of the pod go on, but in 1.6 the ends of all of them may wait behind it.",
        remedy: "Find what that runc waits for: `coroner runtime stuck` joins the shim, the runc and its init. A frozen cgroup \
and a file system that does not answer keep it for good.",
    },
    upstream: &["runc#4481", "runc#3904"],
    fixed: "depends on what runc waits for",
    parts: &[
        Part {
            does: "waits for runc",
            calls: &[
                &["reaper.(*Monitor).Wait"],
                &[
                    "go-runc.(*Runc).Start",
                    "go-runc.(*Runc).Exec",
                    "go-runc.(*Runc).Kill",
                    "go-runc.(*Runc).Delete",
                    "go-runc.(*Runc).Pause",
                    "go-runc.(*Runc).Resume",
                    "go-runc.(*Runc).Update",
                    "go-runc.(*Runc).Checkpoint",
                    "go-runc.(*Runc).Ps",
                    "go-runc.(*Runc).Stats",
                    "go-runc.(*Runc).State",
                ],
                &["task.(*service).*"],
            ],
            wants: Wants::Channel,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "waits for the lock of that container or exec",
            calls: &[
                &["process.*", "runc.(*Container).*"],
                &["task.(*service).*"],
            ],
            wants: Wants::Lock,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// The end of a process is handled under the lock that the end needs.
pub(crate) static EXIT_UNDER_CREATE: Signature = Signature {
    code: Code {
        name: "core/shim-exit-under-create",
        rule: "",
        severity: Severity::Damage,
        title: "the shim waits for a lock that it holds itself",
        explanation: "An init that ends before its create is done was handled under the shim's lock, which the handling \
takes again. The shim answers no more requests; the containers of its pod keep running.",
        remedy: "The shim does not recover. Its containers have to be ended, and the shim with them; then a release that \
has the fix.",
    },
    upstream: &["containerd#9103", "containerd#9104"],
    fixed: "containerd 1.6.25, 1.7.8, 2.0.0 (broken since 1.6.22 and 1.7.3)",
    parts: &[Part {
        does: "creates a container, handles its end, and waits for the lock that it has",
        calls: &[
            &["task.(*service).handleProcessExit"],
            &["task.(*service).Create"],
        ],
        wants: Wants::Lock,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::Ring,
    unless: &[],
};

/// Ends are not handled.
pub(crate) static EXITS_BLOCKED: Signature = Signature {
    code: Code {
        name: "core/shim-exits-blocked",
        rule: "",
        severity: Severity::Damage,
        title: "the shim does not handle ends of processes",
        explanation: "The goroutine that handles ends waits for a lock of the shim. Whoever holds it may wait for an end \
itself: of the runc that it called. Containers that ended are still called running.",
        remedy: "Look at who holds the lock (below), and what that waits for.",
    },
    upstream: &[
        "containerd#2709",
        "containerd#3525",
        "containerd#3529",
        "containerd#3617",
    ],
    fixed: "containerd 1.2.1 and 1.3.0 for the known ones",
    parts: &[
        Part {
            does: "handles ends, and waits for a lock",
            calls: &[&["task.(*service).processExits"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "waits for the end of a runc",
            calls: &[&["reaper.(*Monitor).Wait"]],
            wants: Wants::Channel,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// Ends pile up at one subscriber.
pub(crate) static EXITS_PILE_UP: Signature = Signature {
    code: Code {
        name: "core/shim-exits-pile-up",
        rule: "",
        severity: Severity::Damage,
        title: "ends of processes pile up in the shim",
        explanation: "Each end starts a goroutine for each subscriber. One that does not read lets them pile up, and \
with them the shim's memory.",
        remedy: "A release that has the fix; the shim is freed when its containers end.",
    },
    upstream: &["containerd#9217"],
    fixed: "no release is known",
    parts: &[Part {
        does: "brings an end to a subscriber",
        calls: &[
            &["reaper.(*subscriber).do", "reaper.(*Monitor).notify*"],
            &["reaper.(*Monitor).notify*"],
        ],
        wants: Wants::Blocked,
        least: 100,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Nobody reads what a container writes.
pub(crate) static OUTPUT: Signature = Signature {
    code: Code {
        name: "core/shim-output",
        rule: "",
        severity: Severity::Damage,
        title: "no process reads a container's output",
        explanation: "The shim copies a container's output into a FIFO, and waits there: its reader (containerd, a \
client) is stopped or gone. The container waits, too, when its pipe is full; its delete waits for the copy.",
        remedy: "Let the reader go on, or let one read the FIFO: what is read is the container's output, and lost to \
whoever wanted it. A restart of containerd opens the FIFOs of the CRI's containers again.",
    },
    upstream: &[
        "containerd#3457",
        "containerd#2807",
        "moby#38064",
        "gvisor#14427",
        "containerd#10094",
    ],
    fixed: "no fault of the shim's",
    parts: &[
        Part {
            does: "copies output, and waits for a reader",
            calls: &[
                &["fifo.(*fifo).Write", "os.(*File).Write"],
                &["process.copyPipes*", "process.newPipeIO*"],
            ],
            wants: Wants::Descriptor,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "deletes a process, and waits for its output",
            calls: &[&[
                "process.(*Init).delete",
                "process.(*Init).Delete",
                "process.waitTimeout",
            ]],
            wants: Wants::Blocked,
            least: 0,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// Both sides of a connection write.
pub(crate) static CONNECTION: Signature = Signature {
    code: Code {
        name: "core/ttrpc-both-write",
        rule: "",
        severity: Severity::Damage,
        title: "the shim writes answers that are not read",
        explanation: "The shim's side of a connection waits to write an answer, and takes no request meanwhile. Where \
the daemon waits to write a request, too, neither goes on.",
        remedy: "Look at the daemon's side. Closing the connection (a restart of containerd) frees the shim.",
    },
    upstream: &["ttrpc#72", "ttrpc#94", "containerd#6229"],
    fixed: "ttrpc 1.1.0: containerd 1.6.0",
    parts: &[Part {
        does: "writes an answer",
        calls: &[&["net.(*conn).Write"], &["ttrpc.(*serverConn)*"]],
        wants: Wants::Descriptor,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// An end that was not handled.
pub(crate) static END_LOST: Signature = Signature {
    code: Code {
        name: "core/shim-end-lost",
        rule: "",
        severity: Severity::Damage,
        title: "the shim waits for ends of more processes than it has",
        explanation: "Clients wait for containers and execs to end, and the shim waits for them: for more than it has \
children. So the end of one (mostly of an exec) was not handled, or it was never started, and whoever waits for it waits \
without end. Only a shim that runs can be asked so: a core does not hold its children.",
        remedy: "Whoever waits can give up; the container itself is not harmed. The shim forgets the process when the \
container ends. Then a release that has the fix.",
    },
    upstream: &[
        "containerd#9999",
        "containerd#10058",
        "containerd#9719",
        "containerd#9828",
        "containerd#8557",
    ],
    fixed: "containerd 1.6.31 and 1.7.15 for execs, 1.6.36 and 1.7.22 for inits",
    parts: &[Part {
        does: "waits for the end of a process",
        calls: &[
            &["process.(*execProcess).Wait", "process.(*Init).Wait"],
            &["task.(*service).Wait"],
        ],
        wants: Wants::Channel,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::Children,
    unless: &[],
};
