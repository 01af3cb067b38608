//! What is reached from which root, and until when.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use finding::Time;
use node::graph::{Edge, Graph, Index, Via};

use super::{Root, Rules, Until};

/// Where a walk stands: an object, and whether it is held flat.
type State = (Index, bool);

/// What is held until when, by the root that holds it longest.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    held: BTreeMap<Index, Until>,
    by: BTreeMap<State, Mark>,
}

/// How a state was reached first: by the root that holds it longest.
#[derive(Debug, Clone, Copy)]
struct Mark {
    before: Option<State>,
    until: Until,
}

/// One step of a chain of references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The object that refers.
    pub from: Index,
    /// How.
    pub via: Via,
    /// What it refers to.
    pub to: Index,
    /// Whether the referred is held without what it refers to itself.
    pub flat: bool,
}

/// References that lead from a root to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The root.
    pub root: Index,
    /// Why it is one.
    pub why: Root,
    /// Until when it is one.
    pub until: Until,
    /// The steps from it to the object; none where it is the root itself.
    pub steps: Vec<Step>,
}

impl Marks {
    /// Marks everything from the roots that hold longest to those that ended first, so that the
    /// first mark of an object says until when it is held, expired roots included.
    pub fn new(graph: &Graph, rules: Rules, now: Time) -> Self {
        let mut roots: Vec<(Until, Index)> = graph
            .objects()
            .filter(|(_, object)| rules.is_sure(object))
            .filter_map(|(index, object)| Some((rules.root(object)?.1, index)))
            .collect();
        roots.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut marks = Self::default();
        for (until, root) in roots {
            marks.spread(graph, rules, now, root, until);
        }
        marks
    }

    fn spread(&mut self, graph: &Graph, rules: Rules, now: Time, root: Index, until: Until) {
        let start = (root, false);
        if self.by.contains_key(&start) {
            return;
        }
        let mark = |before| Mark { before, until };
        self.by.insert(start, mark(None));
        let mut queue = VecDeque::from([start]);
        while let Some(state) = queue.pop_front() {
            let (index, flat) = state;
            self.held.entry(index).or_insert(until);
            let Some(object) = graph.get(index) else {
                continue;
            };
            for edge in &object.edges {
                let Some(flat) = rules.follows(graph, object, edge, flat, now) else {
                    continue;
                };
                let next = (edge.to, flat);
                if let std::collections::btree_map::Entry::Vacant(free) = self.by.entry(next) {
                    free.insert(mark(Some(state)));
                    queue.push_back(next);
                }
            }
        }
    }

    /// Until when an object is held.
    pub fn held(&self, index: Index) -> Until {
        self.held.get(&index).copied().unwrap_or(Until::Never)
    }

