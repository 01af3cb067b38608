//! Deadlocks that are known, in what real daemons and shims wrote on SIGUSR1 while they were in them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what is in testdata"
)]

use std::collections::BTreeSet;

use finding::Text;
use goroutines::{
    Access, Await, Basis, Frame, Goroutine, Grade, Held, Object, ObjectKind, Site, Status, Waited,
    deadlocks, dumps, lost_ends, signatures,
};

fn read_sample(name: &str) -> String {
    let path = testcase::testdata().join("cores/dumps").join(name);
    let text = zstd::decode_all(std::fs::read(path).unwrap().as_slice()).unwrap();
    String::from_utf8(text).unwrap()
}

fn codes(text: &str) -> Vec<&'static str> {
    let all = dumps(text.as_bytes()).pop().unwrap();
    let hits = signatures(&all, &deadlocks(&all));
    hits.into_iter().map(|hit| hit.code).collect()
}

#[test]
fn what_was_made_for_real_is_known_and_healthy_shims_are_silent() {
    for (state, wanted) in [
        ("shim-create", Some("core/shim-create")),
        ("shim-output", Some("core/shim-output")),
        ("shim-healthy", None),
        ("daemon-shim-silent", Some("core/shim-silent")),
    ] {
        for release in ["1.6", "1.7", "2.1"] {
            let found = codes(&read_sample(&format!("{release}-{state}.txt.zst")));
            let wanted: Vec<&str> = wanted.into_iter().collect();
            assert_eq!(found, wanted, "{release} {state}");
        }
    }
    // The lock of the container or exec alone is held; in 1.6, who handles ends waits for it under the shim's lock.
    for release in ["1.6", "1.7", "2.1"] {
        let found = codes(&read_sample(&format!("{release}-shim-runc-kill.txt.zst")));
        assert_eq!(found, ["core/shim-runc"], "{release} kill");
        let found = codes(&read_sample(&format!("{release}-shim-runc-exec.txt.zst")));
        let wanted: &[&str] = match release {
            "1.6" => &["core/shim-exits-blocked", "core/shim-runc"],
            _ => &["core/shim-runc"],
        };
        assert_eq!(found, wanted, "{release} exec");
    }
    let found = codes(&read_sample("1.7-daemon-flock.txt.zst"));
    assert_eq!(found, ["core/bolt-flock"]);
}

#[test]
fn what_lasts_for_a_moment_is_not_called_a_deadlock() {
    for name in [
        "1.7-shim-create",
        "2.1-shim-output",
        "1.6-daemon-shim-silent",
    ] {
        let text = read_sample(&format!("{name}.txt.zst"));
        let minutes: BTreeSet<String> = (1..60).map(|count| format!(", {count} minutes")).collect();
        let young = minutes
            .iter()
            .rev()
            .fold(text, |text, one| text.replace(one.as_str(), ""));
        assert_eq!(codes(&young), Vec::<&str>::new(), "{name}");
    }
}

/// A goroutine with these functions, the innermost first, that waits for a lock and holds others.
fn locked(id: u64, functions: &[&str], waits: u64, holds: u64) -> Goroutine {
    let mutex = |address: u64| Object {
        kind: ObjectKind::Mutex { state: Some(1) },
        address,
    };
    let mut one = Goroutine::new(id, Status::Waiting);
    one.reason = Some(Text::from("sync.Mutex.Lock"));
    let frames = functions.iter().map(|function| Frame {
        site: std::sync::Arc::new(Site {
            function: Text::from(*function),
            file: Text::from("/x.go"),
            line: 1,
            offset: None,
            inlined: false,
            hidden: false,
        }),
        pc: 0,
        fp: 0,
        arguments: None,
    });
    one.frames = frames.collect();
    one.awaits.push(Await {
        object: mutex(waits),
        access: Access::Lock,
    });
    one.holds.push(Held {
        object: mutex(holds),
        access: Access::Lock,
        grade: Grade::Proven,
        function: Text::from(functions[0]),
        by: String::new(),
    });
    one
}

const CREATE: [&str; 3] = [
    "sync.(*Mutex).Lock",
    "github.com/containerd/containerd/runtime/v2/runc/task.(*service).handleProcessExit",
    "github.com/containerd/containerd/runtime/v2/runc/task.(*service).Create",
];

