//! Which containers of a node hang, why, and what is safe to do; without a command line's frame.
//!
//! ```text
//! cargo run -p tasks --example hangs -- BUNDLE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::{Evidence, Options};
use node::Said;

fn main() {
    let place = std::env::args().nth(1).unwrap_or_default();
    let Ok(evidence) = Evidence::open(Path::new(&place), &Options::default()) else {
        return println!("the evidence cannot be opened");
    };
    let roots = node::discover(&evidence, &Said::default());
    let processes = node::stored_processes(&evidence);
    let now = evidence.captured_at();
    let judged = tasks::judge(&evidence, roots.first(), processes.as_deref(), now, None);
    for one in judged
        .verdicts
        .containers
        .iter()
        .filter(|one| one.state.is_stuck())
    {
        println!("{} is {}: {}", one.id, one.state, one.why);
        for line in &one.evidence {
            println!("  {line}");
        }
        println!("  {}", one.remedy.why);
        one.remedy
            .commands()
            .for_each(|command| println!("  # {command}"));
    }
    for unknown in &judged.unknown {
        println!("not known: {}: {}", unknown.what, unknown.why);
    }
}
