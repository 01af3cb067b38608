//! What the databases no longer have, or have otherwise: the tree of the transaction before, and
//! pages that no tree has.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use bolt::{Carve, CarveOptions, Confidence, Db, Status};
use finding::{Text, Unknown};
use metadb::{CarvedObject, carved_objects};

use crate::gather::Gather;
use crate::subject::Recovered;

/// A database of which more is carved than this is not met.
const LIMIT: u64 = 4 << 30;

/// Objects that were carved, database by database.
#[derive(Debug, Default)]
pub(crate) struct Carved {
    /// The snapshotter (nothing: meta.db), and what its database had.
    pub(crate) databases: Vec<(Option<Text>, Vec<CarvedObject>)>,
}

impl Carved {
    /// Looks through meta.db and the database of every snapshotter.
    pub(crate) fn carve_objects(gather: &mut Gather<'_>) -> Self {
        let node = gather.node;
        let metadata = node.snapshotters.iter();
        let metadata = metadata.map(|one| (Some(one.name.clone()), one.db.path.clone()));
        let mut carved = Self::default();
        for (snapshotter, path) in std::iter::once((None, node.meta.path.clone())).chain(metadata) {
            if gather.is_cancelled() {
                break;
            }
            match objects(gather, &path) {
                Ok(objects) => carved.databases.push((snapshotter, objects)),
                Err(Some(why)) => gather
                    .unknown
                    .push(Unknown::new(format!("what was deleted from {path}"), why)),
                Err(None) => {}
            }
        }
        carved
    }
}

/// The objects that the tree in use does not have as they are; nothing where there is no file.
fn objects(gather: &Gather<'_>, path: &Text) -> Result<Vec<CarvedObject>, Option<String>> {
    let source = gather
        .evidence
        .source(Path::new(OsStr::from_bytes(path.bytes())), LIMIT)
        .map_err(|why| (!why.is_absent()).then(|| why.to_string()))?;
    if source.bytes().is_empty() {
        return Err(None);
    }
    let options = CarveOptions {
        roots: vec![b"v1".to_vec()],
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    let carve =
        Carve::carve_file(source.view(), &options).map_err(|fault| Some(fault.to_string()))?;
    let db = Db::open(source.view()).db;
    let mut objects = carved_objects(&carve, db.as_ref());
    objects.retain(|object| object.status != Status::Live && !object.record.is_null());
    Ok(objects)
}

/// How a carved object is known.
pub(crate) fn recovered(object: &CarvedObject) -> Recovered {
    Recovered {
        from: match object.confidence {
            Confidence::Exact => "previous-tree",
            _ => "carved",
        },
        status: object.status,
        confidence: object.confidence,
        page: object.page.0,
        offset: object.offset,
        freed_from: object.bounds.freed_from.map(|bound| bound.txid),
        freed_until: object.bounds.freed_until.map(|bound| bound.txid),
    }
}
