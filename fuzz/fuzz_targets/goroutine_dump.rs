//! Any bytes as a log with dumps of goroutines in it; what is written of them is read again.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use goroutines::{Graph, deadlocks, dumps, groups, signatures, traceback};

bounded_target!(|data: &[u8]| {
    for all in dumps(data) {
        let found = deadlocks(&all);
        let _ = signatures(&all, &found);
        let _ = groups(&all, false).len();
        let graph = Graph::new(&all, &found);
        let _ = (graph.dot().len(), graph.svg().len());
        let mut text = Vec::new();
        traceback::write(&mut text, &all, true).expect("a vector takes everything");
        let again: usize = dumps(&text).iter().map(Vec::len).sum();
        assert!(again <= all.len(), "{again} of {}", all.len());
    }
});
