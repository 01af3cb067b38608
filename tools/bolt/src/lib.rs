//! `coroner bolt`: BoltDB files, page by page.
//!
//! ```text
//! $ coroner bolt info meta.db         both metas, and which tree the daemon would use
//! $ coroner bolt check meta.db        every invariant, all damage
//! $ coroner bolt pages meta.db        what each page is used for
//! $ coroner bolt page meta.db 5       one page, field by field
//! $ coroner bolt tree meta.db         buckets and keys
//! ```
//!
//! The file is never locked, mapped or written to. It may be damaged in any way: what can be read
//! is shown, what cannot is named, and the exit code says which (4: damage was found).

mod check;
mod file;
mod info;
mod page;
mod pages;
mod tree;

use cli::{Out, Outcome, Tool};

use file::FileArgs;

/// Arguments of `coroner bolt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Both metas side by side, and which tree the daemon would use
    Info {
        #[command(flatten)]
        file: FileArgs,
    },
    /// Check every invariant and report all damage
    Check(check::CheckArgs),
    /// What each page is used for
    Pages(pages::PagesArgs),
    /// One page, field by field
    Page(page::PageArgs),
    /// Buckets and keys
    Tree(tree::TreeArgs),
}

/// `coroner bolt`
pub const TOOL: Tool = cli::tool!("bolt", "BoltDB files, page by page", Args, run);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    match args.verb {
        Verb::Info { file } => info::run(&file, out),
        Verb::Check(args) => check::run(&args, out),
        Verb::Pages(args) => pages::run(&args, out),
        Verb::Page(args) => page::run(&args, out),
        Verb::Tree(args) => tree::run(&args, out),
    }
}
