//! The graph as a tree, and for Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use audit::{Image, Part};
use cli::{Answer, Exit, Pen, Style, size};
use content::{Compression, Digest, Kind};
use finding::Text;
use node::BlobState as State;

use super::Graph;

/// Whether something is wrong with it: a layer that was discarded after it was unpacked, and a
/// platform that was not pulled, are not.
fn is_wrong(part: &Part, required: bool) -> bool {
    match part.state {
        State::Ok => false,
        State::Missing => required && (part.unpacked.is_empty() || part.recorded),
        _ => true,
    }
}

fn style_of(part: &Part, required: bool) -> Style {
    match part.state {
        State::Ok => Style::Plain,
        _ if is_wrong(part, required) => Style::Bad,
        _ => Style::Faint,
    }
}

/// How it stands with it, in words, unless all is well.
fn state_of(part: &Part, required: bool) -> Option<String> {
    let word = match part.state {
        State::Ok if part.hashed && part.kind.starts_with("layer") => "hashed",
        State::Ok => return None,
        // Whoever discards a layer removes its record, too.
        State::Missing if !part.unpacked.is_empty() && !part.recorded => "discarded",
        State::Missing if !required && !part.recorded => "not pulled",
        state => return Some(state.word().to_uppercase()),
    };
    Some(word.to_owned())
}

/// How many of the other images that have a blob, too, are named.
const SHARED: usize = 4;

/// Its line, after what it is for.
fn line_of(part: &Part, role: Option<&str>, required: bool) -> String {
    let mut parts: Vec<String> = Vec::new();
    match role {
        // An index names manifests by numbers that mean nothing.
        Some(role) if role.starts_with("manifest") => parts.push(part.kind.clone()),
        Some(role) => parts.push(role.to_owned()),
        None => parts.push(part.kind.clone()),
    }
    parts.push(part.digest.short().to_owned());
    if let Some(platform) = part.platform.as_ref() {
        parts.push(platform.to_string());
    }
    if let Some(bytes) = part.size.or(part.claimed) {
        parts.push(size(bytes));
    }
    let packed = part.media_type.as_ref().and_then(|text| text.utf8());
    if let Some(Kind::Layer(compression)) = packed.map(Kind::from_media_type)
        && compression != Compression::None
    {
        parts.push(compression.to_string());
    }
    parts.extend(state_of(part, required));
    if !part.unpacked.is_empty() {
        let names: Vec<String> = part.unpacked.iter().map(ToString::to_string).collect();
        parts.push(format!("unpacked in {}", names.join(", ")));
    }
    if !part.shared_with.is_empty() {
        let names = part.shared_with.iter().take(SHARED);
        let names: Vec<String> = names
            .map(|image| {
                let name = image.to_string();
                name.strip_prefix("image ").unwrap_or(&name).to_owned()
            })
            .collect();
        let more = match part.shared_with.len().saturating_sub(SHARED) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        parts.push(format!("also of {}{more}", names.join(", ")));
    }
    parts.join("  ")
}

fn by_digest(image: &Image) -> BTreeMap<&Digest, &Part> {
    image
        .blobs
        .iter()
        .map(|blob| (&blob.digest, blob))
        .collect()
}

/// Digests that the image needs: what a manifest that is there names, and the target. A
/// manifest that an index names need not have been pulled.
fn required(image: &Image) -> BTreeSet<&Digest> {
    let mut required = BTreeSet::from([&image.target]);
    for blob in image.blobs.iter().filter(|blob| blob.kind == "manifest") {
        let links = blob.links.iter().filter(|link| link.role != "subject");
        required.extend(links.map(|link| &link.digest));
    }
    required
}

impl Answer for Graph {
    const SCHEMA: &'static str = "content-graph/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.dot {
            return dot(self, pen);
        }
        let image = &self.image;
        pen.heading(&image.what)?;
        let by_digest = by_digest(image);
        let required = required(image);
        let mut shown = BTreeSet::new();
        // Role, digest, what stands before its line, and before those below it.
        let mut stack = vec![(None, &image.target, String::new(), String::new())];
        while let Some((role, digest, before, below)) = stack.pop() {
            let Some(blob) = by_digest.get(digest) else {
                continue;
            };
            let line = line_of(blob, role, required.contains(digest));
            let again = !shown.insert(digest) && !blob.links.is_empty();
            let line = if again {
                format!("{line}  (above)")
            } else {
                line
            };
            let style = style_of(blob, required.contains(digest));
            let line = pen.styled(style, line).to_string();
            pen.row(format_args!("{before}{line}"))?;
            if again {
                continue;
            }
            for (number, link) in blob.links.iter().enumerate().rev() {
                let last = number.saturating_add(1) == blob.links.len();
                let (branch, rest) = if last {
                    ("└── ", "    ")
                } else {
                    ("├── ", "│   ")
                };
                stack.push((
                    Some(link.role.as_str()),
                    &link.digest,
                    format!("{below}{branch}"),
                    format!("{below}{rest}"),
                ));
            }
        }
        pen.gap()?;
        let all = image.blobs.len();
        let is_bad = |part: &&Part| !matches!(part.state, State::Ok | State::Missing);
        let bad = match image.blobs.iter().filter(is_bad).count() {
            0 => String::new(),
            1 => " (1 of them is not what its name says)".to_owned(),
            bad => format!(" ({bad} of them are not what their names say)"),
        };
        let line = format!(
            "{} of {all} blobs are there{bad}, {}.",
            image.there,
            size(image.bytes)
        );
        pen.line(line)?;
        pen.incomplete(&image.unknown)
    }

    fn exit(&self) -> Exit {
        let required = required(&self.image);
        let mut exit = Exit::of_unknown(&self.image.unknown);
        let wrong = |part: &Part| is_wrong(part, required.contains(&part.digest));
        if self.image.blobs.iter().any(wrong) {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}

/// For Graphviz: boxes for documents, ovals for the rest, dashed where it is missing.
pub(super) fn dot(graph: &Graph, pen: &mut Pen<'_>) -> io::Result<()> {
    let quote = |text: &str| {
        let text = Text::from(text).to_string();
        text.replace('\\', "\\\\").replace('"', "\\\"")
    };
    let graph = &graph.image;
    let required = required(graph);
    pen.verbatim("digraph image {")?;
    pen.verbatim("  rankdir=LR; node [fontname=\"monospace\" fontsize=10];")?;
    pen.verbatim(format_args!(
        "  name [shape=plaintext label=\"{}\"]; name -> \"{}\";",
        quote(&graph.what),
        graph.target
    ))?;
    for blob in &graph.blobs {
        let shape = if blob.links.is_empty() && blob.kind != "config" {
            "oval"
        } else {
            "box"
        };
        let style = match blob.state {
            State::Ok => "solid",
            _ => "dashed",
        };
        let colour = if is_wrong(blob, required.contains(&blob.digest)) {
            "red"
        } else {
            "black"
        };
        pen.verbatim(format_args!(
            "  \"{}\" [shape={shape} style={style} color={colour} label=\"{}\"];",
            blob.digest,
            quote(&line_of(blob, None, required.contains(&blob.digest))).replace("  ", "\\n")
        ))?;
        for link in &blob.links {
            pen.verbatim(format_args!(
                "  \"{}\" -> \"{}\" [label=\"{}\"];",
                blob.digest, link.digest, link.role
            ))?;
        }
    }
    pen.verbatim("}")
}
