//! Evidence that is a part of a node: what was not copied is not missing.

#![expect(clippy::unwrap_used, reason = "tests panic where something is wrong")]

use std::fs;

use checks::Measured;
use evidence::{Evidence, Options};
use finding::Severity;
use node::{Node, Said};

/// Codes above a note of what is said of evidence.
fn judged(evidence: &Evidence) -> Vec<&'static str> {
    let roots = node::discover(evidence, &Said::default());
    let options = node::Options::default();
    let node = Node::open(evidence, roots.into_iter().next().unwrap(), options);
    let report = checks::judge(&node, &Measured::default());
    let findings = report.findings.into_iter();
    let above = findings.filter(|finding| finding.severity > Severity::Note);
    above.map(|finding| finding.code.name).collect()
}

/// A capture of which only some paths were kept.
fn part(keeps: &[&str]) -> testcase::Tar {
    let mut tar = testcase::node("1.7-stopped");
    tar.members.retain(|member| {
        let path = String::from_utf8_lossy(&member.path).into_owned();
        keeps
            .iter()
            .any(|kept| path.starts_with(kept) || kept.starts_with(&path))
    });
    tar
}

#[test]
fn an_archive_of_the_stores_alone_is_healthy() {
    for keeps in [
        &["var/lib/containerd"][..],
        &["var/lib/containerd", "run/containerd"],
        &["var/lib/containerd", "run", "etc/containerd"],
    ] {
        let packed = part(keeps).write();
        let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        assert_eq!(judged(&evidence), Vec::<&str>::new(), "{keeps:?}");
    }
}

/// Directories and files of a part, in a folder; then what is said of its network.
fn network(keeps: &[&str]) -> Vec<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    for member in part(keeps).members {
        let path = folder.path().join(String::from_utf8(member.path).unwrap());
        match member.header[156] {
            b'5' => fs::create_dir_all(path).unwrap(),
            b'0' => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, member.data).unwrap();
            }
            _ => {}
        }
    }
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    let mut codes = judged(&evidence);
    codes.retain(|code| code.starts_with("cni/"));
    codes
}

#[test]
fn a_folder_of_the_stores_alone_says_nothing_of_the_network() {
    let stores = "var/lib/containerd/io.containerd.";
    let (meta, cri) = (
        format!("{stores}metadata.v1.bolt"),
        format!("{stores}grpc.v1.cri"),
    );
    let copy = [meta.as_str(), &cri, "etc/containerd"];
    assert_eq!(network(&copy), Vec::<&str>::new());
    // Beside a machine's settings, those of a network would have been copied, too.
    let machine = [meta.as_str(), &cri, "etc/containerd", "etc/os-release"];
    assert_eq!(network(&machine), ["cni/no-config"]);
}
