//! `coroner-snapshots`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_snapshots::TOOL)
}
