//! What real containerd deleted, carved from its own databases (`testdata/make/carve-node`).
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their own data"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bolt::{Carve, CarveOptions, Db, Status};
use metadb::{CarvedObject, ObjectKind, carved_objects};
use view::View;

const RELEASES: [&str; 3] = ["1.6", "1.7", "2.1"];

fn folder(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/carve")
        .join(release)
}

fn objects(release: &str, name: &str) -> Vec<CarvedObject> {
    let packed = std::fs::read(folder(release).join(format!("{name}.zst"))).unwrap();
    let bytes = zstd::decode_all(packed.as_slice()).unwrap();
    let view = View::new(&bytes);
    let options = CarveOptions {
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    let carve = Carve::carve_file(view, &options).unwrap();
    assert!(carve.is_whole);
    carved_objects(&carve, Db::open(view).db.as_ref())
}

/// Deletions as `kind name`, oldest first.
fn truth(release: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder(release).join("truth.tsv")).unwrap();
    text.lines()
        .map(|line| {
            let cells: Vec<&str> = line.split('\t').collect();
            format!("{} {}", cells.first().unwrap(), cells.last().unwrap())
        })
        .collect()
}

fn deleted(objects: &[CarvedObject]) -> BTreeSet<String> {
    let deleted = objects
        .iter()
        .filter(|object| object.status == Status::Deleted);
    deleted
        .filter_map(|object| Some(format!("{} {}", object.kind, object.name.as_ref()?)))
        .collect()
}

#[test]
fn what_is_called_deleted_was_deleted() {
    for release in RELEASES {
        let truth: BTreeSet<String> = truth(release).into_iter().collect();
        for claim in deleted(&objects(release, "meta.db")) {
            // ctr makes leases of its own, for an import or a container, and removes them again.
            let is_lease = claim.starts_with("lease ") && !claim.contains("lease-");
            assert!(truth.contains(&claim) || is_lease, "{release}: {claim}");
        }
        for object in objects(release, "metadata.db") {
            let name = object.name.unwrap_or_default().to_string();
            let is_kept = name.contains("/kept-");
            assert!(
                object.status != Status::Deleted || !is_kept,
                "{release}: {name}"
            );
        }
    }
}

#[test]
fn the_last_containers_are_found_by_name() {
    for release in RELEASES {
        let objects = objects(release, "meta.db");
        let found = deleted(&objects);
        let truth = truth(release);
        for kind in ["container", "snapshot", "image", "lease"] {
            let mine: Vec<&String> = truth
                .iter()
                .rev()
                .filter(|line| line.starts_with(kind))
                .collect();
            let counts = [1, 5, 10, 20].map(|last: usize| {
                let last = mine.iter().take(last);
                last.filter(|line| found.contains(line.as_str())).count()
            });
            println!("{release} {kind}: of the last 1, 5, 10, 20 deleted, by name: {counts:?}");
            if kind == "container" {
                assert_eq!(counts.map(|count| count.min(9)), [1, 5, 9, 9], "{release}");
            }
        }
        // Their whole records: the specification is what a container is made of.
        let is_spec = |object: &&CarvedObject| {
            object.kind == ObjectKind::Container
                && object.status == Status::Deleted
                && object.whole
                && object.record.pointer("/spec/json/process").is_some()
        };
        assert!(objects.iter().filter(is_spec).count() >= 10, "{release}");
    }
}

#[test]
fn an_older_version_of_a_living_container_is_found() {
    for release in RELEASES {
        let objects = objects(release, "meta.db");
        let older = objects.iter().find(|object| {
            object.status == Status::Older
                && object.name.as_ref().is_some_and(|name| *name == "kept-1")
        });
        // 1.6 collects garbage in one more transaction, which takes its page.
        assert!(older.is_some() || release == "1.6", "{release}");
    }
}
