//! `v1/<namespace>/sandboxes/<id>/` (2.x), `<namespace>/sandboxes/<id>/` (1.7)

use std::collections::BTreeMap;

use finding::{Text, Time};
use serde::Serialize;

use crate::container::{self, Runtime};
use crate::open::{Open, Troubles};
use crate::{Any, Labels};

/// A sandbox of the sandbox store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sandbox {
    /// When it was made.
    pub created: Option<Time>,
    /// When it was changed.
    pub updated: Option<Time>,
    /// Its specification.
    pub spec: Option<Any>,
    /// Which controller runs it: `podsandbox`, `shim`.
    pub sandboxer: Option<Text>,
    /// Its runtime.
    pub runtime: Option<Runtime>,
    /// Extensions by name: `metadata` is the CRI's record.
    pub extensions: BTreeMap<Text, Any>,
    /// Its labels.
    pub labels: Labels,
}

pub(crate) const KEYS: &[&str] = &[
    "createdat",
    "updatedat",
    "spec",
    "sandboxer",
    "runtime",
    "runtime/name",
    "runtime/options",
    "extensions",
    "labels",
];

pub(crate) fn read_sandbox(bucket: &Open<'_>, troubles: &mut Troubles) -> Sandbox {
    bucket.missing("runtime", "sandbox", troubles);
    Sandbox {
        created: bucket.time("createdat", troubles),
        updated: bucket.time("updatedat", troubles),
        spec: bucket.spec("spec", troubles),
        sandboxer: bucket.text_value("sandboxer", troubles),
        runtime: container::runtime(bucket, troubles),
        extensions: bucket.anys("extensions", troubles),
        labels: bucket.labels("labels", troubles),
    }
}
