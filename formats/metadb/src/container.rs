//! `v1/<namespace>/containers/<id>/`

use std::collections::BTreeMap;

use finding::{Text, Time};
use serde::Serialize;

use crate::open::{Open, Troubles};
use crate::{Any, Labels};

/// Which runtime runs a container or a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Runtime {
    /// `io.containerd.runc.v2`
    pub name: Text,
    /// Its options.
    pub options: Option<Any>,
}

/// A container: the record, not the running thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Name of its image; may be empty.
    pub image: Text,
    /// Which snapshotter holds its snapshot; may be empty.
    pub snapshotter: Text,
    /// Key of its snapshot; may be empty.
    pub snapshot_key: Text,
    /// The sandbox that it belongs to (1.7 and later); may be empty.
    pub sandbox_id: Option<Text>,
    /// The OCI runtime specification.
    pub spec: Option<Any>,
    /// Its runtime.
    pub runtime: Option<Runtime>,
    /// Extensions by name: the CRI's records are here.
    pub extensions: BTreeMap<Text, Any>,
    /// Its labels.
    pub labels: Labels,
}

pub(crate) const KEYS: &[&str] = &[
    "createdat",
    "updatedat",
    "image",
    "snapshotter",
    "snapshotKey",
    "sandboxid",
    "spec",
    "runtime",
    "runtime/name",
    "runtime/options",
    "extensions",
    "labels",
];

pub(crate) fn runtime(bucket: &Open<'_>, troubles: &mut Troubles) -> Option<Runtime> {
    let runtime = bucket.bucket("runtime", troubles)?;
    Some(Runtime {
        name: runtime.text_value("name", troubles).unwrap_or_default(),
        options: runtime.any("options", troubles),
    })
}

pub(crate) fn read_container(bucket: &Open<'_>, troubles: &mut Troubles) -> Container {
    Container {
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        image: bucket.text_value("image", troubles).unwrap_or_default(),
        snapshotter: bucket
            .text_value("snapshotter", troubles)
            .unwrap_or_default(),
        snapshot_key: bucket
            .text_value("snapshotKey", troubles)
            .unwrap_or_default(),
        sandbox_id: bucket.text_value("sandboxid", troubles),
        spec: bucket.spec("spec", troubles),
        runtime: runtime(bucket, troubles),
        extensions: bucket.anys("extensions", troubles),
        labels: bucket.labels("labels", troubles),
    }
}
