//! Who holds a lock without a deferred unlock: a function on its stack locks it before the call that it is in, and does
//! not unlock it in between.
//!
//! Go writes nowhere which lock is meant, so the code near the call tells: it loads the lock's own address, or one of
//! so many bytes behind a pointer that lies in the frame. That order in the code is order in time is likely, and not
//! certain: so only a lock for which one goroutine alone is found has a holder.

use std::collections::HashMap;
use std::rc::Rc;

use elfcore::Arch;
use goroutines::{Access, End, Frame, Goroutine, Grade, Held, Object, ObjectKind};

use crate::func::Func;
use crate::holders::{Holders, INSIDE, targets};

/// Bytes of a function's code.
const CODE: u64 = 1 << 16;
/// Bytes of a frame.
const FRAME: u64 = 1 << 16;
/// Bytes of arguments behind it.
const ARGUMENTS: u64 = 64;
/// Bytes before a call, and behind one that is inlined, in which the address of its lock is loaded.
const NEAR: usize = 48;
/// Where a `RWMutex` counts its readers.
const READERS: u64 = 16;
/// Bytes of a call.
const CALL: u64 = 5;

/// A lock that is taken or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Site {
    /// Where, from the beginning of the function.
    at: u64,
    access: Access,
    is_rw: bool,
    is_release: bool,
}

/// A function that locks.
struct Locking {
    code: Vec<u8>,
    sites: Vec<Site>,
}

fn site(name: &[u8], at: u64) -> Option<Site> {
    let name = name.strip_prefix(b"internal/").unwrap_or(name);
    let (is_rw, verb) = match name.strip_prefix(b"sync.(*Mutex).") {
        Some(verb) => (false, verb),
        None => (true, name.strip_prefix(b"sync.(*RWMutex).")?),
    };
    let (access, is_release) = match verb {
        b"Lock" | b"lockSlow" => (Access::Lock, false),
        b"Unlock" | b"unlockSlow" => (Access::Lock, true),
        b"RLock" => (Access::ReadLock, false),
        b"RUnlock" | b"rUnlockSlow" => (Access::ReadLock, true),
        _ => return None,
    };
    Some(Site {
        at,
        access,
        is_rw,
        is_release,
    })
}

/// Adds the holders of locks that have none.
pub(crate) fn note(holders: &mut Holders<'_, '_>, found: &mut [Goroutine], wanted: &[Object]) {
    // Displacements are read as this machine writes them.
    if wanted.is_empty() || holders.arch != Arch::Amd64 {
        return;
    }
    let mut known: HashMap<u64, Option<Rc<Locking>>> = HashMap::new();
    let mut candidates: Vec<Vec<(usize, Held)>> = vec![Vec::new(); wanted.len()];
    for (index, one) in found.iter().enumerate() {
        if one.system || one.end != End::Top {
            continue;
        }
        let mut inner = None;
        let mut is_first = true;
        let frames = one.frames.iter().filter(|frame| !frame.site.inlined);
        for frame in frames {
            let low = inner.replace(frame.fp);
            let Some(place) = holders.cache.place(frame.pc) else {
                continue;
            };
            let entry = place.func.entry;
            if is_locks_own(place.name.bytes()) {
                continue;
            }
            // Where it waits for a lock, it does not have it yet.
            let waits_here = std::mem::take(&mut is_first);
            let locking = known
                .entry(entry)
                .or_insert_with(|| locking(holders, &place.func));
            let Some(locking) = locking.clone() else {
                continue;
            };
            let low = low.unwrap_or_else(|| {
                let size = place.size.unwrap_or(0).saturating_add(8);
                frame.fp.saturating_sub(size)
            });
            // What came in registers is kept behind the frame, where the caller made room.
            let high = frame.fp.saturating_add(ARGUMENTS);
            let held = holders
                .memory
                .some(low, high.saturating_sub(low).min(FRAME));
            // The address of a return is behind its call.
            let pc = frame.pc.saturating_sub(1).max(entry);
            let now = holders
                .cache
                .table
                .position(&place.func, pc)
                .wrapping_sub(entry);
            let words = words(&held);
            for (object, candidates) in wanted.iter().zip(&mut candidates) {
                let mut waits = one.awaits.iter();
                if waits_here && waits.any(|it| it.object.address == object.address) {
                    continue;
                }
                let Some(access) = locking.holds(entry, now, object, &words) else {
                    continue;
                };
                if candidates.last().is_none_or(|(last, _)| *last != index) {
                    candidates.push((index, held_by(object, access, frame)));
                }
            }
        }
    }
    for mut candidates in candidates {
        if let (Some((index, held)), true) = (candidates.pop(), candidates.is_empty())
            && let Some(one) = found.get_mut(index)
        {
            one.holds.push(held);
        }
    }
}

