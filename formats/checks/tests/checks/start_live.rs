//! What the processes of a machine tell of a start: a real capture, and a shim put beside it.

use std::sync::Arc;

use checks::Measured;
use checks::start::Statement;
use daemon::Release;
use evidence::{Evidence, Options};
use node::{Node, Said};
use process::{Item, Processes, Tree};
use testcase::Tar;

const SHIM: u32 = 7000;
const STATE: &str = "run/containerd/runc/default/sleeper";
const BUNDLE: &str = "run/containerd/io.containerd.runtime.v2.task/default/sleeper";

struct Machine {
    tar: Tar,
    tree: Tree,
}

impl Machine {
    /// A machine on which the shim of `default/sleeper` is in this state, and its init lives.
    fn new(shim: char) -> Self {
        let mut machine = Self {
            tar: testcase::node("1.7-running"),
            tree: Tree::default(),
        };
        machine.tree.set_whole();
        machine.file("/proc/uptime", "90000.00 1.0\n");
        machine.process(SHIM, "containerd-shim", shim, 1, 10);
        machine.file(
            &format!("/proc/{SHIM}/cmdline"),
            "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0sleeper\0",
        );
        let path = machine.address();
        machine.socket(&path, "01 55");
        machine
    }

    /// A socket that listens, in this state, and its inode.
    fn socket(&mut self, path: &str, is: &str) {
        self.sockets(path, &format!("00010000 0001 {is}"), None);
    }

    /// One that listens, and one that somebody is connected to.
    fn connected(&mut self, path: &str) {
        self.sockets(path, "00010000 0001 01 55", Some("00000000 0001 03 56"));
    }

    fn sockets(&mut self, path: &str, listens: &str, connected: Option<&str>) {
        let mut text = "Num       RefCount Protocol Flags    Type St Inode Path\n".to_owned();
        for is in [Some(listens), connected].into_iter().flatten() {
            let line = format!("0000: 00000002 00000000 {is} {path}\n");
            text.push_str(&line);
        }
        self.file("/proc/net/unix", &text);
    }

    /// Where the shim listens.
    fn address(&self) -> String {
        let mut tar = self.tar.clone();
        let address = tar.member(&format!("{BUNDLE}/address")).data.clone();
        let address = String::from_utf8(address).unwrap();
        address.strip_prefix("unix://").unwrap().to_owned()
    }

    fn file(&mut self, path: &str, text: &str) {
        self.tree.put(path, Item::File(text.as_bytes().to_vec()));
    }

    fn process(&mut self, pid: u32, comm: &str, state: char, parent: u32, start: u64) {
        let rest = "1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0";
        let tail = "1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";
        let line = format!("{pid} ({comm}) {state} {parent} {rest} {start} {tail}\n");
        self.file(&format!("/proc/{pid}/stat"), &line);
    }

    /// What a start of a release does to `default/sleeper`, in the clauses of its rules.
    fn start(&self, release: Release) -> Vec<Statement> {
        let packed = self.tar.write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        let roots = node::discover(&evidence, &Said::default());
        let roots = roots.into_iter().next().unwrap();
        let processes = Some(Arc::new(Processes::new(self.tree.clone())));
        let options = node::Options {
            processes,
            now: Some(finding::Time::new(1_900_000_000, 0)),
            ..node::Options::default()
        };
        let node = Node::open(&evidence, roots, options);
        let report = checks::judge(&node, &Measured::default());
        let prediction = checks::start::predict(&node, &report, release, None, node.now);
        let all = prediction.statements.into_iter();
        all.filter(|one| {
            one.targets
                .iter()
                .any(|target| target.object.name == *"sleeper" && target.object.kind == "task")
        })
        .collect()
    }
}

const ALL: [Release; 3] = [Release::V1_6, Release::V1_7, Release::V2_1];

#[test]
fn a_shim_that_answers_is_not_in_doubt() {
    let mut machine = Machine::new('S');
    let address = machine.address();
    machine.connected(&address);
    for release in ALL {
        assert_eq!(machine.start(release), [], "{release}");
    }
    // One that listens alone may never answer.
    machine.socket(&address, "01 55");
    for release in ALL {
        let all = machine.start(release);
        assert!(all.iter().all(|one| one.perhaps), "{release} {all:#?}");
        assert_eq!(all.len(), 1, "{release} {all:#?}");
    }
    // One that does not accept who calls it is late.
    machine.socket(&address, "02 0");
    for release in ALL {
        let all = machine.start(release);
        let late = all
            .iter()
            .any(|one| one.perhaps && one.does.contains("5 s"));
        assert!(late, "{release} {all:#?}");
    }
    // So is one of which nothing is known.
    machine.tree = Tree::default();
    for release in ALL {
        let all = machine.start(release);
        assert!(all.iter().all(|one| one.perhaps), "{release} {all:#?}");
        assert_eq!(all.len(), 1, "{release} {all:#?}");
    }
}

