//! In what the unpacked layers of a node differ from their blobs, without a command line's frame.
//!
//! ```text
//! cargo run -p audit --example layers -- NODE [NAME]
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use audit::LayerWork;
use evidence::Evidence;
use measure::Control;
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
    let name = words.next();
    let work = match LayerWork::layers_to_verify(&evidence, &node, name.as_deref(), None) {
        Ok(work) => work,
        Err(refused) => return println!("{refused}"),
    };
    let compared = work.compare(&evidence, &node, &Control::default());
    for layer in &compared.layers {
        let (id, differences) = (layer.id, layer.differences.len());
        println!(
            "{}/{id}: {} names, {differences} differ",
            layer.snapshotter, layer.names
        );
        for unknown in &layer.unknown {
            println!("  not known: {}: {}", unknown.what, unknown.why);
        }
    }
    println!(
        "{} layers have no blob to be compared with",
        compared.without.len()
    );
}
