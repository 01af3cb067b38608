//! Who holds a lock: Go writes it nowhere, but a pending `defer mu.Unlock()` tells.
//!
//! The compiler keeps deferred calls in the frame: a byte says which are armed, and slots hold their
//! closures. Where they are, `FUNCDATA_OpenCodedDeferInfo` tells, in varints:
//!
//! ```text
//! Go 1.16, 1.17    arguments, byte, count; of each: size, closure, arguments and three words of each
//! Go 1.18 to 1.21  byte, count; of each: closure
//! since Go 1.22    byte, slots
//! ```
//!
//! All are distances below the frame's variables; calls are listed from the last to the first. Defers
//! in loops, and of frames that are not so simple, are in the list `g._defer`.
//!
//! Who locks without `defer` is looked for by the code of the functions on the stacks: [`crate::sites`].
//!
//! A closure is the address of its function, followed by what it captured: of `defer mu.Unlock()` the
//! address of `mu`.

use std::collections::{BTreeSet, HashMap};

use elfcore::{Arch, Memory};
use goroutines::{Access, Goroutine, Grade, Held, Object, ObjectKind};

use crate::GoVersion;
use crate::cache::Cache;
use crate::func::Func;
use crate::sites;

/// Index of FUNCDATA_OpenCodedDeferInfo.
const OPEN_CODED: usize = 4;
/// Deferred calls of one frame, and of one goroutine.
const DEFERS: usize = 8;
const CHAIN: usize = 1 << 12;
/// Bytes of a function that are searched for calls.
const CODE: u64 = 1 << 12;
/// How far a lock may be inside the thing that a closure captured.
pub(crate) const INSIDE: u64 = 1 << 12;

/// What a deferred function releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Release {
    Unlock,
    WriteUnlock,
    ReadUnlock,
    Done,
}

impl Release {
    fn from_name(name: &[u8]) -> Option<Self> {
        let name = name.strip_suffix(b"-fm").unwrap_or(name);
        match name {
            b"sync.(*Mutex).Unlock" | b"internal/sync.(*Mutex).Unlock" => Some(Self::Unlock),
            b"sync.(*RWMutex).Unlock" => Some(Self::WriteUnlock),
            b"sync.(*RWMutex).RUnlock" => Some(Self::ReadUnlock),
            b"sync.(*WaitGroup).Done" => Some(Self::Done),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Unlock => "a deferred Mutex.Unlock is pending",
            Self::WriteUnlock => "a deferred RWMutex.Unlock is pending",
            Self::ReadUnlock => "a deferred RWMutex.RUnlock is pending",
            Self::Done => "a deferred WaitGroup.Done is pending",
        }
    }

    const fn access(self) -> Access {
        match self {
            Self::Unlock | Self::WriteUnlock => Access::Lock,
            Self::ReadUnlock => Access::ReadLock,
            Self::Done => Access::Wait,
        }
    }

    fn releases(self, kind: &ObjectKind) -> bool {
        matches!(
            (self, kind),
            (Self::Unlock, ObjectKind::Mutex { .. })
                | (
                    Self::WriteUnlock | Self::ReadUnlock,
                    ObjectKind::RwMutex { .. }
                )
                | (Self::Done, ObjectKind::WaitGroup { .. })
        )
    }
}

/// Where the fields of a deferred call in the list are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeferOffsets {
    pub(crate) first: u64,
    pub(crate) sp: u64,
    pub(crate) function: u64,
    pub(crate) link: u64,
}

/// Looks for holders.
pub(crate) struct Holders<'m, 'c> {
    pub(crate) memory: &'m dyn Memory,
    pub(crate) cache: &'c mut Cache<'m>,
    pub(crate) version: GoVersion,
    pub(crate) arch: Arch,
    pub(crate) defers: Option<DeferOffsets>,
    /// What deferred functions release, by their entry; with whether they do nothing else.
    known: HashMap<u64, Option<(Release, bool)>>,
}

impl<'m, 'c> Holders<'m, 'c> {
    pub(crate) fn new(
        memory: &'m dyn Memory,
        cache: &'c mut Cache<'m>,
        version: GoVersion,
        arch: Arch,
        defers: Option<DeferOffsets>,
    ) -> Self {
        Self {
            memory,
            cache,
            version,
            arch,
            defers,
            known: HashMap::new(),
        }
    }

