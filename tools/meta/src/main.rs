//! `coroner-meta`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_meta::TOOL)
}
