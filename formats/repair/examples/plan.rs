//! What would bring a node back, and what is lost; nothing is written. Without a command line's frame.
//!
//! ```text
//! cargo run -p repair --example plan -- NODE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::Evidence;
use finding::Time;
use node::Said;
use repair::{Request, make};

fn main() {
    let place = std::env::args().nth(1).unwrap_or_else(|| "/".to_owned());
    let Ok(mut evidence) = Evidence::open(Path::new(&place), &evidence::Options::default()) else {
        return println!("the evidence cannot be opened");
    };
    let roots = node::discover(&evidence, &Said::default());
    let Some(roots) = roots.into_iter().next() else {
        return println!("no node was found");
    };
    let made_at = evidence.captured_at().unwrap_or(Time::new(0, 0));
    let plan = match make(&mut evidence, &Request::new(roots, made_at)) {
        Ok(made) => made.plan,
        Err(refused) => return println!("{refused}"),
    };
    for step in &plan.steps {
        println!("{}: {}", step.place(), step.why);
    }
    for lost in &plan.lost {
        println!("lost: {lost}");
    }
    for unknown in &plan.unknown {
        println!("not known: {unknown}");
    }
    for one in &plan.after {
        println!("after: {}", one.sentence);
    }
}
