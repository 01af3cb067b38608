//! Which references count in which release: one object, one label, and what it keeps.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests panic where something is wrong"
)]

use std::collections::{BTreeMap, BTreeSet};

use bolt::PageId;
use daemon::Release;
use daemon::gc::{Marks, Rules};
use finding::{Known, Text, Time};
use metadb::{
    At, BlobRow, Container, Image, IngestRow, Labels, Lease, MetaDb, Namespace, Row, Sandbox,
    SnapshotRow, Snapshots, Target,
};
use node::graph::{Graph, Id, Kind};
use view::Span;

const NOW: Time = Time::new(1_800_000_000, 0);

fn at(key: &str) -> At {
    At {
        path: vec![Text::from("v1"), Text::from("ns"), Text::from(key)],
        page: PageId(3),
        span: Span { start: 0, len: 1 },
    }
}

fn row<T>(key: &str, value: T) -> Row<T> {
    Row {
        key: Text::from(key),
        value,
        at: at(key),
        whole: true,
        readable: true,
        undecodable: BTreeMap::new(),
        unknown: BTreeMap::new(),
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let entries = pairs.iter().map(|(key, value)| {
        let key = Text::from(format!("containerd.io/gc.{key}"));
        (key, Text::from(*value))
    });
    Labels {
        entries: entries.collect(),
        whole: true,
    }
}

fn blob(key: &str, of: &[(&str, &str)]) -> Row<BlobRow> {
    let value = BlobRow {
        created: None,
        updated: None,
        size: Some(1),
        labels: labels(of),
    };
    row(key, value)
}

fn snapshot(key: &str, parent: Option<&str>, of: &[(&str, &str)]) -> Row<SnapshotRow> {
    let value = SnapshotRow {
        name: Text::from(format!("ns/1/{key}")),
        created: None,
        updated: None,
        parent: parent.map(Text::from),
        children: BTreeSet::new(),
        labels: labels(of),
    };
    row(key, value)
}

fn image(key: &str, target: &str, of: &[(&str, &str)]) -> Row<Image> {
    let target = Target {
        digest: Text::from(target),
        media_type: Text::from("x"),
        size: Some(1),
    };
    let value = Image {
        created: None,
        updated: None,
        target: Some(target),
        labels: labels(of),
        annotations: Labels::default(),
    };
    row(key, value)
}

fn container(key: &str, snapshot_key: &str, of: &[(&str, &str)]) -> Row<Container> {
    let value = Container {
        created: None,
        updated: None,
        image: Text::default(),
        snapshotter: Text::from(if snapshot_key.is_empty() { "" } else { "ss" }),
        snapshot_key: Text::from(snapshot_key),
        sandbox_id: None,
        spec: None,
        runtime: None,
        extensions: BTreeMap::new(),
        labels: labels(of),
    };
    row(key, value)
}

fn sandbox(of: &[(&str, &str)]) -> Row<Sandbox> {
    let value = Sandbox {
        created: None,
        updated: None,
        spec: None,
        sandboxer: None,
        runtime: None,
        extensions: BTreeMap::new(),
        labels: labels(of),
    };
    row("pod", value)
}

fn lease(of: &[(&str, &str)], content: &[&str], images: &[&str], snapshots: &[&str]) -> Row<Lease> {
    let set = |keys: &[&str]| keys.iter().map(|key| Text::from(*key)).collect();
    let value = Lease {
        created: None,
        labels: labels(of),
        content: set(content),
        ingests: BTreeSet::new(),
        snapshots: BTreeMap::from([(Text::from("ss"), set(snapshots))]),
        images: set(images),
    };
    row("lease", value)
}

fn ingest(key: &str, expires: Option<Time>, wanted: &str) -> Row<IngestRow> {
    let value = IngestRow {
        backend: Text::from(format!("ns/1/{key}")),
        expires,
        wanted: Some(Text::from(wanted)),
    };
    row(key, value)
}

/// One namespace, to be filled.
#[derive(Default)]
struct Store {
    images: Vec<Row<Image>>,
    containers: Vec<Row<Container>>,
    snapshots: Vec<Row<SnapshotRow>>,
    blobs: Vec<Row<BlobRow>>,
    ingests: Vec<Row<IngestRow>>,
    leases: Vec<Row<Lease>>,
    sandboxes: Vec<Row<Sandbox>>,
    old_sandboxes: Vec<Row<Sandbox>>,
}

impl Store {
    /// The releases in which an object is held.
    fn held(self, kind: Kind, key: &str, schema: i64) -> Vec<&'static str> {
        let meta = MetaDb {
            version: Some(schema),
            namespaces: Known::Whole(vec![Namespace {
                name: Text::from("ns"),
                at: Some(at("ns")),
                labels: Labels::default(),
                images: Known::Whole(self.images),
                containers: Known::Whole(self.containers),
                snapshots: Known::Whole(vec![Snapshots {
                    snapshotter: Text::from("ss"),
                    sequence: 9,
                    at: at("ss"),
                    rows: Known::Whole(self.snapshots),
                }]),
                blobs: Known::Whole(self.blobs),
                ingests: Known::Whole(self.ingests),
                leases: Known::Whole(self.leases),
                sandboxes: Known::Whole(self.sandboxes),
                old_sandboxes: Known::Whole(self.old_sandboxes),
                unknown: std::collections::BTreeMap::new(),
            }]),
            troubles: Vec::new(),
            roots: Vec::new(),
        };
        let graph = Graph::of_records(&meta);
        let id = Id {
            namespace: Text::from("ns"),
            kind,
            key: Text::from(key),
        };
        let index = graph.find(&id).expect("the object");
        let holds = |release: &Release| {
            let rules = Rules {
                release: *release,
                schema: Some(schema),
            };
            Marks::new(&graph, rules, NOW).held(index).holds(NOW)
        };
        let held = Release::ALL.into_iter().filter(holds);
        held.map(Release::name).collect()
    }
}

