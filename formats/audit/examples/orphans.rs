//! What nothing owns, and whether the blobs are what their names promise; without a command line's
//! frame.
//!
//! ```text
//! cargo run -p audit --example orphans -- NODE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use audit::{BlobWork, Orphans, Wish};
use evidence::Evidence;
use layer::Limits;
use measure::Control;
use node::{Node, Said};

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
    let control = Control::default();
    let orphans = Orphans::find_orphans(&evidence, &node, &control);
    for orphan in &orphans.all {
        let id = orphan.id.map_or_else(String::new, |id| id.to_string());
        println!("{}/{id}: {}", orphan.snapshotter, orphan.lacks.title());
        for fact in &orphan.proof {
            println!("  {fact}");
        }
    }
    let Some(store) = node.content.read() else {
        return println!("nothing is known of the content store");
    };
    let work = BlobWork::blobs_to_hash(&evidence, &node, store, Wish::default(), &|_, _| false);
    let read = work.hash_blobs(&evidence, Limits::default(), &control, &|_, _| ());
    println!("{:#?}", work.verified(read, false).tally);
}