#[test]
fn a_ring_that_is_proven_needs_no_minutes() {
    let all = [locked(50, &CREATE, 0x10, 0x10)];
    let hits = signatures(&all, &deadlocks(&all));
    let [hit] = hits.as_slice() else {
        panic!("{hits:?}")
    };
    assert_eq!(
        (hit.code, hit.basis),
        ("core/shim-exit-under-create", Basis::Graph)
    );
    // The same stack, while another holds the lock: it may end.
    let all = [locked(50, &CREATE, 0x10, 0x20)];
    assert_eq!(signatures(&all, &deadlocks(&all)), []);
}

#[test]
fn both_sides_of_the_metrics_make_the_ring() {
    let path = "github.com/containerd/containerd/metrics/cgroups/v1.(*Collector)";
    let (collect, add) = (format!("{path}.Collect"), format!("{path}.Add"));
    let scrape = [
        "sync.(*RWMutex).RLock",
        collect.as_str(),
        "github.com/docker/go-metrics.(*Namespace).Collect",
    ];
    let start = [
        "sync.(*Mutex).Lock",
        "github.com/docker/go-metrics.(*Namespace).WithConstLabels",
        add.as_str(),
    ];
    let both = [
        locked(1, &scrape, 0x10, 0x20),
        locked(2, &start, 0x20, 0x10),
    ];
    let hits = signatures(&both, &deadlocks(&both));
    let found: Vec<(&str, Basis)> = hits.iter().map(|hit| (hit.code, hit.basis)).collect();
    assert_eq!(found, [("core/metrics-order", Basis::Graph)]);
    // One side alone is a start that waits a moment for a scrape.
    let one = [locked(2, &start, 0x20, 0x10)];
    assert_eq!(signatures(&one, &deadlocks(&one)), []);
}

/// One more goroutine in a dump.
fn with(text: &str, more: &str) -> String {
    format!("{text}\n{more}")
}

#[test]
fn a_write_that_was_left_is_one_that_nobody_does() {
    let waits = "goroutine 9000 [sync.Mutex.Lock, 6 minutes]:
sync.(*Mutex).Lock(...)
\t/x/mutex.go:90
go.etcd.io/bbolt.(*DB).beginRWTx(0xc000000001)
\t/x/db.go:600
github.com/containerd/containerd/snapshots/overlay.(*snapshotter).Prepare(0xc000000002)
\t/x/overlay.go:10
";
    let does = "goroutine 9001 [syscall, 6 minutes]:
os.Rename(...)
\t/x/file.go:90
github.com/containerd/containerd/snapshots/overlay.(*snapshotter).Commit(0xc000000002)
\t/x/overlay.go:20
";
    for release in ["1.6", "1.7", "2.1"] {
        let healthy = read_sample(&format!("{release}-daemon-shim-silent.txt.zst"));
        let left = with(&healthy, waits);
        let found = codes(&left);
        assert!(
            found.contains(&"core/bolt-transaction-left"),
            "{release} {found:?}"
        );
        let found = codes(&with(&left, does));
        assert!(
            !found.contains(&"core/bolt-transaction-left"),
            "{release} {found:?}"
        );
    }
}

#[test]
fn an_end_is_lost_where_more_are_waited_for_than_there_are_children() {
    let wait = |id, kind: &str, channel, seconds| {
        let path = "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2";
        let own = format!("{path}/process.({kind}).Wait");
        let service = format!("{path}/task.(*service).Wait");
        let mut one = locked(id, &[own.as_str(), service.as_str()], 0, 0);
        one.reason = Some(Text::from("chan receive"));
        one.waited = Some(Waited::noted(seconds));
        one.awaits = vec![Await {
            object: Object {
                kind: ObjectKind::Channel {
                    element: None,
                    len: Some(0),
                    capacity: Some(0),
                    closed: Some(false),
                },
                address: channel,
            },
            access: Access::Receive,
        }];
        one.holds.clear();
        one
    };
    let all = [
        wait(1, "*Init", 0x10, 600),
        wait(2, "*execProcess", 0x20, 300),
        // Another client that waits for the same one, and one that began just now.
        wait(3, "*execProcess", 0x20, 300),
        wait(4, "*execProcess", 0x30, 20),
    ];
    assert_eq!(lost_ends(&all, 2), None);
    let hit = lost_ends(&all, 1).unwrap();
    assert_eq!(hit.code, "core/shim-end-lost");
    assert_eq!(hit.roles[0].goroutines, [1, 2, 3]);
    assert_eq!(signatures(&all, &deadlocks(&all)), []);
}
