//! A Go process: its runtime found, and its goroutines read.

use core::fmt;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use elfcore::{Arch, Memory};
use finding::Text;
use goroutines::{Creator, End, Goroutine, Status, Waited};
use serde::Serialize;

use crate::awaits::{self, Offsets, Waiters};
use crate::cache::Cache;
use crate::find::{self, RawG, RawM};
use crate::func::Table;
use crate::heap::{self, Heap};
use crate::holders::{DeferOffsets, Holders};
use crate::layout::{self, G, Layouts, M};
use crate::module::ModuleData;
use crate::names;
use crate::opened::{self, Opened};
use crate::outline::{Outline, search};
use crate::pclntab::Head;
use crate::unwind::{Start, unwind};
use crate::{BuildInfo, Dwarf, GoVersion, LayoutSource};

/// Bytes of a thread's stack for signals.
const SIGNALS: u64 = 1 << 20;
/// Frames of all goroutines together.
const FRAMES: usize = 6 << 20;

/// Why the goroutines of a process cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "why", content = "detail")]
pub enum NotGo {
    /// There is no line table: it is no program of Go's, or its code is not there.
    NoTable,
    /// It is of a release that is not known.
    Version(String),
    /// The line table is there, the module that names it is not: its data are not there, or they
    /// are of another program.
    NoModule,
    /// Its text is in several pieces.
    Pieces(u64),
    /// Neither its types nor the table tell how its structures are laid out.
    NoLayout,
    /// The list of goroutines is not there: the memory is cut, damaged, or of another program.
    NoGoroutines,
}

impl fmt::Display for NotGo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable => {
                f.write_str("the line table of Go is neither in the core nor in the executable")
            }
            Self::Version(version) => {
                write!(f, "it was built with {version}; go1.16 to go1.27 are known")
            }
            Self::NoModule => f.write_str(
                "the variables of the program are not in the core, or the executable is another \
                 than the one that ran",
            ),
            Self::Pieces(count) => write!(f, "its code is in {count} pieces, which is not known"),
            Self::NoLayout => f.write_str("the layout of its structures is not known"),
            Self::NoGoroutines => f.write_str(
                "the list of goroutines was not found: its memory is cut or damaged, or the \
                 executable is another than the one that ran",
            ),
        }
    }
}

impl core::error::Error for NotGo {}

/// A thread of the process, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadLink {
    /// Its id.
    pub tid: u64,
    /// Its program counter and stack pointer; 0 if they are not known.
    pub pc: u64,
    /// Its stack pointer.
    pub sp: u64,
    /// Its link register; 0 if there is none.
    pub lr: u64,
    /// Where its own storage is, if that is known.
    pub tls: Option<u64>,
    /// The register in which Go keeps its `g`.
    pub g: u64,
}

impl From<&elfcore::Thread> for ThreadLink {
    fn from(thread: &elfcore::Thread) -> Self {
        Self {
            tid: thread.tid,
            pc: thread.registers.pc(),
            sp: thread.registers.sp(),
            lr: thread.registers.lr(),
            tls: thread.registers.tls(),
            g: thread.registers.g(),
        }
    }
}

/// Which thread runs which goroutine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threads {
    /// By the thread's id: the runtime's number of it, and the id of its goroutine.
    pub found: HashMap<u64, (u64, Option<u64>)>,
    /// By the address of a `m`.
    by_m: HashMap<u64, ThreadLink>,
}

/// A Go process.
#[expect(missing_debug_implementations, reason = "memory has nothing to show")]
pub struct Go<'m> {
    memory: &'m dyn Memory,
    arch: Arch,
    /// What the linker wrote, if it is there.
    pub build: Option<BuildInfo>,
    /// Its release.
    pub version: GoVersion,
    module: ModuleData,
    layouts: Layouts,
    g: G,
    waiters: Option<Offsets>,
    reasons: Vec<Text>,
    goroutines: Vec<u64>,
    /// Where the list of them stands, and the words that lead to it.
    array: u64,
    anchors: Vec<(u64, u64)>,
    damaged: usize,
    latest: u64,
    m: M,
    threads: OnceCell<Vec<RawM>>,
}

impl<'m> Go<'m> {
    /// The build info of a process, wherever it is.
    pub fn build_info(memory: &dyn Memory, outline: &Outline) -> Option<BuildInfo> {
        let said = outline
            .buildinfo
            .and_then(|at| BuildInfo::in_memory(memory, at));
        said.or_else(|| {
            let ranges = [outline.writable.as_slice(), &outline.constant].concat();
            search(memory, &ranges, b"\xff Go buildinf:", 16, |at| {
                BuildInfo::in_memory(memory, at)
            })
        })
    }

