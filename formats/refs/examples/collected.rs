//! What the next garbage collection of a node would delete, and what none ever deletes; without a command line's
//! frame.
//!
//! ```text
//! cargo run -p refs --example collected -- NODE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use daemon::gc;
use evidence::Evidence;
use node::{Node, Said};
use refs::gc::Measured;
use refs::{Judged, Simulation};

fn main() {
    let place = std::env::args().nth(1).unwrap_or_else(|| "/".to_owned());
    let Ok(evidence) = Evidence::open(Path::new(&place), &evidence::Options::default()) else {
        return println!("the evidence cannot be opened");
    };
    let roots = node::discover(&evidence, &Said::default());
    let Some(roots) = roots.into_iter().next() else {
        return println!("no node was found");
    };
    let node = Node::open(&evidence, roots, node::Options::default());
    let judged = Judged::judge_node(&node, None, None);
    let collection = match gc::simulate_with(&node, judged.daemon, judged.at, true) {
        Ok(collection) => collection,
        Err(unknown) => return println!("not known: {}: {}", unknown.what, unknown.why),
    };
    let it = Simulation::new(&node, &collection, &Measured::default(), (true, false));
    for (head, items) in [
        ("deleted", &it.deleted),
        ("left", &it.left),
        ("not known", &it.undecided),
    ] {
        for item in items {
            println!(
                "{head}: {} {} {}: {}",
                item.store, item.what, item.key, item.reason
            );
        }
    }
    for unknown in &it.unknown {
        println!("not known: {}: {}", unknown.what, unknown.why);
    }
}
