//! Images out of captures: as they were, and rebuilt where their layers were discarded.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests panic where something is wrong, and read what they wrote"
)]

use std::path::Path;

use evidence::{Evidence, Options};
use export::{Exported, Order, Output, needed};
use finding::Refused;
use measure::Control;
use node::{Node, Said};

fn export(name: &str, image: &str, only_blobs: bool, to: &Path) -> Result<Exported, Refused> {
    let tar = testcase::node(name).write();
    let evidence = Evidence::open_stream(tar.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    let store = names::store(&node)?;
    let target = names::blob(&node, image)?;
    let documents = target.documents(&evidence, &node);
    let wanted = needed(&documents, &target);
    let control = Control::default();
    let blobs = store.blobs.iter();
    let blobs = blobs.filter(|blob| wanted.contains(&blob.digest));
    let hashes = measure::hash(&evidence, blobs, &control).blobs;
    let order = Order {
        evidence: &evidence,
        node: &node,
        store,
        target: &target,
        documents: &documents,
        hashes: &hashes,
        platform: None,
        docker: false,
        only_blobs,
    };
    let plan = order.plan(&control)?;
    assert!(plan.bytes() > 0);
    let file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(to)
        .unwrap();
    let output = Output::archive(to.to_owned(), Box::new(file));
    order.write(plan, output, &control)
}

#[test]
fn what_is_whole_is_written_as_it_is_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("app.tar");
    let exported = export("1.7-stopped", "images.example/app:1", false, &to).unwrap();
    assert!(exported.rebuilt.is_empty());
    assert_eq!(exported.form, "oci-archive");
    assert_eq!(exported.size, Some(std::fs::metadata(&to).unwrap().len()));
    assert!(exported.files.iter().any(|file| file.path == "index.json"));
}

#[test]
fn layers_that_were_discarded_are_rebuilt_or_the_export_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("app.tar");
    let exported = export("1.7-discarded", "images.example/app:1", false, &to).unwrap();
    assert!(!exported.rebuilt.is_empty());
    assert_ne!(exported.root, exported.target);
    for rebuilt in &exported.rebuilt {
        assert!(rebuilt.entries > 0, "{rebuilt:?}");
    }
    let none = folder.path().join("none.tar");
    let refused = export("1.7-discarded", "images.example/app:1", true, &none).unwrap_err();
    assert!(!refused.is_question && refused.why.contains("can be exported"));
    assert!(!none.exists());
}
