//! Each finding about the runtime, provoked in a real capture.

use std::collections::BTreeMap;
use std::os::unix::net::UnixListener;
use std::sync::{LazyLock, Mutex};

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Finding, Severity, Time};
use node::{Node, Said};
use testcase::Tar;

use crate::opened;

const STATE: &str = "run/containerd/runc/default/sleeper";
const BUNDLE: &str = "run/containerd/io.containerd.runtime.v2.task/default/sleeper";
const WORK: &str = "var/lib/containerd/io.containerd.runtime.v2.task/default";
const CRI: &str = "var/lib/containerd/io.containerd.grpc.v1.cri/containers";

/// Every finding about the runtime; `later` seconds after the capture.
fn judge(tar: &Tar, later: i64) -> Vec<Finding> {
    let mut node = opened::node(tar);
    node.now = Time::new(node.now.seconds + later, 0);
    let report = checks::judge(&node, &Measured::default());
    report
        .findings
        .into_iter()
        .filter(|finding| finding.code.name.starts_with("runtime/"))
        .collect()
}

type Counts = BTreeMap<(&'static str, Severity), usize>;

fn count(findings: &[Finding]) -> Counts {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts
            .entry((finding.code.name, finding.severity))
            .or_default() += 1;
    }
    counts
}

/// What a capture has without any edit.
fn healthy(name: &'static str) -> Counts {
    static KNOWN: LazyLock<Mutex<BTreeMap<&'static str, Counts>>> = LazyLock::new(Mutex::default);
    let known = KNOWN.lock().unwrap().get(name).cloned();
    known.unwrap_or_else(|| {
        let counts = count(&judge(&testcase::node(name), 0));
        KNOWN.lock().unwrap().insert(name, counts.clone());
        counts
    })
}