    /// What is held now, and by nothing once the records `gone` are removed, sorted: the next collection takes
    /// it. The flag says that more may be among it, as not all was read of what these refer to, or as `steps`, how
    /// many references may still be followed, came to an end.
    pub fn only_held_by(
        &self,
        graph: &Graph,
        rules: Rules,
        now: Time,
        gone: &BTreeSet<Index>,
        steps: &mut usize,
    ) -> (Vec<Index>, bool) {
        let mut leads = |states: &mut BTreeSet<State>, within: Option<&BTreeSet<State>>| {
            let mut queue: VecDeque<State> = states.iter().copied().collect();
            while let Some((index, flat)) = queue.pop_front() {
                let Some(object) = graph.get(index) else {
                    continue;
                };
                for edge in &object.edges {
                    *steps = steps.saturating_sub(1);
                    if *steps == 0 {
                        return;
                    }
                    let Some(flat) = rules.follows(graph, object, edge, flat, now) else {
                        continue;
                    };
                    let next = (edge.to, flat);
                    let is_meant = within.is_none_or(|within| within.contains(&next));
                    if is_meant && !gone.contains(&edge.to) && states.insert(next) {
                        queue.push_back(next);
                    }
                }
            }
        };
        let mut below: BTreeSet<State> = gone.iter().map(|index| (*index, false)).collect();
        leads(&mut below, None);
        let is_read = |index| {
            graph.get(index).is_none_or(|object| match object.at {
                Some(_) => object.readable,
                None => graph.unknown(&object.id.namespace).is_empty(),
            })
        };
        let is_whole = below.iter().all(|(index, _)| is_read(*index));
        below.retain(|(index, _)| !gone.contains(index));
        // Held from elsewhere: as a root of its own, or by what is not below.
        let is_held = |state: &State| {
            let (index, flat) = *state;
            let is_root = !flat
                && graph.get(index).is_some_and(|object| {
                    let root = rules.root(object);
                    rules.is_sure(object) && root.is_some_and(|(_, until)| until.holds(now))
                });
            let mut others = graph.referrers(index);
            is_root
                || others.any(|(from, via)| {
                    let Some(object) = graph.get(from).filter(|_| !gone.contains(&from)) else {
                        return false;
                    };
                    let edge = Edge {
                        to: index,
                        via: via.clone(),
                    };
                    [false, true].into_iter().any(|before| {
                        let state = (from, before);
                        let mark = self.by.get(&state).filter(|_| !below.contains(&state));
                        mark.is_some_and(|mark| mark.until.holds(now))
                            && rules.follows(graph, object, &edge, before, now) == Some(flat)
                    })
                })
        };
        let mut kept: BTreeSet<State> = below.iter().copied().filter(is_held).collect();
        leads(&mut kept, Some(&below));
        // What was not walked to may be held.
        if *steps == 0 {
            return (Vec::new(), true);
        }
        let taken = below.iter().map(|(index, _)| *index).filter(|index| {
            let is_kept = [false, true].map(|flat| kept.contains(&(*index, flat)));
            let object = graph.get(*index).filter(|object| object.at.is_some());
            !is_kept.contains(&true)
                && object.is_some_and(|object| rules.collects(object.id.kind))
                && self.held(*index).holds(now)
        });
        let taken: BTreeSet<Index> = taken.collect();
        (taken.into_iter().collect(), !is_whole)
    }

    /// The root that holds an object longest, if any ever did.
    pub fn holder(&self, index: Index) -> Option<Index> {
        let flat = (index, true);
        let start = (index, false);
        let mut state = if self.by.contains_key(&start) {
            start
        } else {
            flat
        };
        // Each step goes to a state that was reached earlier, so this ends.
        loop {
            match self.by.get(&state)?.before {
                Some(before) => state = before,
                None => return Some(state.0),
            }
        }
    }
}

/// For every root that reaches `target`, expired ones included, the shortest chain to it; those
/// that hold longest first, at most `most` of them. And how many roots there are.
pub(super) fn chains(
    graph: &Graph,
    rules: Rules,
    now: Time,
    target: Index,
    most: usize,
) -> (Vec<Chain>, usize) {
    let mut before: BTreeMap<State, Vec<(State, usize)>> = BTreeMap::new();
    for (index, object) in graph.objects() {
        for (number, edge) in object.edges.iter().enumerate() {
            for flat in [false, true] {
                if let Some(arrives) = rules.follows(graph, object, edge, flat, now) {
                    let from = before.entry((edge.to, arrives)).or_default();
                    from.push(((index, flat), number));
                }
            }
        }
    }
    let mut towards: BTreeMap<State, Option<(State, usize)>> = BTreeMap::new();
    let mut queue = VecDeque::new();
    for state in [(target, false), (target, true)] {
        towards.insert(state, None);
        queue.push_back(state);
    }
    let mut roots = Vec::new();
    while let Some(state) = queue.pop_front() {
        let (index, flat) = state;
        if let Some((why, until)) = graph.get(index).and_then(|object| rules.root(object))
            && !flat
        {
            roots.push((until, state, why));
        }
        for (from, number) in before.get(&state).into_iter().flatten() {
            if !towards.contains_key(from) {
                towards.insert(*from, Some((state, *number)));
                queue.push_back(*from);
            }
        }
    }
    let count = roots.len();
    // Stable: shorter chains come first among those of the same end.
    roots.sort_by_key(|root| core::cmp::Reverse(root.0));
    let chains = roots.into_iter().take(most).map(|(until, start, why)| {
        let mut steps = Vec::new();
        let mut state = start;
        while let Some(Some((next, number))) = towards.get(&state) {
            let object = graph.get(state.0);
            if let Some(edge) = object.and_then(|object| object.edges.get(*number)) {
                steps.push(Step {
                    from: state.0,
                    via: edge.via.clone(),
                    to: next.0,
                    flat: next.1,
                });
            }
            state = *next;
        }
        Chain {
            root: start.0,
            why,
            until,
            steps,
        }
    });
    (chains.collect(), count)
}
