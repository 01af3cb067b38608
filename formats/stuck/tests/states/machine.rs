//! A machine of tests: the containers of a real capture, and processes put beside them.

use std::path::Path;

use evidence::{Evidence, Options};
use finding::{Text, Time};
use process::{Item, Processes, Tree};
use runc::Runtime;
use stuck::{Diagnosis, Facts, State, diagnose};

const NODE: &str = "1.7-running";
pub(super) const SHIM: u32 = 7000;

pub(super) fn runtime() -> Runtime {
    let tar = testcase::node(NODE);
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let (root, state) = ("/var/lib/containerd", "/run/containerd");
    let known = runc::read_runtime(&evidence, Path::new(root), Path::new(state), &[]);
    known.read().unwrap().clone()
}

/// A machine: one shim, and whatever a test puts beside it.
pub(super) struct Machine {
    pub(super) tree: Tree,
    pub(super) runtime: Runtime,
}

impl Machine {
    pub(super) fn new() -> Self {
        let mut machine = Self {
            tree: Tree::default(),
            runtime: runtime(),
        };
        machine.tree.set_whole();
        machine.global("/proc/uptime", "90000.00 1.0\n");
        machine.global(
            "/proc/self/mountinfo",
            "36 35 0:30 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n",
        );
        machine
    }

    pub(super) fn global(&mut self, path: &str, text: &str) {
        self.tree.put(path, Item::File(text.as_bytes().to_vec()));
    }

    pub(super) fn file(&mut self, pid: u32, name: &str, text: &str) {
        self.global(&format!("/proc/{pid}/{name}"), text);
    }

    pub(super) fn process(&mut self, pid: u32, comm: &str, state: char, parent: u32, start: u64) {
        let rest = "1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0";
        let tail = "1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";
        let line = format!("{pid} ({comm}) {state} {parent} {rest} {start} {tail}\n");
        self.file(pid, "stat", &line);
    }

    pub(super) fn shim(&mut self, state: char) {
        self.process(SHIM, "containerd-shim", state, 1, 10);
        self.file(
            SHIM,
            "cmdline",
            "/usr/bin/containerd-shim-runc-v2\0-namespace\0default\0-id\0sleeper\0",
        );
    }

    /// The init of `sleeper` as its state names it.
    pub(super) fn init(&mut self, comm: &str, state: char) -> u32 {
        self.init_of("sleeper", comm, state)
    }

    fn init_of(&mut self, id: &str, comm: &str, state: char) -> u32 {
        let sleeper = self.container(id);
        let pid = u32::try_from(sleeper.pid().unwrap()).unwrap();
        let start = sleeper.best_state().unwrap().init_process_start.unwrap();
        self.process(pid, comm, state, SHIM, start);
        self.file(pid, "cgroup", "7:freezer:/default/sleeper\n");
        pid
    }

    pub(super) fn sleeper(&mut self) -> &mut runc::Container {
        self.container("sleeper")
    }

    fn container(&mut self, id: &str) -> &mut runc::Container {
        let mut all = self.runtime.containers.iter_mut();
        all.find(|container| container.id == *id).unwrap()
    }

    /// Gives `sleeper` a FIFO that is as old as its state: it was never started.
    pub(super) fn park(&mut self) -> u32 {
        self.park_as("sleeper")
    }

    pub(super) fn park_as(&mut self, id: &str) -> u32 {
        let sleeper = self.container(id);
        let mut fifo = sleeper.state_stat.clone().unwrap();
        fifo.kind = evidence::FileKind::Fifo;
        sleeper.fifo = Some(fifo);
        sleeper.derived.phase = runc::Phase::Created;
        let path = format!("{}/exec.fifo", sleeper.path);
        let pid = self.init_of(id, "runc:[2:INIT]", 'S');
        self.file(pid, "cmdline", "runc\0init\0");
        self.file(pid, "wchan", "wait_for_partner");
        self.file(pid, "environ", "_LIBCONTAINER_INITTYPE=standard\0");
        self.tree
            .put(&format!("/proc/{pid}/fd/5"), Item::Link(Text::from(path)));
        self.file(pid, "fdinfo/5", "flags:\t012000000\n");
        pid
    }

    pub(super) fn judge(&self) -> Diagnosis {
        let processes = Processes::new(self.tree.clone());
        let verdicts = diagnose(Facts {
            runtime: &self.runtime,
            processes: Some(&processes),
            records: &[],
            now: Time::new(1_900_000_000, 0),
        });
        let mut all = verdicts.containers.into_iter();
        all.find(|one| one.id == *"sleeper").unwrap()
    }

    pub(super) fn is(&self, state: State) -> Diagnosis {
        let one = self.judge();
        assert_eq!(one.state, state, "{one:#?}");
        one
    }
}
