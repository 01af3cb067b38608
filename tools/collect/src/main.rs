//! `coroner-collect`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_collect::TOOL)
}
