//! The house's own chores: `cargo xtask NAME`, but for those that need nothing of it (`xtask`). A new
//! one is one file and one line here.

mod as_user;
mod bigdb;
mod bignode;
mod dist;
mod docs;
mod explain_corpus;
mod go_layouts;
mod recovery_matrix;
mod runtime_matrix;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// The house's own chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
enum Chore {
    /// Write the table of codes into docs/ (or check that it is current)
    Docs(docs::Args),
    /// Write the man pages and completions into a folder
    Manuals(docs::Manuals),
    /// Build what is given away: static binaries, Debian packages, hashes
    Dist(dist::Args),
    /// Write a large database for benchmarks
    BigDb(bigdb::Args),
    /// Make a large healthy node for measurements
    BigNode(bignode::Args),
    /// See how `explain` does on the corpus of real lines
    ExplainCorpus(explain_corpus::Args),
    /// Compare the table of Go's layouts with what toolchains say, or rewrite it
    GoLayouts(go_layouts::Args),
    /// Break real nodes, repair and start them, and see what came back
    RecoveryMatrix(recovery_matrix::Args),
    /// Make containers in every state with real runtimes, and see what coroner says of each
    RuntimeMatrix(runtime_matrix::Args),
    /// Run the tests that were built as another user
    AsUser(as_user::Args),
}

/// What a chore ends with.
type Done = Result<(), String>;

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Docs(args) => docs::run(&args),
        Chore::Manuals(args) => docs::manuals(&args),
        Chore::Dist(args) => dist::run(&args),
        Chore::BigDb(args) => bigdb::run(&args),
        Chore::BigNode(args) => bignode::run(&args),
        Chore::ExplainCorpus(args) => explain_corpus::run(&args),
        Chore::GoLayouts(args) => go_layouts::run(&args),
        Chore::RecoveryMatrix(args) => recovery_matrix::run(&args),
        Chore::RuntimeMatrix(args) => runtime_matrix::run(&args),
        Chore::AsUser(args) => as_user::run(&args),
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

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .unwrap_or_default()
}
