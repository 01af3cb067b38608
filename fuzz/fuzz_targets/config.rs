//! Any bytes as the config.toml of a node that has nothing else: read, its stores looked for, judged
//! as each release would read it.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use evidence::{Evidence, Options};
use node::{Node, Said};

/// A member of a POSIX tar.
fn member(tar: &mut Vec<u8>, name: &str, kind: u8, data: &[u8]) {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", data.len()).as_bytes());
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend(header);
    tar.extend(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

bounded_target!(|data: &[u8]| {
    let mut tar = Vec::new();
    member(&mut tar, "etc/containerd/config.toml", b'0', data);
    member(&mut tar, "etc/containerd/conf.d/more.toml", b'0', data);
    member(&mut tar, "var/lib/containerd/", b'5', b"");
    tar.resize(tar.len() + 1024, 0);
    let Ok(evidence) = Evidence::open_stream(tar.as_slice(), &Options::default()) else {
        return;
    };
    for roots in node::discover(&evidence, &Said::default())
        .into_iter()
        .take(2)
    {
        let node = Node::open(&evidence, roots, node::Options::default());
        let report = checks::judge(&node, &checks::Measured::default());
        for finding in &report.findings {
            let shown = format!("{} {}", finding.location, finding.message);
            assert!(!shown.chars().any(char::is_control), "{shown:?}");
        }
        let release = daemon::detect(&node.traces);
        let verdict = checks::verdict(&node, &report, &release, node.now);
        for line in verdict.would.iter().chain([&verdict.sentence]) {
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
});
