//! `content verify`: layers that are not what they should be, samples, limits, resumption.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test may fail, and reads what it wrote"
)]

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use cli::Exit;
use content::Digest;
use coroner_content::TOOL;
use serde_json::Value;
use testcase::Tar;

const BLOBS: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256";
const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
/// The manifest of `default/images.example/app:1`, and its upper layer.
const MANIFEST: &str = "a829dfa48ac9564d90b6cd2e87f515cb5fac938bad7296a430437eb43009d2da";
const LAYER: &str = "bf8935b29841b61e1b6c84cdb0cede180c8729042499dfeb1297132e8277d17d";

fn run(node: &Path, args: &[&str]) -> (String, Exit) {
    let mut words: Vec<OsString> = vec!["content".into(), "verify".into(), node.into()];
    words.extend(args.iter().map(OsString::from));
    words.push("--quiet".into());
    cli::try_run(&TOOL, words)
}

fn json(node: &Path, args: &[&str]) -> (Value, Exit) {
    let (text, exit) = run(node, &[args, &["--format", "json"]].concat());
    let json: Value = serde_json::from_str(&text).unwrap();
    (json["answer"].clone(), exit)
}

/// The capture, with another upper layer in the image `app`: as if it had been built and pushed
/// like that, so that every digest but the diffID is right.
fn with_layer(layer: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let mut node = testcase::node("1.7-stopped");
    let digest = Digest::sha256_of(layer).hex().to_owned();
    let manifest = node.member(&format!("{BLOBS}/{MANIFEST}")).data.clone();
    let manifest = String::from_utf8(manifest).unwrap();
    let manifest = manifest.replace(LAYER, &digest);
    let manifest = manifest.replace("\"size\":595", &format!("\"size\":{}", layer.len()));
    let name = Digest::sha256_of(manifest.as_bytes()).hex().to_owned();
    node.add(&format!("{BLOBS}/{digest}"), layer);
    node.add(&format!("{BLOBS}/{name}"), manifest.as_bytes());
    // The targets of its images; the key of its row stays, and is nobody's.
    let meta = node.member(META).data.clone();
    let mut at = 0;
    let mut new = meta.clone();
    let needle = format!("digestsha256:{MANIFEST}").into_bytes();
    let mut found = 0;
    while at + needle.len() <= meta.len() {
        if meta[at..].starts_with(&needle) {
            new[at..at + needle.len()].copy_from_slice(format!("digestsha256:{name}").as_bytes());
            found += 1;
        }
        at += 1;
    }
    assert!(found > 0);
    node.member(META).data = new;
    write(&node)
}

fn write(node: &Tar) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.tar");
    fs::write(&path, node.write()).unwrap();
    (folder, path)
}

fn gzip(bytes: impl Read) -> Vec<u8> {
    let mut packed = Vec::new();
    let level = flate2::Compression::best();
    flate2::read::GzEncoder::new(bytes, level)
        .read_to_end(&mut packed)
        .unwrap();
    packed
}

/// The codes that are found besides those of the surgery: rows for the new blobs there are none.
fn codes(answer: &Value) -> Vec<String> {
    let findings = answer["findings"].as_array().unwrap().iter();
    let codes = findings.map(|finding| finding["code"].as_str().unwrap().to_owned());
    codes.filter(|code| code.starts_with("layer/")).collect()
}

fn tar_of(name: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    for (to, from) in header.as_mut_bytes().iter_mut().zip(name.as_bytes()) {
        *to = *from;
    }
    header.set_mode(0o644);
    header.set_size(5);
    header.set_cksum();
    builder.append(&header, &b"bytes"[..]).unwrap();
    builder.into_inner().unwrap()
}

#[test]
fn a_layer_that_inflates_to_something_else_is_found() {
    let (_kept, node) = with_layer(&gzip(tar_of("other").as_slice()));
    // Every digest is right: without --layers there is nothing to be seen.
    let (answer, _) = json(&node, &[]);
    assert_eq!(answer["tally"]["bad"], 0, "{answer}");
    assert_eq!(codes(&answer), Vec::<String>::new());
    let (answer, exit) = json(&node, &["--layers"]);
    assert!(exit.has(Exit::FINDINGS));
    assert_eq!(codes(&answer), ["layer/diff-id"], "{answer}");
    let layer = Digest::sha256_of(&gzip(tar_of("other").as_slice()));
    let (text, _) = run(&node, &["--layers"]);
    assert!(
        text.contains(&format!("the layer {layer} inflates to")),
        "{text}"
    );
}

