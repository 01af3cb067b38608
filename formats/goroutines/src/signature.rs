//! Deadlocks that are known: what their goroutines look like, where upstream tells of them, and since
//! which release they are gone.
//!
//! A signature is a few goroutines, each told by functions on its stack and by what it waits for. The
//! table is in `signatures/`, one entry each. Stacks that only look alike are not enough: what lasts
//! for a moment on every healthy node must have lasted, or the ring must be proven.

use std::collections::BTreeSet;

use finding::{Code, Severity};
use serde::Serialize;

use crate::{Deadlocks, End, Goroutine, Site, Status};

/// A deadlock that is known.
#[derive(Debug)]
pub struct Signature {
    /// Its name, what it means, and what to do: `coroner explain` has it.
    pub code: Code,
    /// Where upstream tells of it: `containerd#6772`.
    pub upstream: &'static [&'static str],
    /// Since which releases it is gone.
    pub fixed: &'static str,
    /// Its goroutines; all must be there.
    pub parts: &'static [Part],
    /// How they must hang together.
    pub bond: Bond,
    /// Functions, written as in [`Part::calls`], that would explain the wait: no other goroutine may have
    /// one on its stack, and each stack must be known to its end.
    pub unless: &'static [&'static str],
}

/// Goroutines of one kind.
#[derive(Debug)]
pub struct Part {
    /// What they do, as a phrase that follows "goroutine 7": `waits for the lock of the metrics`.
    pub does: &'static str,
    /// Functions on the stack, the innermost first, others between them; of each, any of these names
    /// ([`Site::is`]; with `*` at the end, any name that begins so).
    pub calls: &'static [&'static [&'static str]],
    /// What they wait for.
    pub wants: Wants,
    /// How many there must be; 0: they are told where they are, and need not be there.
    pub least: usize,
    /// For how many minutes one must have waited: on a healthy node it does not last as long.
    pub minutes: u64,
}

/// What a goroutine waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A lock of package sync.
    Lock,
    /// A channel, or several.
    Channel,
    /// A socket, a pipe or a FIFO.
    Descriptor,
    /// The kernel.
    Syscall,
    /// Time.
    Sleep,
    /// Any of these but time.
    Blocked,
    /// Whatever it does.
    Anything,
}

/// How the goroutines of a signature hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bond {
    /// They need not.
    None,
    /// They wait for each other: where that is proven, no minutes are asked for.
    Ring,
    /// The first wait for the second: where holders are known, that must be so.
    Blocks,
    /// They wait for children of the process, each for another, and are more than it has: [`lost_ends`].
    Children,
}

/// How well a signature is known to be what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Stacks and waits are as they must be; who holds what is not known.
    Stacks,
    /// It is proven who waits for whom.
    Graph,
}

/// Goroutines of a signature that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// What they do.
    pub does: &'static str,
    /// Their ids.
    pub goroutines: Vec<u64>,
}

/// A signature that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// Its code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a line.
    pub title: &'static str,
    /// How well it is known.
    pub basis: Basis,
    /// Its goroutines.
    pub roles: Vec<Role>,
    /// The longest wait among them, in whole minutes.
    pub minutes: Option<u64>,
    /// Where upstream tells of it.
    pub upstream: &'static [&'static str],
    /// Since which releases it is gone.
    pub fixed: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The signatures that goroutines show, the worst first.
pub fn signatures(goroutines: &[Goroutine], found: &Deadlocks) -> Vec<Hit> {
    let mut hits: Vec<Hit> = crate::signatures::KNOWN
        .into_iter()
        .filter_map(|signature| hit(signature, goroutines, found))
        .collect();
    hits.sort_by_key(|hit| (core::cmp::Reverse((hit.severity, hit.basis)), hit.code));
    hits
}

fn hit(signature: &'static Signature, goroutines: &[Goroutine], found: &Deadlocks) -> Option<Hit> {
    let mut all: Vec<Vec<&Goroutine>> = Vec::new();
    for part in signature.parts {
        let ours: Vec<&Goroutine> = goroutines.iter().filter(|one| part.is(one)).collect();
        if ours.len() < part.least {
            return None;
        }
        all.push(ours);
    }
    let lasts = || {
        signature.parts.iter().zip(&all).all(|(part, ours)| {
            let long = |one: &&Goroutine| minutes(one) >= part.minutes;
            part.least == 0 || part.minutes == 0 || ours.iter().any(long)
        })
    };
    if !signature.unless.is_empty() && explained(signature, goroutines, &all) {
        return None;
    }
    let basis = match signature.bond {
        Bond::Ring => {
            if ring(&all, found) {
                Basis::Graph
            } else if lasts() {
                Basis::Stacks
            } else {
                return None;
            }
        }
        Bond::Blocks => {
            if !lasts() {
                return None;
            }
            match blocks(&all, found) {
                Some(true) => Basis::Graph,
                Some(false) => return None,
                None => Basis::Stacks,
            }
        }
        Bond::None if lasts() => Basis::Stacks,
        Bond::Children | Bond::None => return None,
    };
    Some(made(signature, &all, basis))
}