    /// Adds to each goroutine which of the things that others wait for it holds.
    pub(crate) fn note(&mut self, found: &mut [Goroutine]) {
        let mut wanted: Vec<Object> = Vec::new();
        let mut addresses = BTreeSet::new();
        for wait in found.iter().flat_map(|one| &one.awaits) {
            let is_lock = matches!(
                wait.object.kind,
                ObjectKind::Mutex { .. }
                    | ObjectKind::RwMutex { .. }
                    | ObjectKind::WaitGroup { .. }
            );
            if is_lock && addresses.insert(wait.object.address) {
                wanted.push(wait.object.clone());
            }
        }
        if wanted.is_empty() {
            return;
        }
        wanted.sort_by_key(|object| object.address);
        for one in found.iter_mut() {
            one.holds = self.held_by(one, &wanted);
            // What is proven of a lock needs no guess of another function.
            let proven: BTreeSet<u64> = one
                .holds
                .iter()
                .filter(|held| held.grade == Grade::Proven)
                .map(|held| held.object.address)
                .collect();
            one.holds.retain(|held| {
                held.grade == Grade::Proven || !proven.contains(&held.object.address)
            });
        }
        // Of the others, it is looked for what locks without a deferred unlock.
        wanted.retain(|object| {
            let mut all = found.iter().flat_map(|one| &one.holds);
            !is_free(&object.kind)
                && !all
                    .any(|held| held.grade > Grade::Weak && held.object.address == object.address)
        });
        sites::note(self, found, &wanted);
    }

    fn held_by(&mut self, one: &Goroutine, wanted: &[Object]) -> Vec<Held> {
        let mut found = Vec::new();
        // While it waits for a condition, the lock that belongs to it is not held.
        let waits_for_condition = one.calls("sync.(*Cond).Wait");
        for (function, closure) in self.pending(one) {
            let Some(entry) = self.memory.u64(closure) else {
                continue;
            };
            let Some((release, is_wrapper)) = self.release(entry) else {
                continue;
            };
            let captured = closure
                .checked_add(8)
                .and_then(|at| self.memory.u64(at))
                .unwrap_or(0);
            let from = wanted.partition_point(|object| object.address < captured);
            for object in wanted.get(from..).unwrap_or_default() {
                let distance = object.address.saturating_sub(captured);
                if distance > INSIDE {
                    break;
                }
                if !release.releases(&object.kind) || is_free(&object.kind) {
                    continue;
                }
                let exact = distance == 0;
                if !exact && is_wrapper {
                    continue;
                }
                let grade = match (exact, waits_for_condition) {
                    (_, true) => Grade::Weak,
                    (true, false) => Grade::Proven,
                    (false, false) => Grade::Likely,
                };
                found.push(Held {
                    object: object.clone(),
                    access: release.access(),
                    grade,
                    function: function.clone(),
                    by: release.word().to_owned(),
                });
            }
        }
        found
    }

    /// Closures of deferred calls that are pending, each with the function that deferred it.
    fn pending(&mut self, one: &Goroutine) -> Vec<(finding::Text, u64)> {
        let mut found = Vec::new();
        for frame in one.frames.iter().filter(|frame| !frame.site.inlined) {
            let Some(place) = self.cache.place(frame.pc) else {
                continue;
            };
            let slots = self.slots(&place.func, frame.fp).unwrap_or_default();
            let closures = slots.into_iter().filter_map(|at| self.memory.u64(at));
            found.extend(
                closures
                    .filter(|closure| *closure != 0)
                    .map(|closure| (frame.site.function.clone(), closure)),
            );
        }
        let Some(defers) = self.defers else {
            return found;
        };
        let field = |at: u64, offset: u64| self.memory.u64(at.checked_add(offset)?);
        let mut at = field(one.address, defers.first).unwrap_or(0);
        let mut seen = BTreeSet::new();
        while at != 0 && seen.len() < CHAIN && seen.insert(at) {
            let sp = field(at, defers.sp).unwrap_or(0);
            let frame = one
                .frames
                .iter()
                .find(|frame| frame.fp > sp && !frame.site.inlined);
            if let (Some(closure), Some(frame)) = (field(at, defers.function), frame)
                && closure != 0
            {
                found.push((frame.site.function.clone(), closure));
            }
            at = field(at, defers.link).unwrap_or(0);
        }
        found
    }