#[test]
fn a_start_waits_for_a_shim_that_was_stopped_and_kills() {
    let machine = Machine::new('T');
    for release in ALL {
        let all = machine.start(release);
        let found = all.iter().find(|one| one.does.contains("(5 s in all)"));
        let found = found.unwrap();
        assert!(!found.perhaps, "{release}");
        assert_eq!(found.code, Some("runtime/stuck"), "{release}");
    }
}

#[test]
fn a_task_out_of_reach_is_forgotten_from_1_7_on() {
    let mut machine = Machine::new('S');
    let (pid, start) = init(&machine.tar);
    machine.tar.remove(STATE);
    machine.process(pid, "sleeper", 'S', SHIM, start);
    machine.file(&format!("/proc/{pid}/cgroup"), "7:pids:/default/sleeper\n");
    for (release, forgets) in [
        (Release::V1_6, false),
        (Release::V1_7, true),
        (Release::V2_1, true),
    ] {
        let all = machine.start(release);
        let found = all.iter().any(|one| one.does.contains("forgets each task"));
        assert_eq!(found, forgets, "{release} {all:#?}");
        let ended = all.iter().any(|one| one.does.contains("ends a shim"));
        assert!(!ended, "{release} {all:#?}");
    }
}

/// Pid and start of the init, as its state says.
fn init(tar: &Tar) -> (u32, u64) {
    let mut tar = tar.clone();
    let text = tar.member(&format!("{STATE}/state.json")).data.clone();
    let text = String::from_utf8(text).unwrap();
    let number = |key: &str| {
        let (_, rest) = text.split_once(&format!("\"{key}\":")).unwrap();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap();
        rest.get(..end).unwrap().parse::<u64>().unwrap()
    };
    let pid = u32::try_from(number("init_process_pid")).unwrap();
    (pid, number("init_process_start"))
}

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

/// What to do about a lost meta.db, and the first command, with a daemon that has a file of this name open.
fn lost_meta(open: &str, is_gone: bool, is_live: bool) -> (String, String) {
    let mut machine = Machine::new('S');
    machine.process(44, "containerd", 'S', 1, 5);
    machine.file("/proc/44/cmdline", "/usr/bin/containerd\0");
    machine.tree.put("/proc/44/fd/3", Item::Link(open.into()));
    if is_gone {
        machine.tar.remove(META);
    } else {
        machine.tar.member(META).data.clear();
    }
    let packed = machine.tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let mut processes = Processes::new(machine.tree.clone());
    processes.live = is_live;
    let options = node::Options {
        processes: Some(Arc::new(processes)),
        ..node::Options::default()
    };
    let node = Node::open(&evidence, roots.into_iter().next().unwrap(), options);
    let report = checks::judge(&node, &Measured::default());
    let mut all = report.findings.iter();
    let finding = all
        .find(|one| one.code.name.starts_with("store/meta-"))
        .unwrap();
    let steps = finding.ways.first().unwrap().steps.iter();
    let mut commands = steps.filter_map(|step| match &step.action {
        finding::Action::Command(command) => Some(command.to_string()),
        _ => None,
    });
    (finding.what_to_do().to_owned(), commands.next().unwrap())
}

#[test]
fn a_database_that_the_daemon_still_has_open_is_copied_before_it_is_stopped() {
    let deleted = format!("/{META} (deleted)");
    let (what, first) = lost_meta(&deleted, true, true);
    assert!(what.starts_with("Do not restart"), "{what}");
    assert_eq!(first, "cp -- /proc/44/fd/3 /var/tmp/coroner-rescued.db");
    // Another file; one that is there again; the processes of another day.
    for (open, is_gone, is_live) in [
        ("/srv/meta.db (deleted)", true, true),
        (deleted.as_str(), false, true),
        (deleted.as_str(), true, false),
    ] {
        let (_, first) = lost_meta(open, is_gone, is_live);
        assert!(
            !first.starts_with("cp "),
            "{open} {is_gone} {is_live}: {first}"
        );
    }
}