/// Ends that a shim waits for although it has no such child: it did not handle them. `children` were counted
/// before the goroutines were read.
pub fn lost_ends(goroutines: &[Goroutine], children: usize) -> Option<Hit> {
    let signature = &crate::signatures::END_LOST;
    let [part] = signature.parts else {
        return None;
    };
    let waits: Vec<&Goroutine> = goroutines
        .iter()
        .filter(|one| part.is(one) && minutes(one) >= part.minutes)
        .collect();
    // Several clients may wait for one process: that is one channel.
    let channels = waits.iter().flat_map(|one| &one.awaits);
    let channels: BTreeSet<u64> = channels
        .map(|it| it.object.address)
        .filter(|address| *address != 0)
        .collect();
    (channels.len() > children).then(|| made(signature, &[waits], Basis::Stacks))
}

/// Whether another goroutine does what would explain the wait, or may do so.
fn explained(signature: &Signature, goroutines: &[Goroutine], all: &[Vec<&Goroutine>]) -> bool {
    let ours: BTreeSet<u64> = all.iter().flatten().map(|one| one.id).collect();
    let others = goroutines.iter().filter(|one| !one.system);
    let mut others = others.filter(|one| !ours.contains(&one.id));
    others.any(|one| {
        let is_whole = matches!(one.end, End::Top | End::Unknown);
        let does = |name: &&str| one.frames.iter().any(|frame| named(&frame.site, name));
        !is_whole || signature.unless.iter().any(does)
    })
}

fn made(signature: &'static Signature, all: &[Vec<&Goroutine>], basis: Basis) -> Hit {
    let longest = all.iter().flatten().map(|one| minutes(one)).max();
    let roles = signature.parts.iter().zip(all);
    Hit {
        code: signature.code.name,
        severity: signature.code.severity,
        title: signature.code.title,
        basis,
        roles: roles
            .filter(|(_, ours)| !ours.is_empty())
            .map(|(part, ours)| Role {
                does: part.does,
                goroutines: ours.iter().map(|one| one.id).collect(),
            })
            .collect(),
        minutes: longest.filter(|minutes| *minutes > 0),
        upstream: signature.upstream,
        fixed: signature.fixed,
        remedy: signature.code.remedy,
    }
}

/// Whole minutes that it has waited; 0 where that is not known.
fn minutes(one: &Goroutine) -> u64 {
    one.waited.map_or(0, crate::Waited::minutes)
}

/// Whether one goroutine of each part is in the same ring.
fn ring(all: &[Vec<&Goroutine>], found: &Deadlocks) -> bool {
    found.cycles.iter().any(|ring| {
        let ring: BTreeSet<u64> = ring.iter().copied().collect();
        let mut parts = all.iter().filter(|ours| !ours.is_empty());
        parts.all(|ours| ours.iter().any(|one| ring.contains(&one.id)))
    })
}

/// Whether one of the first waits for one of the second; nothing where no holder is known.
fn blocks(all: &[Vec<&Goroutine>], found: &Deadlocks) -> Option<bool> {
    let [first, second, ..] = all else {
        return None;
    };
    let from: BTreeSet<u64> = first.iter().map(|one| one.id).collect();
    let to: BTreeSet<u64> = second.iter().map(|one| one.id).collect();
    let mut known = found.edges.iter().filter(|edge| from.contains(&edge.from));
    let mut any = false;
    let met = known.any(|edge| {
        any = true;
        to.contains(&edge.to)
    });
    if met {
        Some(true)
    } else {
        any.then_some(false)
    }
}

impl Part {
    /// Whether a goroutine is one of these.
    fn is(&self, one: &Goroutine) -> bool {
        if !self.wants.is(one) {
            return false;
        }
        let mut frames = one.frames.iter();
        self.calls
            .iter()
            .all(|names| frames.any(|frame| names.iter().any(|name| named(&frame.site, name))))
    }
}

/// Whether a function has a name of the table.
fn named(site: &Site, name: &str) -> bool {
    let Some(start) = name.strip_suffix('*') else {
        return site.is(name);
    };
    let function = site.function.bytes();
    let start = start.as_bytes();
    function.starts_with(start)
        || function
            .windows(start.len().saturating_add(1))
            .any(|window| window.split_first() == Some((&b'/', start)))
}

impl Wants {
    /// Whether a goroutine waits for such a thing.
    fn is(self, one: &Goroutine) -> bool {
        let reason = one.reason.as_ref().map(ToString::to_string);
        let reason = match one.status {
            Status::Waiting | Status::Leaked => reason.unwrap_or_default(),
            Status::Syscall => {
                return matches!(self, Self::Syscall | Self::Blocked | Self::Anything);
            }
            _ => return self == Self::Anything,
        };
        // Before Go 1.20, all of package sync says "semacquire".
        let is_lock = reason.starts_with("sync.") && !reason.starts_with("sync.Cond")
            || reason == "semacquire";
        let is_channel = reason.starts_with("chan ") || reason.starts_with("select");
        match self {
            Self::Lock => is_lock,
            Self::Channel => is_channel,
            Self::Descriptor => reason == "IO wait",
            Self::Syscall => false,
            Self::Sleep => reason == "sleep",
            Self::Blocked => reason != "sleep",
            Self::Anything => true,
        }
    }
}
