//! What the graph answers of captures whose owners are known, asked without a command line.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use std::path::Path;

use daemon::gc;
use evidence::{Evidence, Options};
use finding::Text;
use measure::Control;
use node::graph::{Graph, Id, Kind, Via};
use node::{Node, Said};
use refs::owner::{Is, NoSnapshot};
use refs::why::{NoAnswer, Question};
use refs::{Df, Judged, Owners, Simulation, Why};

fn open(tar: &testcase::Tar) -> (Evidence, Node) {
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    (evidence, node)
}

fn capture(name: &str) -> (Evidence, Node) {
    open(&testcase::node(name))
}

const STOPPED: [&str; 3] = ["1.6-stopped", "1.7-stopped", "2.1-stopped"];

fn question(name: &str) -> Question<'_> {
    Question {
        name,
        chains: 10,
        ..Question::default()
    }
}

/// An object of the graph that has a record, by how its key begins.
fn record<'g>(graph: &'g Graph, kind: Kind, begins: &str) -> &'g Id {
    let mut all = graph.objects().filter(|(_, object)| object.at.is_some());
    let found = all.find(|(_, object)| {
        object.id.kind == kind && object.id.key.to_string().starts_with(begins)
    });
    &found.unwrap().1.id
}

#[test]
fn a_pod_leads_to_its_containers_and_an_image_to_its_layers() {
    for name in STOPPED {
        let (_, node) = capture(name);
        let graph = node.graph();
        let is = |wanted: fn(&Via) -> bool| {
            let objects = graph.objects();
            let edges = objects.flat_map(|(_, object)| &object.edges);
            edges.filter(|edge| wanted(&edge.via)).count()
        };
        assert!(is(|via| *via == Via::Sandbox) > 0, "{name}");
        assert!(is(|via| *via == Via::Member) > 0, "{name}");
        assert!(is(|via| *via == Via::ChainId) > 0, "{name}");
        for (index, object) in graph.objects() {
            // Whoever uses something is among its users, and the other way round.
            for used in graph.uses(index).into_iter().skip(1) {
                let used = graph.get(used).unwrap();
                if object.id.kind == Kind::Container && used.id.kind == Kind::Snapshot {
                    let (snapshotter, key) = used.id.snapshot_parts().unwrap();
                    let users = graph.users_of_snapshot(&used.id.namespace, &snapshotter, &key);
                    assert!(users.contains(&object.id.object()), "{name} {}", object.id);
                }
                if object.id.kind == Kind::Image && used.id.kind == Kind::Blob {
                    let digest = content::Digest::parse_bytes(used.id.key.bytes()).unwrap();
                    let users = graph.users_of_blob(&digest);
                    assert!(users.contains(&object.id.object()), "{name} {}", object.id);
                }
            }
        }
    }
}

#[test]
fn the_collector_never_follows_what_only_documents_say() {
    for name in STOPPED {
        let (_, node) = capture(name);
        let judged = Judged::judge_node(&node, None, None);
        let whole = gc::simulate(&node, judged.daemon, judged.at).unwrap();
        let records = Graph::of_records(node.meta.rows.as_ref().unwrap());
        let marks = gc::Marks::new(&records, whole.rules, judged.at);
        for (index, object) in records.objects() {
            let same = whole.graph.find(&object.id).unwrap();
            assert_eq!(whole.marks.held(same), marks.held(index), "{}", object.id);
        }
    }
}

#[test]
fn a_name_is_one_object_or_several_or_none() {
    let (_, node) = capture("1.7-stopped");
    let judged = Judged::judge_node(&node, None, None);
    let why = Why::answer_why(&node, &judged, &question("has-exp")).unwrap();
    assert_eq!(why.objects.len(), 1);
    assert_eq!(why.objects[0].id.kind, Kind::Lease);
    assert!(!why.objects[0].held.holds(judged.at));
    let several = Why::answer_why(&node, &judged, &question("sha256:")).unwrap_err();
    assert!(matches!(several, NoAnswer::Several(names) if names.len() == 5));
    let absent = Why::answer_why(&node, &judged, &question("nobody")).unwrap_err();
    let want = NoAnswer::Absent {
        unknown: Vec::new(),
        is_on_disk: false,
    };
    assert_eq!(absent, want);
}

#[test]
fn a_blob_without_a_record_is_on_disk_and_unkept() {
    let mut tar = testcase::node("1.7-stopped");
    let digest = content::Digest::sha256_of(b"nobody knows it");
    let path = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/";
    tar.add(&format!("{path}{}", digest.hex()), b"nobody knows it");
    let (_, node) = open(&tar);
    let judged = Judged::judge_node(&node, None, None);
    let absent = Why::answer_why(&node, &judged, &question(digest.hex())).unwrap_err();
    assert!(matches!(
        absent,
        NoAnswer::Absent {
            is_on_disk: true,
            ..
        }
    ));
    let collection = gc::simulate(&node, judged.daemon, judged.at).unwrap();
    let simulation = Simulation::new(
        &node,
        &collection,
        &refs::gc::Measured::default(),
        (false, false),
    );
    let all = simulation.deleted.iter().chain(&simulation.left);
    let stray = all.filter(|item| item.key == digest.as_str());
    assert_eq!(stray.count(), 1);
    assert!(!simulation.fails());
}

#[test]
fn a_layer_belongs_to_its_image_and_to_what_stands_on_it() {
    for name in STOPPED {
        let (evidence, node) = capture(name);
        let owners = Owners::new(&evidence, &node, Path::new("/"));
        let graph = node.graph();
        let container = record(graph, Kind::Container, "sleeper");
        let index = graph.find(container).unwrap();
        let layer = graph.uses(index)[1];
        let layer = graph.get(layer).unwrap();
        let path = layer.path.clone().unwrap().to_string();
        let inner = Path::new(&path).join("fs/bin/sh");
        let owned = owners.owners_of_path(&inner).unwrap();
        assert_eq!(owned.len(), 1);
        let Is::Snapshot { inner, chain, .. } = &owned[0].is else {
            panic!("{name}: {:?}", owned[0].is);
        };
        assert_eq!(*inner, Some(Text::from("/bin/sh")));
        assert!(chain.len() > 1, "{name}");
        let own: Vec<_> = owned[0].users.iter().filter(|user| user.own).collect();
        assert_eq!(own[0].object, container.object(), "{name}");
        let refused = owners.owners_of_path(Path::new("999999")).unwrap_err();
        assert_eq!(refused, NoSnapshot(999_999));
    }
}

#[test]
fn every_byte_of_an_image_is_its_own_or_shared() {
    for name in STOPPED {
        let (evidence, node) = capture(name);
        let judged = Judged::judge_node(&node, None, None);
        let df = Df::measure_usage(&evidence, &node, &judged, Some(&Control::default()), true);
        assert!(df.measured && df.unknown.is_empty(), "{name}");
        assert!(df.images.iter().any(|image| image.containers > 0));
        for image in &df.images {
            assert_eq!(image.bytes, image.unique + image.shared);
            assert_eq!(image.bytes, image.blobs + image.snapshots);
        }
        let pods = df.containers.iter().filter(|line| line.pod.is_some());
        assert!(pods.count() > 0, "{name}");
        assert!(df.containers.iter().all(|line| !line.image.is_empty()));
        let fast = Df::measure_usage(&evidence, &node, &judged, None, false);
        assert!(!fast.measured && fast.layers.is_none());
    }
}
