//! Real cores of `testdata/cores`, against what the process itself wrote at the same moment.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads what is in testdata"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use elfcore::{Arch, Arguments, Auxv, BuildIds, Bytes, Core, Elf, Image, of_memory};
use goroutines::{End, Goroutine, Grade, deadlocks, dumps};
use goruntime::{Go, LayoutSource, NotGo, Outline, ThreadLink};

fn read_capture(name: &str, file: &str) -> Vec<u8> {
    let path: PathBuf = testcase::testdata().join("cores").join(name).join(file);
    let bytes = std::fs::read(path).unwrap();
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        zstd::decode_all(bytes.as_slice()).unwrap()
    } else {
        bytes
    }
}

/// Reads a core as the tools do.
fn with<T>(
    core: &dyn Bytes,
    exe: &Vec<u8>,
    then: impl FnOnce(Result<&Go<'_>, NotGo>, &Core) -> T,
) -> Option<T> {
    let headers = Core::read_core(core).ok()?;
    let elf = Elf::read_elf(exe).ok()?;
    let entry = headers.auxv.get(Auxv::ENTRY).unwrap_or(0);
    let slide = if elf.is_pie {
        entry.wrapping_sub(elf.entry)
    } else {
        0
    };
    let mut image = Image::new(core, &headers.segments);
    image.add(exe, &elf, slide);
    let outline = Outline::of_file(exe, &elf, slide);
    Some(match Go::find(&image, &outline, headers.arch) {
        Ok(go) => then(Ok(&go), &headers),
        Err(why) => then(Err(why), &headers),
    })
}

fn goroutines_of(go: &Go<'_>, core: &Core) -> Vec<Goroutine> {
    let links: Vec<ThreadLink> = core.threads.iter().map(ThreadLink::from).collect();
    go.goroutines(&go.tie(&links), None)
}

/// Function, file and line of every frame.
fn lines<'g>(frames: impl Iterator<Item = &'g goroutines::Frame>) -> Vec<String> {
    frames
        .map(|frame| {
            let site = &frame.site;
            format!("{} {}:{}", site.printed(), site.file, site.line)
        })
        .collect()
}

/// `zoo.go` of three releases of Go, on two machines.
const ZOOS: [&str; 3] = ["go1.21-pie", "go1.24-arm64", "go1.27"];

