//! `coroner-content`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_content::TOOL)
}
