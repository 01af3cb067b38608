//! The database of the devmapper snapshotter's thin pool.
//!
//! ```text
//! <root_path>/<pool>.db                    plugins/snapshots/devmapper/metadata.go
//! devices/<name>        = JSON {device_id, size, name, parent_name, state, error}
//! device_ids/<decimal>  = one byte: 0 free, 1 taken, 2 faulty      sequence: the last id
//! ```
//!
//! The device of snapshot N is called `<pool>-snap-<N>`. States run from 0 (unknown) to 14
//! (faulty); 5 is activated, 11 deactivated, 13 removed.

use std::collections::BTreeMap;

use bolt::{Db, Value};
use finding::{Known, Text};
use serde::Serialize;

use crate::open::{Open, Troubles};
use crate::{DecodeError, Fault, Problem, Trouble};

/// A thin device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Its number in the pool.
    pub id: Option<u64>,
    /// The device of its snapshot's parent.
    pub parent: Text,
    /// What was last done with it.
    pub state: Option<u64>,
    /// What went wrong with it.
    pub error: Text,
}

impl Device {
    /// State of a device that something went wrong with.
    pub const FAULTY: u64 = 14;
    /// State of a device that was removed.
    pub const REMOVED: u64 = 13;
}

/// The pool's database, read as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Devices by name.
    pub devices: Known<BTreeMap<Text, Device>>,
    /// What is said of each number: 0 free, 1 taken, 2 faulty.
    pub ids: Known<BTreeMap<u64, u8>>,
    /// What could not be read or decoded.
    pub troubles: Vec<Trouble>,
}

impl Pool {
    /// Reads the tree that the snapshotter would use.
    pub fn read_pool(db: &Db<'_>) -> Self {
        let mut troubles = Troubles::default();
        let root = Open::new(&db.root(), Vec::new(), &mut troubles);
        let devices = match root.bucket("devices", &mut troubles) {
            Some(bucket) => devices(&bucket, &mut troubles),
            None => Known::with(BTreeMap::new(), root.unknown()),
        };
        let ids = match root.bucket("device_ids", &mut troubles) {
            Some(bucket) => Known::with(ids(&bucket), bucket.unknown()),
            None => Known::with(BTreeMap::new(), root.unknown()),
        };
        Self {
            devices,
            ids,
            troubles: troubles.0,
        }
    }
}

fn devices(bucket: &Open<'_>, troubles: &mut Troubles) -> Known<BTreeMap<Text, Device>> {
    let mut devices = BTreeMap::new();
    for (key, entry) in bucket.entries.iter() {
        let Value::Bytes(bytes) = &entry.value else {
            continue;
        };
        let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else {
            let fault = Fault::Value {
                key: Text::from(key),
                what: "device",
                error: DecodeError::Json,
                span: entry.value_span,
            };
            troubles.0.push(Trouble {
                path: bucket.path.clone(),
                problem: Problem::Record(fault),
            });
            continue;
        };
        let number = |key: &str| json.get(key).and_then(serde_json::Value::as_u64);
        let text = |key: &str| {
            let text = json.get(key).and_then(serde_json::Value::as_str);
            text.map(Text::from).unwrap_or_default()
        };
        let device = Device {
            id: number("device_id"),
            parent: text("parent_name"),
            state: number("state"),
            error: text("error"),
        };
        devices.insert(Text::from(key), device);
    }
    Known::with(devices, bucket.unknown())
}

fn ids(bucket: &Open<'_>) -> BTreeMap<u64, u8> {
    let entries = bucket.entries.iter();
    entries
        .filter_map(|(key, entry)| {
            let id = core::str::from_utf8(key).ok()?.parse().ok()?;
            match &entry.value {
                Value::Bytes([state]) => Some((id, *state)),
                _ => None,
            }
        })
        .collect()
}
