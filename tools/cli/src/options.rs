//! Options that every tool has.

use std::path::PathBuf;

/// How the answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document; its schema is in docs/json.md.
    Json,
    /// Goroutines as Go writes them (`coroner core goroutines` only).
    #[value(hide = true)]
    Go,
    /// One JSON object a line, with the fields of Timesketch and Plaso (`coroner timeline` only).
    #[value(hide = true, alias = "timesketch")]
    Jsonl,
    /// The body file of The Sleuth Kit (`coroner timeline` only).
    #[value(hide = true, alias = "mactime")]
    Bodyfile,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Options that every tool has.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Options {
    /// How to write the answer
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub format: Format,
    /// Write the answer to this file instead of standard output; it must not exist
    #[arg(short = 'o', long, global = true, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// When to use colour (NO_COLOR and CLICOLOR_FORCE are obeyed)
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        alias = "colour"
    )]
    pub color: Colour,
    /// Show digests and ids in full, and cut no cell of a table
    #[arg(long, global = true)]
    pub no_trunc: bool,
    /// No progress on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say on standard error which rights were given up before evidence was read
    #[arg(long, global = true)]
    pub verbose: bool,
}
