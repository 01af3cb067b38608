//! Finds the runtime's variables by what they must look like: all goroutines, all threads, the
//! names of wait reasons.

use elfcore::Memory;
use finding::Text;
use view::View;

use crate::layout::{G, M};
use crate::module::ModuleData;

/// Goroutines that are read.
const GOROUTINES: u64 = 4 << 20;
/// Bytes of one area of variables that are searched.
const AREA: u64 = 256 << 20;
/// Threads that are read.
const THREADS: usize = 1 << 17;

/// The bytes of an area of variables.
pub(crate) struct Area {
    bytes: Vec<u8>,
}

impl Area {
    pub(crate) fn read_area(memory: &dyn Memory, (start, end): (u64, u64)) -> Self {
        Self {
            bytes: memory.some(start, end.saturating_sub(start).min(AREA)),
        }
    }

    /// Its words of 8 bytes.
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.bytes
            .chunks_exact(8)
            .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
    }
}

/// What may be slices among the words of an area, with at most so much room: pointer and length.
pub(crate) fn slices(words: &[u64], most: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
    words.windows(3).filter_map(move |triple| {
        let [pointer, len, room] = *triple else {
            return None;
        };
        let could =
            pointer >= 4096 && pointer.is_multiple_of(8) && len > 0 && len <= room && room <= most;
        could.then_some((pointer, len))
    })
}

/// A `g` as it stands in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawG {
    pub(crate) at: u64,
    bytes: Vec<u8>,
}

impl RawG {
    pub(crate) fn read_raw_g(memory: &dyn Memory, at: u64, layout: &G) -> Option<Self> {
        if !at.is_multiple_of(8) {
            return None;
        }
        let bytes = memory.all(at, usize::try_from(layout.size).ok()?)?;
        Some(Self { at, bytes })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn word(&self, at: u64) -> u64 {
        View::new(&self.bytes).u64_le(at, "g").unwrap_or(0)
    }

    pub(crate) fn half(&self, at: u64) -> u32 {
        View::new(&self.bytes).u32_le(at, "g").unwrap_or(0)
    }

    pub(crate) fn byte(&self, at: u64) -> u8 {
        View::new(&self.bytes).u8(at, "g").unwrap_or(0)
    }

    /// Its status without the bit of the garbage collector.
    pub(crate) fn status(&self, layout: &G) -> u32 {
        self.half(layout.status) & !0x1000
    }

    /// Whether it can be one.
    pub(crate) fn is_sound(&self, layout: &G) -> bool {
        let status = self.status(layout);
        let unused = matches!(status, 0 | 6 | 11);
        let (lo, hi) = (self.word(layout.lo), self.word(layout.hi));
        let id = self.word(layout.goid);
        status <= 11
            && self.word(layout.own) == self.at
            && (unused || (lo < hi && id > 0 && id < 1 << 62))
    }
}

/// All goroutines.
pub(crate) struct Listed {
    /// Where the words that lead to them stand, with what stood there: the list's own pointer and length, and the copy of
    /// its pointer.
    pub(crate) anchors: Vec<(u64, u64)>,
    /// Where their addresses stand.
    pub(crate) array: u64,
    /// Their addresses.
    pub(crate) all: Vec<u64>,
    /// How many are damaged: their own address does not stand in them.
    pub(crate) damaged: usize,
    /// The latest moment that the runtime noted in any, on the clock of waits.
    pub(crate) latest: u64,
}

/// No process runs for a hundred years: nanoseconds. A damaged goroutine must not make all others old.
const AGES: u64 = 3_000_000_000_000_000_000;

/// All goroutines: the slice in bss every element of which is one. Each is looked at once: of a core with a
/// hundred thousand, the pages are most of the work.
pub(crate) fn allgs(memory: &dyn Memory, module: &ModuleData, layout: &G) -> Option<Listed> {
    let [_, _, bss, _] = module.data;
    let words: Vec<u64> = Area::read_area(memory, bss).words().collect();
    let mut best: Option<(bool, Listed)> = None;
    for (pointer, len) in slices(&words, GOROUTINES) {
        let Some(first) = memory.u64(pointer) else {
            continue;
        };
        let sound =
            |at: u64| RawG::read_raw_g(memory, at, layout).is_some_and(|raw| raw.is_sound(layout));
        if !sound(first) {
            continue;
        }
        let bytes = memory.some(pointer, len.saturating_mul(8));
        let all: Vec<u64> = bytes
            .chunks_exact(8)
            .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
            .collect();
        if u64::try_from(all.len()).ok() != Some(len) {
            continue;
        }
        // allgptr is a copy of the pointer, for readers without a lock. Where it is there, a few elements may be damaged.
        // Elsewhere each must be a goroutine, and the first be main's: the runtime has other slices of goroutines.
        let has_copy = words.iter().filter(|word| **word == pointer).count() > 1;
        let is_main = |at: &u64| memory.u64(at.saturating_add(layout.goid)) == Some(1);
        if !has_copy && !all.first().is_some_and(is_main) {
            continue;
        }
        let most = if has_copy { all.len() / 16 } else { 0 };
        let (mut damaged, mut latest) = (0_usize, 0);
        for at in &all {
            match RawG::read_raw_g(memory, *at, layout).filter(|raw| raw.is_sound(layout)) {
                Some(raw) => {
                    let stamp = layout.stamp.map_or(0, |at| raw.word(at));
                    let noted = raw.word(layout.waitsince).max(stamp);
                    latest = latest.max(Some(noted).filter(|noted| *noted < AGES).unwrap_or(0));
                }
                None => damaged = damaged.saturating_add(1),
            }
            if damaged > most {
                break;
            }
        }
        if damaged > most {
            continue;
        }
        let better = best
            .as_ref()
            .is_none_or(|(had_copy, was)| (has_copy, all.len()) > (*had_copy, was.all.len()));
        if better {
            let listed = Listed {
                anchors: vec![],
                array: pointer,
                all,
                damaged,
                latest,
            };
            best = Some((has_copy, listed));
        }
    }
    let (_, mut listed) = best?;
    let len = u64::try_from(listed.all.len()).ok()?;
    for (at, pair) in (bss.0..).step_by(8).zip(words.windows(2)) {
        if pair.first() == Some(&listed.array) {
            listed.anchors.push((at, listed.array));
            if pair.get(1) == Some(&len) {
                listed.anchors.push((at.saturating_add(8), len));
            }
        }
    }
    Some(listed)
}

/// A thread as the runtime knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawM {
    pub(crate) at: u64,
    /// Its id, as the process itself sees it; 0 if it has none yet.
    pub(crate) procid: u64,
    /// The runtime's number for it.
    pub(crate) id: u64,
    /// The goroutine that it runs.
    pub(crate) curg: u64,
    /// The goroutine on whose stack the scheduler runs.
    pub(crate) g0: u64,
    /// The one on whose stack signals are handled.
    pub(crate) gsignal: u64,
}

