//! A small core of a process that runs: the pages that its goroutines are read from, and no others.
//!
//! The runtime is found and read once more through a [`Recorder`], which notes every page that was
//! asked for; those go to the core, and what accepted stacks point to, one step far. Of each goroutine
//! the bytes that were accepted are written, not what the page held later.
//!
//! What a core of the kernel lacks is in a note of our own, as JSON: the clock, so that waits are
//! exact; each goroutine's verdict; where each thread is in the kernel; the arguments. The environment
//! and most of the heap are left out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use elfcore::{Area, Memory, NewCore, Overlay, PAGE};
use finding::{Text, Unread};
use goroutines::End;
use serde::{Deserialize, Serialize};

use crate::attach::Attached;
use crate::live::Accepted;
use crate::{Go, NotGo, Outline};

/// Type of our note.
const NOTE: u32 = 1;
/// Threads that are noted, and bytes of the list of areas.
const THREADS: usize = 1 << 14;
const MAPS: usize = 64 << 20;
/// Bytes of the environment.
const ENVIRONMENT: usize = 1 << 21;
/// Pages of a core: 2 GiB.
const PAGES: usize = 1 << 19;
/// Pages that stacks point to.
const POINTED: usize = 1 << 14;

/// Pages by their addresses; those of zeros have no bytes.
type Pages = BTreeMap<u64, Option<Box<[u8; 4096]>>>;

/// Notes which pages are read.
struct Recorder<'m> {
    memory: &'m dyn Memory,
    pages: RefCell<BTreeSet<u64>>,
}

impl Memory for Recorder<'_> {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        let count = self.memory.read_memory(at, into);
        let last = at.saturating_add(u64::try_from(count.saturating_sub(1)).unwrap_or(0));
        let mut pages = self.pages.borrow_mut();
        let mut page = at & !(PAGE - 1);
        while page <= last && pages.len() < PAGES {
            pages.insert(page);
            let Some(next) = page.checked_add(PAGE) else {
                break;
            };
            page = next;
        }
        count
    }
}

/// How a goroutine was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// At one moment.
    Settled,
    /// It ran.
    Runs,
    /// It changed each time.
    Moving,
    /// It has no stack that can be followed.
    None,
}

/// A thread as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its id.
    pub tid: u32,
    /// Where it is in the kernel.
    pub wchan: String,
    /// Its system call, as the kernel tells it.
    pub syscall: String,
}

/// What the core tells beyond what cores tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The form of this note.
    pub version: u32,
    /// The monotonic clock when it was taken, in nanoseconds.
    pub clock: u64,
    /// The time of day then, in nanoseconds since 1970.
    pub time: u64,
    /// The arguments of the process.
    pub arguments: Vec<String>,
    /// Each goroutine: id, verdict, tries, nanoseconds of the last one.
    pub goroutines: Vec<(u64, Verdict, u32, u64)>,
    /// Threads.
    pub threads: Vec<Thread>,
    /// What was left out.
    pub left_out: Vec<String>,
}

impl Note {
    /// That of a core, if it is one of ours.
    pub fn from_core(core: &elfcore::Core) -> Option<Self> {
        let own = core.own_notes.iter().find(|(kind, _)| *kind == NOTE)?;
        serde_json::from_slice(&own.1).ok()
    }
}

/// A core that was taken.
#[derive(Debug)]
pub struct Small {
    /// The core.
    pub core: NewCore,
    /// What its own note says.
    pub note: Note,
}

/// An area of the process's memory.
struct Mapped {
    area: Area,
    offset: u64,
    /// Its device and inode, where it is of a file.
    of_file: bool,
    path: Vec<u8>,
}

