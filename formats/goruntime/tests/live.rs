//! A real program that stands still, read while it lives, and in a small core that was taken of it;
//! against what it writes of itself.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what is in testdata"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Instant;

use elfcore::{Auxv, Core, Elf, Image, Maker, Memory, Overlay};
use evidence::{LiveMemory, LiveProc};
use goroutines::{End, Goroutine, Status, deadlocks, dumps};
use goruntime::{Attached, Go, NotAttached, Note, Outline, Threads, Verdict, attach, moving};

/// A program of `testdata/cores`, in a process group of its own.
struct Zoo {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    folder: tempfile::TempDir,
    exe: Vec<u8>,
}

impl Zoo {
    fn start(name: &str) -> Self {
        Self::start_under(None, name)
    }

    /// Starts it, under an emulator.
    fn start_under(emulator: Option<&str>, name: &str) -> Self {
        let packed = testcase::testdata()
            .join("cores")
            .join(name)
            .join("exe.zst");
        let exe = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("zoo");
        std::fs::write(&program, &exe).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = emulator.map_or_else(
            || Command::new(&program),
            |emulator| {
                let mut command = Command::new(emulator);
                command.arg(&program);
                command
            },
        );
        let mut child = command
            .arg(folder.path().join("dump"))
            .env("CORONER_SECRET", "not-for-anybody")
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut zoo = Self {
            lines: BufReader::new(child.stdout.take().unwrap()),
            child,
            folder,
            exe,
        };
        zoo.wait_for("ready");
        zoo
    }

    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while !line.starts_with(word) {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "{word}");
        }
    }

    /// What it writes of itself.
    fn dump(&mut self) -> Vec<Goroutine> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGUSR1).unwrap();
        self.wait_for("dumped");
        let text = std::fs::read(self.folder.path().join("dump")).unwrap();
        dumps(&text).pop().unwrap()
    }
}

impl Drop for Zoo {
    fn drop(&mut self) {
        // Its child, too.
        let group = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        let _gone = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
        let _gone = self.child.wait();
    }
}

/// A clock that stands still: the program does, too, so that no read may be called too slow.
fn still() -> u64 {
    1 << 50
}

/// One that runs.
fn clock() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    still().saturating_add(u64::try_from(START.elapsed().as_nanos()).unwrap())
}

fn shown(one: &Goroutine) -> Vec<String> {
    one.shown()
        .map(|frame| {
            let site = &frame.site;
            format!("{} {}:{}", site.printed(), site.file, site.line)
        })
        .collect()
}

/// Whether it runs finalizers: one of the runtime's own, which a dump shows while it does.
fn finalizes(one: &Goroutine) -> bool {
    one.creator
        .as_ref()
        .is_some_and(|creator| creator.site.function == "runtime.createfing")
}

/// Those that do not move: not the one that writes the dump, and none of the runtime's own.
fn parked(all: &[Goroutine]) -> BTreeMap<u64, &Goroutine> {
    all.iter()
        .filter(|one| one.id != 1 && !one.system && !one.calls("os/signal.loop"))
        .filter(|one| !one.calls("signal.loop") && one.status != Status::Running)
        .filter(|one| !finalizes(one))
        .map(|one| (one.id, one))
        .collect()
}

/// Whether it waits, or is one of those that never do.
fn is_at_rest(one: &Goroutine) -> bool {
    let is_left_out = one.id == 1 || one.system || one.calls("signal.loop");
    is_left_out || !matches!(one.status, Status::Running | Status::Runnable)
}

