//! What a start of containerd would do to a node, without a command line's frame.
//!
//! ```text
//! cargo run -p checks --example preflight -- NODE [RELEASE]
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use checks::Measured;
use checks::start::Preflight;
use daemon::Detected;
use evidence::Evidence;
use node::{Node, Said};

fn main() {
    let mut words = std::env::args().skip(1);
    let place = words.next().unwrap_or_else(|| "/".to_owned());
    let Ok(evidence) = Evidence::open(Path::new(&place), &evidence::Options::default()) else {
        return println!("the evidence cannot be opened");
    };
    let roots = node::discover(&evidence, &Said::default());
    let Some(roots) = roots.into_iter().next() else {
        return println!("no node was found");
    };
    let node = Node::open(&evidence, roots, node::Options::default());
    let release = words.next().and_then(|release| Detected::said(&release));
    let preflight = Preflight::predict_start(&node, &Measured::default(), release, None);
    println!("{} ({})", preflight.sentence, preflight.release.name());
    for prediction in &preflight.predictions {
        for statement in &prediction.statements {
            println!("  {}", statement.line());
        }
        for unknown in &prediction.unknown {
            println!("  unknown: {unknown}");
        }
    }
}