#[test]
fn a_layer_that_cannot_be_unpacked_is_found() {
    let good = gzip(tar_of("file").as_slice());
    let mut damaged_tar = tar_of("file");
    damaged_tar[100] ^= 1;
    for layer in [
        good[..good.len() - 9].to_vec(),
        gzip(damaged_tar.as_slice()),
        b"no layer at all, and longer than a block of a tar is ".repeat(20),
    ] {
        let (_kept, node) = with_layer(&layer);
        let (answer, exit) = json(&node, &["--layers"]);
        assert!(exit.has(Exit::FINDINGS));
        assert!(
            codes(&answer).contains(&"layer/damaged".to_owned()),
            "{answer}"
        );
        assert_eq!(answer["tally"]["bad"], 0, "{answer}");
    }
}

#[test]
fn a_name_that_climbs_is_found() {
    let (_kept, node) = with_layer(&gzip(tar_of("../../etc/cron.d/x").as_slice()));
    let (answer, _) = json(&node, &["--layers"]);
    assert_eq!(codes(&answer), ["layer/diff-id", "layer/entry"], "{answer}");
}

/// 16 GiB in half a MiB: it ends at the budget and is not known, which is no fault of the store; the blob
/// is hashed all the same.
#[test]
fn a_bomb_ends_at_the_budget_and_is_not_verified() {
    let frame = zstd::encode_all(io::repeat(0).take(256 << 20), 19).unwrap();
    let bomb = frame.repeat(64);
    assert!(bomb.len() < 600_000);
    let (_kept, node) = with_layer(&bomb);
    let (answer, exit) = json(&node, &["--layers", "--max-inflate", "300M"]);
    assert!(exit.has(Exit::UNREAD));
    assert_eq!(codes(&answer), Vec::<&str>::new(), "{answer}");
    let unchecked = answer["unchecked"].as_array().unwrap();
    assert_eq!(unchecked.len(), 1);
    let why = unchecked[0]["why"].as_str().unwrap();
    assert!(why.contains("--max-inflate"), "{why}");
    assert_eq!(
        (&answer["tally"]["bad"], &answer["tally"]["cut"]),
        (&0.into(), &0.into())
    );
}

/// What `triage --layers` finds of layers.
fn triaged(node: &Path, args: &[&str]) -> Vec<String> {
    let mut words: Vec<OsString> = vec!["triage".into(), node.into()];
    words.extend(args.iter().map(OsString::from));
    words.extend(["--quiet", "--format", "json"].map(OsString::from));
    let (text, _) = cli::try_run(&coroner_triage::TOOL, words);
    let json: Value = serde_json::from_str(&text).unwrap();
    codes(&json["answer"])
}

/// A blob that nothing was unpacked from is read, too: a stream that is cut, and another diffID.
#[test]
fn a_triage_of_layers_finds_the_same() {
    let other = gzip(tar_of("other").as_slice());
    let (_kept, node) = with_layer(&other);
    assert_eq!(triaged(&node, &[]), Vec::<String>::new());
    assert_eq!(triaged(&node, &["--layers"]), ["layer/diff-id"]);
    let (_kept, node) = with_layer(&other[..other.len() - 9]);
    assert_eq!(triaged(&node, &["--layers"]), ["layer/damaged"]);
}

#[test]
fn a_label_that_lies_is_found() {
    let mut node = testcase::node("1.7-stopped");
    let label = b"containerd.io/uncompressedsha256:";
    let meta = &mut node.member(META).data;
    let mut found = 0;
    for at in 0..meta.len() - label.len() - 1 {
        if meta[at..].starts_with(label) {
            let digit = &mut meta[at + label.len()];
            *digit = if *digit == b'0' { b'1' } else { b'0' };
            found += 1;
        }
    }
    assert!(found > 0);
    let (_kept, node) = write(&node);
    let (answer, exit) = json(&node, &["--layers"]);
    assert!(exit.has(Exit::FINDINGS));
    assert!(
        codes(&answer).iter().all(|code| code == "layer/label"),
        "{answer}"
    );
    assert!(!codes(&answer).is_empty(), "{answer}");
    assert_eq!(codes(&json(&node, &[]).0), Vec::<String>::new());
}