#[test]
fn what_lives_is_read_as_it_writes_of_itself_and_so_is_a_core_of_it() {
    for name in ["go1.21-pie", "go1.27"] {
        let mut zoo = Zoo::start(name);
        let door = LiveProc::open(Path::new("/")).unwrap();
        let read = || {
            attach(&door, zoo.child.id(), still, |attached| {
                let live = attached.goroutines();
                (live, attached.small(7).unwrap(), attached.path())
            })
            .unwrap()
        };
        // On a busy machine a goroutine may not have come to its wait when the program says that it is ready.
        let mut tries = 0;
        let (live, small, path) = loop {
            let all = read();
            tries += 1;
            if tries == 200 || all.0.iter().all(is_at_rest) {
                break all;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        };
        assert!(path.to_string().ends_with("/zoo"), "{path}");
        assert_eq!(moving(&live), 0, "{name}");
        let dump = zoo.dump();
        let (ours, theirs) = (parked(&live), parked(&dump));
        assert!(theirs.len() > 20, "{name}: {}", theirs.len());
        for (id, want) in &theirs {
            let one = ours.get(id).unwrap_or_else(|| {
                let of_ours = live.iter().find(|one| one.id == *id);
                panic!("{name}: {id} is missing: {want:#?}; ours: {of_ours:#?}")
            });
            assert_eq!(one.end, End::Top, "{name}: {id}");
            assert_eq!(one.state(), want.state(), "{name}: {id}");
            assert_eq!(shown(one), shown(want), "{name}: {id}");
        }
        let rings = deadlocks(&live).cycles.len();
        assert_eq!(rings, 2, "{name}: one with itself, and two with each other");

        let mut bytes = Vec::new();
        small.core.write(&mut bytes).unwrap();
        assert!(
            !bytes.windows(15).any(|window| window == b"not-for-anybody"),
            "{name}: the environment is not in it"
        );
        let core = Core::read_core(&bytes).unwrap();
        assert_eq!((core.maker, core.cut()), (Maker::Coroner, 0), "{name}");
        assert_eq!(core.process.as_ref().map(|it| it.pid), Some(zoo.child.id()));
        let note = Note::from_core(&core).unwrap();
        assert_eq!((note.clock, note.time), (still(), 7));
        assert_eq!(note.threads.len(), core.threads.len());
        let elf = Elf::read_elf(&zoo.exe).unwrap();
        let entry = core.auxv.get(Auxv::ENTRY).unwrap();
        let slide = if elf.is_pie { entry - elf.entry } else { 0 };
        let mut image = Image::new(&bytes, &core.segments);
        image.add(&zoo.exe, &elf, slide);
        let outline = Outline::of_file(&zoo.exe, &elf, slide);
        let go = Go::find(&image, &outline, core.arch).unwrap();
        let read = go.goroutines(&Threads::default(), Some(note.clock));
        let read = parked(&read);
        let settled: Vec<u64> = note
            .goroutines
            .iter()
            .filter(|one| one.1 == Verdict::Settled)
            .map(|one| one.0)
            .collect();
        for (id, one) in &ours {
            assert!(settled.contains(id), "{name}: {id}");
            assert_eq!(read.get(id), Some(one), "{name}: {id}");
        }
    }
}

#[test]
fn a_large_stack_is_read_by_pieces_and_one_that_is_too_deep_is_cut_not_moving() {
    let mut large = Zoo::start("large");
    let door = LiveProc::open(Path::new("/")).unwrap();
    let work = |attached: &Attached<'_>| attached.goroutines();
    let live = attach(&door, large.child.id(), clock, work).unwrap();
    let dump = large.dump();
    let (ours, theirs) = (parked(&live), parked(&dump));
    let buffered: Vec<u64> = theirs
        .iter()
        .filter(|(_, one)| one.calls("main.buffered"))
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(buffered.len(), 4);
    for id in buffered {
        let (one, want) = (ours.get(&id).unwrap(), theirs.get(&id).unwrap());
        assert_eq!(one.end, End::Top, "{id}");
        assert_eq!(shown(one), shown(want), "{id}");
    }
    let mut deep: Vec<_> = ours
        .values()
        .filter(|one| one.calls("main.deep"))
        .map(|one| (one.frames.len(), one.end.clone()))
        .collect();
    deep.sort_by_key(|one| one.0);
    assert_eq!(deep.len(), 2);
    // What they wait in, themselves, and the runtime's own first function.
    assert_eq!(deep.first(), Some(&(106, End::Top)));
    let (frames, end) = deep.last().unwrap();
    assert!(
        *frames == 4096 && matches!(end, End::Cut(_)),
        "{frames} {end:?}"
    );
}

/// Memory of an emulator, in which what it runs has the addresses that it was linked for.
struct Emulated(LiveMemory);

impl Memory for Emulated {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        self.0.read_live_memory(at, into)
    }
}

#[test]
#[ignore = "needs qemu-aarch64"]
fn arm64_is_read_while_it_lives_under_an_emulator() {
    let emulator = "qemu-aarch64";
    let is_there = Command::new(emulator).arg("--version").output().is_ok();
    if !testcase::may_run(emulator, is_there) {
        return;
    }
    let mut zoo = Zoo::start_under(Some(emulator), "go1.24-arm64");
    let door = LiveProc::open(Path::new("/")).unwrap();
    let memory = Emulated(door.process(zoo.child.id()).unwrap().memory().unwrap());
    let elf = Elf::read_elf(&zoo.exe).unwrap();
    let overlay = Overlay::new(&zoo.exe, &elf, 0, &memory);
    let outline = Outline::of_file(&zoo.exe, &elf, 0);
    let go = Go::find(&overlay, &outline, elf.arch).unwrap();
    let live = go.goroutines_live(&clock);
    let dump = zoo.dump();
    let (ours, theirs) = (parked(&live), parked(&dump));
    assert!(theirs.len() > 20, "{}", theirs.len());
    for (id, want) in &theirs {
        let one = ours.get(id).unwrap();
        assert_eq!(one.end, End::Top, "{id}");
        assert_eq!(one.state(), want.state(), "{id}");
        assert_eq!(shown(one), shown(want), "{id}");
    }
    assert_eq!(deadlocks(&live).cycles.len(), 2);
}

#[test]
fn what_is_no_program_of_gos_or_is_gone_is_told() {
    let door = LiveProc::open(Path::new("/")).unwrap();
    let own = attach(&door, std::process::id(), still, |_| ()).unwrap_err();
    assert!(matches!(own, NotAttached::NotGo(_)), "{own}");
    let mut child = Command::new("/bin/true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let gone = attach(&door, pid, still, |_| ()).unwrap_err();
    assert!(matches!(gone, NotAttached::Unread(_)), "{gone}");
}
