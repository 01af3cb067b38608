//! Who waits for whom: things that goroutines wait for, who holds them, and where the chains end.

use std::collections::{BTreeMap, BTreeSet};

use finding::Text;
use serde::Serialize;

use crate::{Access, Goroutine, Grade, Object, ObjectKind, Status, Waited};

/// One that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiter {
    /// The goroutine.
    pub id: u64,
    /// How it wants the thing.
    pub access: Access,
    /// How long it has waited.
    pub waited: Option<Waited>,
}

/// One that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The goroutine.
    pub id: u64,
    /// How well it is known.
    pub grade: Grade,
    /// The function that holds it.
    pub function: Text,
    /// What tells.
    pub by: String,
}

/// A thing that goroutines wait for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contended {
    /// The thing.
    pub object: Object,
    /// Who waits for it.
    pub waiters: Vec<Waiter>,
    /// Who holds it, the best known first. Empty: nobody was found, which does not say that nobody
    /// does.
    pub holders: Vec<Holder>,
}

/// One waits for what another holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// Who waits.
    pub from: u64,
    /// Who holds.
    pub to: u64,
    /// How well that is known.
    pub grade: Grade,
    /// Address of the thing.
    #[serde(serialize_with = "finding::hex_number")]
    pub object: u64,
}

/// A holder that waits for nothing that anybody is known to hold: the end of chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Root {
    /// The goroutine.
    pub id: u64,
    /// How many wait for it, in one step or several.
    pub blocks: usize,
    /// What it does itself.
    pub state: String,
    /// What it waits for.
    pub awaits: Vec<String>,
    /// Its innermost function of the program.
    pub at: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Deadlocks {
    /// Goroutines that wait for each other in a ring; one that waits for itself is a ring of one.
    pub cycles: Vec<Vec<u64>>,
    /// Where chains of waits end that are no ring.
    pub roots: Vec<Root>,
    /// Things that are waited for, the most wanted first.
    pub objects: Vec<Contended>,
    /// Who waits for whom.
    pub edges: Vec<Edge>,
    /// Goroutines that nothing can ever wake.
    pub forever: Vec<u64>,
}

/// Judges goroutines.
pub fn deadlocks(goroutines: &[Goroutine]) -> Deadlocks {
    let mut things: BTreeMap<u64, Contended> = BTreeMap::new();
    let mut forever = Vec::new();
    for one in goroutines.iter().filter(|one| !one.system) {
        for wait in &one.awaits {
            if wait.object.kind == ObjectKind::Nothing {
                forever.push(one.id);
            }
            if wait.object.address == 0 {
                continue;
            }
            let thing = things
                .entry(wait.object.address)
                .or_insert_with(|| Contended {
                    object: wait.object.clone(),
                    waiters: Vec::new(),
                    holders: Vec::new(),
                });
            thing.waiters.push(Waiter {
                id: one.id,
                access: wait.access,
                waited: one.waited,
            });
        }
    }
    for one in goroutines {
        for held in &one.holds {
            if let Some(thing) = things.get_mut(&held.object.address) {
                thing.holders.push(Holder {
                    id: one.id,
                    grade: held.grade,
                    function: held.function.clone(),
                    by: held.by.clone(),
                });
            }
        }
    }
    let mut edges = BTreeSet::new();
    for thing in things.values_mut() {
        thing
            .holders
            .sort_by_key(|holder| (core::cmp::Reverse(holder.grade), holder.id));
        thing.holders.dedup_by_key(|holder| holder.id);
        // Something weaker counts only where nothing better is known.
        let best = thing.holders.first().map(|holder| holder.grade);
        let holders: Vec<&Holder> = thing
            .holders
            .iter()
            .filter(|holder| Some(holder.grade) == best && holder.grade > Grade::Weak)
            .collect();
        for waiter in &thing.waiters {
            for holder in &holders {
                // Who reads may read again unless a writer waits: then everybody waits.
                edges.insert(Edge {
                    from: waiter.id,
                    to: holder.id,
                    grade: holder.grade,
                    object: thing.object.address,
                });
            }
        }
    }
    let edges: Vec<Edge> = edges.into_iter().collect();
    let cycles = cycles(&edges);
    let in_cycle: BTreeSet<u64> = cycles.iter().flatten().copied().collect();
    let roots = roots(goroutines, &edges, &in_cycle);
    let mut objects: Vec<Contended> = things.into_values().collect();
    objects.sort_by_key(|thing| {
        (
            thing.holders.is_empty(),
            core::cmp::Reverse(thing.waiters.len()),
            thing.object.address,
        )
    });
    Deadlocks {
        cycles,
        roots,
        objects,
        edges,
        forever,
    }
}

/// Goroutines that can be reached from `from`, itself only if a way leads back.
fn reached(edges: &BTreeMap<u64, Vec<u64>>, from: u64) -> BTreeSet<u64> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<u64> = edges.get(&from).cloned().unwrap_or_default();
    while let Some(at) = todo.pop() {
        if seen.insert(at) {
            todo.extend(edges.get(&at).into_iter().flatten());
        }
    }
    seen
}

