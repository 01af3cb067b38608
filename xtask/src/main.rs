//! `cargo xtask NAME`: starts within seconds. What needs the workspace is built when it is asked for.

mod fuzz;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

/// The house's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Run every fuzz target for a while
    Fuzz(fuzz::Args),
    /// All others: `cargo xtask help` of them
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

/// What a chore ends with.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Other(words) => other(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            use std::io::Write as _;
            let _ = writeln!(std::io::stderr(), "xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// A chore that needs the workspace.
fn other(words: &[OsString]) -> Done {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["run", "--quiet", "--package", "chores", "--"]);
    let status = command
        .args(words)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the chore ended with {status}"))
    }
}

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default()
}