#[test]
fn every_goroutine_and_every_frame_is_what_the_process_wrote() {
    for name in ZOOS {
        let (core, exe) = (
            read_capture(name, "core.zst"),
            read_capture(name, "exe.zst"),
        );
        let found = with(&core, &exe, |go, headers| {
            let go = go.unwrap();
            let differ = go.layout_differences();
            assert_eq!(
                go.layouts(),
                LayoutSource::ProgramAsTable,
                "{name}: {differ:?}"
            );
            assert_eq!(go.damaged(), 0);
            goroutines_of(go, headers)
        })
        .unwrap();
        let ours: BTreeMap<u64, &Goroutine> = found.iter().map(|one| (one.id, one)).collect();
        // In a crash each thread writes of itself, so some goroutines come twice: as it was when
        // the signal came counts.
        let mut theirs: BTreeMap<u64, Goroutine> = BTreeMap::new();
        for one in dumps(&read_capture(name, "crash.txt"))
            .into_iter()
            .flatten()
        {
            theirs.entry(one.id).or_insert(one);
        }
        theirs.remove(&0);
        assert!(theirs.len() > 30, "{name}: {}", theirs.len());
        for (id, want) in &theirs {
            let one = ours
                .get(id)
                .unwrap_or_else(|| panic!("{name}: goroutine {id} is missing"));
            assert_eq!(one.state(), want.state(), "{name}: goroutine {id}");
            assert_eq!(one.locked, want.locked, "{name}: goroutine {id}");
            assert_eq!(one.end, End::Top, "{name}: goroutine {id}");
            let (got, wanted) = (lines(one.frames.iter()), lines(want.frames.iter()));
            // Go leaves out the innermost frames of a wait that are the scheduler's.
            assert!(
                got.ends_with(&wanted) || wanted.len() >= 100,
                "{name}: goroutine {id}\n{got:#?}\n{wanted:#?}"
            );
            let parent = |one: &Goroutine| {
                one.creator
                    .as_ref()
                    .map(|creator| (creator.site.printed(), creator.site.line, creator.parent))
            };
            if *id != 1 {
                assert_eq!(parent(one), parent(want), "{name}: goroutine {id}");
            }
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
    }
}

#[test]
fn locks_have_waiters_and_holders_and_rings_are_found() {
    for name in ZOOS {
        let (core, exe) = (
            read_capture(name, "core.zst"),
            read_capture(name, "exe.zst"),
        );
        let found = with(&core, &exe, |go, headers| {
            goroutines_of(go.unwrap(), headers)
        })
        .unwrap();
        let judged = deadlocks(&found);
        let functions: Vec<Vec<String>> = judged
            .cycles
            .iter()
            .map(|ring| {
                let all = ring.iter().map(|id| {
                    let one = found.iter().find(|one| one.id == *id).unwrap();
                    one.start.as_ref().unwrap().printed()
                });
                all.collect()
            })
            .collect();
        assert_eq!(judged.cycles.len(), 2, "{name}: {functions:?}");
        assert!(judged.cycles.iter().any(|ring| ring.len() == 1), "{name}");
        assert!(judged.cycles.iter().any(|ring| ring.len() == 2), "{name}");
        assert_eq!(judged.forever.len(), 2, "{name}");
        // Three wait for the lock that lockAndWait holds, which itself waits for a channel.
        let three = judged.objects.iter().find(|thing| thing.waiters.len() == 3);
        let holder = &three.unwrap().holders[0];
        assert!(
            holder.function.to_string().ends_with("main.lockAndWait"),
            "{name}"
        );
        assert!(judged.roots.iter().any(|root| root.blocks == 3), "{name}");
    }
}

#[test]
fn a_core_tells_its_program_and_its_arguments() {
    for name in ZOOS {
        let (core, exe) = (
            read_capture(name, "core.zst"),
            read_capture(name, "exe.zst"),
        );
        let headers = Core::read_core(&core).unwrap();
        let image = Image::new(&core, &headers.segments);
        let at = headers.auxv.get(Auxv::PHDR).unwrap();
        let count = headers.auxv.get(Auxv::PHNUM).unwrap();
        let ids = of_memory(&image, at, count, None);
        let elf = Elf::read_elf(&exe).unwrap();
        // QEMU does not write what is code, and with it not the page with the build id.
        let told = (headers.arch != Arch::Arm64).then_some(true);
        assert_eq!(BuildIds::of_file(&exe, &elf).same(&ids), told, "{name}");
        let found = Arguments::find(&image, &headers.auxv).unwrap();
        assert_eq!(found.arguments, ["./zoo", "dump"]);
        assert_eq!(found.environment.len(), 1);
        assert!(headers.threads.len() > 3);
        // QEMU does not write it.
        assert_eq!(headers.signal.is_none(), headers.arch == Arch::Arm64);
    }
}

#[test]
fn a_core_tells_what_ended_the_program() {
    let exe = read_capture("ends", "exe.zst");
    for (name, fatal, function) in [
        ("error", false, "main.serve"),
        ("text", false, "main.text"),
        ("throw", true, "main.write"),
        ("nil", false, "main.(*notOpen).Error"),
    ] {
        let core = read_capture("ends", &format!("{name}.zst"));
        let crash = with(&core, &exe, |go, headers| {
            let go = go.unwrap();
            go.crash(&goroutines_of(go, headers), None)
        });
        let crash = crash.flatten().unwrap_or_else(|| panic!("{name}"));
        // The first line that it wrote itself.
        let said = String::from_utf8(read_capture("ends", &format!("{name}.txt"))).unwrap();
        let word = if fatal { "fatal error" } else { "panic" };
        let message = crash.message.as_ref().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(
            said.lines().next().unwrap(),
            format!("{word}: {message}"),
            "{name}"
        );
        assert_eq!((crash.panicked, crash.fatal), (true, fatal), "{name}");
        assert_eq!(crash.site.unwrap().printed(), function, "{name}");
    }
}

#[test]
fn another_program_gives_no_goroutines() {
    let core = read_capture("go1.27", "core.zst");
    let exe = read_capture("go1.21-pie", "exe.zst");
    let why = with(&core, &exe, |go, _| go.err()).unwrap();
    assert!(why.is_some(), "a wrong program was believed");
}

/// A core with some bytes changed, or cut.
struct Damaged<'b> {
    whole: &'b [u8],
    len: u64,
    changes: Vec<(u64, u8)>,
}