#[test]
fn a_sample_says_what_it_left() {
    let node = testcase::node("1.7-stopped")
        .keep(&["content.v1.content/blobs", "meta.db"])
        .files();
    let all = json(node.path(), &[]).0["tally"]["good"].as_u64().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in ["0", "1", "2", "3"] {
        let (answer, exit) = json(node.path(), &["--sample", "20%", "--seed", seed]);
        assert_eq!(exit, Exit::CLEAN, "{answer}");
        let good = answer["tally"]["good"].as_u64().unwrap();
        let left = answer["sample"]["left"].as_array().unwrap();
        assert_eq!(good, all.div_ceil(5));
        assert_eq!(good + u64::try_from(left.len()).unwrap(), all);
        seen.insert(answer["sample"]["left"].to_string());
        let again = json(node.path(), &["--sample", "20%", "--seed", seed]);
        assert_eq!(again.0, answer);
    }
    assert!(seen.len() > 1, "each seed picks the same blobs");
    let (answer, _) = json(node.path(), &["--sample", "100%"]);
    assert_eq!(answer["tally"]["good"], all);
    let (text, _) = run(node.path(), &["--sample", "20%"]);
    assert!(text.contains("were not read."), "{text}");
    assert_eq!(run(node.path(), &["--sample", "5"]).1, Exit::USAGE);
    assert_eq!(run(node.path(), &["--seed", "5"]).1, Exit::USAGE);
}

#[test]
fn a_run_that_ended_goes_on() {
    let node = testcase::node("1.7-stopped")
        .keep(&["content.v1.content/blobs", "meta.db"])
        .files();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let resume = ["--resume", state.to_str().unwrap()];
    let with = |more: &[&str]| json(node.path(), &[&resume[..], more].concat());
    // No time at all: nothing is verified, and that is said.
    let (answer, exit) = with(&["--time-limit", "0s"]);
    assert_eq!(exit, Exit::UNREAD, "{answer}");
    assert_eq!(
        (&answer["late"], &answer["tally"]["good"]),
        (&true.into(), &0.into())
    );
    let all = answer["unchecked"].as_array().unwrap().len();
    // All of it; then nothing is left; with layers, the layers are.
    let (answer, exit) = with(&[]);
    assert_eq!((exit, &answer["resumed"]), (Exit::CLEAN, &0.into()));
    assert_eq!(answer["tally"]["good"], all);
    let (answer, _) = with(&[]);
    assert_eq!(
        (&answer["resumed"], &answer["tally"]["good"]),
        (&all.into(), &0.into())
    );
    let (answer, _) = with(&["--layers"]);
    let layers = answer["layers"].as_array().unwrap().len();
    assert!(layers > 3);
    assert_eq!(answer["tally"]["good"], layers);
    let (answer, _) = with(&["--layers"]);
    assert_eq!(answer["resumed"], all);
    // What has changed since is read again, even if size and mtime are as they were.
    let blob = node.path().join(BLOBS).join(LAYER);
    let times = fs::metadata(&blob).unwrap().modified().unwrap();
    let mut bytes = fs::read(&blob).unwrap();
    bytes[300] ^= 1;
    fs::write(&blob, &bytes).unwrap();
    fs::File::options()
        .write(true)
        .open(&blob)
        .unwrap()
        .set_modified(times)
        .unwrap();
    for _ in 0..2 {
        let (answer, exit) = with(&["--layers"]);
        assert_eq!(exit, Exit::FINDINGS, "{answer}");
        assert_eq!(answer["bad"].as_array().unwrap().len(), 1);
        assert_eq!(answer["resumed"], all - 1);
    }
    // A line that was cut, and garbage, are passed over.
    let text = fs::read(&state).unwrap();
    fs::write(&state, &text[..text.len() - 7]).unwrap();
    let (answer, _) = with(&[]);
    assert!(answer["resumed"].as_u64().unwrap() + 2 >= u64::try_from(all).unwrap());
}

#[test]
fn a_state_file_is_nobody_elses() {
    let node = testcase::node("1.7-stopped")
        .keep(&["content.v1.content/blobs", "meta.db"])
        .files();
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| {
        let (_, exit) = run(node.path(), &["--resume", path.to_str().unwrap()]);
        assert_eq!(exit, Exit::USAGE, "{}", path.display());
    };
    let foreign = folder.path().join("foreign");
    fs::File::create(&foreign)
        .unwrap()
        .write_all(b"a diary\n")
        .unwrap();
    refused(&foreign);
    assert_eq!(fs::read(&foreign).unwrap(), b"a diary\n");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
    refused(&link);
    refused(folder.path());
    // In the evidence, nothing is written.
    refused(&node.path().join("state"));
    refused(&node.path().join(BLOBS).join("state"));
    assert!(fs::metadata(node.path().join("state")).is_err());
}
