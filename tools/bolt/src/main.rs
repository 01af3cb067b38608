//! `coroner-bolt`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_bolt::TOOL)
}
