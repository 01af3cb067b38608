//! What is a root and which references count, by release (`core/metadata/gc.go`).

use finding::{Text, Time};
use node::graph::{Edge, Graph, Kind, Object, Via};
use serde::Serialize;

use super::Until;
use super::when::expire;
use crate::{Release, Source};

/// Why an object is a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", content = "label", rename_all = "kebab-case")]
pub enum Root {
    /// A lease.
    Lease,
    /// An image.
    Image,
    /// A container's record.
    Container,
    /// A sandbox.
    Sandbox,
    /// An ingest that has not expired.
    Ingest,
    /// A label.
    Label(Text),
}

/// How the garbage collector of a release decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The release.
    pub release: Release,
    /// The schema's version in meta.db: 2.x takes over 1.7's sandboxes when it is below 4.
    pub schema: Option<i64>,
}

impl Rules {
    /// How its rules are known.
    pub const fn source(self) -> Source {
        self.release.source()
    }

    fn since(self, release: Release) -> bool {
        self.release >= release
    }

    /// Whether records of this kind are ever deleted.
    pub fn collects(self, kind: Kind) -> bool {
        match kind {
            Kind::Lease | Kind::Snapshot | Kind::Blob | Kind::Ingest => true,
            Kind::Image => self.since(Release::V2_0),
            Kind::Container | Kind::Sandbox | Kind::Pod => false,
        }
    }

    /// Whether an object is a root, why, and until when.
    pub fn root(self, object: &Object) -> Option<(Root, Until)> {
        object.at.as_ref()?;
        let life = &object.life;
        let root = match object.id.kind {
            Kind::Lease => (Root::Lease, expire(life.expire.as_ref())),
            Kind::Image if self.since(Release::V2_0) => (Root::Image, expire(life.expire.as_ref())),
            Kind::Image => (Root::Image, Until::Forever),
            Kind::Container => (Root::Container, Until::Forever),
            Kind::Sandbox => {
                // 1.7 writes them at the root of the database and looks for them in v1.
                let migrates = self.since(Release::V2_0) && self.schema.unwrap_or(0) < 4;
                let seen = !life.old_sandbox || migrates;
                let reads = self.since(Release::V1_7) && seen;
                return reads.then_some((Root::Sandbox, Until::Forever));
            }
            Kind::Ingest => (Root::Ingest, Until::At(life.expires?)),
            Kind::Blob | Kind::Snapshot if life.root => (
                Root::Label(Text::from("containerd.io/gc.root")),
                Until::Forever,
            ),
            Kind::Blob | Kind::Snapshot if self.since(Release::V2_2) => {
                (Root::Label(life.root_like.clone()?), Until::Forever)
            }
            Kind::Blob | Kind::Snapshot | Kind::Pod => return None,
        };
        Some(root)
    }

    /// Whether it is sure that a root is one: labels that could not be read may have ended it.
    pub(super) fn is_sure(self, object: &Object) -> bool {
        let may_end = match object.id.kind {
            Kind::Lease => true,
            Kind::Image => self.since(Release::V2_0),
            _ => false,
        };
        object.readable || !may_end
    }

    /// Whether the collector goes from `from` along `edge` at `now`: nothing if not, else whether
    /// it arrives flat (what is held flat is held without most of what it refers to).
    pub(super) fn follows(
        self,
        graph: &Graph,
        from: &Object,
        edge: &Edge,
        flat: bool,
        now: Time,
    ) -> Option<bool> {
        let to = graph.get(edge.to)?.id.kind;
        if flat {
            return matches!(
                (from.id.kind, &edge.via),
                (Kind::Snapshot, Via::Parent) | (Kind::Image, Via::Target)
            )
            .then_some(true);
        }
        let follows = match &edge.via {
            Via::Holds | Via::Label(_) if to == Kind::Image => self.since(Release::V2_0),
            Via::Holds
            | Via::Label(_)
            | Via::Target
            | Via::Snapshot
            | Via::Parent
            | Via::Expected => true,
            Via::BackLabel(_) => self.since(Release::V2_2),
            Via::Condition {
                used,
                nanos,
                within,
                ..
            } => self.since(Release::V2_3) && condition(*used, *nanos, *within, now),
            Via::SameName
            | Via::Link(_)
            | Via::ChainId
            | Via::Image
            | Via::Sandbox
            | Via::Member => return None,
        };
        let held_flat = edge.via == Via::Holds && from.life.flat && to != Kind::Ingest;
        follows.then_some(held_flat)
    }
}

/// `usedat<DURATION`, `usedat>DURATION`.
fn condition(used: Time, nanos: i128, within: bool, now: Time) -> bool {
    let nanos_of = |time: Time| {
        i128::from(time.seconds)
            .saturating_mul(1_000_000_000)
            .saturating_add(i128::from(time.nanos))
    };
    let since = nanos_of(now).saturating_sub(nanos_of(used));
    if within { since < nanos } else { since > nanos }
}
