//! `coroner content export`: an image out of a node, as an OCI layout or an archive.

mod documents;
mod output;
mod plan;
mod rebuild;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use cli::{Answer, Case, Exit, Failure, Measure, Out, Outcome, Pen, Style, measure_with, size};
use content::{Digest, Store};
use finding::{Text, size_option};
use layer::{Inflating, Limits, Watch};
use serde::Serialize;
use serde_json::json;

use crate::ls::store;
use crate::target;
use documents::{Documents, blob_path, index_json, tag};
use output::{Output, Wrote};
use plan::{From, LeftOut, Piece, Plan, Planner, Rebuilt};

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

#[derive(Serialize)]
struct Exported {
    what: String,
    target: Digest,
    /// `oci-archive`, `oci-layout`, `docker-archive`.
    form: &'static str,
    output: Text,
    /// Of an archive.
    #[serde(serialize_with = "size_option")]
    size: Option<u64>,
    sha256: Option<String>,
    /// What stands in index.json, or the configuration of a docker archive.
    root: Digest,
    platforms: Vec<String>,
    /// Every file of it, read again from the disk and found to be as it was written.
    files: Vec<Wrote>,
    rebuilt: Vec<Rebuilt>,
    left_out: Vec<LeftOut>,
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
    let mut manifest = how.manifest.as_deref().map(cli::create_new).transpose()?;
    let case = Case::open_writing(args, &output.writable())?;
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

/// Writes the files of an export.
struct Writer<'w> {
    case: &'w Case,
    store: &'w Store,
    cancel: &'w AtomicBool,
    output: &'w mut Output,
    progress: &'w (dyn Fn(u64) + Sync),
    files: Vec<Wrote>,
    done: BTreeSet<String>,
}

/// Tells how far a file is, and ends where Ctrl-C was pressed.
struct Watched<'w, R> {
    reader: R,
    cancel: &'w AtomicBool,
    progress: &'w (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.cancel.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(io::Error::other("it was interrupted"));
        }
        let count = self.reader.read(into)?;
        (self.progress)(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl Writer<'_> {
    fn put(
        &mut self,
        name: &str,
        size: u64,
        from: &'static str,
        want: Option<&Digest>,
        reader: impl Read,
    ) -> io::Result<()> {
        if !self.done.insert(name.to_owned()) {
            return Ok(());
        }
        let reader = Watched {
            reader,
            cancel: self.cancel,
            progress: self.progress,
        };
        let wrote = self.output.put(name, size, from, reader)?;
        if want
            .is_some_and(|want| want.as_str().starts_with("sha256:") && want.hex() != wrote.sha256)
        {
            return Err(io::Error::other(format!(
                "{name} changed while it was read: its bytes are now sha256:{}",
                wrote.sha256
            )));
        }
        self.files.push(wrote);
        Ok(())
    }

    fn bytes(&mut self, name: &str, bytes: &[u8], from: &'static str) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.put(name, size, from, None, bytes)
    }

    fn layer(&mut self, name: &str, piece: &Piece) -> io::Result<()> {
        if self.done.contains(name) {
            return Ok(());
        }
        let path = Store::path_of(&self.store.root, &piece.wanted);
        let evidence = &self.case.evidence;
        let open = || evidence.reader(&path).map_err(io::Error::other);
        let want = Some(&piece.digest);
        match &piece.from {
            From::Blob => self.put(name, piece.size, "blob", want, open()?),
            From::Inflated => {
                let watch = Watch {
                    cancel: self.cancel,
                    ..Watch::default()
                };
                let inflating = Inflating::new(open()?, Limits::default(), watch);
                self.put(name, piece.size, "inflated", want, inflating)
            }
            From::Snapshot(source) => {
                // A writer on one side, a reader on the other: a pipe inside the process.
                let (reader, writer) = io::pipe()?;
                let cancel = self.cancel;
                std::thread::scope(|scope| {
                    let maker =
                        scope.spawn(move || source.write(evidence, writer, cancel).map(drop));
                    let put = self.put(name, piece.size, "rebuilt", want, reader);
                    let made = maker
                        .join()
                        .unwrap_or_else(|_| Err(io::Error::other("it failed")));
                    // A reader that gives up breaks the pipe of the maker: its own reason counts.
                    put.and(made)
                })
            }
        }
    }

    /// An OCI layout; in an archive that docker can load, too, where there is one platform.
    fn oci(
        &mut self,
        target: &target::Target,
        plan: &Plan<'_>,
        documents: &Documents,
    ) -> io::Result<Digest> {
        self.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, "made")?;
        self.bytes("index.json", &index_json(&documents.root), "made")?;
        if let (Output::Archive { .. }, [whole], [(_, config)]) =
            (&self.output, &plan.whole[..], &documents.manifests[..])
        {
            let layers = whole.layers.iter().map(|piece| blob_path(&piece.digest));
            let layers: Vec<String> = layers.collect();
            let json = manifest_json(target, &blob_path(config), &layers);
            self.bytes("manifest.json", &json, "made")?;
        }
        for (digest, made) in &documents.blobs {
            let from = if made.is_original {
                "document"
            } else {
                "rewritten"
            };
            self.bytes(&blob_path(digest), &made.bytes, from)?;
        }
        for piece in plan.whole.iter().flat_map(|whole| &whole.layers) {
            self.layer(&blob_path(&piece.digest), piece)?;
        }
        let root = documents.root.get("digest");
        let root = root.and_then(|root| Digest::parse(root.as_str()?).ok());
        root.ok_or_else(|| io::Error::other("it has no root"))
    }

    /// What `docker save` wrote before release 25.
    fn docker(
        &mut self,
        target: &target::Target,
        plan: &Plan<'_>,
        documents: &Documents,
    ) -> io::Result<Digest> {
        let ([whole], [(_, config)]) = (&plan.whole[..], &documents.manifests[..]) else {
            return Err(io::Error::other("it is not one platform"));
        };
        let name = |digest: &Digest, suffix: &str| format!("{}.{suffix}", digest.hex());
        let layers = whole.layers.iter().map(|piece| name(&piece.digest, "tar"));
        let layers: Vec<String> = layers.collect();
        let json = manifest_json(target, &name(config, "json"), &layers);
        self.bytes("manifest.json", &json, "made")?;
        if let Some(made) = documents.blobs.get(config) {
            let from = if made.is_original {
                "document"
            } else {
                "rewritten"
            };
            self.bytes(&name(config, "json"), &made.bytes, from)?;
        }
        for piece in &whole.layers {
            self.layer(&name(&piece.digest, "tar"), piece)?;
        }
        Ok(config.clone())
    }
}

