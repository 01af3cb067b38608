//! Takes an image out of a node, without a command line's frame.
//!
//! ```text
//! cargo run -p export --example image -- NODE IMAGE NEW.tar
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::{Path, PathBuf};

use evidence::Evidence;
use export::{Exported, Order, Output, needed};
use finding::Refused;
use measure::Control;
use node::{Node, Said};

fn export(place: &str, name: &str, archive: &str) -> Result<Exported, Refused> {
    let evidence = Evidence::open(Path::new(place), &evidence::Options::default())
        .map_err(|error| Refused::unread(format!("{} {}", error.path, error.why)))?;
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next();
    let roots = roots.ok_or_else(|| Refused::unread("no node was found"))?;
    let node = Node::open(&evidence, roots, node::Options::default());
    let store = names::store(&node)?;
    let target = names::blob(&node, name)?;
    let documents = target.documents(&evidence, &node);
    let wanted = needed(&documents, &target);
    let control = Control::default();
    let blobs = store
        .blobs
        .iter()
        .filter(|blob| wanted.contains(&blob.digest));
    let hashes = measure::hash(&evidence, blobs, &control).blobs;
    let order = Order {
        evidence: &evidence,
        node: &node,
        store,
        target: &target,
        documents: &documents,
        hashes: &hashes,
        platform: None,
        docker: false,
        only_blobs: false,
    };
    let plan = order.plan(&control)?;
    let made = std::fs::File::create_new(archive);
    let file = made.map_err(|error| Refused::question(format!("{archive}: {error}")))?;
    let output = Output::archive(PathBuf::from(archive), Box::new(file));
    order.write(plan, output, &control)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [place, name, archive] => println!("{:#?}", export(place, name, archive)),
        _ => println!("image NODE IMAGE NEW.tar"),
    }
}
