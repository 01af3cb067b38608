//! The first and the last time that each store of a node knows, without a command line's frame.
//!
//! ```text
//! cargo run -p timeline --example first_and_last -- NODE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::collections::BTreeMap;
use std::path::Path;

use evidence::Evidence;
use finding::Time;
use measure::Control;
use node::{Node, Said};
use timeline::{Options, Subject, Wanted};

fn main() -> std::io::Result<()> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "/".to_owned());
    let evidence = Evidence::open(Path::new(&place), &evidence::Options::default())
        .map_err(|error| std::io::Error::other(format!("{} {}", error.path, error.why)))?;
    let roots = node::discover(&evidence, &Said::default());
    let roots = roots.into_iter().next();
    let roots = roots.ok_or_else(|| std::io::Error::other("no node was found"))?;
    let node = Node::open(&evidence, roots, node::Options::default());
    let options = Options {
        carve: true,
        files: true,
        layers: false,
    };
    let mut times: BTreeMap<&str, (Time, Time)> = BTreeMap::new();
    let mut give = |subject: &Subject| {
        for (time, _) in subject.moments() {
            let entry = times.entry(subject.store.word()).or_insert((time, time));
            *entry = (entry.0.min(time), entry.1.max(time));
        }
        Ok(())
    };
    let wish = (&Wanted::default(), options);
    let unknown = timeline::gather(&evidence, &node, wish, &Control::default(), &mut give)?;
    for (store, (first, last)) in &times {
        println!("{store:12}  {first}  {last}");
    }
    println!("{} things could not be known", unknown.len());
    Ok(())
}
