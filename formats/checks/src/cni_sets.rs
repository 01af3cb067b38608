//! The ranges that networks of host-local give addresses from.

use cni::{Range, RangeSet};
use node::Node;
use node::network::{ConfFile, Store};

/// The sets of ranges of a configuration.
pub(crate) fn sets_in(file: &ConfFile) -> impl Iterator<Item = &RangeSet> {
    let ipams = file.plugins().filter_map(|plugin| plugin.ipam.as_ref());
    ipams.flat_map(|ipam| ipam.ranges.iter().flatten())
}

/// The sets of ranges of a network of host-local: as a configuration of its name says; else, as
/// its results say how long its prefix is.
pub(crate) fn ranges_of(node: &Node, store: &Store) -> Vec<RangeSet> {
    let files = node.network.folders.iter().flat_map(|folder| &folder.files);
    let named = files.filter(|file| {
        let list = file.list();
        list.is_some_and(|list| store.network == *list.name)
    });
    for file in named {
        let sets: Vec<RangeSet> = sets_in(file).cloned().collect();
        if !sets.is_empty() {
            return sets;
        }
    }
    let mut sets: Vec<RangeSet> = Vec::new();
    let results = node.network.results.iter();
    let answers = results
        .filter(|result| result.network == store.network)
        .filter_map(|result| result.answer.as_ref().ok());
    for (address, length) in answers.flat_map(|answer| &answer.addresses) {
        if !store.leases.iter().any(|lease| lease.address == *address) {
            continue;
        }
        if let Some(range) = Range::around(*address, *length)
            && !sets
                .iter()
                .flatten()
                .any(|known| known.subnet == range.subnet)
        {
            sets.push(vec![range]);
        }
    }
    sets
}
