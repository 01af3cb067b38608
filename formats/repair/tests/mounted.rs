//! Layers that a container has mounted: nothing is changed below it, and the rest is repaired all the same.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use evidence::{Evidence, Options};
use node::Said;
use repair::Request;
use repair::plan::{MadeOf, Plan};

const STORE: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";

fn plan(tar: &testcase::Tar, table: &str) -> Plan {
    let packed = tar.write();
    let mut evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let request = Request {
        mounts: process::mounts(table.as_bytes()),
        ..Request::new(
            roots.into_iter().next().unwrap(),
            finding::Time::parse("2026-11-29T00:00:00Z").unwrap(),
        )
    };
    repair::make(&mut evidence, &request).unwrap().plan
}

/// The directories of layers that a plan unpacks again, each with those below it.
fn unpacked(plan: &Plan) -> Vec<(String, Vec<String>)> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let layers = plan.steps.iter().filter_map(|step| match &step.made_of {
        MadeOf::Layer { below, .. } => {
            let below = below.iter().map(|path| name(path)).collect();
            Some((name(&step.path), below))
        }
        _ => None,
    });
    layers.collect()
}

fn overlay(lower: &str) -> String {
    format!(
        "700 29 0:60 / /run/containerd/io.containerd.runtime.v2.task/default/held/rootfs rw,relatime - overlay overlay \
         rw,lowerdir={lower},upperdir=/{STORE}/snapshots/900/fs,workdir=/{STORE}/snapshots/900/work\n"
    )
}

#[test]
fn what_is_mounted_is_left_and_named() {
    let node = testcase::node("1.7-stopped");
    let mut tar = node.clone();
    // A layer that stands on others, and all of those.
    let stack = (1..60).find_map(|number| {
        let mut tar = node.clone();
        tar.remove(&format!("{STORE}/snapshots/{number}"));
        unpacked(&plan(&tar, ""))
            .into_iter()
            .find(|(_, below)| !below.is_empty())
    });
    let (top, below) = stack.unwrap();
    let bottom = below.last().unwrap();
    for number in below.iter().chain([&top]) {
        tar.remove(&format!("{STORE}/snapshots/{number}"));
    }
    // Of other snapshotters, and of nobody: all are made again, the lowest first.
    let free = plan(&tar, &overlay("/elsewhere/snapshots/1/fs"));
    let made = |number: &str, plan: &Plan| unpacked(plan).iter().position(|(one, _)| one == number);
    assert!(made(bottom, &free).unwrap() < made(&top, &free).unwrap());
    let named = |plan: &Plan, number: &str, why: &str| {
        let mut unknown = plan.unknown.iter();
        unknown.any(|line| line.contains(&format!("directory {number})")) && line.contains(why))
    };
    // By its whole path, and from inside the folder of all.
    for lower in [
        format!("/{STORE}/snapshots/{bottom}/fs"),
        format!("{bottom}/fs:777/fs"),
    ] {
        let held = plan(&tar, &overlay(&lower));
        assert!(named(&held, bottom, "has it mounted"), "{:?}", held.unknown);
        // What stands on it would have nothing to stand on.
        assert!(
            named(&held, &top, "below it is not there"),
            "{:?}",
            held.unknown
        );
        assert_eq!(unpacked(&held), []);
    }
    // What a container has mounted of the top alone keeps nobody from the bottom.
    let held = plan(&tar, &overlay(&format!("{top}/fs:777/fs")));
    assert!(made(bottom, &held).is_some());
    assert!(named(&held, &top, "has it mounted"), "{:?}", held.unknown);
}
