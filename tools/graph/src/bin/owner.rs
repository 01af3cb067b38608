//! `coroner-owner`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_graph::OWNER)
}
