//! What goroutines wait for: channels and semaphores, by the runtime's lists of waiters.
//!
//! A `sudog` stands for a goroutine in such a list. `g.waiting` leads to those of channels (since Go
//! 1.26 to those of semaphores, too); semaphores have a table, `runtime.semtable`, of 251 trees.
//!
//! ```text
//! sync.Mutex      state 4, semaphore at 4
//! sync.RWMutex    Mutex at 0, semaphore of writers at 8, of readers at 12, readers at 16, departing at 20
//! sync.WaitGroup  counter and waiters at 0, semaphore at 8
//! ```

use std::collections::{HashMap, HashSet};

use elfcore::Memory;
use goroutines::{Access, Await, Goroutine, Object, ObjectKind};

use crate::GoVersion;
use crate::find::Area;
use crate::layout::Layouts;
use crate::module::ModuleData;
use crate::types::type_name;

/// Waiters of one goroutine, and of one place.
const WAITERS: usize = 1 << 16;
/// Waiters of a channel among which one is looked for.
const QUEUE: usize = 1 << 12;

/// Where the fields of waiters and channels are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets {
    g: u64,
    next: u64,
    prev: u64,
    elem: u64,
    parent: u64,
    waitlink: u64,
    c: u64,
    qcount: u64,
    dataqsiz: u64,
    closed: u64,
    elemtype: u64,
    recvq: u64,
    sendq: u64,
}

impl Offsets {
    pub(crate) fn from_layouts(layouts: &Layouts) -> Option<Self> {
        let sudog = |fields: &[&str]| layouts.field("sudog", fields);
        let hchan = |fields: &[&str]| layouts.field("hchan", fields);
        Some(Self {
            g: sudog(&["g"])?,
            next: sudog(&["next"])?,
            prev: sudog(&["prev"])?,
            elem: sudog(&["elem.vu", "elem"])?,
            parent: sudog(&["parent"])?,
            waitlink: sudog(&["waitlink"])?,
            c: sudog(&["c.maybeTraceablePtr.vu", "c.vu", "c"])?,
            qcount: hchan(&["qcount"])?,
            dataqsiz: hchan(&["dataqsiz"])?,
            closed: hchan(&["closed"])?,
            elemtype: hchan(&["elemtype"])?,
            recvq: hchan(&["recvq.first"])?,
            sendq: hchan(&["sendq.first"])?,
        })
    }
}

/// Reads lists of waiters.
pub(crate) struct Waiters<'m> {
    pub(crate) memory: &'m dyn Memory,
    pub(crate) module: &'m ModuleData,
    pub(crate) version: GoVersion,
    pub(crate) offsets: Offsets,
}