/// Does `edit` to two captures, and checks which findings come in addition.
fn provokes(edit: impl Fn(&mut Tar), want: &[(&'static str, Severity)]) -> Vec<Finding> {
    let mut last = Vec::new();
    for name in ["1.7-running", "2.1-running"] {
        let mut tar = testcase::node(name);
        let mut before = healthy(name);
        edit(&mut tar);
        last = judge(&tar, 0);
        let mut more: Vec<_> = Vec::new();
        for (code, times) in count(&last) {
            let new = times - before.remove(&code).unwrap_or(0).min(times);
            more.extend(std::iter::repeat_n(code, new));
        }
        assert_eq!(more, want, "{name}: {last:#?}");
    }
    last
}

/// Replaces a text, whatever its length.
fn replace(tar: &mut Tar, path: &str, from: &str, to: &str) {
    let data = &mut tar.member(path).data;
    let text = String::from_utf8(data.clone()).unwrap();
    assert!(text.contains(from), "{path} has no {from}");
    *data = text.replace(from, to).into_bytes();
}

/// A FIFO whose mtime is `seconds` after that of a state.json.
fn fifo(tar: &mut Tar, folder: &str, seconds: i64) {
    let state = tar.member(&format!("{folder}/state.json"));
    let mut pax = state.pax.clone();
    for (key, value) in &mut pax {
        if key == b"mtime" {
            let text = String::from_utf8(value.clone()).unwrap();
            let (whole, rest) = text.split_once('.').unwrap();
            let whole: i64 = whole.parse().unwrap();
            *value = format!("{}.{rest}", whole + seconds).into_bytes();
        }
    }
    tar.push(&format!("{folder}/exec.fifo"), b'6', "", b"");
    tar.members.last_mut().unwrap().pax = pax;
}

/// The id of a container that the CRI plugin calls running.
fn pod_container(tar: &mut Tar) -> String {
    let paths = tar.paths(CRI, "/status");
    let is_running = |path: &String| {
        let data = &tar.members[tar.position(path).unwrap()].data;
        let text = String::from_utf8_lossy(data);
        text.contains("\"FinishedAt\":0") && !text.contains("\"StartedAt\":0")
    };
    let path = paths.iter().find(|path| is_running(path)).unwrap();
    path.rsplit('/').nth(1).unwrap().to_owned()
}

use Severity::{Damage, Fatal, Note, Odd};

/// The commands of a finding's ways out, as a shell takes them.
fn ways(finding: &finding::Finding) -> Vec<String> {
    let commands = finding.ways.iter().flat_map(finding::Remedy::commands);
    commands.map(ToString::to_string).collect()
}

#[test]
fn a_container_that_waits_is_a_note_until_it_is_forgotten() {
    let tar = testcase::node("2.1-running");
    for (later, severity) in [(0, Note), (500, Note), (700, Odd)] {
        let findings = judge(&tar, later);
        let waiting = findings
            .iter()
            .find(|f| f.code.name == "runtime/fifo-waiting");
        let waiting = waiting.unwrap();
        assert_eq!(waiting.severity, severity, "{later}");
        // What harms less comes first.
        let ways: Vec<String> = ways(waiting);
        let want = ["start -- fresh", "delete --force -- fresh"];
        assert_eq!(
            ways,
            want.map(|verb| format!("ctr --namespace=default tasks {verb}"))
        );
    }
    // In a pod it is damage.
    let mut tar = tar;
    let id = pod_container(&mut tar);
    fifo(&mut tar, &format!("run/containerd/runc/k8s.io/{id}"), -1);
    let findings = judge(&tar, 3600);
    let waiting = findings
        .iter()
        .filter(|f| f.code.name == "runtime/fifo-waiting");
    let worst = waiting.max_by_key(|finding| finding.severity).unwrap();
    assert_eq!(worst.severity, Damage);
    assert_eq!(worst.affects.len(), 2, "{:?}", worst.affects);
}

#[test]
fn a_fifo_that_was_written_to() {
    provokes(|tar| fifo(tar, STATE, 2), &[("runtime/fifo-stale", Damage)]);
}

#[test]
fn state_json_is_gone_cut_damaged_or_no_file() {
    let state = format!("{STATE}/state.json");
    provokes(
        |tar| tar.remove(&state),
        &[("runtime/state-missing", Damage)],
    );
    for size in [0, 1, 30, 5000] {
        provokes(
            |tar| tar.member(&state).data.truncate(size),
            &[("runtime/state-truncated", Damage)],
        );
    }
    provokes(
        |tar| tar.member(&state).data.fill(0),
        &[("runtime/state-damaged", Damage)],
    );
    provokes(
        |tar| replace(tar, &state, "\"id\":\"sleeper\"", "\"id\":[]"),
        &[("runtime/state-damaged", Damage)],
    );
    for (kind, link) in [(b'2', "/etc/passwd"), (b'6', "")] {
        provokes(
            |tar| {
                tar.remove(&state);
                tar.push(&state, kind, link, b"");
            },
            &[("runtime/state-unread", Damage)],
        );
    }
}

#[test]
fn what_a_killed_runc_leaves() {
    provokes(
        |tar| {
            let whole = tar.member(&format!("{STATE}/state.json")).data.clone();
            tar.add(&format!("{STATE}/state-123456"), &whole);
        },
        &[("runtime/state-leftover", Odd)],
    );
    provokes(
        |tar| tar.add(&format!("{STATE}/runc.AbCdEf"), b"ELF"),
        &[("runtime/binary-leftover", Odd)],
    );
    // Killed while it saved: the temporary file tells the pid.
    let findings = provokes(
        |tar| {
            let whole = tar.member(&format!("{STATE}/state.json")).data.clone();
            tar.remove(&format!("{STATE}/state.json"));
            tar.add(&format!("{STATE}/state-1"), &whole);
        },
        &[
            ("runtime/state-leftover", Odd),
            ("runtime/state-missing", Damage),
        ],
    );
    let missing = findings
        .iter()
        .find(|f| f.code.name == "runtime/state-missing");
    assert!(missing.unwrap().found.as_ref().unwrap().contains("pid"));
}

#[test]
fn one_without_the_other() {
    let findings = provokes(
        |tar| tar.remove(STATE),
        &[("runtime/bundle-without-state", Damage)],
    );
    let alone = findings
        .iter()
        .find(|f| f.code.name == "runtime/bundle-without-state");
    assert_eq!(alone.unwrap().at_start.len(), 2);
    provokes(
        |tar| tar.remove(BUNDLE),
        &[
            ("runtime/state-without-bundle", Damage),
            ("runtime/work-dir-orphan", Note),
        ],
    );
    // A creation that has just begun.
    provokes(
        |tar| {
            tar.remove(STATE);
            tar.remove(&format!("{BUNDLE}/init.pid"));
        },
        &[("runtime/bundle-without-state", Note)],
    );
}

const OPTIONS: &str = "run/containerd/io.containerd.runtime.v2.task/default/sleeper/options.json";

fn set_options(tar: &mut Tar, text: &str) {
    if tar.position(OPTIONS).is_some() {
        tar.remove(OPTIONS);
    }
    tar.add(OPTIONS, text.as_bytes());
}

/// Docker's runtime has a root of its own, which a tar of containerd's folders does not hold.
#[test]
fn a_root_that_was_not_taken_is_not_read() {
    for root in ["/run/custom", "/var/run/docker/runtime-runc"] {
        let findings = provokes(
            |tar| {
                tar.remove(STATE);
                set_options(tar, &format!("{{\"root\":\"{root}\"}}"));
            },
            &[("runtime/not-read", Note)],
        );
        let one = findings.iter().find(|f| f.code.name == "runtime/not-read");
        assert!(one.unwrap().message.contains(root));
    }
    // One that was taken, and does not know the task.
    provokes(
        |tar| {
            tar.remove(STATE);
            set_options(tar, "{\"root\":\"/run/custom\"}");
            for folder in [
                "run/custom",
                "run/custom/default",
                "run/custom/default/other",
            ] {
                tar.push(folder, b'5', "", b"");
            }
            tar.add("run/custom/default/other/notify", b"");
        },
        &[
            ("runtime/bundle-without-state", Damage),
            // That of the other one, which has but a socket.
            ("runtime/state-missing", Note),
        ],
    );
}

/// A container of podman's by the same runc: its bundle is where podman keeps it.
#[test]
fn bundles_of_others_are_not_missing_where_nobody_took_them() {
    const BUNDLES: &str = "var/lib/containers/storage/overlay-containers";
    let podmans = |tar: &mut Tar| {
        let state = tar.member(&format!("{STATE}/state.json")).data.clone();
        let text = String::from_utf8(state).unwrap();
        let text = text
            .replace(
                "/run/containerd/io.containerd.runtime.v2.task/default/sleeper",
                &format!("/{BUNDLES}/aa11/userdata"),
            )
            .replace("\"id\":\"sleeper\"", "\"id\":\"aa11\"");
        tar.add("run/runc/aa11/state.json", text.as_bytes());
    };
    provokes(podmans, &[]);
    let findings = provokes(
        |tar| {
            podmans(tar);
            tar.push(BUNDLES, b'5', "", b"");
            tar.push(&format!("{BUNDLES}/aa11"), b'5', "", b"");
        },
        &[("runtime/state-without-bundle", Damage)],
    );
    let one = findings
        .iter()
        .find(|f| f.code.name == "runtime/state-without-bundle");
    assert!(ways(one.unwrap())[0].contains("delete --force"));
}

#[test]
fn what_crun_keeps_beside_its_containers_is_none() {
    provokes(
        |tar| {
            tar.push(
                "run/containerd/runc/default/.empty-directory",
                b'5',
                "",
                b"",
            );
        },
        &[],
    );
}

#[test]
fn state_of_an_earlier_boot() {
    provokes(
        |tar| {
            let path = format!("{STATE}/state.json");
            let text = String::from_utf8(tar.member(&path).data.clone()).unwrap();
            let start = text.find("\"init_process_start\":").unwrap() + 21;
            let ticks: String = text[start..]
                .chars()
                .take_while(char::is_ascii_digit)
                .collect();
            replace(tar, &path, &ticks, "99999999");
            replace(
                tar,
                &path,
                "\"created\":\"2026-11-21",
                "\"created\":\"2026-11-19",
            );
        },
        &[("runtime/state-stale", Odd)],
    );
}

#[test]
fn the_way_to_the_shim() {
    let file = |tar: &Tar| {
        let old = format!("{BUNDLE}/address");
        if tar.position(&old).is_some() {
            old
        } else {
            format!("{BUNDLE}/bootstrap.json")
        }
    };
    let want = &[("runtime/address-damaged", Fatal)];
    let findings = provokes(
        |tar| {
            let path = file(tar);
            tar.member(&path).data.clear();
        },
        want,
    );
    let damaged = findings
        .iter()
        .find(|f| f.code.name == "runtime/address-damaged")
        .unwrap();
    assert!(
        matches!(
            damaged.ways.first().and_then(|way| way.steps.first()),
            Some(finding::Step { action: finding::Action::Edit(edit), .. })
                if edit.contents.to_string().contains("unix:///run/containerd/s/")
        ),
        "{damaged:?}"
    );
    assert!(!damaged.at_start.is_empty());
    provokes(
        |tar| {
            let path = file(tar);
            tar.member(&path).data.fill(0);
        },
        want,
    );
    provokes(
        |tar| {
            let path = file(tar);
            tar.remove(&path);
        },
        want,
    );
    provokes(
        |tar| {
            let path = file(tar);
            let text = String::from_utf8(tar.member(&path).data.clone()).unwrap();
            let (_, hash) = text.split_once("/run/containerd/s/").unwrap();
            let hash: String = hash.chars().take(64).collect();
            let other: String = hash.chars().rev().collect();
            replace(tar, &path, &hash, &other);
        },
        &[("runtime/socket-foreign", Note)],
    );
}

#[test]
fn other_files_of_a_bundle() {
    provokes(
        |tar| {
            tar.member(&format!("{BUNDLE}/config.json"))
                .data
                .truncate(100);
        },
        &[("runtime/bundle-file-damaged", Damage)],
    );
    provokes(
        |tar| tar.member(&format!("{BUNDLE}/init.pid")).data.clear(),
        &[("runtime/bundle-file-damaged", Odd)],
    );
    provokes(
        |tar| {
            replace(
                tar,
                &format!("{BUNDLE}/config.json"),
                "\"cwd\":\"/\"",
                "\"cwd\":\"/proc/self/fd/7\"",
            );
        },
        &[("runtime/cwd-escape", Damage)],
    );
    provokes(
        |tar| {
            tar.push(&BUNDLE.replace("sleeper", ".gone"), b'5', "", b"");
        },
        &[("runtime/bundle-hidden", Odd)],
    );
}

#[test]
fn work_folders() {
    provokes(
        |tar| tar.push(&format!("{WORK}/before"), b'5', "", b""),
        &[("runtime/work-dir-orphan", Note)],
    );
    provokes(
        |tar| tar.remove(&format!("{WORK}/sleeper")),
        &[("runtime/work-dir-missing", Odd)],
    );
}

#[test]
fn the_cri_s_statuses() {
    let status = |tar: &mut Tar| format!("{CRI}/{}/status", pod_container(tar));
    provokes(
        |tar| {
            let path = status(tar);
            tar.member(&path).data.truncate(20);
        },
        &[("runtime/status-damaged", Damage)],
    );
    provokes(
        |tar| {
            let path = status(tar);
            tar.member(&path).data.clear();
        },
        &[("runtime/status-damaged", Damage)],
    );
    provokes(
        |tar| {
            let path = status(tar);
            tar.remove(&path);
        },
        &[("runtime/status-missing", Damage)],
    );
    provokes(
        |tar| {
            let id = pod_container(tar);
            tar.remove(&format!("{CRI}/{id}"));
        },
        &[("runtime/status-dir-missing", Damage)],
    );
    provokes(
        |tar| {
            let path = status(tar);
            let whole = tar.member(&path).data.clone();
            tar.push(&format!("{CRI}/stranger"), b'5', "", b"");
            tar.add(&format!("{CRI}/stranger/status"), &whole);
            // It says that it runs, and has no task.
            replace(
                tar,
                &format!("{CRI}/stranger/status"),
                "\"FinishedAt\":0",
                "\"FinishedAt\":1",
            );
        },
        &[("runtime/status-orphan", Note)],
    );
    provokes(
        |tar| {
            let path = status(tar).replace("/status", "/.tmp-status1");
            tar.add(&path, b"{");
            let path = status(tar).replace("/status", ".del-status");
            tar.add(&path, b"{}");
        },
        &[
            ("runtime/status-leftover", Odd),
            ("runtime/status-leftover", Odd),
        ],
    );
    provokes(
        |tar| {
            let id = pod_container(tar);
            tar.remove(&format!("run/containerd/runc/k8s.io/{id}"));
            tar.remove(&BUNDLE.replace("default/sleeper", &format!("k8s.io/{id}")));
        },
        &[
            ("runtime/status-without-task", Odd),
            ("runtime/work-dir-orphan", Note),
        ],
    );
}

/// A tar keeps no sockets; a folder does.
#[test]
fn a_socket_that_no_bundle_names() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = folder.path().join("run/containerd/s");
    std::fs::create_dir_all(&sockets).unwrap();
    std::fs::create_dir_all(folder.path().join("var/lib/containerd")).unwrap();
    let _listener = UnixListener::bind(sockets.join("0a")).unwrap();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge(&node, &Measured::default());
    let orphans = report
        .findings
        .iter()
        .filter(|finding| finding.code.name == "runtime/socket-orphan");
    assert_eq!(orphans.count(), 1);
}

/// Two tasks in a folder, and the socket of one of them.
#[test]
fn a_socket_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = folder.path().join("run/containerd/s");
    std::fs::create_dir_all(&sockets).unwrap();
    std::fs::create_dir_all(folder.path().join("var/lib/containerd")).unwrap();
    for (id, socket) in [("lives", "0a"), ("gone", "0b"), ("elsewhere", "../t/0c")] {
        let tasks = "run/containerd/io.containerd.runtime.v2.task/default";
        let bundle = folder.path().join(tasks).join(id);
        std::fs::create_dir_all(&bundle).unwrap();
        let address = format!("unix:///run/containerd/s/{socket}");
        std::fs::write(bundle.join("address"), address.replace("s/../", "")).unwrap();
    }
    let _listener = UnixListener::bind(sockets.join("0a")).unwrap();
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next().unwrap();
    let node = Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge(&node, &Measured::default());
    let missing: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.code.name == "runtime/socket-missing")
        .collect();
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!(missing[0].affects[0].name, "gone");
    assert_eq!(missing[0].severity, Damage);
}

