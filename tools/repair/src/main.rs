//! `coroner-repair`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_repair::TOOL)
}
