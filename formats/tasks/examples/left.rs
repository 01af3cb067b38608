//! What containers left behind on a node, without a command line's frame.
//!
//! ```text
//! cargo run -p tasks --example left -- BUNDLE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::{Evidence, Options};
use finding::Refused;
use node::{Node, Said};
use tasks::Kernel;

fn left(place: &str) -> Result<(), Refused> {
    let evidence = Evidence::open(Path::new(place), &Options::default())
        .map_err(|error| Refused::unread(format!("{} {}", error.path, error.why)))?;
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next();
    let roots = roots.ok_or_else(|| Refused::unread("no node was found"))?;
    let node = Node::open(&evidence, roots, node::Options::default());
    let processes = node::stored_processes(&evidence);
    let processes = processes.as_deref();
    let (shims, reparented) = tasks::shims(&node, processes);
    for shim in &shims {
        for (condition, way) in shim.conditions.iter().zip(&shim.ways) {
            println!("{}: {}\n  {}", condition.word(), shim.socket, way.why);
        }
    }
    for init in reparented {
        println!("reparented: {} (pid {})", init.id, init.pid);
    }
    let kernel = Kernel::seen_on(&evidence, &node, processes);
    for (name, left, way) in kernel.conditions() {
        println!("{}: {name}\n  {}", left.word(), way.why);
    }
    Ok(())
}

fn main() {
    let place = std::env::args().nth(1).unwrap_or_default();
    if let Err(refused) = left(&place) {
        println!("{refused}");
    }
}