impl Attached<'_> {
    /// Takes a small core. `time` is the time of day in nanoseconds.
    ///
    /// # Errors
    /// The runtime cannot be found again.
    pub fn small(&self, time: u64) -> Result<Small, NotGo> {
        let recorder = Recorder {
            memory: self.memory,
            pages: RefCell::default(),
        };
        let overlay = Overlay::new(self.program, self.elf, self.slide, &recorder);
        let outline = Outline::of_file(self.program, self.elf, self.slide);
        let go = Go::find(&overlay, &outline, self.elf.arch)?;
        let clock = (self.clock)();
        // Whoever reads the core ties threads to them: their pages are noted, too.
        let _ = go.known_threads();
        let accepted = go.accepted_live(self.clock);
        let list = go.list();
        let maps = self.maps().unwrap_or_default();
        let mut pages = recorder.pages.into_inner();
        let headers = self.elf.headers_address();
        let headers = headers.map(|at| at.wrapping_add(self.slide) & !(PAGE - 1));
        pages.extend(headers);
        let threads = self.threads();
        for thread in &threads {
            // What a debugger needs to walk it from its stack pointer.
            if thread.sp != 0 {
                let first = thread.sp & !(PAGE - 1);
                pages.extend([first, first.saturating_add(PAGE)]);
            }
        }
        let writable: Vec<(u64, u64)> = maps
            .iter()
            .filter(|one| one.area.rights.1)
            .map(|one| (one.area.start, one.area.end))
            .collect();
        pages.extend(pointed(&accepted, &writable, &pages));
        let mut held = self.copy(&pages, &maps);
        // A goroutine that was born since is not in the pages: the list is that of those that were read.
        for (at, bytes) in list {
            put(&mut held, at, &bytes);
        }
        for one in &accepted {
            put(&mut held, one.goroutine.address, &one.g);
            put(&mut held, one.stack.0, &one.stack.1);
        }
        self.without_environment(&mut held);
        let note = Note {
            version: 1,
            clock,
            time,
            arguments: self.arguments().iter().map(ToString::to_string).collect(),
            goroutines: accepted.iter().map(verdict).collect(),
            threads: threads.iter().map(|thread| thread.told.clone()).collect(),
            left_out: vec![
                "the environment".to_owned(),
                "what of the heap no goroutine's stack points to".to_owned(),
            ],
        };
        let notes = self.notes(&threads, &maps, &note);
        Ok(Small {
            core: NewCore {
                arch: self.elf.arch,
                notes,
                areas: maps.into_iter().map(|one| one.area).collect(),
                pages: held.into_iter().collect(),
            },
            note,
        })
    }

    /// Pages as they are now; those that are not there any more are left out.
    fn copy(&self, pages: &BTreeSet<u64>, maps: &[Mapped]) -> Pages {
        let mut held = BTreeMap::new();
        let mut areas = maps.iter().peekable();
        for at in pages {
            while areas.next_if(|one| one.area.end <= *at).is_some() {}
            let Some(one) = areas.peek().filter(|one| one.area.start <= *at) else {
                continue;
            };
            // What is constant in the program was read from the program, so that none of it is asked for.
            if one.area.rights == (false, false, false) {
                continue;
            }
            let mut page = Box::new([0; 4096]);
            if self.memory.read_memory(*at, page.as_mut_slice()) == page.len() {
                let is_empty = page.iter().all(|byte| *byte == 0);
                held.insert(*at, (!is_empty).then_some(page));
            }
        }
        held
    }

    /// Writes over the environment, wherever a page holds a piece of it.
    fn without_environment(&self, pages: &mut Pages) {
        let bytes = self
            .process
            .file("environ", ENVIRONMENT)
            .unwrap_or_default();
        let entries = bytes.split(|byte| *byte == 0).filter_map(|entry| {
            let at = entry.iter().position(|byte| *byte == b'=')?;
            Some((entry, at.saturating_add(1)))
        });
        for (entry, value_at) in entries {
            let finder = memchr::memmem::Finder::new(entry);
            for page in pages.values_mut().flatten() {
                let mut from = 0_usize;
                while let Some(found) = page.get(from..).and_then(|rest| finder.find(rest)) {
                    let start = from.saturating_add(found).saturating_add(value_at);
                    let end = from.saturating_add(found).saturating_add(entry.len());
                    if let Some(value) = page.get_mut(start..end) {
                        value.fill(b'*');
                    }
                    from = end;
                }
            }
        }
        // On the stack, a string may lie in two pages: there its place is known.
        let stat = self.process.file("stat", 4096).unwrap_or_default();
        let stat = String::from_utf8_lossy(&stat).into_owned();
        let numbers = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let numbers: Vec<u64> = numbers.map(|word| word.parse().unwrap_or(0)).collect();
        // Fields 50 and 51 of proc(5); the first after the name is the third.
        let (Some(first), Some(end)) = (numbers.get(47), numbers.get(48)) else {
            return;
        };
        let len = end.saturating_sub(*first).min(1 << 21);
        let zeros = vec![0; usize::try_from(len).unwrap_or(0)];
        put(pages, *first, &zeros);
    }

    /// The areas of its memory.
    fn maps(&self) -> Result<Vec<Mapped>, Unread> {
        let text = self.process.file("maps", MAPS)?;
        let mut maps: Vec<Mapped> = text.split(|byte| *byte == b'\n').filter_map(map).collect();
        maps.sort_by_key(|one| one.area.start);
        let mut end = 0;
        // None may be over another.
        maps.retain(|one| {
            let sound = one.area.start >= end && one.area.start < one.area.end;
            end = if sound { one.area.end } else { end };
            sound
        });
        Ok(maps)
    }

    /// Its threads, the first first.
    fn threads(&self) -> Vec<Stopped> {
        let tasks = self.process.tasks(THREADS).unwrap_or_default();
        let of = |tid: u32| {
            let text = |name: &str| {
                let bytes = self.process.file(&format!("task/{tid}/{name}"), 4096);
                String::from_utf8_lossy(&bytes.unwrap_or_default())
                    .trim()
                    .to_owned()
            };
            Stopped::new(Thread {
                tid,
                wchan: text("wchan"),
                syscall: text("syscall"),
            })
        };
        tasks.into_iter().map(of).collect()
    }

    fn notes(
        &self,
        threads: &[Stopped],
        maps: &[Mapped],
        note: &Note,
    ) -> Vec<(&'static str, u32, Vec<u8>)> {
        let pid = self.process.file("stat", 32).unwrap_or_default();
        let pid = pid.split(|byte| *byte == b' ').next().unwrap_or_default();
        let pid: u32 = String::from_utf8_lossy(pid).parse().unwrap_or(0);
        let mut notes = Vec::new();
        for (index, thread) in threads.iter().enumerate() {
            notes.push(("CORE", 1, thread.status(self.elf.arch)));
            if index == 0 {
                notes.push(("CORE", 3, self.information(pid, &note.arguments)));
            }
        }
        notes.push(("CORE", 6, self.auxv.to_vec()));
        notes.push(("CORE", 0x4649_4c45, files(maps)));
        let own = serde_json::to_vec(note).unwrap_or_default();
        notes.push(("CORONER", NOTE, own));
        notes
    }

    /// NT_PRPSINFO.
    fn information(&self, pid: u32, arguments: &[String]) -> Vec<u8> {
        let status = self.process.file("status", 1 << 14).unwrap_or_default();
        let status = String::from_utf8_lossy(&status).into_owned();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            word.and_then(|word| word.parse::<u32>().ok()).unwrap_or(0)
        };
        let name = status.lines().find_map(|line| line.strip_prefix("Name:"));
        let mut bytes = vec![0_u8; 136];
        put_at(&mut bytes, 16, &number("Uid:").to_le_bytes());
        put_at(&mut bytes, 20, &number("Gid:").to_le_bytes());
        put_at(&mut bytes, 24, &pid.to_le_bytes());
        put_at(&mut bytes, 28, &number("PPid:").to_le_bytes());
        let name = name.unwrap_or_default().trim().as_bytes();
        put_at(&mut bytes, 40, name.get(..15).unwrap_or(name));
        let words = arguments.join(" ");
        let words = words.as_bytes();
        put_at(&mut bytes, 56, words.get(..79).unwrap_or(words));
        bytes
    }
}