/// Nothing of a healthy node is more than a note.
#[test]
fn healthy_nodes_have_notes_at_most() {
    for name in testcase::nodes() {
        for finding in judge(&testcase::node(&name), 0) {
            assert_eq!(finding.severity, Note, "{name}: {finding:?}");
        }
    }
}

/// The process that every machine has beside the first: one alone is not taken for all.
fn kernel_thread(tar: &mut testcase::Tar) {
    tar.push("proc/2", b'5', "", b"");
    let line = b"2 (kthreadd) S 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 3 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0\n";
    tar.add("proc/2/stat", line);
}

#[test]
fn processes_tell_what_hangs() {
    let mut tar = testcase::node("1.7-running");
    let state = String::from_utf8(tar.member(&format!("{STATE}/state.json")).data.clone()).unwrap();
    let number = |key: &str| {
        let rest = state.split_once(&format!("\"{key}\":")).unwrap().1;
        rest.split([',', '}']).next().unwrap().to_owned()
    };
    let (pid, start) = (number("init_process_pid"), number("init_process_start"));
    let before = judge(&tar, 0);
    assert!(
        before
            .iter()
            .all(|finding| finding.code.name != "runtime/stuck")
    );
    tar.push("proc", b'5', "", b"");
    kernel_thread(&mut tar);
    tar.push(&format!("proc/{pid}"), b'5', "", b"");
    tar.add("proc/uptime", b"90000.00 1.00\n");
    let line = format!(
        "{pid} (sleep) T 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {start} 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 \
         0 0 0 0 0 0 0 0 0 0 0\n"
    );
    tar.add(&format!("proc/{pid}/stat"), line.as_bytes());
    let findings = judge(&tar, 600);
    let stopped = findings
        .iter()
        .find(|finding| finding.message.starts_with("init-stopped"))
        .unwrap();
    assert_eq!(stopped.code.name, "runtime/stuck");
    assert_eq!(stopped.severity, Severity::Damage);
    assert_eq!(ways(stopped), [format!("kill -CONT {pid}")]);
    assert_eq!(
        stopped.location.file.clone().unwrap().to_string(),
        format!("/{STATE}")
    );
    assert!(
        stopped
            .affects
            .iter()
            .any(|object| object.name == *"sleeper")
    );
    // What the times of files only suggest is not told besides.
    let told = |name: &str| findings.iter().any(|finding| finding.code.name == name);
    assert!(!told("runtime/fifo-waiting") && !told("runtime/fifo-stale"));
}

