//! Inits that get stuck again and again: somebody tries anew every few minutes.

use std::collections::BTreeMap;

use finding::{Text, Time};
use serde::Serialize;

use crate::{Diagnosis, State};

/// Containers of one kind that got stuck one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Series {
    /// The state of all of them.
    pub state: State,
    /// What they have in common: a pod's container, or a namespace.
    pub of: Text,
    /// How many.
    pub count: usize,
    /// Seconds between two of them, in the middle.
    pub every: i64,
    /// Since when the first has been stuck.
    pub first: Time,
    /// Since when the last has.
    pub last: Time,
    /// Their ids, the oldest first.
    pub ids: Vec<Text>,
}

/// What a series has in common: the state, whether it is a pod's, and whose.
type Kind = (State, bool, Text);

/// As many make a series.
const LEAST: usize = 3;

/// Seconds between two of one series: less is one burst, more is chance.
const GAPS: core::ops::RangeInclusive<i64> = 15..=3600;

pub(crate) fn find(all: &[Diagnosis]) -> Vec<Series> {
    let mut groups: BTreeMap<Kind, Vec<(Time, &Text)>> = BTreeMap::new();
    for one in all.iter().filter(|one| one.state.is_stuck()) {
        let Some(since) = one.since else { continue };
        let none = || Text::from("no namespace");
        let in_pod = one.origin.is_some();
        let of = one
            .origin
            .clone()
            .unwrap_or_else(|| one.namespace.clone().unwrap_or_else(none));
        groups
            .entry((one.state, in_pod, of))
            .or_default()
            .push((since, &one.id));
    }
    let found = groups
        .into_iter()
        .filter_map(|((state, in_pod, of), mut members)| {
            members.sort();
            let mut gaps: Vec<i64> = members
                .iter()
                .zip(members.iter().skip(1))
                .map(|(one, next)| next.0.since(one.0))
                .collect();
            gaps.sort_unstable();
            let every = *gaps.get(gaps.len().div_euclid(2))?;
            // A pod's containers are one another's successors. Others are only if they come by the clock.
            let (shortest, longest) = (*gaps.first()?, *gaps.last()?);
            let steady = shortest.saturating_mul(2) >= every && longest <= every.saturating_mul(2);
            if !in_pod && !steady {
                return None;
            }
            let (first, last) = (members.first()?.0, members.last()?.0);
            (members.len() >= LEAST && GAPS.contains(&every)).then(|| Series {
                state,
                of,
                count: members.len(),
                every,
                first,
                last,
                ids: members.iter().map(|(_, id)| (*id).clone()).collect(),
            })
        });
    found.collect()
}