impl Waiters<'_> {
    fn word(&self, at: u64, offset: u64) -> Option<u64> {
        self.memory.u64(at.checked_add(offset)?)
    }

    /// Semaphores by the address of the goroutine that waits.
    pub(crate) fn semaphores(&self, goroutines: &HashSet<u64>) -> HashMap<u64, u64> {
        let mut found = HashMap::new();
        let mut seen = HashSet::new();
        for range in [self.module.data[2], self.module.data[3]] {
            let words: Vec<u64> = Area::read_area(self.memory, range).words().collect();
            for pair in words.windows(2) {
                let [root, count] = *pair else { continue };
                // A root of the table is followed by how many wait below it.
                let count = count & 0xffff_ffff;
                if root < 4096
                    || !(1..1 << 20).contains(&count)
                    || self.semaphore(root, goroutines).is_none()
                {
                    continue;
                }
                if self.word(root, self.offsets.parent) != Some(0) {
                    continue;
                }
                let mut todo = vec![root];
                while let Some(at) = todo.pop() {
                    if seen.len() > 1 << 21 || !seen.insert(at) {
                        continue;
                    }
                    let Some((g, elem)) = self.semaphore(at, goroutines) else {
                        continue;
                    };
                    found.insert(g, elem);
                    let fields = [self.offsets.prev, self.offsets.next, self.offsets.waitlink];
                    todo.extend(
                        fields
                            .into_iter()
                            .filter_map(|field| self.word(at, field))
                            .filter(|next| *next != 0),
                    );
                }
            }
        }
        found
    }

    /// Goroutine and address of a semaphore's waiter, if it is one.
    fn semaphore(&self, at: u64, goroutines: &HashSet<u64>) -> Option<(u64, u64)> {
        let g = self.word(at, self.offsets.g)?;
        let elem = self.word(at, self.offsets.elem)?;
        let c = self.word(at, self.offsets.c)?;
        (c == 0 && elem != 0 && goroutines.contains(&g)).then_some((g, elem))
    }

    /// What `g.waiting` leads to: channels, and semaphores since Go 1.26.
    pub(crate) fn listed(
        &self,
        first: u64,
        one: &Goroutine,
        channels: &mut HashMap<u64, Object>,
    ) -> (Vec<Await>, Option<u64>) {
        let mut found = Vec::new();
        let mut semaphore = None;
        let mut at = first;
        // A list that is damaged and leads back into itself has an end, too: it comes by the mark.
        let (mut steps, mut mark) = (0_usize, 0);
        while at != 0 && steps < WAITERS {
            steps = steps.saturating_add(1);
            let (Some(c), Some(g)) = (self.word(at, self.offsets.c), self.word(at, self.offsets.g))
            else {
                break;
            };
            if g != one.address {
                break;
            }
            if c == 0 {
                semaphore = self.word(at, self.offsets.elem).filter(|elem| *elem != 0);
                break;
            }
            found.push(Await {
                object: self.channel(c, channels),
                access: self.direction(c, at, one),
            });
            at = self.word(at, self.offsets.waitlink).unwrap_or(0);
            if at == mark {
                break;
            }
            if steps.is_power_of_two() {
                mark = at;
            }
        }
        (found, semaphore)
    }

    /// A channel. Many may wait for one: it is read once.
    fn channel(&self, at: u64, known: &mut HashMap<u64, Object>) -> Object {
        if let Some(object) = known.get(&at) {
            return object.clone();
        }
        let object = self.read_channel(at);
        known.insert(at, object.clone());
        object
    }

    fn read_channel(&self, at: u64) -> Object {
        let word = |offset: u64| self.word(at, offset);
        let element = word(self.offsets.elemtype)
            .and_then(|kind| type_name(self.memory, self.module, self.version, kind));
        let closed = at
            .checked_add(self.offsets.closed)
            .and_then(|at| self.memory.u32(at));
        Object {
            kind: ObjectKind::Channel {
                element,
                len: word(self.offsets.qcount),
                capacity: word(self.offsets.dataqsiz),
                closed: closed.map(|closed| closed != 0),
            },
            address: at,
        }
    }

    /// Whether a waiter of a channel sends or receives.
    fn direction(&self, c: u64, waiter: u64, one: &Goroutine) -> Access {
        match one.reason.as_ref().map(finding::Text::bytes) {
            Some(b"chan receive") => return Access::Receive,
            Some(b"chan send") => return Access::Send,
            _ => {}
        }
        for (queue, access) in [
            (self.offsets.recvq, Access::Receive),
            (self.offsets.sendq, Access::Send),
        ] {
            let mut at = self.word(c, queue).unwrap_or(0);
            let mut steps = 0_usize;
            while at != 0 && steps < QUEUE {
                if at == waiter {
                    return access;
                }
                at = self.word(at, self.offsets.next).unwrap_or(0);
                steps = steps.saturating_add(1);
            }
        }
        Access::Unknown
    }

    /// The lock that a semaphore belongs to: the functions of package sync on the stack tell.
    pub(crate) fn lock(&self, semaphore: u64, one: &Goroutine) -> Await {
        let in_sync = |method: &str| {
            let inner = one.frames.iter().take(12);
            inner.into_iter().any(|frame| {
                let name = frame.site.function.bytes();
                name.strip_prefix(b"internal/sync.")
                    .or_else(|| name.strip_prefix(b"sync."))
                    .is_some_and(|rest| rest == method.as_bytes())
            })
        };
        let half = |at: u64| self.memory.u32(at);
        let signed = |at: u64| half(at).map(u32::cast_signed);
        let mutex_is_slow = in_sync("(*Mutex).lockSlow") || in_sync("(*Mutex).Lock");
        let rwmutex = |base: u64| ObjectKind::RwMutex {
            readers: signed(base.wrapping_add(16)),
            departing: signed(base.wrapping_add(20)),
        };
        let (kind, address, access) =
            if in_sync("(*RWMutex).RLock") || in_sync("(*RWMutex).rUnlockSlow") {
                let base = semaphore.wrapping_sub(12);
                (rwmutex(base), base, Access::ReadLock)
            } else if in_sync("(*RWMutex).Lock") {
                // It waits for another writer, in the Mutex inside, or for readers.
                let base = semaphore.wrapping_sub(if mutex_is_slow { 4 } else { 8 });
                (rwmutex(base), base, Access::Lock)
            } else if mutex_is_slow {
                let base = semaphore.wrapping_sub(4);
                (ObjectKind::Mutex { state: half(base) }, base, Access::Lock)
            } else if in_sync("(*WaitGroup).Wait") {
                let base = semaphore.wrapping_sub(8);
                let counter = signed(base.wrapping_add(4));
                (ObjectKind::WaitGroup { counter }, base, Access::Wait)
            } else {
                (ObjectKind::Semaphore, semaphore, Access::Unknown)
            };
        Await {
            object: Object { kind, address },
            access,
        }
    }
}

/// What is known without any list: by the reason of the wait and by the functions on the stack.
pub(crate) fn by_stack(one: &Goroutine) -> Vec<Await> {
    let object = |kind: ObjectKind, access: Access| {
        vec![Await {
            object: Object { kind, address: 0 },
            access,
        }]
    };
    let reason = one.reason.as_ref().map(finding::Text::bytes);
    match reason {
        Some(b"sleep") => return object(ObjectKind::Timer, Access::Wait),
        Some(b"chan receive (nil chan)") => {
            return object(ObjectKind::Nothing, Access::Receive);
        }
        Some(b"chan send (nil chan)") => return object(ObjectKind::Nothing, Access::Send),
        Some(b"select (no cases)") => return object(ObjectKind::Nothing, Access::Wait),
        Some(b"sync.Cond.Wait") => return object(ObjectKind::Cond, Access::Wait),
        _ => {}
    }
    let calls = |name: &str| one.frames.iter().any(|frame| frame.site.is(name));
    if calls("os.(*Process).blockUntilWaitable")
        || calls("os.(*Process).wait")
        || calls("syscall.Wait4")
    {
        return object(ObjectKind::Child { pid: None }, Access::Wait);
    }
    if reason == Some(b"IO wait") || matches!(one.status, goroutines::Status::Syscall) {
        let fd = ObjectKind::Descriptor {
            fd: None,
            path: None,
        };
        let reads = [
            "poll.(*FD).Read",
            "poll.(*FD).Accept",
            "syscall.Read",
            "syscall.read",
        ];
        let writes = ["poll.(*FD).Write", "syscall.Write", "syscall.write"];
        if reads.iter().any(|name| calls(name)) {
            return object(fd, Access::Read);
        }
        if writes.iter().any(|name| calls(name)) {
            return object(fd, Access::Write);
        }
        if reason == Some(b"IO wait") {
            return object(fd, Access::Unknown);
        }
    }
    Vec::new()
}
