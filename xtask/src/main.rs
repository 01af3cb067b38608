//! `cargo xtask NAME`: starts within seconds, for it needs no crate. What needs the workspace is built when it is asked
//! for: of fuzzing the seeds, after the targets; of all other chores `chores`.

mod fuzz;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What a chore ends with.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((chore, rest)) if chore == "fuzz" => fuzz::run(rest),
        _ => other(&words),
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
fn other(words: &[String]) -> Done {
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
