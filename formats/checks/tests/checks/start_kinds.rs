//! Links, FIFOs and files in the place of what a start opens: 39 states, each started once on 1.6.20,
//! 1.7.24 and 2.1.9 (`docs/preflight.md`), and the few of which what was foretold was wrong.

use checks::start::Outcome;
use checks::{Measured, Start};
use testcase::Tar;

use crate::opened;

const FIFO: u8 = b'6';
const LINK: u8 = b'2';
const ROOT: &str = "var/lib/containerd";
const STATUS: &str = "/status";

/// What a start comes to, whether it may be tried, and the first line.
fn foretold(tar: &Tar) -> (Outcome, bool, Start, String) {
    let node = opened::node(tar);
    let report = checks::judge(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let one = verdict.predictions.first().unwrap();
    (one.outcome, one.has_cri, verdict.start, verdict.sentence)
}

/// A capture in which something else stands at a path; a link leads nowhere (what a tar of some
/// folders says nothing of could be there: so it leads to the same folder).
fn with(node: &str, path: &str, kind: u8) -> Tar {
    let mut tar = testcase::node(node);
    tar.remove(path);
    let to = if kind == LINK { "nowhere" } else { "" };
    tar.push(path, kind, to, b"");
    tar
}

const NODES: [&str; 3] = ["1.6-stopped", "1.7-stopped", "2.1-stopped"];

#[test]
fn a_fifo_is_waited_for() {
    for name in NODES {
        let cri = format!("{ROOT}/io.containerd.grpc.v1.cri/containers/");
        let status = testcase::node(name).paths(&cri, STATUS).remove(0);
        for path in ["etc/containerd/config.toml", &status] {
            let (outcome, _, start, sentence) = foretold(&with(name, path, FIFO));
            assert_eq!(
                (outcome, start),
                (Outcome::Hangs, Start::No),
                "{name} {path}: {sentence}"
            );
        }
        let file = if name.starts_with("2.") {
            "/bootstrap.json"
        } else {
            "/address"
        };
        let running = name.replace("stopped", "running");
        let tasks =
            testcase::node(&running).paths("run/containerd/io.containerd.runtime.v2.task/", file);
        let (outcome, _, start, sentence) = foretold(&with(&running, tasks.first().unwrap(), FIFO));
        assert_eq!(
            (outcome, start),
            (Outcome::Hangs, Start::No),
            "{running}: {sentence}"
        );
    }
}

#[test]
fn a_configuration_that_leads_nowhere_is_none() {
    for name in NODES {
        let (outcome, has_cri, _, sentence) =
            foretold(&with(name, "etc/containerd/config.toml", LINK));
        assert_eq!(
            (outcome, has_cri),
            (Outcome::Boots, true),
            "{name}: {sentence}"
        );
        assert!(!sentence.contains("normally."), "{sentence}");
    }
}

#[test]
fn folders_that_are_none_cost_what_they_cost() {
    let tasks = format!("{ROOT}/io.containerd.runtime.v2.task");
    let overlay = format!("{ROOT}/io.containerd.snapshotter.v1.overlayfs");
    let bolt = format!("{ROOT}/io.containerd.metadata.v1.bolt");
    for name in NODES {
        for kind in [FIFO, LINK] {
            let (outcome, has_cri, start, sentence) = foretold(&with(name, &tasks, kind));
            let told = (outcome, has_cri, start);
            assert_eq!(
                told,
                (Outcome::CriDead, false, Start::No),
                "{name}: {sentence}"
            );
            let (outcome, ..) = foretold(&with(name, &overlay, kind));
            let is_old = name.starts_with("1.");
            let want = if is_old {
                Outcome::CriDead
            } else {
                Outcome::Dead
            };
            assert_eq!(outcome, want, "{name}");
            let (outcome, ..) = foretold(&with(name, &bolt, kind));
            assert_eq!(outcome, Outcome::Dead, "{name}");
        }
    }
    for part in ["", "/ingest"] {
        let path = format!("{ROOT}/io.containerd.content.v1.content{part}");
        let (outcome, ..) = foretold(&with("1.6-stopped", &path, LINK));
        assert_eq!(outcome, Outcome::Dead, "{path}");
    }
}
