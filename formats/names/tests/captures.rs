//! Names that people give, and what of captures they mean.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]

use evidence::{Evidence, Options};
use node::{Node, Said};
use snapshots::Prefix;

fn capture(name: &str) -> (Evidence, Node) {
    let tar = testcase::node(name).write();
    let evidence = Evidence::open_stream(tar.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    (evidence, node)
}

#[test]
fn an_image_is_its_target_and_its_top_snapshot() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let (evidence, node) = capture(name);
        assert!(names::has_root(&node).is_ok());
        let images = node.meta.rows.as_ref().unwrap().namespaces().iter();
        let images = images.flat_map(|ns| {
            let rows = ns.images.read().into_iter().flatten();
            rows.map(move |row| format!("{}/{}", ns.name, row.key))
        });
        let mut unpacked = 0;
        for image in images {
            let target = names::blob(&node, &image).unwrap();
            assert_eq!(target.what, format!("image {image}"), "{name}");
            let documents = target.documents(&evidence, &node);
            assert!(documents.get(&target.digest).is_some(), "{name} {image}");
            if let Ok(picked) = names::snapshot(&node, &image, Some("overlayfs")) {
                assert!(picked.is_owned() && !picked.is_copy(), "{name} {image}");
                assert!(!picked.lineage().unwrap().is_empty());
                unpacked += 1;
            }
        }
        assert!(unpacked > 0, "{name}");
    }
}

#[test]
fn a_container_is_compared_with_what_it_stands_on() {
    let (evidence, node) = capture("1.7-stopped");
    let picked = names::snapshot(&node, "default/sleeper", None).unwrap();
    assert_eq!(picked.what, "container default/sleeper");
    let (base, tree) = picked.base(&evidence, Prefix::Trusted).unwrap();
    assert!(base.starts_with("its parent, "), "{base}");
    let own = picked.merged(&evidence, Prefix::Trusted).unwrap();
    assert_eq!(own.layers().len(), tree.layers().len() + 1);
}

#[test]
fn what_means_nothing_or_several_is_refused_and_never_guessed() {
    let (_, node) = capture("1.7-stopped");
    let absent = names::snapshot(&node, "nobody", None).unwrap_err();
    assert!(absent.is_question && absent.why.contains("is called nobody"));
    let several = names::snapshot(&node, "sha256:", None).unwrap_err();
    assert!(several.is_question && several.why.contains("may be any of"));
    let blob = names::blob(&node, "abcdef0123").unwrap_err();
    assert!(blob.is_question && blob.hint.is_some());
    assert!(names::directory(&node, "overlayfs/999999", None).is_err());
}

/// What `runtime ls` and crictl print is taken, too.
#[test]
fn names_of_pods_and_ids_of_images_are_names() {
    let (_, node) = capture("1.7-running");
    for name in ["server", "web/server", "apps/web/server"] {
        let picked = names::snapshot(&node, name, None).unwrap();
        assert!(
            picked.what.starts_with("container k8s.io/0fdac9bc5c58"),
            "{name}: {}",
            picked.what
        );
    }
    // Its pod has two.
    let several = names::snapshot(&node, "apps/web", None).unwrap_err();
    assert!(
        several.why.contains("may be any of container"),
        "{}",
        several.why
    );
    for name in ["208e68916baa", "sha256:208e68916baa"] {
        let image = names::image(&node, name).unwrap();
        assert!(image.what.starts_with("image k8s.io/sha256:208e68916baa"));
        let blob = names::blob(&node, name).unwrap();
        assert_ne!(blob.digest, image.digest, "a blob is still a blob");
    }
    // The same image in several namespaces has the same files.
    let image = names::snapshot(&node, "images.example/app:1", Some("overlayfs")).unwrap();
    assert!(image.what.starts_with("image "), "{}", image.what);
}