/// Goroutines of which each waits for each, in one step or several.
fn cycles(edges: &[Edge]) -> Vec<Vec<u64>> {
    let mut forward: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for edge in edges {
        forward.entry(edge.from).or_default().push(edge.to);
    }
    // Only holders can be part of a ring: waiters may be a hundred thousand, holders are few.
    let holders: BTreeSet<u64> = edges.iter().map(|edge| edge.to).collect();
    let mut found: Vec<Vec<u64>> = Vec::new();
    let mut done = BTreeSet::new();
    for holder in holders {
        if done.contains(&holder) {
            continue;
        }
        let there = reached(&forward, holder);
        if !there.contains(&holder) {
            continue;
        }
        let ring: Vec<u64> = there
            .iter()
            .copied()
            .filter(|other| reached(&forward, *other).contains(&holder))
            .collect();
        done.extend(ring.iter().copied());
        found.push(ring);
    }
    found
}

fn roots(goroutines: &[Goroutine], edges: &[Edge], in_cycle: &BTreeSet<u64>) -> Vec<Root> {
    let waits: BTreeSet<u64> = edges.iter().map(|edge| edge.from).collect();
    let mut backward: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for edge in edges {
        backward.entry(edge.to).or_default().push(edge.from);
    }
    let ends: BTreeSet<u64> = edges
        .iter()
        .map(|edge| edge.to)
        .filter(|id| !waits.contains(id) && !in_cycle.contains(id))
        .collect();
    let mut found: Vec<Root> = goroutines
        .iter()
        .filter(|one| ends.contains(&one.id))
        .map(|one| Root {
            id: one.id,
            blocks: reached(&backward, one.id).len(),
            state: one.state(),
            awaits: one
                .awaits
                .iter()
                .take(16)
                .map(|wait| format!("{} ({})", wait.object, wait.access.word()))
                .collect(),
            at: one
                .shown()
                .find(|frame| is_program(frame.site.function.bytes()))
                .map(|frame| {
                    let site = &frame.site;
                    format!("{} {}:{}", site.printed(), site.file, site.line)
                }),
        })
        .collect();
    found.sort_by_key(|root| (core::cmp::Reverse(root.blocks), root.id));
    found
}

/// Whether a function is not of package sync and its like.
pub(crate) fn is_program(name: &[u8]) -> bool {
    let own: [&[u8]; 4] = [b"sync.", b"internal/", b"runtime.", b"syscall."];
    !own.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a goroutine has waited at least so many minutes.
pub fn has_waited(one: &Goroutine, minutes: u64) -> bool {
    matches!(
        one.status,
        Status::Waiting | Status::Syscall | Status::Leaked
    ) && one.waited.is_some_and(|waited| waited.minutes() >= minutes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Await, Held};

    fn mutex(address: u64) -> Object {
        Object {
            kind: ObjectKind::Mutex { state: Some(9) },
            address,
        }
    }

    fn one(id: u64, waits: Option<u64>, holds: &[(u64, Grade)]) -> Goroutine {
        let mut one = Goroutine::new(id, Status::Waiting);
        one.awaits = waits
            .map(|address| Await {
                object: mutex(address),
                access: Access::Lock,
            })
            .into_iter()
            .collect();
        one.holds = holds
            .iter()
            .map(|(address, grade)| Held {
                object: mutex(*address),
                access: Access::Lock,
                grade: *grade,
                function: Text::from("main.hold"),
                by: String::new(),
            })
            .collect();
        one
    }

    #[test]
    fn a_ring_is_found_and_who_waits_for_it_is_not_in_it() {
        let all = [
            one(1, Some(0x10), &[(0x20, Grade::Proven)]),
            one(2, Some(0x20), &[(0x10, Grade::Proven)]),
            one(3, Some(0x10), &[]),
        ];
        let found = deadlocks(&all);
        assert_eq!(found.cycles, [vec![1, 2]]);
        assert_eq!(found.roots, []);
        assert_eq!(found.edges.len(), 3);
    }

    #[test]
    fn one_that_waits_for_itself_is_a_ring() {
        let found = deadlocks(&[one(50, Some(0x10), &[(0x10, Grade::Proven)])]);
        assert_eq!(found.cycles, [vec![50]]);
    }

    #[test]
    fn a_chain_has_an_end() {
        let all = [
            one(1, Some(0x10), &[]),
            one(2, Some(0x20), &[(0x10, Grade::Likely)]),
            one(3, None, &[(0x20, Grade::Proven)]),
        ];
        let found = deadlocks(&all);
        assert_eq!(found.cycles, Vec::<Vec<u64>>::new());
        let roots: Vec<(u64, usize)> = found
            .roots
            .iter()
            .map(|root| (root.id, root.blocks))
            .collect();
        assert_eq!(roots, [(3, 2)]);
    }

    #[test]
    fn what_is_weak_blames_nobody() {
        let found = deadlocks(&[
            one(1, Some(0x10), &[]),
            one(2, None, &[(0x10, Grade::Weak)]),
        ]);
        assert_eq!((found.edges.len(), found.roots.len()), (0, 0));
        assert_eq!(found.objects[0].holders.len(), 1);
    }
}
