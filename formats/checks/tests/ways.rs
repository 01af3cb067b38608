//! Ways out say what they take away.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Action, Loss, Step};
use node::{Node, Said};

/// The steps of all ways out of a node without its meta.db, whose unit is this.
fn steps(unit: &str) -> Vec<Step> {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove("var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db");
    tar.add("etc/systemd/system/containerd.service", unit.as_bytes());
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(
        &evidence,
        roots.into_iter().next().unwrap(),
        node::Options::default(),
    );
    let report = checks::judge(&node, &Measured::default());
    let lost = report.findings.into_iter();
    let lost = lost.filter(|finding| finding.code.name == "store/meta-missing");
    let ways = lost.flat_map(|finding| finding.ways);
    ways.flat_map(|way| way.steps).collect()
}

fn stops(steps: &[Step]) -> impl Iterator<Item = &Step> {
    steps.iter().filter(|step| match &step.action {
        Action::Command(command) => command.to_string().starts_with("systemctl stop"),
        _ => false,
    })
}

#[test]
fn a_stop_that_ends_every_container_says_so() {
    let kills = steps("[Service]\nExecStart=/usr/bin/containerd\n");
    let spares = steps("[Service]\nExecStart=/usr/bin/containerd\nKillMode=process\n");
    assert_eq!(stops(&kills).count(), 1, "{kills:#?}");
    assert_eq!(stops(&spares).count(), 1, "{spares:#?}");
    for stop in stops(&kills) {
        assert!(!stop.loses.objects().is_empty(), "{stop:?}");
        assert!(!stop.is_undoable);
    }
    for stop in stops(&spares) {
        assert_eq!(stop.loses, Loss::Nothing);
        assert!(stop.is_undoable);
    }
}
