//! Names that are secrets by themselves: containers, images, files, folders, networks that are named like tokens.
//! None is left in a masked bundle, and what was found by its name is found by the other one.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    clippy::format_push_string,
    dead_code,
    reason = "a test may fail, and makes the evidence that it reads"
)]

#[path = "../../../formats/redact/tests/planted/plants.rs"]
mod planted;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use evidence::{Evidence, Options};
use planted::{Secrets, found, rename_database};
use testcase::Tar;

/// Places where a name stands that somebody chose.
const PLACES: [(&str, &str); 34] = [
    (
        "etc/cni/net.d/10-{S}.conflist",
        r#"{"cniVersion":"1.0.0","name":"x","plugins":[{"type":"bridge"}]}"#,
    ),
    (
        "etc/cni/net.d/12-net.conflist",
        r#"{"cniVersion":"1.0.0","name":"{S}","plugins":[{"type":"{S}","bridge":"{S}"}]}"#,
    ),
    (
        "etc/containerd/certs.d/{S}.example/hosts.toml",
        "server = \"https://r.example\"\n",
    ),
    (
        "etc/containerd/certs.d/a.example/{S}.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ),
    ("etc/containerd/{S}/more.toml", "version = 2\n"),
    (
        "etc/systemd/system/containerd.service.d/10-{S}.conf",
        "[Service]\nLimitNOFILE=1024\n",
    ),
    ("var/lib/cni/networks/{S}/10.88.9.2", "x\neth0"),
    ("var/lib/cni/networks/pods/{S}.bak", "10.0.0.1\n"),
    (
        "var/lib/cni/results/{S}-a-eth0",
        r#"{"kind":"cniCacheV1","containerId":"{S}","ifName":"eth0","networkName":"{S}"}"#,
    ),
    (
        "run/containerd/runc/default/{S}/state.json",
        r#"{"id":"{S}","init_process_pid":7,"config":{"rootfs":"/{S}","hostname":"{S}"}}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/{S}/config.json",
        r#"{"ociVersion":"1.1.0","hostname":"{S}","root":{"path":"{S}"},"mounts":[{"destination":"/{S}","source":"/srv/{S}","type":"bind"}]}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/{S}/web/init.pid",
        "7",
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/{S}/log.json",
        r#"{"level":"error","msg":"open /srv/{S}: no such file"}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/a1/config.json",
        r#"{"linux":{"cgroupsPath":"/{S}/a","namespaces":[{"type":"network","path":"/run/netns/{S}"}]},"annotations":{"{S}":"true"}}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/a2/config.json",
        r#"{"process":{"cwd":"/{S}","apparmorProfile":"{S}","selinuxLabel":"{S}"},"hooks":{"prestart":[{"path":"/opt/{S}","args":["/opt/{S}","{S}"]}]}}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/a3/options.json",
        r#"{"BinaryName":"/opt/{S}/runc","Root":"/run/{S}"}"#,
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/a4/runtime",
        "/opt/{S}/runc",
    ),
    (
        "run/containerd/io.containerd.runtime.v2.task/default/a5/address",
        "unix:///run/{S}/s",
    ),
    (
        "run/containerd/io.containerd.grpc.v1.cri/sandboxes/{S}/shm/x",
        "",
    ),
    (
        "var/lib/containerd/io.containerd.grpc.v1.cri/containers/{S}/status",
        r#"{"Version":"v1","Reason":"{S}"}"#,
    ),
    (
        "var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{S}/hostname",
        "{S}\n",
    ),
    (
        "var/lib/containerd/io.containerd.content.v1.content/ingest/{S}/ref",
        "default/1/layer-{S}",
    ),
    (
        "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/{S}/x",
        "",
    ),
    (
        "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/new-{S}/x",
        "",
    ),
    ("var/lib/containerd/{S}/x", ""),
    ("var/log/pods/default_{S}_uid/a/0.log", ""),
    ("var/log/pods/{S}_web_uid/{S}/0.log", ""),
    ("var/log/pods/default_web_{S}/a/0.log", ""),
    ("run/containerd/fifo/{S}/a-stdout", ""),
    ("run/containerd/s/{S}", ""),
    ("run/runc/{S}/state.json", r#"{"id":"{S}"}"#),
    ("run/netns/{S}", ""),
    ("opt/cni/bin/{S}", ""),
    ("etc/hostname", "{S}\n"),
];

/// Forms that look like nothing else: an id, a digest and a UUID are names of things.
fn is_named_like_an_id(secret: &str) -> bool {
    secret
        .bytes()
        .all(|byte| byte == b'-' || (byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()))
}

/// Everything in a bundle: as it is packed, as a tar, each member.
fn pieces(bundle: &[u8]) -> Vec<(String, Vec<u8>)> {
    let tar = zstd::decode_all(bundle).unwrap();
    let members = Tar::read_tar(&tar).members.into_iter();
    let mut pieces: Vec<_> = members
        .map(|member| {
            (
                String::from_utf8_lossy(&member.path).into_owned(),
                member.data,
            )
        })
        .collect();
    pieces.push(("the tar".to_owned(), tar));
    pieces
}

fn collect(tar: &Tar, work: &Path, more: &[&str]) -> Vec<u8> {
    let (node, bundle) = (work.join("node.tar"), work.join("bundle"));
    std::fs::write(&node, tar.write()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner-collect"));
    let done = command
        .arg(&node)
        .arg("-o")
        .arg(&bundle)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(matches!(done.status.code(), Some(0 | 8)), "{said}");
    let bytes = std::fs::read(&bundle).unwrap();
    std::fs::remove_file(&bundle).unwrap();
    bytes
}

/// How many findings of each code there are in a bundle.
fn codes(bundle: &[u8]) -> BTreeMap<&'static str, usize> {
    let evidence = Evidence::open_stream(bundle, &Options::default()).unwrap();
    let roots = node::discover(&evidence, &node::Said::default()).remove(0);
    let node = node::Node::open(&evidence, roots, node::Options::default());
    let report = checks::judge_all(&node, &checks::Measured::default());
    let mut codes = BTreeMap::new();
    for finding in &report.findings {
        *codes.entry(finding.code.name).or_default() += 1;
    }
    codes
}

fn none_is_left(name: &str, secrets: &Secrets, bundle: &[u8]) {
    let left = found(&secrets.all, &pieces(bundle));
    for (place, secret, at) in &left {
        eprintln!("{name}: {place}: {secret} in {at}");
    }
    assert!(
        left.is_empty(),
        "{name}: {} of {} are left",
        left.len(),
        secrets.all.len()
    );
}

/// Each name that a program chose is one of as many letters that is a secret: in databases, paths and records.
#[test]
fn objects_that_are_named_like_secrets_are_found_by_other_names() {
    for (seed, name) in [(3, "1.6-running"), (4, "1.7-stopped"), (5, "2.1-running")] {
        let mut tar = testcase::node(name);
        let is_id =
            |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut ids: Vec<String> = tar
            .paths("var/lib/containerd/io.containerd.grpc.v1.cri/", "")
            .iter()
            .flat_map(|path| {
                path.split('/')
                    .filter(|part| is_id(part))
                    .map(str::to_owned)
            })
            .collect();
        ids.sort();
        ids.dedup();
        assert!(ids.len() >= 4, "{}", ids.len());
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let mut names = vec![(
            "images.example/app:1".to_owned(),
            "zkqwrtpsdfg.io/app:1".to_owned(),
        )];
        secrets
            .all
            .push(("an image".to_owned(), "zkqwrtpsdfg".to_owned()));
        for id in ids {
            let word = secrets.token(64);
            secrets
                .all
                .push((format!("the container {id}"), word.clone()));
            names.push((id, word));
        }
        for member in &mut tar.members {
            let is_database = member.path.ends_with(b".db") && member.data.len() > 4096;
            for (old, new) in &names {
                replace(&mut member.path, old.as_bytes(), new.as_bytes());
                if !is_database {
                    replace(&mut member.data, old.as_bytes(), new.as_bytes());
                }
            }
            if is_database {
                member.data = rename_database(&member.data, &names);
            }
        }
        let work = tempfile::tempdir().unwrap();
        let open = collect(&tar, work.path(), &[]);
        let masked = collect(&tar, work.path(), &["--redact"]);
        none_is_left(name, &secrets, &masked);
        assert_eq!(codes(&open), codes(&masked), "{name}");
    }
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(old.len()).position(|part| part == old) {
        bytes[at + found..at + found + new.len()].copy_from_slice(new);
        at += found + new.len();
    }
}

#[test]
fn files_and_folders_that_are_named_like_secrets_are_masked() {
    for (seed, name) in [(6, "1.6-stopped"), (7, "1.7-running"), (8, "2.1-stopped")] {
        let mut tar = testcase::node(name);
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        for (path, text) in PLACES {
            // The forms go round: each place gets several of them.
            for round in 0..4 {
                let path = path.replace("a1/", &format!("a1{round}/"));
                let path = path.replace(
                    "hostname",
                    if round == 0 { "hostname" } else { "hostname2" },
                );
                let filled = String::from_utf8(secrets.fill(&path, &path)).unwrap();
                let bytes = secrets.fill(&path, text);
                // A path with a slash more is another one.
                tar.remove(&filled);
                tar.add(&filled, &bytes);
            }
        }
        secrets
            .all
            .retain(|(_, secret)| !is_named_like_an_id(secret));
        assert!(secrets.all.len() > 120, "{}", secrets.all.len());
        let work = tempfile::tempdir().unwrap();
        let masked = collect(&tar, work.path(), &["--redact"]);
        none_is_left(name, &secrets, &masked);
    }
}
