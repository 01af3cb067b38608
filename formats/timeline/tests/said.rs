//! Lines whose meaning is known, and starts of the daemon, stand in the timeline.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use evidence::{Evidence, Options};
use timeline::{Subject, Wanted, What};

#[test]
fn starts_and_known_lines_have_their_times() {
    let path = testcase::testdata().join("journals/starts/node.tar.zst");
    let evidence = Evidence::open(&path, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &node::Said::default()).remove(0);
    let node = node::Node::open(&evidence, roots, node::Options::default());
    let mut found: Vec<Subject> = Vec::new();
    let options = timeline::Options {
        carve: false,
        files: false,
        layers: false,
    };
    timeline::gather(
        &evidence,
        &node,
        (&Wanted::default(), options),
        &measure::Control::default(),
        &mut |subject| {
            found.push(subject.clone());
            Ok(())
        },
    )
    .unwrap();
    let of = |kind: &str| found.iter().filter(|one| one.kind == kind).count();
    assert_eq!(of("start of"), 11);
    let panics = found.iter().filter(|one| one.more == "bolt-page-id");
    assert!(panics.clone().count() > 5);
    for panic in panics {
        assert!(matches!(panic.times.as_slice(), [(What::Said, _)]));
        assert!(panic.message().contains("Page expected to be"));
    }
}
