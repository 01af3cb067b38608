//! `coroner content cat`: a blob's bytes, or a file of an image.

use std::io::{self, IsTerminal, Read, Write};

use cli::{Answer, Case, Exit, Failure, MostFileArgs, Out, Outcome, Pen};
use content::{Digest, Document, Store, chain_ids};
use finding::{Draft, Text, program, size_number};
use layer::{Inflating, Kind as EntryKind, Layer, Limits, Tree, Watch};
use names::Target;
use node::{Documents, Manifest, Node};
use serde::Serialize;

/// What is written, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CatArgs {
    /// A digest or the beginning of one; an image; or IMAGE:/PATH, a file of its layers
    #[arg(value_name = "DIGEST|NAME")]
    name: String,
    /// Inflate a layer: its tar
    #[arg(long, conflicts_with = "pretty")]
    inflate: bool,
    /// Indent a manifest, index or configuration
    #[arg(long)]
    pretty: bool,
    /// Which platform of an image with several: `linux/arm64`
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    #[command(flatten)]
    most: MostFileArgs,
}

/// What to do about a file that is too large.
const MORE: &str = "--max-file SIZE lets more through";

/// A document, for `--format json`.
#[derive(Serialize)]
struct Shown<'d> {
    digest: &'d Digest,
    #[serde(serialize_with = "size_number")]
    size: u64,
    kind: String,
    document: &'d Document,
    faults: Vec<String>,
}

impl Answer for Shown<'_> {
    const SCHEMA: &'static str = "content-cat/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        // serde_json escapes control characters; the rest is what `Text` makes harmless.
        let mut bytes = serde_json::to_vec_pretty(self.document)?;
        bytes.push(b'\n');
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines() {
            pen.verbatim(Text::from(line))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.faults.is_empty() {
            Exit::CLEAN
        } else {
            Exit::FINDINGS
        }
    }
}

pub(crate) fn run(args: &cli::EvidenceArgs, how: &CatArgs, out: &mut Out) -> Outcome {
    let (case, node) = crate::open(args)?;
    if let Some((name, path)) = how.name.split_once(":/") {
        let target = names::blob(&node, name)?;
        return file(&case, &node, &target, path, how, out);
    }
    let target = names::blob(&node, &how.name)?;
    if how.pretty || out.options().format == cli::Format::Json {
        return document(&case, &node, &target, out);
    }
    bytes(&case, &node, &target, how, out)
}

fn document(case: &Case, node: &Node, target: &Target, out: &mut Out) -> Outcome {
    let documents = target.documents(&case.evidence, node);
    let wanted = documents.get(&target.digest);
    let Some(document) = wanted.and_then(node::Wanted::document) else {
        let why = wanted.map(node::Wanted::why).unwrap_or_default();
        return Err(Failure::unread(format!("{} {why}", target.what))
            .hint("a layer is no document: without --pretty and --format its bytes are written"));
    };
    let path = Store::path_of(&node.content_root(), &target.digest);
    let size = case.evidence.stat(&path).map_or(0, |stat| stat.size);
    out.answer(&Shown {
        digest: &target.digest,
        size,
        kind: document.kind.to_string(),
        document,
        faults: document.faults.iter().map(ToString::to_string).collect(),
    })
}