fn read_m(memory: &dyn Memory, at: u64, layout: &M, g: &G) -> Option<(RawM, u64)> {
    if at < 4096 || !at.is_multiple_of(8) {
        return None;
    }
    let word = |offset: u64| memory.u64(at.checked_add(offset)?);
    let g0 = word(layout.g0)?;
    if g0 < 4096 || !g0.is_multiple_of(8) || memory.u64(g0.checked_add(g.m)?)? != at {
        return None;
    }
    let raw = RawM {
        at,
        procid: word(layout.procid)?,
        id: word(layout.id)?,
        curg: word(layout.curg)?,
        g0,
        gsignal: word(layout.gsignal)?,
    };
    Some((raw, word(layout.alllink)?))
}

/// All threads: the longest chain that begins at a variable.
pub(crate) fn allm(memory: &dyn Memory, module: &ModuleData, layout: &M, g: &G) -> Vec<RawM> {
    let mut best = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for range in module.data {
        let area = Area::read_area(memory, range);
        for word in area.words() {
            // Most words are no address: they are passed over without a look elsewhere.
            let could = word >= 4096 && word.is_multiple_of(8);
            if !could || seen.contains(&word) || read_m(memory, word, layout, g).is_none() {
                continue;
            }
            let mut chain = Vec::new();
            let mut own = std::collections::HashSet::new();
            let mut at = word;
            while chain.len() < THREADS && own.insert(at) {
                let Some((raw, next)) = read_m(memory, at, layout, g) else {
                    break;
                };
                chain.push(raw);
                at = next;
            }
            seen.extend(own);
            if chain.len() > best.len() {
                best = chain;
            }
        }
    }
    best
}

/// The names of wait reasons, in the order of their numbers.
pub(crate) fn wait_reasons(memory: &dyn Memory, module: &ModuleData) -> Vec<Text> {
    let string = |pointer: u64, len: u64| {
        let len = usize::try_from(len).ok().filter(|len| *len <= 64)?;
        let bytes = memory.all(pointer, len)?;
        let printable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
        printable.then(|| Text::from(bytes))
    };
    for range in [module.data[1], module.data[0]] {
        let area = Area::read_area(memory, range);
        let words: Vec<u64> = area.words().collect();
        for (index, window) in words.windows(4).enumerate() {
            // The first has no name, the second is "GC assist marking".
            if window.first() != Some(&0) || window.get(1) != Some(&0) || window.get(3) != Some(&17)
            {
                continue;
            }
            let first = window.get(2).and_then(|pointer| string(*pointer, 17));
            if first.as_ref().map(Text::bytes) != Some(b"GC assist marking") {
                continue;
            }
            let rest = words.get(index..).unwrap_or_default();
            let mut names = vec![Text::default()];
            for pair in rest.chunks_exact(2).skip(1).take(80) {
                let [pointer, len] = *pair else { break };
                match string(pointer, len).filter(|name| !name.is_empty()) {
                    Some(name) => names.push(name),
                    None => break,
                }
            }
            return names;
        }
    }
    Vec::new()
}
