//! `coroner-logs`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_logs::TOOL)
}