fn held_by(object: &Object, access: Access, frame: &Frame) -> Held {
    Held {
        object: object.clone(),
        access,
        grade: Grade::Likely,
        function: frame.site.function.clone(),
        by: "it locks before the call that it is in, and does not unlock in between".to_owned(),
    }
}

fn words(bytes: &[u8]) -> Vec<u64> {
    let words = bytes.chunks_exact(8);
    words
        .filter_map(|word| word.first_chunk().copied().map(u64::from_le_bytes))
        .collect()
}

/// Whether a function is of what locks are made of.
fn is_locks_own(name: &[u8]) -> bool {
    let own = [&b"sync."[..], b"internal/sync.", b"runtime."];
    own.iter().any(|start| name.starts_with(start))
}

/// What a function does to locks; nothing if it locks none.
fn locking(holders: &mut Holders<'_, '_>, func: &Func) -> Option<Rc<Locking>> {
    let table = holders.cache.table;
    let inlined = table.inlined_calls(func);
    let mut sites: Vec<Site> = inlined
        .iter()
        .filter_map(|(name, at)| {
            let at = table.position(func, *at);
            site(name.bytes(), at.wrapping_sub(func.entry))
        })
        .collect();
    let code = holders
        .memory
        .some(func.entry, table.length(func).min(CODE));
    for (at, target) in targets(holders.arch, &code) {
        let target = func.entry.wrapping_add(at).wrapping_add(target);
        let called = holders.cache.place(target);
        let called = called.filter(|place| place.func.entry == target);
        // The slow half of what is inlined is at the end of the function; where that is called counts.
        let own = table
            .position(func, func.entry.wrapping_add(at))
            .wrapping_sub(func.entry);
        if own == at {
            sites.extend(called.and_then(|place| site(place.name.bytes(), at)));
        }
    }
    let locks = sites.iter().any(|site| !site.is_release);
    locks.then(|| Rc::new(Locking { code, sites }))
}

impl Locking {
    /// Whether a frame of this function that is at `now` has taken a lock and not given it back.
    fn holds(&self, entry: u64, now: u64, object: &Object, words: &[u64]) -> Option<Access> {
        let is_rw = match object.kind {
            ObjectKind::Mutex { .. } => false,
            ObjectKind::RwMutex { .. } => true,
            _ => return None,
        };
        let before = |site: &&Site| site.is_rw == is_rw && site.at.saturating_add(CALL) <= now;
        let means = |site: &Site| {
            // What is inlined of the lock for readers counts them.
            let readers = object.address.saturating_add(READERS);
            self.means(entry, site.at, object.address, words)
                || site.access == Access::ReadLock && self.means(entry, site.at, readers, words)
        };
        let taken = self.sites.iter().filter(before);
        let mut taken = taken.filter(|site| !site.is_release && means(site));
        taken.find_map(|taken| {
            let given = self.sites.iter().filter(before);
            let mut given = given.filter(|site| site.is_release && site.access == taken.access);
            let is_given = given.any(|given| given.at > taken.at && means(given));
            (!is_given).then_some(taken.access)
        })
    }

    /// Whether the code near a call loads the address of a lock.
    fn means(&self, entry: u64, at: u64, address: u64, words: &[u64]) -> bool {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let start = at.saturating_sub(NEAR).max(1);
        let end = at.saturating_add(NEAR).min(self.code.len());
        let distances = words.iter().map(|word| address.wrapping_sub(*word));
        let distances: Vec<u64> = distances.filter(|distance| *distance <= INSIDE).collect();
        (start..end).any(|index| {
            let Some(code) = self.code.get(index.saturating_sub(1)..) else {
                return false;
            };
            let [mode, rest @ ..] = code else {
                return false;
            };
            let far = rest.first_chunk().copied().map(i32::from_le_bytes);
            // [rip + 4 bytes], [register], [register + 1 byte], [register + 4 bytes]
            match (mode >> 6, mode & 7) {
                (0, 5) => far.is_some_and(|far| {
                    let next = u64::try_from(index).unwrap_or(0).saturating_add(4);
                    let next = entry.wrapping_add(next);
                    next.wrapping_add(i64::from(far).cast_unsigned()) == address
                }),
                (1, base) if base != 4 => {
                    let near = rest.first().copied().map(u64::from);
                    near.is_some_and(|near| near > 0 && distances.contains(&near))
                }
                (2, base) if base != 4 => far.is_some_and(|far| {
                    far > 0 && distances.contains(&u64::from(far.cast_unsigned()))
                }),
                _ => false,
            }
        })
    }
}