    /// Finds the runtime of a process.
    pub fn find(memory: &'m dyn Memory, outline: &Outline, arch: Arch) -> Result<Self, NotGo> {
        let build = Self::build_info(memory, outline);
        let heads = Head::find(memory, outline, arch);
        if heads.is_empty() {
            return Err(NotGo::NoTable);
        }
        let said = build.as_ref().map(|build| {
            GoVersion::parse(build.go()).ok_or_else(|| NotGo::Version(build.go().to_owned()))
        });
        let said = said.transpose()?;
        if let Some(version) = said.filter(|version| *version < GoVersion::OLDEST) {
            return Err(NotGo::Version(version.to_string()));
        }
        // Without build info, the release is the one whose layout fits.
        let versions: Vec<GoVersion> = match said {
            Some(version) => vec![version],
            None => (GoVersion::OLDEST.minor..=GoVersion::NEWEST.minor)
                .rev()
                .map(GoVersion::new)
                .collect(),
        };
        let mut failed = NotGo::NoModule;
        for version in versions {
            match Self::of_version(memory, outline, arch, &heads, version) {
                Ok(go) => {
                    return Ok(Self { build, ..go });
                }
                Err(why) if failed == NotGo::NoModule => failed = why,
                Err(_) => {}
            }
        }
        Err(failed)
    }

    fn of_version(
        memory: &'m dyn Memory,
        outline: &Outline,
        arch: Arch,
        heads: &[Head],
        version: GoVersion,
    ) -> Result<Self, NotGo> {
        let module = ModuleData::find(memory, outline, heads, version).ok_or(NotGo::NoModule)?;
        if module.text_pieces > 1 {
            return Err(NotGo::Pieces(module.text_pieces));
        }
        let layouts =
            Layouts::from_module(memory, &module, version, arch).ok_or(NotGo::NoLayout)?;
        let g = G::from_layouts(&layouts).ok_or(NotGo::NoLayout)?;
        let m = M::from_layouts(&layouts).ok_or(NotGo::NoLayout)?;
        let goroutines = find::allgs(memory, &module, &g).ok_or(NotGo::NoGoroutines)?;
        let reasons = find::wait_reasons(memory, &module);
        Ok(Self {
            memory,
            arch,
            build: None,
            version,
            module,
            g,
            waiters: Offsets::from_layouts(&layouts),
            layouts,
            reasons,
            goroutines: goroutines.all,
            array: goroutines.array,
            anchors: goroutines.anchors,
            damaged: goroutines.damaged,
            latest: goroutines.latest,
            m,
            threads: OnceCell::new(),
        })
    }

    /// Where the layouts of structures are from.
    pub const fn layouts(&self) -> LayoutSource {
        self.layouts.source
    }

    /// What differs between the program's own descriptors and the table.
    pub fn layout_differences(&self) -> &[String] {
        &self.layouts.differs
    }

    /// What the program's DWARF says otherwise of the structures that are read; nothing where it does not
    /// have them.
    pub fn differs_from(&self, dwarf: &Dwarf) -> Option<Vec<String>> {
        let others = dwarf.layouts("runtime", &layout::WANTED);
        (!others.is_empty()).then(|| self.layouts.against(&others))
    }

    /// How many goroutines are listed, those that ended included.
    pub fn listed(&self) -> usize {
        self.goroutines.len()
    }

    /// The threads as the runtime knows them; looked for when they are first asked for.
    pub(crate) fn known_threads(&self) -> &[RawM] {
        self.threads
            .get_or_init(|| find::allm(self.memory, &self.module, &self.m, &self.g))
    }

    pub(crate) fn addresses(&self) -> &[u64] {
        &self.goroutines
    }

    /// The bytes of the list of goroutines, with all that leads to it, each with its address: as they were read.
    pub(crate) fn list(&self) -> Vec<(u64, Vec<u8>)> {
        let array = self.goroutines.iter().flat_map(|at| at.to_le_bytes());
        let anchors = self.anchors.iter();
        let anchors = anchors.map(|(at, word)| (*at, word.to_le_bytes().to_vec()));
        anchors.chain([(self.array, array.collect())]).collect()
    }

    pub(crate) const fn module(&self) -> &ModuleData {
        &self.module
    }

    pub(crate) fn field(&self, name: &str, field: &str) -> Option<u64> {
        self.layouts.field(name, &[field])
    }

