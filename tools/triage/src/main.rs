//! `coroner-triage`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_triage::TOOL)
}