    /// Addresses of the slots of a frame that are armed.
    fn slots(&self, func: &Func, fp: u64) -> Option<Vec<u64>> {
        let info = func.data(OPEN_CODED)?;
        let variables = fp.checked_sub(match self.arch {
            Arch::Amd64 => 16,
            Arch::Arm64 => 8,
        })?;
        let bytes = self.memory.some(info, 256);
        let mut bytes = bytes.into_iter();
        let mut next = || Some(view::uvarint(&mut bytes)?.0);
        if self.version.minor <= 17 {
            next()?;
        }
        let armed = self.memory.u8(variables.checked_sub(next()?)?)?;
        let mut found = Vec::new();
        if self.version.minor >= 22 {
            let slots = variables.checked_sub(next()?)?;
            for index in 0..DEFERS {
                if armed & 1_u8.checked_shl(u32::try_from(index).ok()?)? != 0 {
                    found.push(slots.checked_add(u64::try_from(index).ok()?.checked_mul(8)?)?);
                }
            }
            return Some(found);
        }
        let count = usize::try_from(next()?).ok()?.min(DEFERS);
        for index in (0..count).rev() {
            if self.version.minor <= 17 {
                next()?;
            }
            let slot = variables.checked_sub(next()?)?;
            if self.version.minor <= 17 {
                for _ in 0..next()?.min(64).checked_mul(3)? {
                    next()?;
                }
            }
            if armed & 1_u8.checked_shl(u32::try_from(index).ok()?)? != 0 {
                found.push(slot);
            }
        }
        Some(found)
    }

    /// What a deferred function releases, and whether it is only made for that.
    fn release(&mut self, entry: u64) -> Option<(Release, bool)> {
        if let Some(known) = self.known.get(&entry) {
            return *known;
        }
        let release = self.cache.place(entry).and_then(|place| {
            if place.func.entry != entry {
                return None;
            }
            let name = place.name.bytes();
            if let Some(release) = Release::from_name(name) {
                return Some((release, true));
            }
            let is_wrapper = name
                .rsplit(|byte| *byte == b'.')
                .next()
                .is_some_and(|last| last.starts_with(b"deferwrap") || last.starts_with(b"dwrap"));
            let called = self.calls(&place.func);
            called.map(|release| (release, is_wrapper))
        });
        self.known.insert(entry, release);
        release
    }

    /// The release that a function calls, or that is inlined into it.
    fn calls(&mut self, func: &Func) -> Option<Release> {
        let table = self.cache.table;
        let inlined = table.inlined_calls(func);
        if let Some(found) = inlined
            .iter()
            .find_map(|(name, _)| Release::from_name(name.bytes()))
        {
            return Some(found);
        }
        let code = self.memory.some(func.entry, table.length(func).min(CODE));
        for (at, target) in targets(self.arch, &code) {
            let target = func.entry.wrapping_add(at).wrapping_add(target);
            let found = self
                .cache
                .place(target)
                .filter(|place| place.func.entry == target)
                .and_then(|place| Release::from_name(place.name.bytes()));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// Whether a lock says of itself that nobody holds it.
const fn is_free(kind: &ObjectKind) -> bool {
    match kind {
        ObjectKind::Mutex { state: Some(state) } => *state & 1 == 0,
        _ => false,
    }
}

/// Direct calls in code: where each stands, and how far from there its target is.
pub(crate) fn targets(arch: Arch, code: &[u8]) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    match arch {
        Arch::Amd64 => {
            // CALL rel32. What only looks like one leads to no function's beginning.
            for (at, window) in code.windows(5).enumerate() {
                let [0xe8, rest @ ..] = window else { continue };
                let Some(rest) = rest.first_chunk() else {
                    continue;
                };
                let far = i64::from(i32::from_le_bytes(*rest)).wrapping_add(5);
                found.push((u64::try_from(at).unwrap_or(0), far.cast_unsigned()));
            }
        }
        Arch::Arm64 => {
            for (index, word) in code.chunks_exact(4).enumerate() {
                let Some(word) = word.first_chunk().copied().map(u32::from_le_bytes) else {
                    continue;
                };
                // BL imm26
                if word >> 26 == 0x25 {
                    let far = i64::from((word << 6).cast_signed() >> 4);
                    let at = u64::try_from(index).unwrap_or(0).wrapping_mul(4);
                    found.push((at, far.cast_unsigned()));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_on_both_machines() {
        // 90; e8 fb ff ff ff: to itself.
        let amd64 = [0x90, 0xe8, 0xfb, 0xff, 0xff, 0xff];
        assert_eq!(targets(Arch::Amd64, &amd64), [(1, 0)]);
        // bl .+8; nop; bl .-8
        let arm64 = [2, 0, 0, 0x94, 0x1f, 0x20, 3, 0xd5, 0xfe, 0xff, 0xff, 0x97];
        let back = (-8_i64).cast_unsigned();
        assert_eq!(targets(Arch::Arm64, &arm64), [(0, 8), (8, back)]);
    }
}
