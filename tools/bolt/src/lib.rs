//! `coroner bolt`: BoltDB files, page by page.
//!
//! ```text
//! $ coroner bolt info meta.db         both metas, and which tree the daemon would use
//! $ coroner bolt check meta.db        every invariant, all damage
//! $ coroner bolt pages meta.db        what each page is used for; --map and --svg: a picture of it
//! $ coroner bolt page meta.db 5       one page, field by field
//! $ coroner bolt stats meta.db        how many pages, keys and bytes, and how full
//! $ coroner bolt dump meta.db         every byte, in the order of the file
//! $ coroner bolt tree meta.db         buckets and keys
//! $ coroner bolt keys meta.db v1      one bucket; also `buckets`, `get`
//! $ coroner bolt diff meta.db         what the last transaction changed
//! $ coroner bolt carve meta.db        what was deleted, changed or never finished
//! $ coroner bolt salvage meta.db -o new.db   a new, healthy database from what can be proven
//! $ coroner bolt compact meta.db -o new.db   a healthy database, without its free pages
//! $ coroner bolt surgery meta meta.db -o new.db   a broken meta repaired, in a copy
//! ```
//!
//! The file is never locked, mapped or written to. It may be damaged in any way: what can be read
//! is shown, what cannot is named, and the exit code says which (4: damage was found).

mod affected;
mod carve;
mod check;
mod checked;
mod compact;
mod diff;
mod dump;
mod file;
mod frozen;
mod hexdump;
mod info;
mod keys;
mod layout;
mod map;
mod new_file;
mod next;
mod open;
mod page;
mod pages;
mod picture;
mod salvage;
mod stats;
mod surgery;
mod svg;
mod tree;
mod whose;

use std::path::{Path, PathBuf};

use cli::{Out, Outcome, Tool};

use file::FileArgs;

/// Arguments of `coroner bolt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

cli::verbs! {
    /// Show both metas side by side, and which tree the daemon would use
    Info(FileArgs) => info::run;
    /// Check every invariant and report all damage
    Check(check::CheckArgs) => check::run;
    /// Show what each page is used for
    Pages(pages::PagesArgs) => pages::run;
    /// Show one page, field by field
    Page(page::PageArgs) => page::run;
    /// Show buckets and keys as a tree
    Tree(tree::TreeArgs) => tree::run;
    /// List the entries of one bucket
    Keys(keys::KeysArgs) => keys::keys;
    /// List the buckets in one bucket
    Buckets(keys::KeysArgs) => keys::buckets;
    /// Write one value
    Get(keys::GetArgs) => keys::get;
    /// Count pages, bytes and keys of a bucket and of the buckets in it, as `bbolt stats` does
    Stats(stats::StatsArgs) => stats::run;
    /// Write every byte of the file, in the order of the file; made for `diff` of two dumps
    Dump(dump::DumpArgs) => dump::run;
    /// Show what differs between two databases, or between a database and its previous transaction
    Diff(diff::DiffArgs) => diff::run;
    /// List deleted records, older versions and unfinished writes: all that the tree does not reach
    Carve(carve::CarveArgs) => carve::run;
    /// Gather all that can be proven into a new, healthy database (-o NEW); the file stays as it is
    Salvage(salvage::SalvageArgs) => salvage::run;
    /// Rewrite a healthy database without its free pages (-o NEW); the file stays as it is
    Compact(compact::CompactArgs) => compact::run;
    /// Make small edits in a copy (-o NEW): a broken meta, the freelist, back to the previous transaction
    Surgery(surgery::SurgeryArgs) => surgery::run;
}

/// `coroner bolt`
pub const TOOL: Tool = cli::tool!("bolt", "BoltDB files, page by page", Args, run);

/// Runs it.
pub fn run(args: Args, out: &mut Out) -> Outcome {
    cli::lock_down(&args.verb.writable(out));
    args.verb.run(out)
}

impl Verb {
    /// The directories in which files are made: of the output, of a drawing, of a copy.
    fn writable(&self, out: &Out) -> Vec<PathBuf> {
        let (spool, drawing) = match self {
            Self::Salvage(args) => (args.spool(), None),
            Self::Surgery(args) => (args.spool(), None),
            Self::Pages(args) => (None, args.drawing()),
            _ => (None, None),
        };
        let output = out.options().output.as_deref();
        let files = [output, drawing].into_iter().flatten();
        let folders = files.filter_map(Path::parent).map(|parent| {
            let is_here = parent.as_os_str().is_empty();
            if is_here { Path::new(".") } else { parent }
        });
        folders.chain(spool).map(Path::to_path_buf).collect()
    }
}
