//! `coroner-timeline`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_timeline::TOOL)
}