/// The blob as it lies there, or inflated.
fn bytes(case: &Case, node: &Node, target: &Target, how: &CatArgs, out: &mut Out) -> Outcome {
    let inflate = how.inflate;
    let path = Store::path_of(&node.content_root(), &target.digest);
    let failed = |why: &dyn core::fmt::Display| {
        Failure::unread(format!("{} {why}", target.what))
            .hint("`coroner content ls NODE` says which blobs are there")
    };
    let stat = case.evidence.stat(&path).map_err(|why| failed(&why))?;
    if let Some(why) = how.most.refuses(stat.size) {
        return Err(failed(&why).hint(MORE));
    }
    let is_layer = inflate || stat.size > content::DOCUMENT_LIMIT;
    if is_layer && out.options().output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage("a layer is nothing for a terminal")
            .hint("name a file with -o, or send standard output to a file or a pipe"));
    }
    let cancel = out.cancel();
    let mut reader = case.evidence.reader(&path).map_err(|why| failed(&why))?;
    let computed = if inflate {
        let watch = Watch {
            cancel: &cancel,
            ..Watch::default()
        };
        let limits = Limits {
            bytes: how.most.max_file,
            ..Limits::default()
        };
        let mut inflating = Inflating::new(reader, limits, watch);
        // Its error is told by `finish`.
        let _ = copy(&mut inflating, out, |_| {})?;
        inflating.finish().map_err(|why| failed(&why))?.blob
    } else {
        let mut hasher = target.digest.algorithm().hasher();
        copy(&mut reader, out, |piece| hasher.update(piece))?.map_err(|why| failed(&why))?;
        hasher.finish()
    };
    if computed == target.digest || inflate && target.digest.algorithm() != computed.algorithm() {
        return Ok(Exit::CLEAN);
    }
    if !out.options().quiet {
        let line = format!("altered: the bytes of {} are {computed}", target.digest);
        writeln!(io::stderr().lock(), "{line}")?;
    }
    Ok(Exit::FINDINGS)
}

/// Copies to the output. The outer error is of the output, the inner one of the reader.
fn copy(
    reader: &mut impl Read,
    out: &mut Out,
    mut seen: impl FnMut(&[u8]),
) -> io::Result<io::Result<()>> {
    let mut chunk = vec![0; 128 << 10];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => {
                out.writer().flush()?;
                return Ok(Ok(()));
            }
            Ok(count) => {
                let piece = chunk.get(..count).unwrap_or_default();
                seen(piece);
                out.writer().write_all(piece)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                out.writer().flush()?;
                return Ok(Err(error));
            }
        }
    }
}

/// The one manifest that is meant.
fn choose<'m, 'd>(
    manifests: &'m [Manifest<'d>],
    node: &Node,
    what: &str,
    platform: Option<&str>,
) -> Result<&'m Manifest<'d>, Failure> {
    let fits = |manifest: &&Manifest<'_>| platform.is_none_or(|wish| manifest.is_for(wish));
    let mut found: Vec<&Manifest<'_>> = manifests.iter().filter(fits).collect();
    if found.len() > 1 {
        // Of an index, one platform is usually pulled.
        let store = node.content.read();
        let has_all = |manifest: &&Manifest<'_>| {
            let mut layers = manifest.document.layers();
            layers.all(|layer| store.is_some_and(|store| store.blob(&layer.digest).is_some()))
        };
        let whole: Vec<&Manifest<'_>> = found.iter().copied().filter(has_all).collect();
        if !whole.is_empty() {
            found = whole;
        }
    }
    match (found.first(), found.len()) {
        (Some(only), 1) => Ok(only),
        (None, _) => Err(Failure::unread(format!(
            "{what} has no manifest that is there{}",
            platform.map_or(String::new(), |wish| format!(" for {}", Text::from(wish)))
        ))
        .hint("`coroner content graph NODE IMAGE` shows what is there of it")),
        _ => {
            let names: Vec<String> = found.iter().map(|manifest| manifest.name()).collect();
            Err(
                Failure::usage(format!("{what} is several: {}", names.join(", ")))
                    .hint("say which one with --platform"),
            )
        }
    }
}