    pub(crate) fn memory(&self) -> &dyn Memory {
        self.memory
    }

    pub(crate) const fn layout(&self) -> &G {
        &self.g
    }

    pub(crate) const fn arch(&self) -> Arch {
        self.arch
    }

    pub(crate) fn table(&self) -> Table<'_> {
        Table {
            memory: self.memory,
            module: &self.module,
            quantum: u64::from(Outline::quantum(self.arch)),
        }
    }

    /// The name of the function that holds an address.
    pub fn function(&self, pc: u64) -> Option<Text> {
        let table = self.table();
        table.find(pc).map(|func| table.name(&func))
    }

    /// Ties threads to what the runtime knows of them.
    ///
    /// The runtime notes a thread's id as its own namespace sees it, so in a container it is not
    /// the one that we see: then the `g` in the thread's storage or register, or the stack that it
    /// is on, tells.
    pub fn tie(&self, threads: &[ThreadLink]) -> Threads {
        let mut tied = Threads::default();
        let mut stacks: Vec<(u64, u64, u64)> = Vec::new();
        let mut of_g: HashMap<u64, u64> = HashMap::new();
        for m in self.known_threads() {
            for g in [m.g0, m.gsignal, m.curg] {
                if g == 0 {
                    continue;
                }
                of_g.insert(g, m.at);
                if let Some(raw) = RawG::read_raw_g(self.memory, g, &self.g) {
                    stacks.push((raw.word(self.g.lo), raw.word(self.g.hi), m.at));
                }
            }
        }
        let ids: HashSet<u64> = self.known_threads().iter().map(|m| m.procid).collect();
        let same_namespace = threads.iter().any(|thread| ids.contains(&thread.tid))
            && threads
                .iter()
                .filter(|thread| ids.contains(&thread.tid))
                .count()
                .saturating_mul(2)
                >= threads.len();
        for thread in threads {
            let by_id = || {
                let m = self
                    .known_threads()
                    .iter()
                    .find(|m| m.procid == thread.tid)?;
                same_namespace.then_some(m.at)
            };
            let by_tls = || {
                let base = thread.tls.filter(|base| *base != 0)?;
                let g = self.memory.u64(base.checked_sub(8)?)?;
                of_g.get(&g).copied()
            };
            let by_register = || of_g.get(&thread.g).copied();
            let by_stack = || {
                let found = stacks
                    .iter()
                    .find(|(lo, hi, _)| *lo <= thread.sp && thread.sp < *hi)?;
                Some(found.2)
            };
            let at = by_id()
                .or_else(by_tls)
                .or_else(by_register)
                .or_else(by_stack);
            let Some(m) = at.and_then(|at| self.known_threads().iter().find(|m| m.at == at)) else {
                continue;
            };
            let goid = (m.curg != 0)
                .then(|| RawG::read_raw_g(self.memory, m.curg, &self.g))
                .flatten()
                .map(|raw| raw.word(self.g.goid));
            tied.found.insert(thread.tid, (m.id, goid));
            tied.by_m.insert(m.at, *thread);
        }
        tied
    }

    /// Reads every goroutine, in the order of their ids. `now` is the time on the machine's monotonic
    /// clock, in nanoseconds; without it, waits are counted to the latest moment that the runtime
    /// noted, and are longer in truth.
    pub fn goroutines(&self, threads: &Threads, now: Option<u64>) -> Vec<Goroutine> {
        let mut cache = Cache::new(self.table());
        let exact = now.is_some();
        // The process lived at least until the latest moment that the runtime noted anywhere.
        let now = now.unwrap_or(self.latest);
        let mut left = FRAMES;
        let mut found: Vec<Goroutine> = self
            .goroutines
            .iter()
            .filter_map(|at| {
                let one = self.goroutine(*at, threads, &mut cache, left, now)?;
                left = left.saturating_sub(one.frames.len());
                Some(one)
            })
            .collect();
        if !exact {
            // How long ago the latest moment was that the runtime noted is not known.
            for one in &mut found {
                one.waited = one.waited.map(|waited| Waited {
                    most: None,
                    ..waited
                });
            }
        }
        self.note_waits(&mut found);
        self.note_holders(&mut found, &mut cache);
        found.sort_by_key(|one| one.id);
        found
    }

    /// Adds what each goroutine waits for.
    pub(crate) fn note_waits(&self, found: &mut [Goroutine]) {
        let Some(offsets) = self.waiters else {
            return;
        };
        let waiters = Waiters {
            memory: self.memory,
            module: &self.module,
            version: self.version,
            offsets,
        };
        let all: HashSet<u64> = found.iter().map(|one| one.address).collect();
        let semaphores = waiters.semaphores(&all);
        let mut channels = HashMap::new();
        for one in found.iter_mut() {
            if !matches!(one.status, Status::Waiting | Status::Leaked) {
                one.awaits = awaits::by_stack(one);
                continue;
            }
            let first = one
                .address
                .checked_add(self.g.waiting)
                .and_then(|at| self.memory.u64(at))
                .unwrap_or(0);
            let (mut found, semaphore) = waiters.listed(first, one, &mut channels);
            if let Some(semaphore) = semaphore.or_else(|| semaphores.get(&one.address).copied()) {
                found.push(waiters.lock(semaphore, one));
            }
            one.awaits = if found.is_empty() {
                awaits::by_stack(one)
            } else {
                found
            };
        }
    }

    /// Adds which of the locks that others wait for each goroutine holds.
    pub(crate) fn note_holders<'s>(&'s self, found: &mut [Goroutine], cache: &mut Cache<'s>) {
        let field = |name: &str| self.layouts.field("_defer", &[name]);
        let defers = self
            .layouts
            .field("g", &["_defer"])
            .zip(field("sp"))
            .zip(field("fn"))
            .zip(field("link"))
            .map(|(((first, sp), function), link)| DeferOffsets {
                first,
                sp,
                function,
                link,
            });
        Holders::new(self.memory, cache, self.version, self.arch, defers).note(found);
    }

    /// The spans of its heap; nothing if their list is not there.
    pub fn heap(&self) -> Option<Heap> {
        let field = |name: &str, field: &str| self.layouts.field(name, &[field]);
        heap::Source {
            memory: self.memory,
            module: &self.module,
            version: self.version,
            processor: field("p", "id")
                .zip(field("p", "status"))
                .zip(field("p", "mcache"))
                .map(|((id, status), cache)| [id, status, cache]),
        }
        .heap()
    }

    /// Files and sockets that it holds open, by their objects in the heap.
    pub fn opened(&self, heap: &Heap) -> Option<Vec<Opened>> {
        opened::Source {
            memory: self.memory,
            module: &self.module,
            version: self.version,
        }
        .opened(heap)
    }

    /// Goroutines that are listed and damaged: their own address does not stand in them.
    pub const fn damaged(&self) -> usize {
        self.damaged
    }

    fn goroutine(
        &self,
        at: u64,
        threads: &Threads,
        cache: &mut Cache<'_>,
        left: usize,
        now: u64,
    ) -> Option<Goroutine> {
        let raw = RawG::read_raw_g(self.memory, at, &self.g)?;
        let mut one = self.described(&raw, threads, cache, now)?;
        let thread = threads.by_m.get(&raw.word(self.g.m)).copied();
        (one.frames, one.end) = match self.start(&raw, one.status, thread) {
            Ok(start) => unwind(cache, self.memory, self.arch, start, left),
            Err(end) => (Vec::new(), end),
        };
        Some(one)
    }

    /// Everything of a goroutine but its stack; nothing if it has ended, or is none.
    pub(crate) fn described(
        &self,
        raw: &RawG,
        threads: &Threads,
        cache: &mut Cache<'_>,
        now: u64,
    ) -> Option<Goroutine> {
        let at = raw.at;
        let status = raw.status(&self.g);
        if matches!(status, 0 | 6 | 11) || !raw.is_sound(&self.g) {
            return None;
        }
        let status = Status::from_number(status);
        let mut one = Goroutine::new(raw.word(self.g.goid), status);
        one.address = at;
        one.reason = self.reason(raw, status);
        let since = raw.word(self.g.waitsince);
        if matches!(status, Status::Waiting | Status::Syscall | Status::Leaked) && since != 0 {
            one.waited = now
                .checked_sub(since)
                .map(|nanoseconds| Waited::noted(nanoseconds / 1_000_000_000));
        }
        one.locked = raw.word(self.g.lockedm) != 0;
        let thread = threads.by_m.get(&raw.word(self.g.m)).copied();
        one.thread = thread.map(|thread| thread.tid);
        let start = raw.word(self.g.startpc);
        one.start = cache.site(start, start);
        one.system = one
            .start
            .as_ref()
            .is_some_and(|site| names::is_system(site.function.bytes()));
        one.creator = self.creator(raw, cache);
        Some(one)
    }

    fn reason(&self, raw: &RawG, status: Status) -> Option<Text> {
        if !matches!(status, Status::Waiting | Status::Leaked) {
            return None;
        }
        let number = usize::from(raw.byte(self.g.reason));
        let name = self.reasons.get(number).filter(|name| !name.is_empty());
        Some(
            name.cloned()
                .unwrap_or_else(|| Text::from(format!("wait reason {number}"))),
        )
    }

    fn creator(&self, raw: &RawG, cache: &mut Cache<'_>) -> Option<Creator> {
        let pc = raw.word(self.g.gopc);
        if pc == 0 || raw.word(self.g.goid) == 1 {
            return None;
        }
        let place = cache.place(pc)?;
        let quantum = u64::from(Outline::quantum(self.arch));
        let lookup = if pc > place.func.entry {
            pc.saturating_sub(quantum)
        } else {
            pc
        };
        let parent = self.g.parent.map(|at| raw.word(at)).filter(|id| *id != 0);
        Some(Creator {
            site: cache.site(pc, lookup)?,
            parent,
        })
    }

    /// Where a goroutine was when a signal came, whose handler runs on the thread's own stack for signals: the
    /// kernel put the registers there (`struct ucontext`), with where that stack is and how large. A panic that
    /// writes a core ends there, too.
    ///
    /// ```text
    /// 0 flags    8 link    16 stack    24 its flags    32 its size    amd64: 160 rsp    168 rip
    ///                                                                 arm64: 424 x30    432 sp    440 pc
    /// ```
    fn interrupted(&self, raw: &RawG, thread: ThreadLink, stack: (u64, u64)) -> Option<Start> {
        let m = raw.word(self.g.m);
        let m = self.known_threads().iter().find(|one| one.at == m)?;
        let signals = RawG::read_raw_g(self.memory, m.gsignal, &self.g)?;
        let (lo, hi) = (signals.word(self.g.lo), signals.word(self.g.hi));
        if !(lo <= thread.sp && thread.sp < hi) {
            return None;
        }
        let start = thread.sp & !7;
        let held = self
            .memory
            .some(start, hi.saturating_sub(start).min(SIGNALS));
        let words: Vec<u64> = held
            .chunks_exact(8)
            .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
            .collect();
        let (lr, sp, pc, len) = match self.arch {
            Arch::Amd64 => (None, 20, 21, 22),
            Arch::Arm64 => (Some(53), 54, 55, 56),
        };
        words.windows(len).find_map(|frame| {
            let word = |at: usize| frame.get(at).copied();
            let (pc, sp) = (word(pc)?, word(sp)?);
            let is_one = word(2)? == lo && word(4)? == hi.saturating_sub(lo);
            let fits = is_one && stack.0 <= sp && sp < stack.1 && self.module.has(pc);
            fits.then(|| Start {
                pc,
                sp,
                lr: lr.and_then(word).unwrap_or(0),
                stack,
                exact: true,
            })
        })
    }

    /// Where the walk of a stack begins.
    pub(crate) fn start(
        &self,
        raw: &RawG,
        status: Status,
        thread: Option<ThreadLink>,
    ) -> Result<Start, End> {
        let stack = (raw.word(self.g.lo), raw.word(self.g.hi));
        let on_stack = |sp: u64| stack.0 <= sp && sp < stack.1;
        let syscall = (raw.word(self.g.syscallpc), raw.word(self.g.syscallsp));
        if status == Status::Running
            && let Some(thread) = thread
            && on_stack(thread.sp)
            && self.module.has(thread.pc)
        {
            return Ok(Start {
                pc: thread.pc,
                sp: thread.sp,
                lr: thread.lr,
                stack,
                exact: true,
            });
        }
        if status == Status::Running
            && let Some(start) = thread.and_then(|thread| self.interrupted(raw, thread, stack))
        {
            return Ok(start);
        }
        if syscall.1 != 0 && on_stack(syscall.1) {
            return Ok(Start {
                pc: syscall.0,
                sp: syscall.1,
                lr: 0,
                stack,
                exact: false,
            });
        }
        let (pc, sp) = (raw.word(self.g.pc), raw.word(self.g.sp));
        if sp == 0 {
            return Err(End::None("it runs, and its registers are not known"));
        }
        if !on_stack(sp) {
            return Err(End::Cut(format!(
                "its stack pointer {sp:#x} is not in its stack"
            )));
        }
        Ok(Start {
            pc,
            sp,
            lr: raw.word(self.g.lr),
            stack,
            exact: false,
        })
    }
}