/// Docker's manifest.json.
fn manifest_json(target: &target::Target, config: &str, layers: &[String]) -> Vec<u8> {
    let name = target.image.as_ref().and_then(|(_, name)| name.utf8());
    let tags: Option<Vec<&str>> = name
        .filter(|name| tag(name).is_some())
        .map(|name| vec![name]);
    json!([{ "Config": config, "RepoTags": tags, "Layers": layers }])
        .to_string()
        .into_bytes()
}

impl Answer for Exported {
    const SCHEMA: &'static str = "content-export/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let style = if self.exit() == Exit::CLEAN {
            Style::Good
        } else {
            Style::Warning
        };
        let platforms = self.platforms.join(", ");
        let line = format!("{} ({platforms}) is in {}.", self.what, self.output);
        pen.line(pen.styled(style, line).to_string())?;
        let bytes = self.files.iter().map(|file| file.size);
        let bytes = bytes.fold(0_u64, u64::saturating_add);
        pen.line(format_args!(
            "  {}, {} files, {}; all of it was read again and is as it was written",
            self.form,
            self.files.len(),
            size(bytes)
        ))?;
        pen.line(format_args!("  root    {}", self.root))?;
        if let Some(sha256) = &self.sha256 {
            pen.line(format_args!("  sha256  {sha256}"))?;
        }
        if !self.rebuilt.is_empty() {
            pen.gap()?;
            pen.heading("Rebuilt from snapshots")?;
            for one in &self.rebuilt {
                pen.line(format_args!(
                    "  layer {} of {}",
                    one.layer,
                    one.manifest.short()
                ))?;
                pen.paragraph("    wanted   ", &format!("{} {}", one.wanted, one.why))?;
                pen.line(format_args!(
                    "    written  {} ({}, {} entries, {} deleted) from {}/{}",
                    one.digest,
                    size(one.size),
                    one.entries,
                    one.deleted,
                    one.snapshotter,
                    one.id
                ))?;
                let same = if one.digest == one.wanted_diff_id {
                    "the same bytes as the layer of the build"
                } else {
                    "the same files in other bytes: a new digest, in a new configuration and manifest"
                };
                pen.paragraph("             ", same)?;
                for lack in &one.lacks {
                    pen.paragraph("    lacks    ", lack)?;
                }
                if one.more_lacks > 0 {
                    pen.line(format_args!("    lacks    {} more", one.more_lacks))?;
                }
            }
        }
        if !self.left_out.is_empty() {
            pen.gap()?;
            pen.heading("Left out")?;
            for left in &self.left_out {
                let platform = left.platform.as_deref().unwrap_or("-");
                let first = format!("  {} {}  ", left.digest.short(), Text::from(platform));
                pen.paragraph(&first, &left.why.join("; "))?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let lacks = self.rebuilt.iter().any(|one| !one.lacks.is_empty());
        let damaged = self.left_out.iter().any(|left| left.damaged);
        if lacks || damaged {
            Exit::UNREAD
        } else {
            Exit::CLEAN
        }
    }
}
