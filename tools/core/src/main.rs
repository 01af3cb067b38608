//! `coroner-core`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_core::TOOL)
}
