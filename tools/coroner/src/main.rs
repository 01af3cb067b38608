//! All tools in one binary, by first argument or by `argv[0]`.

fn main() -> std::process::ExitCode {
    cli::main_of(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS)
}
