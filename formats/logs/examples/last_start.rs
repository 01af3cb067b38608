//! How the last start of containerd ended, from a node's logs, without a command line's frame.
//!
//! ```text
//! cargo run -p logs --example last_start -- NODE
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::Evidence;
use logs::{Options, Program};
use measure::Control;

fn main() -> std::io::Result<()> {
    let place = std::env::args().nth(1).unwrap_or_else(|| "/".to_owned());
    let evidence = Evidence::open(Path::new(&place), &evidence::Options::default())
        .map_err(|error| std::io::Error::other(format!("{} {}", error.path, error.why)))?;
    let gathered = logs::gather(&evidence, &Options::default(), &Control::default());
    let starts = logs::starts(&gathered.lines, Program::Containerd);
    let Some(last) = starts.last() else {
        println!("the logs tell of no start");
        return Ok(());
    };
    if let Some(at) = last.at {
        println!("{at}: {:?}", last.ended);
    }
    let because = last.because.and_then(|index| gathered.lines.get(index));
    if let Some(line) = because {
        println!("{}", line.text);
    }
    if logs::is_loop(&starts) {
        println!("it starts, fails and starts again");
    }
    Ok(())
}
