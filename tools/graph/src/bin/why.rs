//! `coroner-why`: see the library.

fn main() -> std::process::ExitCode {
    cli::main(&coroner_graph::WHY)
}
