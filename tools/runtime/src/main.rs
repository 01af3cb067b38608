//! `coroner-runtime`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_runtime::TOOL)
}
