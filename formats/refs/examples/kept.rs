//! What keeps an object of a node, whose a path is, and what could be had back; without a command
//! line's frame.
//!
//! ```text
//! cargo run -p refs --example kept -- NODE NAME [PATH]
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::Evidence;
use node::{Node, Said};
use refs::why::Question;
use refs::{Df, Judged, Owners, Why};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [place, name, rest @ ..] = words.as_slice() else {
        return println!("kept NODE NAME [PATH]");
    };
    let place = Path::new(place);
    let Ok(evidence) = Evidence::open(place, &evidence::Options::default()) else {
        return println!("the evidence cannot be opened");
    };
    let roots = node::discover(&evidence, &Said::default());
    let Some(roots) = roots.into_iter().next() else {
        return println!("no node was found");
    };
    let node = Node::open(&evidence, roots, node::Options::default());
    let judged = Judged::judge_node(&node, None, None);
    let question = Question {
        name,
        chains: 3,
        ..Question::default()
    };
    match Why::answer_why(&node, &judged, &question) {
        Err(why) => println!("{why:?}"),
        Ok(why) => why.objects.iter().for_each(|kept| println!("{kept:#?}")),
    }
    for path in rest {
        let owned = Owners::new(&evidence, &node, place).owners_of_path(Path::new(path));
        println!("{owned:#?}");
    }
    let space = Df::measure_usage(&evidence, &node, &judged, None, false);
    println!("{:#?}", space.reclaimable);
}
