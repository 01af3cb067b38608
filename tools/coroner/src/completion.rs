//! `coroner completion`: what a shell needs to complete coroner's verbs and options.

use clap_complete::Shell;
use cli::{Exit, Out, Outcome, Tool};

/// Arguments of `coroner completion`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner completion bash > /etc/bash_completion.d/coroner
  coroner completion zsh > ~/.zfunc/_coroner          with ~/.zfunc in fpath
  coroner completion fish > ~/.config/fish/completions/coroner.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// `coroner completion`
pub(crate) const COMPLETION: Tool = cli::tool!(
    "completion",
    "Write the completions of a shell to standard output",
    Args,
    run
);

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every tool takes its arguments"
)]
fn run(args: Args, out: &mut Out) -> Outcome {
    let mut command = cli::whole_command(crate::ABOUT, crate::EXAMPLES, crate::TOOLS);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "coroner", &mut script);
    out.writer().write_all(&script)?;
    Ok(Exit::CLEAN)
}
