//! Ways out say what they take away.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use checks::Measured;
use evidence::{Evidence, Options};
use finding::{Action, Finding, Loss, Step};
use node::{Node, Said};
use testcase::Tar;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

/// The findings of a node.
fn judge(tar: &Tar) -> Vec<Finding> {
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(
        &evidence,
        roots.into_iter().next().unwrap(),
        node::Options::default(),
    );
    checks::judge(&node, &Measured::default()).findings
}

/// The steps of all ways out of a node without its meta.db, whose unit is this.
fn steps(unit: &str) -> Vec<Step> {
    let mut tar = testcase::node("1.7-stopped");
    tar.remove(META);
    tar.add("etc/systemd/system/containerd.service", unit.as_bytes());
    let lost = judge(&tar).into_iter();
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

/// Where two things are wrong, the way out of one does not end with the start that the other forbids.
#[test]
fn no_way_out_starts_what_another_finding_forbids() {
    let starts = |tar: &Tar| -> Vec<(&'static str, String)> {
        let findings = judge(tar);
        let steps = findings.iter().flat_map(|finding| {
            let steps = finding.ways.iter().flat_map(|way| &way.steps);
            steps.map(|step| (finding.code.name, step))
        });
        let starts = steps.filter(|(_, step)| {
            let command = step.command().map(ToString::to_string).unwrap_or_default();
            command.starts_with("systemctl start")
        });
        starts
            .map(|(code, step)| (code, step.condition.clone().unwrap_or_default()))
            .collect()
    };
    let mut tar = testcase::node("2.1-stopped");
    tar.member("etc/containerd/config.toml").data = b"version = 3 [[[".to_vec();
    let alone = starts(&tar);
    assert!(
        alone.iter().all(|(_, when)| !when.contains("repaired")),
        "{alone:?}"
    );
    tar.remove(META);
    let both = starts(&tar);
    assert!(both.len() > alone.len() && !alone.is_empty(), "{both:?}");
    for (code, when) in both {
        let held = when.contains("store/meta-missing is repaired");
        assert_eq!(held, code == "config/unusable", "{code}: {when}");
    }
}
