//! Whatever else keeps containerd from starting: what a start would delete leads the answer, and nothing that
//! starts the daemon stands before what makes that start safe.

use checks::{Measured, Start, Verdict};
use finding::{Finding, Step};
use testcase::Tar;

use crate::opened;

const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const CONFIG: &str = "etc/containerd/config.toml";
const UNIT: &str = "etc/systemd/system/containerd.service";
const NODES: [&str; 3] = ["1.6-stopped", "1.7-stopped", "2.1-stopped"];

type Edit = (&'static str, fn(&mut Tar));

/// By which a start would delete what is still there.
const DELETES: &[Edit] = &[
    ("meta.db gone", |tar| tar.remove(META)),
    ("meta.db empty", |tar| tar.member(META).data.clear()),
    ("metadata.db gone", |tar| tar.remove(BACKEND)),
    ("metadata.db empty", |tar| tar.member(BACKEND).data.clear()),
];

/// By which there is no start.
const ENDS: &[Edit] = &[
    ("program gone", |tar| {
        tar.add("usr/bin/containerd-shim-runc-v2", b"#!");
        tar.add("usr/bin/runc", b"#!");
        tar.add(UNIT, b"[Service]\nExecStart=/usr/bin/containerd\n");
    }),
    ("unit masked", |tar| {
        tar.remove(UNIT);
        tar.push(UNIT, b'2', "/dev/null", b"");
    }),
    ("config is no TOML", |tar| {
        tar.member(CONFIG).data = b"version = 2\n[plugins\n".to_vec();
    }),
    ("config of a later version", |tar| {
        tar.member(CONFIG).data = b"version = 9\n".to_vec();
    }),
    ("an import is gone", |tar| {
        tar.member(CONFIG).data =
            b"version = 2\nimports = [\"/etc/containerd/none.toml\"]\n".to_vec();
    }),
    ("a plugin is required that is not there", |tar| {
        tar.member(CONFIG).data =
            b"version = 2\nrequired_plugins = [\"io.containerd.none.v1.none\"]\n".to_vec();
    }),
    ("a wrong type", |tar| {
        tar.member(CONFIG).data = b"version = 2\noom_score = \"low\"\n".to_vec();
    }),
    ("two commands", |tar| {
        let unit =
            b"[Service]\nExecStart=/usr/bin/containerd\nExecStart=/usr/bin/containerd -l debug\n";
        tar.add(UNIT, unit);
    }),
];

fn judged(tar: &Tar) -> (Vec<Finding>, Verdict) {
    let node = opened::node(tar);
    let report = checks::judge_all(&node, &Measured::default());
    let release = daemon::detect(&node.traces);
    let verdict = checks::verdict(&node, &report, &release, node.now);
    let report = checks::with_verdict(report, &verdict, &node);
    let forbidding = checks::Forbidding::new(&report, &verdict);
    let mut report = checks::with_ways(&node, report, &forbidding);
    checks::put_in_order(&mut report.findings, &verdict);
    (report.findings, verdict)
}

fn starts(step: &Step) -> bool {
    step.command().is_some_and(|command| {
        let words = command.to_string();
        ["start", "unmask", "restart"]
            .iter()
            .any(|verb| words.starts_with(&format!("systemctl {verb}")))
    })
}

#[test]
fn what_a_start_would_delete_leads_whatever_ends_it() {
    let mut ended = 0;
    for name in NODES {
        for (deletes, delete) in DELETES {
            let mut tar = testcase::node(name);
            delete(&mut tar);
            let (_, alone) = judged(&tar);
            assert_eq!(alone.start, Start::No, "{name}, {deletes}");
            let is_deletion = alone
                .sentence
                .starts_with("Do not start containerd: it would delete");
            let first: Vec<&str> = alone
                .predictions
                .iter()
                .flat_map(checks::start::Prediction::forbidding)
                .filter_map(|it| it.code)
                .collect();
            for (ends, end) in ENDS {
                let told = format!("{name}, {deletes}, {ends}");
                let mut tar = testcase::node(name);
                delete(&mut tar);
                end(&mut tar);
                let (findings, verdict) = judged(&tar);
                assert_eq!(verdict.start, Start::No, "{told}");
                assert!(
                    verdict.sentence.starts_with("Do not start containerd"),
                    "{told}: {}",
                    verdict.sentence
                );
                if is_deletion {
                    assert!(
                        verdict.sentence.contains("it would delete"),
                        "{told}: {}",
                        verdict.sentence
                    );
                }
                let leads = findings.first().unwrap().code.name;
                assert!(
                    first.contains(&leads),
                    "{told}: {leads} leads, not {first:?}"
                );
                if verdict.predictions.iter().any(|one| !one.later.is_empty()) {
                    ended += 1;
                }
                // Of another finding than the one that makes it safe, no start without a condition.
                for finding in findings.iter().filter(|it| !first.contains(&it.code.name)) {
                    let steps = finding.ways.iter().flat_map(|way| &way.steps);
                    for step in steps.filter(|step| starts(step)) {
                        let condition = step.condition.as_deref().unwrap_or_default();
                        assert!(
                            condition.contains("preflight` does not forbid"),
                            "{told}, {}: {step:?}",
                            finding.code.name
                        );
                    }
                }
            }
        }
    }
    assert!(ended >= 24, "{ended}: an edit does not end the start");
}

/// Without anything that a start would delete, the first line is of what ends it.
#[test]
fn what_ends_the_start_alone_is_said_as_before() {
    for name in NODES {
        for (ends, end) in ENDS {
            let mut tar = testcase::node(name);
            end(&mut tar);
            let (_, verdict) = judged(&tar);
            let told = format!("{name}, {ends}: {}", verdict.sentence);
            assert!(
                verdict.predictions.iter().all(|one| one.later.is_empty()),
                "{told}"
            );
            assert!(
                !verdict.sentence.contains("do not fix that first"),
                "{told}"
            );
        }
    }
}
