//! The graph as a tree, and for Graphviz.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cli::{Answer, Exit, Pen, Style, size};
use content::{Compression, Digest, Kind};
use finding::Text;

use super::{Blob, Graph};
use crate::image::State;

impl Blob {
    /// Whether something is wrong with it: a layer that was discarded after it was unpacked, and a
    /// platform that was not pulled, are not.
    fn is_wrong(&self, required: bool) -> bool {
        match self.state {
            State::Ok => false,
            State::Missing => required && self.unpacked.is_empty(),
            _ => true,
        }
    }

    fn style(&self, required: bool) -> Style {
        match self.state {
            State::Ok => Style::Plain,
            _ if self.is_wrong(required) => Style::Bad,
            _ => Style::Faint,
        }
    }

    /// How it stands with it, in words, unless all is well.
    fn state(&self, required: bool) -> Option<String> {
        let word = match self.state {
            State::Ok if self.hashed && self.kind.starts_with("layer") => "hashed",
            State::Ok => return None,
            State::Missing if !self.unpacked.is_empty() => "discarded",
            State::Missing if !required => "not pulled",
            state => return Some(state.word().to_uppercase()),
        };
        Some(word.to_owned())
    }

    /// Its line, after what it is for.
    fn line(&self, role: Option<&str>, required: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        match role {
            // An index names manifests by numbers that mean nothing.
            Some(role) if role.starts_with("manifest") => parts.push(self.kind.clone()),
            Some(role) => parts.push(role.to_owned()),
            None => parts.push(self.kind.clone()),
        }
        parts.push(self.digest.short().to_owned());
        if let Some(platform) = self.platform.as_ref() {
            parts.push(platform.to_string());
        }
        if let Some(bytes) = self.size.or(self.claimed) {
            parts.push(size(bytes));
        }
        let packed = self.media_type.as_ref().and_then(|text| text.utf8());
        if let Some(Kind::Layer(compression)) = packed.map(Kind::of)
            && compression != Compression::None
        {
            parts.push(compression.to_string());
        }
        parts.extend(self.state(required));
        if !self.unpacked.is_empty() {
            let names: Vec<String> = self.unpacked.iter().map(ToString::to_string).collect();
            parts.push(format!("unpacked in {}", names.join(", ")));
        }
        match self.shared_with.len() {
            0 => {}
            1 => parts.push("shared with 1 image".to_owned()),
            many => parts.push(format!("shared with {many} images")),
        }
        parts.join("  ")
    }
}

impl Graph {
    fn by_digest(&self) -> BTreeMap<&Digest, &Blob> {
        self.blobs.iter().map(|blob| (&blob.digest, blob)).collect()
    }

    /// Digests that the image needs: what a manifest that is there names, and the target. A
    /// manifest that an index names need not have been pulled.
    fn required(&self) -> BTreeSet<&Digest> {
        let mut required = BTreeSet::from([&self.target]);
        for blob in self.blobs.iter().filter(|blob| blob.kind == "manifest") {
            let links = blob.links.iter().filter(|link| link.role != "subject");
            required.extend(links.map(|link| &link.digest));
        }
        required
    }
}

impl Answer for Graph {
    const SCHEMA: &'static str = "content-graph/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.dot {
            return dot(self, pen);
        }
        pen.heading(&self.what)?;
        let by_digest = self.by_digest();
        let required = self.required();
        let mut shown = BTreeSet::new();
        // Role, digest, what stands before its line, and before those below it.
        let mut stack = vec![(None, &self.target, String::new(), String::new())];
        while let Some((role, digest, before, below)) = stack.pop() {
            let Some(blob) = by_digest.get(digest) else {
                continue;
            };
            let line = blob.line(role, required.contains(digest));
            let again = !shown.insert(digest) && !blob.links.is_empty();
            let line = if again {
                format!("{line}  (above)")
            } else {
                line
            };
            let style = blob.style(required.contains(digest));
            let line = pen.styled(style, line).to_string();
            pen.line(format_args!("{before}{line}"))?;
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
        let all = self.blobs.len();
        let line = format!(
            "{} of {all} blobs are there, {}.",
            self.there,
            size(self.bytes)
        );
        pen.line(line)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let required = self.required();
        let mut exit = Exit::of_unknown(&self.unknown);
        let wrong = |blob: &Blob| blob.is_wrong(required.contains(&blob.digest));
        if self.blobs.iter().any(wrong) {
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
    let required = graph.required();
    pen.line("digraph image {")?;
    pen.line("  rankdir=LR; node [fontname=\"monospace\" fontsize=10];")?;
    pen.line(format_args!(
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
        let colour = if blob.is_wrong(required.contains(&blob.digest)) {
            "red"
        } else {
            "black"
        };
        pen.line(format_args!(
            "  \"{}\" [shape={shape} style={style} color={colour} label=\"{}\"];",
            blob.digest,
            quote(&blob.line(None, required.contains(&blob.digest))).replace("  ", "\\n")
        ))?;
        for link in &blob.links {
            pen.line(format_args!(
                "  \"{}\" -> \"{}\" [label=\"{}\"];",
                blob.digest, link.digest, link.role
            ))?;
        }
    }
    pen.line("}")
}