/// A file of an image, out of its layers.
fn file(
    case: &Case,
    node: &Node,
    target: &Target,
    path: &str,
    how: &CatArgs,
    out: &mut Out,
) -> Outcome {
    let platform = how.platform.as_deref();
    let documents: Documents = target.documents(&case.evidence, node);
    let (manifests, _) = node::manifests(&documents, &target.digest);
    let manifest = choose(&manifests, node, &target.what, platform)?;
    let store = names::store(node)?;
    let cancel = out.cancel();
    let watch = Watch {
        cancel: &cancel,
        ..Watch::default()
    };
    let open = |digest: &Digest| {
        let path = Store::path_of(&store.root, digest);
        Layer::of_blob(&case.evidence, &path, Limits::default(), watch)
    };
    let sizes = manifest.document.layers().filter_map(|link| {
        let path = Store::path_of(&store.root, &link.digest);
        Some(case.evidence.stat(&path).ok()?.size)
    });
    let mut tree = Tree::of_layers(sizes.fold(0, u64::saturating_add));
    // The highest layer of which not every entry is known: what it or those below it hold may be
    // something else.
    let mut lacking: Option<(usize, String)> = None;
    for (number, link) in manifest.document.layers().enumerate() {
        let why = match open(&link.digest) {
            Ok(mut layer) => {
                tree.add(number, &mut layer);
                let cut = tree.is_cut();
                let cut = cut.then(|| "has more names than the budget for memory".to_owned());
                let summary = layer.finish();
                let mut ends = summary.faults.iter().filter(|fault| fault.ends_it());
                cut.or_else(|| ends.next().map(ToString::to_string))
            }
            Err(unread) => Some(unread.to_string()),
        };
        if let Some(why) = why {
            lacking = Some((number, format!("layer {number} ({}) {why}", link.digest)));
        }
    }
    let shown = Text::from(format!("/{path}").as_str());
    let hint = match manifest.config.map(|config| chain_ids(&config.diff_ids)) {
        Some(chain) if lacking.is_some() => {
            let cat = Draft::new(program::CORONER).words(&["snapshots", "cat", "NODE"]);
            let path = [b"/", path.as_bytes()].concat();
            let cat = chain.last().and_then(|top| {
                let cat = cat.operand(top.to_string()).operand(path);
                cat.command()
            });
            cat.map_or(String::new(), |cat| {
                format!("its snapshot may have it: {cat}")
            })
        }
        _ => format!("of {}", manifest.name()),
    };
    let found = tree.resolve(path.as_bytes());
    let known = |number: usize| lacking.as_ref().is_none_or(|(lacks, _)| number > *lacks);
    let (real, leaf) = match (found, &lacking) {
        (Ok((real, leaf)), _) if known(leaf.layer) => (real, leaf),
        (_, Some((_, why))) => {
            let message = format!("{shown} of {} is not known: {why}", target.what);
            return Err(Failure::unread(message).hint(hint));
        }
        (Err(why), None) => {
            return Err(Failure::unread(format!("{shown} {why}")).hint(hint));
        }
        (Ok(found), None) => found,
    };
    if leaf.kind != EntryKind::File {
        let what = match leaf.kind.file_kind() {
            Some(kind) => kind.word(),
            None => "hard link to what is in none of its layers",
        };
        return Err(Failure::unread(format!("{shown} is a {what}")).hint(hint));
    }
    if let Some(why) = how.most.refuses(leaf.size) {
        return Err(Failure::unread(format!("{shown} {why}")).hint(MORE));
    }
    let link = manifest.document.layers().nth(leaf.layer);
    let failed = |why: &dyn core::fmt::Display| {
        Failure::unread(format!(
            "{} of {} {why}",
            Text::from(real.as_slice()),
            target.what
        ))
    };
    let mut layer = match link.map(|link| open(&link.digest)) {
        Some(Ok(layer)) => layer,
        Some(Err(why)) => return Err(failed(&why)),
        None => return Err(failed(&"is in no layer")),
    };
    let mut at = 0_u64;
    while layer.next_entry().is_some() {
        if at == leaf.number {
            let mut written = Ok(());
            let writer = out.writer();
            let ended = layer.each_piece(|piece| {
                if written.is_ok() {
                    written = writer.write_all(piece);
                }
            });
            written?;
            writer.flush()?;
            ended.map_err(|why| failed(&why))?;
            // Whether these are the bytes of the build is known once the layer was read whole.
            let summary = layer.finish();
            let blob = summary.inflated.map(|inflated| inflated.blob);
            let is_right = blob.is_ok_and(|blob| link.is_some_and(|link| link.digest == blob));
            if !is_right && !out.options().quiet {
                writeln!(
                    io::stderr().lock(),
                    "altered: the layer that holds it is damaged"
                )?;
            }
            return Ok(if is_right {
                Exit::CLEAN
            } else {
                Exit::FINDINGS
            });
        }
        at = at.saturating_add(1);
    }
    Err(failed(&"is gone: the evidence changed while it was read"))
}