const ALL: [&str; 6] = ["1.6", "1.7", "2.0", "2.1", "2.2", "2.3"];
const NONE: [&str; 0] = [];

/// The releases from `first` on.
fn since(first: &str) -> &'static [&'static str] {
    let at = ALL.iter().position(|release| *release == first).unwrap();
    ALL.get(at..).unwrap()
}

#[test]
fn labels_of_a_container_keep_what_they_name_in_the_releases_that_read_them() {
    for (label, want) in [
        ("ref.content", since("1.6")),
        ("ref.content.l.0", since("1.6")),
        ("ref.contents", &NONE[..]),
        ("bref.content", &NONE[..]),
    ] {
        let store = Store {
            containers: vec![container("c", "", &[(label, "b")])],
            blobs: vec![blob("b", &[])],
            ..Store::default()
        };
        assert_eq!(store.held(Kind::Blob, "b", 4), want, "{label}");
    }
    let store = Store {
        containers: vec![container("c", "", &[("ref.image", "i")])],
        images: vec![image("i", "b", &[("expire", "2020-01-01T00:00:00Z")])],
        ..Store::default()
    };
    // Up to 1.7 no image ever ends.
    assert_eq!(store.held(Kind::Image, "i", 4), ALL);
}

#[test]
fn images_end_since_2_0_and_with_them_what_they_alone_keep() {
    let ended = [("expire", "2020-01-01T00:00:00Z")];
    for (of, want) in [
        (&ended[..], &ALL[..2]),
        (&[("expire", "never")], &ALL),
        (&[], &ALL),
    ] {
        let store = || Store {
            images: vec![image("i", "b", of)],
            blobs: vec![blob("b", &[("ref.snapshot.ss/x", "s")])],
            snapshots: vec![snapshot("s", None, &[])],
            ..Store::default()
        };
        assert_eq!(store().held(Kind::Image, "i", 4), want, "{of:?}");
        assert_eq!(store().held(Kind::Snapshot, "ss/s", 4), want, "{of:?}");
    }
    // A lease may hold it since then.
    let store = Store {
        images: vec![image("i", "b", &ended)],
        blobs: vec![blob("b", &[])],
        leases: vec![lease(&[("flat", "")], &[], &["i"], &[])],
        ..Store::default()
    };
    assert_eq!(store.held(Kind::Blob, "b", 4), ALL);
}

#[test]
fn a_root_is_one_label_and_since_2_2_all_that_begin_so() {
    for (label, want) in [
        ("root", since("1.6")),
        ("root.keep", since("2.2")),
        ("roo", &NONE[..]),
    ] {
        let store = Store {
            snapshots: vec![
                snapshot("s", Some("p"), &[(label, "x")]),
                snapshot("p", None, &[]),
            ],
            ..Store::default()
        };
        assert_eq!(store.held(Kind::Snapshot, "ss/p", 4), want, "{label}");
    }
}

