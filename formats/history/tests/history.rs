//! The history of objects in real databases of containerd, asked without a command line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong, and read their own data"
)]

use bolt::Db;
use evidence::{Evidence, Options};
use finding::Text;
use history::{Histories, Objects, Presence};
use metadb::{MetaDb, ObjectKind};
use view::View;

const FILE: &str = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

fn database(release: &str) -> Vec<u8> {
    let packed = testcase::testdata().join("carve").join(release);
    let packed = std::fs::read(packed.join("meta.db.zst")).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

fn history_of(release: &str, kind: ObjectKind, name: &str) -> Result<Histories, finding::Refused> {
    let node = tempfile::tempdir().unwrap();
    let file = node.path().join(FILE.trim_start_matches('/'));
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, database(release)).unwrap();
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    Histories::read_histories(&evidence, &Text::from(FILE), (kind, name), None)
}

#[test]
fn what_changed_is_told_from_each_version_to_the_next() {
    let histories = history_of("1.7", ObjectKind::Container, "kept-1").unwrap();
    assert_eq!(histories.objects.len(), 1);
    let versions = &histories.objects[0].versions;
    assert_eq!(versions.len(), 2);
    assert!(versions[0].changes.is_empty() && !versions[0].carved.is_empty());
    let changed = versions[1].changes.iter();
    let paths: Vec<String> = changed.map(|change| change.path.join(" > ")).collect();
    let want = "labels > io.example.changed".to_owned();
    assert!(paths.contains(&want), "{paths:?}");
}

#[test]
fn a_deleted_object_has_a_history_and_is_in_no_tree() {
    for release in ["1.6", "1.7", "2.1"] {
        let histories = history_of(release, ObjectKind::Container, "gone-20").unwrap();
        let object = &histories.objects[0];
        let newest = object.trees.last().unwrap();
        assert_eq!(newest.object, Presence::Absent, "{release}");
        assert!(!object.versions.is_empty());
    }
    let none = history_of("1.7", ObjectKind::Image, "no-such-image").unwrap_err();
    assert!(none.is_question, "{none}");
}

#[test]
fn objects_have_their_records() {
    let bytes = database("1.7");
    let db = Db::open(View::new(&bytes)).db.unwrap();
    let meta = MetaDb::read_meta(&db);
    let containers = Objects::from_meta(&meta, ObjectKind::Container);
    assert!(containers.unknown.is_empty());
    for object in &containers.objects {
        assert!(object.whole && object.created.is_some(), "{}", object.name);
        assert!(object.record.get("image").is_some());
    }
    let namespaces = Objects::from_meta(&meta, ObjectKind::Namespace);
    assert_eq!(namespaces.objects.len(), meta.namespaces().len());
}
