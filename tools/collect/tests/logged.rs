//! What the daemons said goes with a bundle, and is read there as on the node.
#![allow(
    clippy::unwrap_used,
    reason = "a test may fail, and makes the evidence that it reads"
)]

use std::path::Path;
use std::process::Command;

use evidence::{Evidence, Options};
use logs::{Gathered, Program, Start};

fn gathered(path: &Path) -> Gathered {
    let evidence = Evidence::open(path, &Options::default()).unwrap();
    logs::gather(
        &evidence,
        &logs::Options::default(),
        &measure::Control::default(),
    )
}

/// How each start ended, and when it began.
fn told(gathered: &Gathered) -> Vec<String> {
    let starts = logs::starts(&gathered.lines, Program::Containerd);
    let told = |start: &Start| format!("{:?} {:?}", start.at, start.ended);
    starts.iter().map(told).collect()
}

#[test]
fn a_bundle_tells_of_the_same_starts() {
    let node = testcase::testdata().join("journals/starts/node.tar.zst");
    let work = tempfile::tempdir().unwrap();
    let pack = |name: &str, more: &[&str]| {
        let output = work.path().join(name);
        Command::new(env!("CARGO_BIN_EXE_coroner-collect"))
            .arg(&node)
            .arg("-o")
            .arg(&output)
            .args(more)
            .output()
            .unwrap();
        output
    };
    let here = told(&gathered(&node));
    assert!(here.len() > 5);
    for more in [&[][..], &["--redact"]] {
        let there = gathered(&pack(&format!("bundle{}.tar.zst", more.len()), more));
        assert_eq!(told(&there), here, "{more:?}");
        assert!(logs::is_loop(&logs::starts(
            &there.lines,
            Program::Containerd
        )));
        // Panics are one line with their goroutines there, too.
        assert!(there.lines.iter().any(|line| line.more_lines > 10));
    }
    assert!(
        gathered(&pack("none.tar.zst", &["--logs", "0"]))
            .lines
            .is_empty()
    );
}
