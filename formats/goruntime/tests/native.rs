//! The stack of a C program that sleeps, by the unwind tables of its files.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads a process of its own"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};

use elfcore::{Arch, Elf, Memory, Registers};
use evidence::{LiveMemory, LiveProc};
use finding::Text;
use goruntime::{Library, Means, Native};

struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

struct Process(LiveMemory);

impl Memory for Process {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        self.0.read_live_memory(at, into)
    }
}

/// Files that are mapped, each with its lowest and highest address.
fn mapped(pid: u32) -> BTreeMap<String, (u64, u64)> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for line in std::fs::read_to_string(format!("/proc/{pid}/maps"))
        .unwrap()
        .lines()
    {
        let Some(path) = line.find('/').map(|at| line[at..].to_owned()) else {
            continue;
        };
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let number = |word| u64::from_str_radix(word, 16).unwrap();
        let range = found.entry(path).or_insert((u64::MAX, 0));
        *range = (range.0.min(number(start)), range.1.max(number(end)));
    }
    found
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_c_program_that_sleeps_is_followed_to_its_start() {
    let sleeper = Sleeper(Command::new("/bin/sleep").arg("1000").spawn().unwrap());
    let pid = sleeper.0.id();
    // Number of the call, its arguments, stack pointer, program counter: until it sleeps.
    let words = loop {
        let text = std::fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        if words.len() == 9 && words[0] == "230" {
            break words;
        }
        std::thread::yield_now();
    };
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).unwrap();
    let registers = Registers::from_pc_sp(Arch::Amd64, number(&words[8]), number(&words[7]));
    let door = LiveProc::open(Path::new("/")).unwrap();
    let memory = Process(door.process(pid).unwrap().memory().unwrap());
    let libraries = mapped(pid).into_iter().filter_map(|(path, range)| {
        let bytes = std::fs::read(&path).ok()?;
        let elf = Elf::read_elf(&bytes).ok()?;
        let lowest = elf.loads().map(|load| load.address).min()?;
        let slide = range.0 - (lowest & !0xfff);
        Some(Library::read_library(
            Text::from(path),
            &bytes,
            &elf,
            range,
            slide,
        ))
    });
    let native = Native {
        memory: &memory,
        arch: Arch::Amd64,
        libraries: libraries.collect(),
        go: None,
    };
    let (frames, end) = native.stack(&registers);
    let names: Vec<String> = frames
        .iter()
        .filter_map(|frame| frame.function.as_ref().map(ToString::to_string))
        .collect();
    assert!(names[0].contains("clock_nanosleep"), "{names:?}");
    assert!(
        names.iter().any(|name| name.contains("__libc_start_main")),
        "{names:?}"
    );
    let all = frames.iter().skip(1).all(|frame| frame.by == Means::Table);
    assert!(all && frames.len() > 3, "{frames:#?}");
    assert_eq!(end, "here the thread began");
    // Without its files nothing is guessed.
    let bare = Native {
        libraries: Vec::new(),
        ..native
    };
    let (frames, end) = bare.stack(&registers);
    assert_eq!(frames.len(), 1);
    assert_eq!(end, "no file that was given holds this address");
}
