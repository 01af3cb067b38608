//! Recorded nodes, whole and with something taken away: who serves what, and what is left over.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests panic where something is wrong"
)]

use evidence::{Evidence, Options};
use node::{Node, Said, discover};
use tasks::{Condition, Kernel, Left, Shim};
use testcase::{Tar, recorded};

const RELEASES: [&str; 3] = ["bookworm", "trixie", "sid"];

fn look(tar: &Tar) -> (Vec<Shim>, Kernel) {
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    let roots = discover(&evidence, &Said::default()).into_iter().next();
    let processes = node::stored_processes(&evidence);
    let options = node::Options {
        processes: processes.clone(),
        ..node::Options::default()
    };
    let node = Node::open(&evidence, roots.expect("a node"), options);
    let (shims, _) = tasks::shims(&node, processes.as_deref());
    let kernel = Kernel::seen_on(&evidence, &node, processes.as_deref());
    (shims, kernel)
}

#[test]
fn the_recorded_shims_are_told_by_their_tasks() {
    for release in RELEASES {
        let (shims, _) = look(&recorded(&format!("{release}-daemon")));
        let serving: Vec<&Shim> = shims.iter().filter(|it| it.process.is_some()).collect();
        assert!(!serving.is_empty(), "{release}");
        for shim in serving {
            assert!(
                shim.namespace.is_some() && shim.group.is_some(),
                "{release}: {shim:?}"
            );
            assert_eq!(
                shim.conditions.len(),
                shim.ways.len(),
                "{release}: {shim:?}"
            );
        }
    }
}

#[test]
fn a_shim_that_is_stopped_is_continued_and_nothing_else_is_done() {
    for release in RELEASES {
        let (shims, _) = look(&recorded(&format!("{release}-daemon")));
        let stopped = |it: &&Shim| it.conditions.contains(&Condition::ShimStopped);
        let stopped: Vec<&Shim> = shims.iter().filter(stopped).collect();
        assert!(!stopped.is_empty(), "{release}");
        for shim in stopped {
            let pid = shim.process.as_ref().map(|it| it.pid).unwrap();
            let commands = shim.ways.iter().flat_map(finding::Remedy::commands);
            let commands: Vec<String> = commands.map(ToString::to_string).collect();
            assert_eq!(commands, [format!("kill -CONT {pid}")], "{release}");
        }
    }
}

#[test]
fn what_is_in_use_is_not_left() {
    for release in RELEASES {
        let (_, kernel) = look(&recorded(&format!("{release}-daemon")));
        assert!(
            kernel.mounts_known && !kernel.mounts.is_empty(),
            "{release}"
        );
        assert!(
            kernel.mounts.iter().all(|it| it.conditions.is_empty()),
            "{release}"
        );
    }
}

/// The state and the bundle of a container are removed whose shim is dead: its root stays mounted, its process stays in its cgroup.
#[test]
fn what_nobody_knows_any_more_is_left() {
    for release in RELEASES {
        let mut tar = recorded(&format!("{release}-orphans"));
        let (_, before) = look(&tar);
        assert_eq!(before.conditions().count(), 0, "{release}");
        tar.remove("run/containerd/runc/default/cd-shim-died");
        tar.remove("run/containerd/io.containerd.runtime.v2.task/default/cd-shim-died");
        let (_, after) = look(&tar);
        let found: Vec<(String, Left, usize)> = after
            .conditions()
            .map(|(name, left, way)| (name.to_string(), left, way.commands().count()))
            .collect();
        let has = |end: &str, wanted: Left, commands: usize| {
            let mut all = found.iter();
            all.any(|(name, left, count)| {
                name.ends_with(end) && *left == wanted && *count == commands
            })
        };
        assert!(
            has("/cd-shim-died/rootfs", Left::RootfsLeft, 1),
            "{release}: {found:?}"
        );
        assert!(
            has("/cd-shim-died", Left::CgroupLeaked, 0),
            "{release}: {found:?}"
        );
        assert_eq!(found.len(), 2, "{release}: {found:?}");
    }
}