impl Bytes for Damaged<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> usize {
        let room = usize::try_from(self.len.saturating_sub(at)).unwrap();
        let count = into.len().min(room);
        let count = self.whole.read_at(at, &mut into[..count]);
        for (place, byte) in &self.changes {
            let offset = place
                .checked_sub(at)
                .and_then(|it| usize::try_from(it).ok());
            if let Some(into) = offset.and_then(|it| into[..count].get_mut(it)) {
                *into = *byte;
            }
        }
        count
    }
}

#[test]
fn what_is_cut_is_said_and_the_rest_is_right() {
    let (core, exe) = (
        read_capture("go1.27", "core.zst"),
        read_capture("go1.27", "exe.zst"),
    );
    let whole = with(&core, &exe, |go, headers| {
        goroutines_of(go.unwrap(), headers)
    })
    .unwrap();
    for part in [0, 64, 4096, core.len() / 50, core.len() / 4, core.len() / 2] {
        let damaged = Damaged {
            whole: &core,
            len: part.try_into().unwrap(),
            changes: Vec::new(),
        };
        let found = with(&damaged, &exe, |go, headers| {
            assert!(headers.cut() > 0 || headers.claims_segments.is_some());
            go.map(|go| goroutines_of(go, headers)).unwrap_or_default()
        });
        for one in found.unwrap_or_default() {
            let want = whole.iter().find(|want| want.id == one.id).unwrap();
            if one.end == End::Top {
                assert_eq!(one.frames, want.frames);
            }
        }
    }
}

#[test]
fn no_damage_panics_or_hangs() {
    let (core, exe) = (
        read_capture("go1.27", "core.zst"),
        read_capture("go1.27", "exe.zst"),
    );
    // A generator of our own, so that each run is the same.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let headers = Core::read_core(&core).unwrap();
    // Notes and headers, the variables of the program, and its heap.
    let areas: Vec<(u64, u64)> = std::iter::once((0, 0x4000))
        .chain(
            headers
                .loads()
                .filter(|load| load.rights.1)
                .take(6)
                .map(|load| (load.offset, load.held)),
        )
        .filter(|(_, len)| *len > 0)
        .collect();
    for round in 0..8 {
        let mut changes = Vec::new();
        for _ in 0..64 {
            let (start, len) = areas[usize::try_from(random()).unwrap() % areas.len()];
            changes.push((start + random() % len, random().to_le_bytes()[0]));
        }
        let damaged = Damaged {
            whole: &core,
            len: core.len().try_into().unwrap(),
            changes,
        };
        let mut exe = exe.clone();
        if round % 2 == 1 {
            for _ in 0..64 {
                let at = usize::try_from(random()).unwrap() % exe.len();
                exe[at] = random().to_le_bytes()[0];
            }
        }
        let found = with(&damaged, &exe, |go, headers| {
            go.map(|go| goroutines_of(go, headers)).unwrap_or_default()
        });
        let _judged = deadlocks(&found.unwrap_or_default());
    }
}

#[test]
fn who_locks_without_defer_is_likely_to_hold_and_who_unlocked_is_not() {
    let (core, exe) = (
        read_capture("nodefer", "core.zst"),
        read_capture("nodefer", "exe.zst"),
    );
    let found = with(&core, &exe, |go, headers| {
        goroutines_of(go.unwrap(), headers)
    })
    .unwrap();
    let mut held: Vec<(String, usize)> = Vec::new();
    for one in found.iter().filter(|one| !one.holds.is_empty()) {
        assert!(one.holds.iter().all(|held| held.grade == Grade::Likely));
        held.push((one.holds[0].function.to_string(), one.holds.len()));
    }
    held.sort();
    let wanted = [
        "main.(*box).hold",
        "main.(*box).holdOther",
        "main.(*box).read",
        "main.first",
        "main.first",
        "main.holdGlobal",
    ];
    let wanted: Vec<(String, usize)> = wanted.iter().map(|name| (name.to_string(), 1)).collect();
    assert_eq!(held, wanted);
    // The two that lock in the wrong order wait for each other; nobody else does.
    let rings = deadlocks(&found).cycles;
    assert_eq!(rings.len(), 1, "{rings:?}");
    let names = |id: &u64| {
        found
            .iter()
            .find(|one| one.id == *id)
            .unwrap()
            .calls("main.first")
    };
    assert!(
        rings[0].len() == 2 && rings[0].iter().all(names),
        "{rings:?}"
    );
}
