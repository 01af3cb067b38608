//! `coroner content export`: an image out of a node, as an OCI layout or an archive.

mod answer;
mod documents;
mod output;
mod plan;
mod rebuild;
mod write;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use cli::{Case, Failure, Measure, Out, Outcome, measure_with};
use content::Digest;

use crate::ls::store;
use crate::target;
use answer::Exported;
use documents::Documents;
use output::Output;
use plan::Planner;
use write::Writer;

/// How it is exported.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// An image, or the digest of a manifest or index
    #[arg(value_name = "IMAGE")]
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
    let output = match (&how.layout, out.take_output()) {
        (Some(folder), None) => Output::directory(folder.clone())?,
        (None, Some(path)) => Output::archive(path)?,
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
    out.made(output.path().to_owned());
    let mut manifest = how.manifest.as_deref().map(cli::create_new).transpose()?;
    if let Some(path) = &how.manifest {
        out.made(path.clone());
    }
    let case = match &how.layout {
        Some(folder) => Case::open_filling(args, folder)?,
        None => Case::open(args)?,
    };
    let mut output = Some(output);
    let exported = export(&case, how, &mut output, out);
    let exported = match exported {
        Ok(exported) => exported,
        Err(failure) => {
            if let Some(output) = output {
                output.discard();
            }
            return Err(failure);
        }
    };
    if let Some(file) = &mut manifest {
        let mut bytes = serde_json::to_vec_pretty(&exported).map_err(io::Error::from)?;
        bytes.push(b'\n');
        file.write_all(&bytes)?;
        file.sync_all()?;
    }
    out.answer(&exported)
}

fn export(
    case: &Case,
    how: &ExportArgs,
    output: &mut Option<Output>,
    out: &mut Out,
) -> Result<Exported, Failure> {
    let node = case.node()?;
    let store = store(&node)?;
    let target = target::find(&node, &how.name)?;
    let read = target.documents(case, &node);
    let needed = read.needs(&target.digest).into_iter();
    let needed: BTreeSet<Digest> = needed.map(|need| need.digest).collect();
    let wish = Measure {
        hash: true,
        ..Measure::default()
    };
    let measured = measure_with(case, &node, wish, Some(&|one| needed.contains(one)), out);
    let cancel = out.cancel();
    let is_docker = how.layout.is_none() && how.archive == Form::Docker;
    let planner = Planner {
        case,
        node: &node,
        store,
        hashes: &measured.hashes.unwrap_or_default(),
        cancel: &cancel,
        inflate: is_docker,
        only_blobs: how.only_blobs,
    };
    let plan = planner.plan(&target, &read, how.platform.as_deref())?;
    if is_docker && plan.whole.len() > 1 {
        let names = plan.whole.iter().map(|whole| whole.manifest.name());
        let names: Vec<String> = names.collect();
        return Err(Failure::usage(format!(
            "{} is several platforms, and an archive of docker's holds one: {}",
            target.what,
            names.join(", ")
        ))
        .hint("say which one with --platform"));
    }
    let documents =
        Documents::of(&case.evidence, store, &target, &read, &plan).map_err(Failure::unread)?;
    let Some(to) = output.as_mut() else {
        return Err(Failure::usage("nothing says where the export goes"));
    };
    let total = plan.whole.iter().flat_map(|whole| &whole.layers);
    let total = total.fold(0_u64, |sum, piece| sum.saturating_add(piece.size));
    let progress = out.progress("exporting", total);
    let mut writer = Writer {
        case,
        store,
        cancel: &cancel,
        output: to,
        progress: &|bytes| progress.add(bytes),
        files: Vec::new(),
        done: BTreeSet::new(),
    };
    let written = if is_docker {
        writer.docker(&target, &plan, &documents)
    } else {
        writer.oci(&target, &plan, &documents)
    };
    let path = writer.output.path().to_owned();
    let files = writer.files;
    let root = written.map_err(|error| {
        Failure::unread(format!(
            "the export to {} failed: {error}",
            cli::shown(&path)
        ))
    })?;
    drop(progress);
    let Some(to) = output.take() else {
        return Err(Failure::usage("nothing says where the export goes"));
    };
    let form = match &to {
        Output::Directory { .. } => "oci-layout",
        Output::Archive { .. } if is_docker => "docker-archive",
        Output::Archive { .. } => "oci-archive",
    };
    let proven = to.prove(&files).map_err(|why| {
        let message = format!("{} is not as it was written: {why}", cli::shown(&path));
        Failure::unread(message).hint("do not use it; look at the disk that holds it")
    })?;
    let platform = |whole: &plan::Whole<'_>| whole.manifest.platform().map(ToString::to_string);
    Ok(Exported {
        what: target.what,
        target: target.digest,
        form,
        output: node::path_text(&path),
        size: proven.as_ref().map(|(size, _)| *size),
        sha256: proven.map(|(_, digest)| digest.hex().to_owned()),
        root,
        platforms: plan.whole.iter().filter_map(platform).collect(),
        files,
        rebuilt: plan.rebuilt,
        left_out: plan.left_out,
    })
}
