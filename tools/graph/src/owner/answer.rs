//! Who owns a path, as text and JSON.

use std::io;

use cli::{About, Answer, Exit, Pen, Style};
use finding::Unknown;
use metadb::Kind;
use refs::owner::{Is, Owned};
use serde::Serialize;

/// What `owner` answers.
#[derive(Debug, Serialize)]
pub(crate) struct Owner {
    #[serde(rename = "evidence")]
    pub(crate) about: About,
    pub(crate) owned: Vec<Owned>,
    pub(crate) unknown: Vec<Unknown>,
}

/// One sentence: what it is.
fn sentence(owned: &Owned) -> String {
    match &owned.is {
        Is::Snapshot {
            snapshotter,
            id,
            kind,
            key,
            inner,
            ..
        } => {
            let kind = match kind {
                Some(Kind::Active) => "writable layer",
                Some(Kind::Committed) => "layer",
                Some(Kind::View) => "view",
                None => "snapshot",
            };
            let inner = inner
                .as_ref()
                .map_or_else(String::new, |inner| format!("{inner} in the "));
            let key = key.as_ref().map_or_else(
                || ", which no row of metadata.db has".to_owned(),
                |key| format!(": {key}"),
            );
            format!("{inner}{kind} {id} of {snapshotter}{key}")
        }
        Is::Leftover { snapshotter } => {
            format!("among the directories of {snapshotter}, but no snapshot's")
        }
        Is::Snapshotter {
            snapshotter,
            database: true,
        } => format!("the database of the snapshotter {snapshotter}"),
        Is::Snapshotter { snapshotter, .. } => format!("of the snapshotter {snapshotter}"),
        Is::Blob { digest, role } => {
            let role = role.as_deref().map_or_else(
                || "which no image needs".to_owned(),
                |role| format!("the {role} of an image"),
            );
            format!("blob {digest}, {role}")
        }
        Is::Ingest {
            reference: Some(reference),
        } => format!("ingest of {reference}"),
        Is::Ingest { .. } => "an ingest with an unknown reference".to_owned(),
        Is::Content => "in the content store, neither a blob's nor an ingest's".to_owned(),
        Is::Meta => "containerd's meta.db".to_owned(),
        Is::Bundle {
            namespace,
            id,
            rootfs: Some(inner),
        } => format!("{inner} in the mounted root of the task {namespace}/{id}"),
        Is::Bundle { namespace, id, .. } => format!("bundle of the task {namespace}/{id}"),
        Is::Work { namespace, id } => format!("work folder of the task {namespace}/{id}"),
        Is::RuntimeState { id, .. } => format!("the runtime's state of {id}"),
        Is::Socket => "a shim's socket".to_owned(),
        Is::Cri { what, id } => format!("the CRI plugin's folder of the {what} {id}"),
        Is::Named { by } => (*by).to_owned(),
        Is::Other { below } => format!("under containerd's {below}, of no object"),
        Is::Outside => "nothing of containerd's".to_owned(),
    }
}

fn write(owned: &Owned, whole: bool, pen: &mut Pen<'_>) -> io::Result<()> {
    let gone = match owned.exists {
        Some(false) => " (not there)",
        _ => "",
    };
    let asked = match owned.asked {
        "path" | "number" | "inode" => String::new(),
        role => format!("{role}  "),
    };
    pen.heading(format_args!("{asked}{}{gone}", owned.path))?;
    pen.row(format_args!("  {}", sentence(owned)))?;
    for record in &owned.records {
        pen.line(format_args!("  record     {record}"))?;
    }
    for user in &owned.users {
        let own = if user.own {
            ""
        } else {
            ", through its descendants"
        };
        let image = user.image.as_ref().filter(|image| !image.is_empty());
        let image = image.map_or_else(String::new, |image| format!(", image {image}"));
        let pod = user.pod.as_ref();
        let pod = pod.map_or_else(String::new, |pod| format!(", pod {pod}"));
        let kind = format!("{:<9}", user.object.kind);
        let namespace = user.object.namespace.as_ref();
        let namespace = namespace.map_or_else(String::new, |ns| format!("{ns}/"));
        pen.row(format_args!(
            "  {kind}  {namespace}{}{image}{pod}{own}",
            user.object.name
        ))?;
    }
    if owned.users.is_empty() && belongs(owned) {
        let line = if whole {
            "  no image and no container uses it"
        } else {
            "  no image and no container that could be read uses it"
        };
        let line = pen.styled(Style::Warning, line).to_string();
        pen.line(line)?;
    }
    if let Is::Snapshot { chain, .. } = &owned.is {
        for layer in chain.iter().skip(1) {
            let id = layer.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
            pen.row(format_args!("  on         {id}  {}", layer.key))?;
        }
    }
    Ok(())
}

/// Whether it is something that an image or a container should use.
const fn belongs(owned: &Owned) -> bool {
    matches!(
        owned.is,
        Is::Snapshot { .. }
            | Is::Blob { .. }
            | Is::Bundle { .. }
            | Is::Work { .. }
            | Is::RuntimeState { .. }
            | Is::Cri { .. }
    )
}

impl Answer for Owner {
    const SCHEMA: &'static str = "owner/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, owned) in self.owned.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            write(owned, self.unknown.is_empty(), pen)?;
        }
        pen.gap()?;
        self.about.write_about(pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