/// A creation that died, seen by its folder and by the processes: one fault, one finding.
#[test]
fn what_hangs_is_told_once() {
    let state = format!("{STATE}/state.json");
    let mut tar = testcase::node("1.7-running");
    fifo(&mut tar, STATE, -1);
    tar.remove(&state);
    let of = |findings: &[Finding]| -> Vec<&'static str> {
        let all = findings.iter();
        let about = all.filter(|finding| {
            finding
                .affects
                .iter()
                .any(|object| object.name == *"sleeper")
        });
        let codes = about.map(|finding| finding.code.name);
        codes
            .filter(|code| ["runtime/stuck", "runtime/state-missing"].contains(code))
            .collect()
    };
    assert_eq!(of(&judge(&tar, 600)), ["runtime/state-missing"]);
    tar.push("proc", b'5', "", b"");
    kernel_thread(&mut tar);
    tar.push("proc/1", b'5', "", b"");
    tar.add("proc/uptime", b"90000.00 1.00\n");
    tar.add(
        "proc/1/stat",
        b"1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 3 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0\n",
    );
    let findings = judge(&tar, 600);
    assert_eq!(of(&findings), ["runtime/stuck"]);
    let about = |finding: &&Finding| {
        finding
            .affects
            .iter()
            .any(|object| object.name == *"sleeper")
    };
    let told = findings.iter().filter(about);
    let mut told = told.filter(|finding| finding.code.name == "runtime/stuck");
    let message = &told.next().unwrap().message;
    assert!(message.starts_with("creator-died"), "{message}");
}