/// A thread, with the registers that the kernel tells.
struct Stopped {
    told: Thread,
    number: u64,
    arguments: Vec<u64>,
    sp: u64,
    pc: u64,
}

impl Stopped {
    fn new(told: Thread) -> Self {
        let mut words = told.syscall.split_ascii_whitespace();
        let number = words.next().and_then(|word| word.parse::<i64>().ok());
        let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
        let mut arguments: Vec<u64> = words.map_while(hex).collect();
        let pc = arguments.pop().unwrap_or(0);
        let sp = arguments.pop().unwrap_or(0);
        Self {
            number: number.unwrap_or(-1).cast_unsigned(),
            told,
            arguments,
            sp,
            pc,
        }
    }

    /// NT_PRSTATUS: of one that runs, nothing is known.
    fn status(&self, arch: elfcore::Arch) -> Vec<u8> {
        // Where the arguments, the number of the call, the program counter and the stack pointer are.
        let (count, places, pc, sp) = match arch {
            elfcore::Arch::Amd64 => (27_usize, [14_usize, 13, 12, 7, 9, 8, 15], 16, 19),
            elfcore::Arch::Arm64 => (34, [0, 1, 2, 3, 4, 5, 8], 32, 31),
        };
        let mut words = vec![0_u64; count];
        let mut set = |at: usize, value: u64| {
            if let Some(word) = words.get_mut(at) {
                *word = value;
            }
        };
        if self.pc != 0 {
            for (place, value) in places.iter().zip(&self.arguments) {
                set(*place, *value);
            }
            set(places.last().copied().unwrap_or(0), self.number);
            set(pc, self.pc);
            set(sp, self.sp);
            if arch == elfcore::Arch::Amd64 {
                for (place, value) in [(17, 0x33), (18, 0x202), (20, 0x2b)] {
                    set(place, value);
                }
            }
        }
        let mut bytes = vec![0_u8; 112];
        put_at(&mut bytes, 32, &self.told.tid.to_le_bytes());
        bytes.extend(words.into_iter().flat_map(u64::to_le_bytes));
        // Whether floating point is there, and room.
        bytes.extend([0; 8]);
        bytes
    }
}

