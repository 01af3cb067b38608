//! How long the logs of one program take, for benches/logs.sh.
//!
//! ```sh
//! cargo run --release -p logs --example filtered -- FOLDER
//! ```

use std::io::Write as _;

use logs::{Options, Program};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder?")?;
    let folder = std::path::Path::new(&folder);
    let evidence = evidence::Evidence::open(folder, &evidence::Options::default())?;
    let options = Options {
        program: Some(Program::Containerd),
        ..Options::default()
    };
    let gathered = logs::gather(&evidence, &options, &measure::Control::default());
    let passed: u64 = gathered.sources.iter().map(|source| source.passed).sum();
    let (lines, unread) = (gathered.lines.len(), gathered.unread.len());
    writeln!(
        std::io::stdout().lock(),
        "{lines} lines of {passed} entries, {unread} unread"
    )?;
    Ok(())
}
