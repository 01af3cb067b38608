//! `coroner-explain`

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main(&coroner_explain::EXPLAIN)
}