/// One line of /proc/PID/maps.
fn map(line: &[u8]) -> Option<Mapped> {
    let text = String::from_utf8_lossy(line);
    let mut words = text.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?.as_bytes().to_vec();
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    let _device = words.next()?;
    let inode: u64 = words.next()?.parse().ok()?;
    let at = line.iter().position(|byte| matches!(byte, b'/' | b'['));
    let path = at.and_then(|at| line.get(at..)).unwrap_or_default();
    Some(Mapped {
        area: Area {
            start: u64::from_str_radix(start, 16).ok()?,
            end: u64::from_str_radix(end, 16).ok()?,
            rights: (
                rights.first() == Some(&b'r'),
                rights.get(1) == Some(&b'w'),
                rights.get(2) == Some(&b'x'),
            ),
        },
        offset,
        of_file: inode != 0,
        path: path.to_vec(),
    })
}

/// NT_FILE.
fn files(maps: &[Mapped]) -> Vec<u8> {
    let of_files: Vec<&Mapped> = maps.iter().filter(|one| one.of_file).collect();
    let mut bytes = Vec::new();
    let count = u64::try_from(of_files.len()).unwrap_or(0);
    for word in [count, PAGE] {
        bytes.extend(word.to_le_bytes());
    }
    for one in &of_files {
        for word in [one.area.start, one.area.end, one.offset / PAGE] {
            bytes.extend(word.to_le_bytes());
        }
    }
    for one in &of_files {
        bytes.extend(&one.path);
        bytes.push(0);
    }
    bytes
}

/// Pages that words on accepted stacks point to, as far as they may be written to.
fn pointed(accepted: &[Accepted], writable: &[(u64, u64)], have: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for one in accepted {
        for word in one.stack.1.chunks_exact(8) {
            let Some(at) = word.first_chunk().copied().map(u64::from_le_bytes) else {
                continue;
            };
            let page = at & !(PAGE - 1);
            if have.contains(&page) || found.contains(&page) {
                continue;
            }
            let after = writable.partition_point(|area| area.0 <= at);
            let inside = after
                .checked_sub(1)
                .and_then(|index| writable.get(index))
                .is_some_and(|area| at < area.1);
            // The bottom of the first thread's stack holds the environment.
            if inside && at >> 40 != 0x7f && found.len() < POINTED {
                found.insert(page);
            }
        }
    }
    found
}

