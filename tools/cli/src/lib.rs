//! The frame of every tool: arguments, answers as text and JSON, exit codes, progress.
//!
//! A tool is arguments and one function. Its crate holds
//!
//! ```
//! use cli::{Answer, Exit, Out, Outcome, Pen};
//!
//! /// Greets somebody.
//! #[derive(Debug, clap::Args)]
//! struct Args {
//!     /// Whom to greet.
//!     name: String,
//! }
//!
//! #[derive(serde::Serialize)]
//! struct Greeting {
//!     name: String,
//! }
//!
//! impl Answer for Greeting {
//!     const SCHEMA: &'static str = "greeting/1";
//!     fn write_text(&self, pen: &mut Pen<'_>) -> std::io::Result<()> {
//!         pen.line(format_args!("Hello, {}.", self.name))
//!     }
//! }
//!
//! fn run(args: Args, out: &mut Out) -> Outcome {
//!     out.answer(&Greeting { name: args.name })
//! }
//!
//! const TOOL: cli::Tool = cli::tool!("greet", "Greets somebody", Args, run);
//! let (text, exit) = cli::try_run(&TOOL, ["greet", "node"]);
//! assert_eq!((text.as_str(), exit), ("Hello, node.\n", Exit::CLEAN));
//! ```
//!
//! and a `main` of one line, `cli::main(&TOOL)`. Text and JSON come from the one value; the exit
//! code is the same for both. Data go to standard output (or to `-o`), everything else to standard
//! error.

mod advice;
mod again;
mod answer;
mod at;
mod case;
mod exit;
mod failure;
mod first_line;
mod grammar;
mod json;
mod logged;
mod main_fn;
mod measuring;
mod most;
mod options;
mod out;
mod output;
mod pen;
mod period;
mod place;
mod progress;
mod remedy;
mod safety;
mod short;
mod table;
mod value;
mod wrap;

pub use again::{Again, write_next};
pub use answer::Answer;
pub use at::time_after;
pub use case::{About, Case, EvidenceArgs, Other, PlaceArgs, SAMPLE, monotonic, now, shown};
pub use exit::Exit;
pub use failure::{Failure, Outcome};
pub use finding::size_text as size;
pub use first_line::write_running;
pub use grammar::guesses;
pub use json::json_text;
pub use logged::{last_days, with_logs};
pub use main_fn::{Tool, main, main_of, multi_command, run_captured, try_run, whole_command};
pub use measuring::{Measure, measure, measure_with, verify_layers};
pub use most::{MostArgs, MostFileArgs};
pub use options::{Colour, Format, Options};
pub use out::Out;
pub use output::{FileWriter, NewFile, NewTree, reason};
pub use pen::{Pen, Style};
pub use period::PeriodArgs;
pub use progress::{Part, Progress};
pub use remedy::Ways;
pub use safety::{lock_down, lock_down_writer};
pub use table::{Table, age};
pub use value::value_lines;

/// What is not known, and why, as one clause: some reasons begin with a verb.
pub(crate) fn joined(what: &str, why: &str) -> String {
    let is_verb = ["is ", "are ", "was ", "were ", "has ", "cannot ", "does "]
        .iter()
        .any(|verb| why.starts_with(verb));
    if is_verb {
        format!("{what} {why}")
    } else {
        format!("{what}: {why}")
    }
}
