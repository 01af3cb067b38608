//! `coroner content export`: an image out of a node, as an OCI layout or an archive.

mod answer;

use std::io::{self, Write};
use std::path::PathBuf;

use cli::{Case, Failure, Measure, MostArgs, NewFile, NewTree, Out, Outcome, measure_with};
use export::{Exported, Order, Output, needed};
use measure::Control;

use answer::Answered;

/// How it is exported.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// An image, or the digest of a manifest or index
    #[arg(value_name = "NAME")]
    name: String,
    /// Write an OCI layout into this new directory, instead of an archive to `-o`
    #[arg(long, value_name = "DIR")]
    layout: Option<PathBuf>,
    /// What kind of archive
    #[arg(long, value_enum, default_value_t = Form::Oci, conflicts_with = "layout")]
    archive: Form,
    /// Only this platform: `linux/arm64`, `arm64`, `linux/arm/v7`
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    /// Rebuild nothing: what has not all of its blobs is left out
    #[arg(long)]
    only_blobs: bool,
    /// Write what was written, rebuilt and left out to this new file, as JSON
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    #[command(flatten)]
    most: MostArgs,
}

/// The form of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// An OCI layout as a tar: `ctr images import`, `skopeo copy oci-archive:`, `docker load`
    Oci,
    /// What `docker save` wrote before release 25: layers inflated, one platform
    Docker,
}

pub(crate) fn run(args: &cli::EvidenceArgs, how: &ExportArgs, out: &mut Out) -> Outcome {
    let place = match (&how.layout, out.take_output()) {
        (Some(folder), None) => Place::Tree(NewTree::at(folder)?),
        (None, Some(path)) => Place::File(NewFile::at(&path)?),
        (Some(_), Some(_)) => {
            return Err(Failure::usage(
                "an export goes to -o or to --layout, not to both",
            ));
        }
        (None, None) => {
            return Err(Failure::usage("nothing says where the export goes")
                .hint("name a new archive with -o FILE, or a new directory with --layout DIR"));
        }
    };
    let manifest = how.manifest.as_deref().map(NewFile::at).transpose()?;
    let (case, output) = match &place {
        Place::Tree(tree) => (
            Case::open_filling(args, &tree.path())?,
            Output::directory(tree.place().to_owned(), tree.path()),
        ),
        Place::File(file) => (
            Case::open(args)?,
            Output::archive(file.place().to_owned(), Box::new(file.writer())),
        ),
    };
    let exported = export(&case, how, output, out)?;
    match place {
        Place::Tree(tree) => tree.put(0o755)?,
        Place::File(file) => file.put()?,
    }
    if let Some(file) = manifest {
        let mut bytes = serde_json::to_vec_pretty(&exported).map_err(io::Error::from)?;
        bytes.push(b'\n');
        file.writer().write_all(&bytes)?;
        file.put()?;
    }
    out.answer(&Answered(exported))
}

/// Where it goes, when all of it is there.
enum Place {
    File(NewFile),
    Tree(NewTree),
}

fn export(
    case: &Case,
    how: &ExportArgs,
    output: Output,
    out: &mut Out,
) -> Result<Exported, Failure> {
    let node = case.node()?;
    let store = names::store(&node)?;
    let target = names::image(&node, &how.name)?;
    let documents = target.documents(&case.evidence, &node);
    let needed = needed(&documents, &target);
    let large = store
        .blobs
        .iter()
        .find(|blob| needed.contains(&blob.digest) && blob.stat.size > how.most.max_file);
    if let Some(blob) = large {
        return Err(Failure::unread(format!(
            "{} has {} bytes, more than the {} that are taken of a file",
            blob.digest, blob.stat.size, how.most.max_file
        ))
        .hint("--max-file SIZE lets more through"));
    }
    let wish = Measure {
        hash: true,
        ..Measure::default()
    };
    let measured = measure_with(case, &node, wish, Some(&|one| needed.contains(one)), out);
    let order = Order {
        evidence: &case.evidence,
        node: &node,
        store,
        target: &target,
        documents: &documents,
        hashes: &measured.hashes.unwrap_or_default(),
        platform: how.platform.as_deref(),
        docker: how.layout.is_none() && how.archive == Form::Docker,
        only_blobs: how.only_blobs,
    };
    let cancel = out.cancel();
    let control = Control {
        cancel: &cancel,
        ..Control::default()
    };
    let plan = order.plan(&control)?;
    if plan.bytes() > how.most.max_total {
        return Err(Failure::unread(format!(
            "the export would have {} bytes, more than the {} that are taken",
            plan.bytes(),
            how.most.max_total
        ))
        .hint("--max-total SIZE lets more through"));
    }
    let progress = out.progress("exporting", plan.bytes());
    let control = Control {
        progress: &|bytes| progress.add(bytes),
        ..control
    };
    Ok(order.write(plan, output, &control)?)
}