#[test]
fn sandboxes_count_where_their_release_looks_for_them() {
    let of = [("ref.content", "b")];
    for (new, old, schema, want) in [
        (vec![sandbox(&of)], vec![], 4, since("1.7")),
        (vec![], vec![sandbox(&of)], 3, since("2.0")),
        (vec![], vec![sandbox(&of)], 4, &NONE[..]),
    ] {
        let store = Store {
            sandboxes: new,
            old_sandboxes: old,
            blobs: vec![blob("b", &[])],
            ..Store::default()
        };
        assert_eq!(store.held(Kind::Blob, "b", schema), want, "schema {schema}");
    }
}

#[test]
fn back_references_keep_the_child_while_its_parent_is_kept() {
    let child = |label: &str, value: &str| vec![blob("child", &[(label, value)])];
    let parents = |blobs: Vec<Row<BlobRow>>| Store {
        images: vec![image("i", "target", &[])],
        containers: vec![container("c", "s", &[("ref.content.gone", "phantom")])],
        snapshots: vec![snapshot("s", None, &[]), snapshot("lost", None, &[])],
        blobs,
        ..Store::default()
    };
    for (label, value, want) in [
        ("bref.image", "i", since("2.2")),
        ("bref.image.x", "i", since("2.2")),
        ("bref.images", "i", &NONE[..]),
        ("bref.container", "c", since("2.2")),
        ("bref.snapshot.ss", "s", since("2.2")),
        ("bref.snapshot.ss", "lost", &NONE[..]),
        // The parent needs no record: that something kept refers to it is enough.
        ("bref.content", "phantom", since("2.2")),
        ("bref.content", "nobody", &NONE[..]),
    ] {
        let store = parents(child(label, value));
        assert_eq!(
            store.held(Kind::Blob, "child", 4),
            want,
            "{label} = {value}"
        );
    }
}

#[test]
fn conditions_keep_a_snapshot_for_as_long_as_it_was_used_of_late() {
    // Used an hour before now.
    let used = [("cond.value-usedat", "2027-01-15T07:00:00Z")];
    assert_eq!(Time::parse("2027-01-15T08:00:00Z").unwrap(), NOW);
    for (condition, want) in [
        ("usedat<2h|s", since("2.3")),
        ("usedat<30m|s", &NONE[..]),
        ("usedat>30m|s", since("2.3")),
        ("usedat>2h,usedat<61m|s", since("2.3")),
        ("usedat<2h", &NONE[..]),
        ("other<2h|s", &NONE[..]),
    ] {
        let store = Store {
            images: vec![image("i", "b", &[("cond.snapshot.ss/x", condition)])],
            snapshots: vec![snapshot("s", None, &used)],
            ..Store::default()
        };
        assert_eq!(store.held(Kind::Snapshot, "ss/s", 4), want, "{condition}");
    }
}

#[test]
fn a_flat_lease_holds_without_references_but_a_snapshot_with_its_parents() {
    for (of, want_child) in [(&[("flat", "")][..], &NONE[..]), (&[], &ALL)] {
        let store = || Store {
            leases: vec![lease(of, &["b"], &[], &["s"])],
            blobs: vec![blob("b", &[("ref.content", "child")]), blob("child", &[])],
            snapshots: vec![
                snapshot("s", Some("p"), &[("ref.content", "child")]),
                snapshot("p", None, &[("ref.content", "child")]),
            ],
            ..Store::default()
        };
        assert_eq!(store().held(Kind::Blob, "child", 4), want_child);
        assert_eq!(store().held(Kind::Snapshot, "ss/p", 4), ALL);
        assert_eq!(store().held(Kind::Blob, "b", 4), ALL);
    }
}

#[test]
fn an_ingest_lives_to_its_time_and_keeps_the_blob_that_it_stands_for() {
    let before = Time::new(NOW.seconds.saturating_sub(1), 0);
    for (expires, want) in [(Some(NOW), &ALL[..]), (Some(before), &NONE), (None, &NONE)] {
        let store = Store {
            ingests: vec![ingest("i", expires, "b")],
            blobs: vec![blob("b", &[])],
            ..Store::default()
        };
        assert_eq!(store.held(Kind::Blob, "b", 4), want, "{expires:?}");
    }
}
