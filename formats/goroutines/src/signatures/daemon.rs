//! Of containerd.

use finding::{Code, Severity};

use crate::signature::{Bond, Part, Signature, Wants};

/// AB-BA of the metrics: scraping against a task that starts.
pub(crate) static METRICS_ORDER: Signature = Signature {
    code: Code {
        name: "core/metrics-order",
        rule: "",
        severity: Severity::Damage,
        title: "the daemon's metrics and a task that starts wait for each other's lock",
        explanation: "A scrape of /v1/metrics takes the lock of the metrics, then that of the cgroups' collector; a task \
that starts takes them the other way round. Both wait without end, and so does every task that \
starts later: its init waits at exec.fifo, and the container stays CREATED. Seen in containerd 1.6.0 \
to 1.6.2 when several scrape at once.",
        remedy: "Only a restart of containerd ends it. Ask `coroner preflight NODE` first: a restart kills the containers \
whose shims do not answer. The others keep running, if the unit has KillMode=process. The deadlock can come back until you upgrade to a release with the fix. Until \
then, scrape with one client, or not at all.",
    },
    upstream: &["containerd#6772"],
    fixed: "containerd 1.6.3, 1.7.0",
    parts: &[
        Part {
            does: "collects metrics, and waits for the collector of cgroups",
            calls: &[
                &[
                    "cgroups/v1.(*Collector).Collect",
                    "cgroups/v2.(*Collector).Collect",
                ],
                &["go-metrics.(*Namespace).Collect"],
            ],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "adds a task to the metrics under the collector's lock, and waits for that of the metrics",
            calls: &[
                &["go-metrics.(*Namespace).WithConstLabels"],
                &["cgroups/v1.(*Collector).Add", "cgroups/v2.(*Collector).Add"],
            ],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
    ],
    bond: Bond::Ring,
    unless: &[],
};

/// Metrics wait for a shim that does not answer.
pub(crate) static METRICS_SHIM: Signature = Signature {
    code: Code {
        name: "core/metrics-wait-for-shim",
        rule: "",
        severity: Severity::Damage,
        title: "the daemon's metrics wait for a shim that does not answer, and tasks wait for the metrics",
        explanation: "Whoever scrapes /v1/metrics holds the lock of the metrics while each shim is asked for its figures. \
One that does not answer holds up all: a task that starts needs the same lock.",
        remedy: "Find the shim: `coroner runtime stuck` names the container, `coroner core deadlocks --pid` of the shim \
says what it waits for. End that wait; a restart of containerd alone helps until the next scrape.",
    },
    upstream: &["containerd#11233"],
    fixed: "no release is known",
    parts: &[
        Part {
            does: "waits for the lock of the metrics",
            calls: &[&["go-metrics.(*Namespace)*"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "asks a shim for its figures",
            calls: &[
                &["ttrpc.(*Client).dispatch", "ttrpc.(*Client).Call"],
                &["runtime/v2.(*shimTask).Stats"],
            ],
            wants: Wants::Channel,
            least: 1,
            minutes: 1,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// The lock of a connection to a shim is held while a write blocks.
pub(crate) static TTRPC_LOCK: Signature = Signature {
    code: Code {
        name: "core/ttrpc-lock",
        rule: "",
        severity: Severity::Damage,
        title: "calls to a shim wait for one that cannot write to its socket",
        explanation: "A client of ttrpc holds a lock while it writes a request. Where the shim does not read, the write \
blocks, and every other call of the same connection waits for that lock, also those with a time limit.",
        remedy: "The shim does not read its socket: look at what it waits for (`coroner core deadlocks --pid` of the \
shim). While it does not go on, calls for its container do not return.",
    },
    upstream: &["ttrpc#168", "ttrpc#174"],
    fixed: "no release is known",
    parts: &[
        Part {
            does: "waits to send a request",
            calls: &[&["ttrpc.(*Client).createStream", "ttrpc.(*Client).send"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "writes a request that is not read",
            calls: &[&["net.(*conn).Write"], &["ttrpc.(*channel).send"]],
            wants: Wants::Descriptor,
            least: 1,
            minutes: 1,
        },
    ],
    bond: Bond::Blocks,
    unless: &[],
};

/// A shim does not answer.
pub(crate) static SHIM_SILENT: Signature = Signature {
    code: Code {
        name: "core/shim-silent",
        rule: "",
        severity: Severity::Damage,
        title: "the daemon waits for an answer of a shim",
        explanation: "A request to a shim has had no answer for minutes. The request Wait does not count: it lasts as long \
as the container. The shim's own goroutines show what it waits for.",
        remedy: "Look at the shim of that container: `coroner core deadlocks --pid` of it, without stopping it, or \
`coroner runtime stuck` for the whole node. A restart of containerd does not end the shim's wait.",
    },
    upstream: &["containerd#3572", "containerd#3440", "containerd#13692"],
    fixed: "depends on what the shim waits for",
    parts: &[Part {
        does: "waits for the answer of a shim",
        calls: &[
            &["ttrpc.(*Client).dispatch", "ttrpc.(*Client).Call"],
            &[
                "runtime/v2.(*shimTask).Create",
                "runtime/v2.(*shimTask).Start",
                "runtime/v2.(*shimTask).State",
                "runtime/v2.(*shimTask).Stats",
                "runtime/v2.(*shimTask).Kill",
                "runtime/v2.(*shimTask).Delete",
                "runtime/v2.(*shimTask).delete",
                "runtime/v2.(*shimTask).Exec",
                "runtime/v2.(*shimTask).Pids",
                "runtime/v2.(*shimTask).Pause",
                "runtime/v2.(*shimTask).Resume",
                "runtime/v2.(*shimTask).Update",
                "runtime/v2.(*shimTask).Checkpoint",
                "runtime/v2.(*shimTask).CloseIO",
                "runtime/v2.(*shimTask).Shutdown",
                "runtime/v2.(*process).State",
                "runtime/v2.(*process).Start",
                "runtime/v2.(*process).Kill",
                "runtime/v2.(*process).Delete",
            ],
        ],
        wants: Wants::Channel,
        least: 1,
        minutes: 2,
    }],
    bond: Bond::None,
    unless: &[],
};

/// The start waits for one shim.
pub(crate) static LOADS_SHIM: Signature = Signature {
    code: Code {
        name: "core/start-waits-for-shim",
        rule: "",
        severity: Severity::Fatal,
        title: "the daemon's start waits for a shim that does not answer",
        explanation: "containerd connects to every shim while it loads its plugins, one after the other, before it \
listens. One that does not answer keeps the daemon from starting at all.",
        remedy: "Find the shim that does not answer, and what it waits for: `coroner runtime stuck`. The other \
containers keep running.",
    },
    upstream: &[
        "containerd#13848",
        "containerd#13954",
        "containerd#7037",
        "containerd#5597",
    ],
    fixed: "no release is known to the table; on upstream's main branch since August 2026",
    parts: &[Part {
        does: "loads shims, and waits",
        calls: &[&[
            "runtime/v2.(*ShimManager).loadShims",
            "runtime/v2.(*ShimManager).loadShim",
            "runtime/v2.(*ShimManager).LoadExistingShims",
        ]],
        wants: Wants::Blocked,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// Writers of a database wait for one whose disk does not answer.
pub(crate) static BOLT_WRITER: Signature = Signature {
    code: Code {
        name: "core/bolt-writer",
        rule: "",
        severity: Severity::Damage,
        title: "everything that writes to a database waits for one write to the disk",
        explanation: "BoltDB has one writer at a time. While one waits for the disk (fdatasync), or for the file to grow, \
every other change of images, containers and snapshots waits for its lock.",
        remedy: "Look at the disk of /var/lib/containerd: errors of the kernel, a full or frozen file system, a network \
disk. Do not kill containerd in the middle of the write if it can still end.",
    },
    upstream: &["containerd#8698", "containerd#8980", "containerd#5325"],
    fixed: "no fault of containerd's",
    parts: &[
        Part {
            does: "waits to write to the database",
            calls: &[&["bbolt.(*DB).beginRWTx"]],
            wants: Wants::Lock,
            least: 1,
            minutes: 1,
        },
        Part {
            does: "writes to the database's file",
            calls: &[
                &[
                    "bbolt.fdatasync",
                    "bbolt.(*DB).grow",
                    "bbolt.(*DB).allocate",
                ],
                &["bbolt.(*Tx).*"],
            ],
            wants: Wants::Anything,
            least: 1,
            minutes: 0,
        },
    ],
    bond: Bond::None,
    unless: &[],
};

/// Another process has the database.
pub(crate) static BOLT_FLOCK: Signature = Signature {
    code: Code {
        name: "core/bolt-flock",
        rule: "",
        severity: Severity::Fatal,
        title: "the daemon waits for a database that another process has open",
        explanation: "BoltDB locks its file (flock), and retries without end. As long as another process has it open, \
mostly a second containerd or a tool that reads it, the daemon does not start.",
        remedy: "Find who has the file open: /proc/locks, lsof. If it is another containerd, only one of both may run; \
do not remove the file.",
    },
    upstream: &["containerd#5325"],
    fixed: "no fault of containerd's",
    parts: &[Part {
        does: "tries to lock the database's file, again and again",
        calls: &[&["bbolt.flock"], &["bbolt.Open"]],
        wants: Wants::Sleep,
        least: 1,
        minutes: 0,
    }],
    bond: Bond::None,
    unless: &[],
};

/// A subscriber of events does not read.
pub(crate) static EVENTS: Signature = Signature {
    code: Code {
        name: "core/events-blocked",
        rule: "",
        severity: Severity::Damage,
        title: "events wait for a subscriber that does not read",
        explanation: "Whoever publishes an event waits until the broadcaster takes it, and that waits for its subscribers. \
Ends of containers are events, too: with them, whatever waits for an end waits.",
        remedy: "Look for the subscriber: a client of the events' API that was stopped, or is stuck. Ending it frees the \
others.",
    },
    upstream: &["containerd#18422"],
    fixed: "no release is known to the table; on upstream's main branch since July 2026",
    parts: &[Part {
        does: "publishes an event that no subscriber takes",
        calls: &[
            &[
                "go-events.(*Broadcaster).Write",
                "go-events.(*Channel).Write",
            ],
            &[
                "exchange.(*Exchange).Publish",
                "exchange.(*Exchange).Forward",
            ],
        ],
        wants: Wants::Channel,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// The CRI handles one end at a time.
pub(crate) static EXIT_HANDLER: Signature = Signature {
    code: Code {
        name: "core/cri-exit-handler",
        rule: "",
        severity: Severity::Damage,
        title: "the CRI waits while it handles the end of a container",
        explanation: "The CRI's plugin cleans up after a container that ended, and waits in it: for a shim, or for the \
kernel that unmounts. Pods stay in Terminating, and later ends are handled late.",
        remedy: "Its stack says what it waits for: a shim (look at that shim), or an unmount (look at the file system).",
    },
    upstream: &["containerd#8698", "containerd#4604", "containerd#6478"],
    fixed: "depends on what it waits for",
    parts: &[Part {
        does: "cleans up after a container or a pod that ended",
        calls: &[&[
            "server.handleContainerExit",
            "server.handleSandboxExit",
            "sbserver.handleContainerExit",
            "sbserver.handleSandboxExit",
            "server.(*criService).handleContainerExit",
            "server.(*criService).handleSandboxExit",
        ]],
        wants: Wants::Blocked,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// An unmount does not end.
pub(crate) static UNMOUNT: Signature = Signature {
    code: Code {
        name: "core/unmount-hangs",
        rule: "",
        severity: Severity::Damage,
        title: "an unmount does not return from the kernel",
        explanation: "A thread is in the system call that unmounts, for minutes: the file system does not answer, or \
writes out what it has not written yet.",
        remedy: "Look at the file system of that mount: its server, errors of the kernel, what still has to be written.",
    },
    upstream: &["containerd#4604", "containerd#6478"],
    fixed: "no fault of containerd's",
    parts: &[Part {
        does: "unmounts",
        calls: &[&[
            "mount.unmount",
            "mount.Unmount",
            "mount.UnmountAll",
            "mount.UnmountMounts",
        ]],
        wants: Wants::Syscall,
        least: 1,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};

/// The lock of the streams.
pub(crate) static STREAMING: Signature = Signature {
    code: Code {
        name: "core/streaming-lock",
        rule: "",
        severity: Severity::Damage,
        title: "streams and the garbage collector wait for the same lock",
        explanation: "The manager of streams holds its lock over a collection of garbage, and who opens or ends a \
stream meanwhile waits for it; the collection waits for them.",
        remedy: "A restart of containerd ends it; then a release that has the fix.",
    },
    upstream: &["containerd commit 5c6e9f83d"],
    fixed: "containerd 1.7.0",
    parts: &[Part {
        does: "waits for the lock of the streams",
        calls: &[&[
            "streaming.(*streamManager)*",
            "streaming.(*collectionContext)*",
        ]],
        wants: Wants::Lock,
        least: 2,
        minutes: 1,
    }],
    bond: Bond::None,
    unless: &[],
};