/// Puts accepted bytes over those of the pages.
fn put(pages: &mut Pages, at: u64, bytes: &[u8]) {
    let mut done = 0_usize;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        let Some(place) = u64::try_from(done)
            .ok()
            .and_then(|done| at.checked_add(done))
        else {
            return;
        };
        let inside = usize::try_from(place & (PAGE - 1)).unwrap_or(0);
        let count = rest.len().min(4096_usize.saturating_sub(inside));
        if let Some(page) = pages.get_mut(&(place & !(PAGE - 1))) {
            let page = page.get_or_insert_with(|| Box::new([0; 4096]));
            put_at(
                page.as_mut_slice(),
                inside,
                rest.get(..count).unwrap_or_default(),
            );
        }
        done = done.saturating_add(count);
    }
}

fn put_at(bytes: &mut [u8], at: usize, new: &[u8]) {
    let end = at.saturating_add(new.len());
    if let Some(into) = bytes.get_mut(at..end) {
        into.copy_from_slice(new);
    }
}

fn verdict(one: &Accepted) -> (u64, Verdict, u32, u64) {
    let verdict = match one.goroutine.end {
        End::Top => Verdict::Settled,
        End::Moving => Verdict::Moving,
        End::None(_) => Verdict::Runs,
        End::Cut(_) | End::Unknown => Verdict::None,
    };
    (one.goroutine.id, verdict, one.tries, one.took)
}

/// What is shown of arguments.
impl Note {
    /// The arguments.
    pub fn words(&self) -> Vec<Text> {
        self.arguments
            .iter()
            .map(|word| Text::from(word.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "a test reads what is in testdata"
    )]

    use elfcore::{Auxv, Core, Elf, Image, Memory};

    use super::{Pages, put};
    use crate::{Go, NotGo, Outline};

    /// Memory, with pages that came after it.
    struct Later<'m>(&'m dyn Memory, Pages);

    impl Memory for Later<'_> {
        fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
            let count = self.0.read_memory(at, into);
            for (place, byte) in (at..).zip(into.iter_mut().take(count)) {
                let page = self.1.get(&(place & !4095)).and_then(Option::as_deref);
                let inside = usize::try_from(place & 4095).unwrap();
                if let Some(there) = page.and_then(|page| page.get(inside)) {
                    *byte = *there;
                }
            }
            count
        }
    }

    #[test]
    fn a_list_that_grew_elsewhere_meanwhile_is_that_of_those_that_were_read() {
        let bytes = |name: &str| {
            let packed = testcase::testdata().join("cores/go1.27").join(name);
            zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap()
        };
        let (core, exe) = (bytes("core.zst"), bytes("exe.zst"));
        let headers = Core::read_core(&core).unwrap();
        let elf = Elf::read_elf(&exe).unwrap();
        let entry = headers.auxv.get(Auxv::ENTRY).unwrap();
        let slide = if elf.is_pie { entry - elf.entry } else { 0 };
        let mut image = Image::new(&core, &headers.segments);
        image.add(&exe, &elf, slide);
        let outline = Outline::of_file(&exe, &elf, slide);
        let found = |memory: &dyn Memory| {
            Go::find(memory, &outline, headers.arch).map(|go| (go.addresses().to_vec(), go.list()))
        };
        let (all, list) = found(&image).unwrap();
        assert_eq!(
            list.len(),
            4,
            "its pointer and length, the copy, and itself"
        );

        // The program made a goroutine: its list is longer, and lies where no page was read.
        let mut later = Pages::new();
        for (at, bytes) in &list {
            later.entry(at & !4095).or_insert_with(|| {
                let mut page = Box::new([0; 4096]);
                assert_eq!(image.read_memory(at & !4095, page.as_mut_slice()), 4096);
                Some(page)
            });
            if bytes.len() == 8 {
                let word = u64::from_le_bytes(bytes.as_slice().try_into().unwrap());
                let moved = if word == list.last().unwrap().0 {
                    word + (1 << 36)
                } else {
                    word + 1
                };
                put(&mut later, *at, &moved.to_le_bytes());
            }
        }
        let mut later = Later(&image, later);
        assert_eq!(found(&later).err(), Some(NotGo::NoGoroutines));
        for (at, bytes) in &list {
            put(&mut later.1, *at, bytes);
        }
        assert_eq!(found(&later).unwrap().0, all);
    }
}
