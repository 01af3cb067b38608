//! The simulated garbage collection of captures, whose owners are known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use daemon::Release;
use daemon::gc::{self, Collection, Fate, Until};
use evidence::{Evidence, Options};
use finding::{Text, Time};
use node::graph::{Id, Kind};
use node::{Node, Said};

fn open(tar: &testcase::Tar) -> Node {
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    Node::open(&evidence, roots[0].clone(), node::Options::default())
}

fn capture(name: &str) -> Node {
    open(&testcase::node(name))
}

fn release(name: &str) -> Release {
    Release::of_version(&format!("{}.0", name.split('-').next().unwrap())).unwrap()
}

fn lease(namespace: &str, key: &str) -> Id {
    Id {
        namespace: Text::from(namespace),
        kind: Kind::Lease,
        key: Text::from(key),
    }
}

fn deleted(collection: &Collection) -> Vec<String> {
    let records = collection.records.iter();
    let records = records.filter(|record| record.fate == Fate::Deleted);
    records.map(|record| record.id.to_string()).collect()
}

#[test]
fn of_a_stopped_node_the_expired_lease_goes_and_nothing_else_of_a_pod_or_image() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let node = capture(name);
        let collection = gc::simulate(&node, release(name), node.now).unwrap();
        assert_eq!(collection.failure, None);
        assert!(collection.unknown.is_empty(), "{:?}", collection.unknown);
        let gone = deleted(&collection);
        assert!(
            gone.contains(&"lease default/has-expired".to_owned()),
            "{name}: {gone:?}"
        );
        // `populate` leaves a View that nothing holds, if no collection has come since.
        let others: Vec<&String> = gone
            .iter()
            .filter(|id| {
                *id != "lease default/has-expired" && *id != "snapshot default/overlayfs/view"
            })
            .collect();
        assert!(others.is_empty(), "{name}: {others:?}");
        let record = collection.record(&lease("default", "has-expired")).unwrap();
        let ended = Time::parse("2020-01-02T03:04:05Z").unwrap();
        assert_eq!(record.held, Until::At(ended));
        let record = collection
            .record(&lease("default", "keeps-a-blob"))
            .unwrap();
        assert_eq!((&record.fate, record.held), (&Fate::Kept, Until::Forever));
    }
}

#[test]
fn what_a_lease_alone_holds_goes_when_it_ends() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let node = capture(name);
        let late = Time::parse("2040-01-02T03:04:05Z").unwrap();
        let still = gc::simulate(&node, release(name), late).unwrap();
        let after = Time::new(late.seconds, 1);
        let over = gc::simulate(&node, release(name), after).unwrap();
        let ingest = Id {
            kind: Kind::Ingest,
            ..lease("default", "half-way-leased")
        };
        for (collection, fate) in [(&still, Fate::Kept), (&over, Fate::Deleted)] {
            let id = lease("default", "expires-late");
            assert_eq!(collection.record(&id).unwrap().fate, fate, "{name}");
            assert_eq!(collection.record(&ingest).unwrap().fate, fate, "{name}");
            let stored = collection.content.ingests.iter();
            let mut stored =
                stored.filter(|ingest| ingest.name.to_string().contains("half-way-leased"));
            assert_eq!(stored.next().unwrap().fate, fate, "{name}");
        }
        let (chains, count) = still.chains(still.graph.find(&ingest).unwrap(), 9);
        assert_eq!((chains.len(), count), (1, 1));
        assert_eq!(chains[0].until, Until::At(late));
        assert_eq!(chains[0].steps.len(), 1);
    }
}

#[test]
fn an_interrupted_pull_is_held_by_its_lease_for_a_day() {
    for name in ["1.6-midpull", "1.7-midpull", "2.1-midpull"] {
        let node = capture(name);
        let now = gc::simulate(&node, release(name), node.now).unwrap();
        let tomorrow = Time::new(node.now.seconds + 90_000, 0);
        let later = gc::simulate(&node, release(name), tomorrow).unwrap();
        assert_eq!(now.writable_layers().count(), 0, "{name}");
        assert!(
            later.writable_layers().count() >= 1,
            "{name}: the layer that was being unpacked"
        );
        assert!(later.totals().ingests.deleted >= 1, "{name}");
        assert!(
            later.totals().leases.deleted > now.totals().leases.deleted,
            "{name}"
        );
    }
}

#[test]
fn nothing_is_deleted_for_a_reason_that_a_damaged_page_may_hide() {
    let mut tar = testcase::node("1.7-stopped");
    let path = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
    let whole = open(&tar);
    let before = gc::simulate(&whole, Release::V1_7, whole.now).unwrap();
    let pages = tar.member(path).data.len() / 4096;
    let mut seen = 0;
    for page in (4..pages).step_by(5) {
        let mut damaged = tar.clone();
        let data = &mut damaged.member(path).data;
        data.get_mut(page * 4096..(page + 1) * 4096)
            .unwrap()
            .fill(0);
        let node = open(&damaged);
        let Ok(after) = gc::simulate(&node, Release::V1_7, whole.now) else {
            continue;
        };
        for record in &before.records {
            let Some(now) = after.record(&record.id) else {
                continue;
            };
            // What is kept in truth may become undecided, never deleted.
            assert!(
                record.fate != Fate::Kept || now.fate != Fate::Deleted,
                "page {page}: {} would be deleted",
                record.id
            );
            seen += usize::from(now.fate == Fate::Unknown);
        }
        for backend in &before.backends {
            let same = after
                .backends
                .iter()
                .find(|run| run.snapshotter == backend.snapshotter);
            for row in same.iter().flat_map(|run| &run.rows) {
                let truth = backend
                    .rows
                    .iter()
                    .find(|truth| truth.key == row.key)
                    .unwrap();
                assert!(
                    truth.fate != Fate::Kept || matches!(row.fate, Fate::Kept | Fate::Unknown),
                    "page {page}: {} {:?}",
                    row.key,
                    row.fate
                );
            }
        }
    }
    assert!(seen > 0, "no page of the capture hides a reference");
}
