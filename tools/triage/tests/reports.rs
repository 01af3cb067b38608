//! Nodes of public reports (`testdata/reports`), and what is right about each, as real daemons showed.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests panic where something is wrong"
)]

use cli::try_run;
use coroner_triage::TOOL;
use serde_json::Value;

/// The findings of a node.
fn findings(name: &str) -> Vec<Value> {
    let path = testcase::testdata()
        .join("reports")
        .join(name)
        .join("node.tar.zst");
    let path = path.to_str().expect("path").to_owned();
    let words = ["triage", "--format", "json"]
        .map(str::to_owned)
        .into_iter()
        .chain([path]);
    let (text, _) = try_run(&TOOL, words);
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    json["answer"]["findings"]
        .as_array()
        .expect("findings")
        .clone()
}

/// The findings of one code.
fn findings_of<'f>(findings: &'f [Value], code: &str) -> Vec<&'f Value> {
    findings
        .iter()
        .filter(|finding| finding["code"] == code)
        .collect()
}

/// Commands of a finding's ways out, as they are shown.
fn commands(finding: &Value) -> Vec<String> {
    let ways = finding["ways"].as_array().map_or(&[][..], Vec::as_slice);
    let steps = ways
        .iter()
        .flat_map(|way| way["steps"].as_array().expect("steps"));
    steps
        .filter_map(|step| Some(step["command"]["rendered"].as_str()?.to_owned()))
        .collect()
}

#[test]
fn an_image_whose_record_has_a_wrong_media_type_is_unusable() {
    let found = findings("image-mediatype-wrong");
    let wrong = findings_of(&found, "image/media-type");
    // In default and in k8s.io.
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    for finding in wrong {
        assert_eq!(finding["severity"], "damage");
        assert_eq!(finding["found"], "text/html");
        let commands = commands(finding);
        assert!(
            commands.iter().any(|it| it.contains(" pull ")),
            "{commands:?}"
        );
        assert!(
            !commands.iter().any(|it| it.contains("content rm")),
            "{commands:?}"
        );
    }
}

#[test]
fn a_running_container_without_its_folder_of_pipes_becomes_unknown() {
    let found = findings("cri-io-folder-gone");
    let wrong = findings_of(&found, "cri/io-missing");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0]["severity"], "damage");
    let does = wrong[0]["at_start"][0]["does"].as_str().expect("does");
    assert!(does.contains("cannot attach"), "{does}");
    assert!(!wrong[0]["ways"].as_array().expect("ways").is_empty());
}

#[test]
fn a_write_with_wrong_bytes_blocks_every_pull() {
    let found = findings("ingest-wrong-bytes");
    let wrong = findings_of(&found, "ingest/blocks-pull");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert_eq!(wrong[0]["severity"], "damage");
    assert!(findings_of(&found, "ingest/complete").is_empty());
    let commands = commands(wrong[0]);
    assert!(
        commands.iter().any(|it| it.starts_with("mv ")),
        "{commands:?}"
    );
    assert!(
        !commands.iter().any(|it| it.starts_with("rm ")),
        "{commands:?}"
    );
}

#[test]
fn a_lease_of_the_build_cache_has_an_owner() {
    let found = findings("buildkit-cache-lease");
    assert!(findings_of(&found, "lease/ownerless").is_empty());
    let owned = findings_of(&found, "lease/owned");
    assert_eq!(owned.len(), 1, "{owned:?}");
    let message = owned[0]["message"].as_str().expect("message");
    assert!(message.contains("BuildKit's build cache"), "{message}");
    let commands = commands(owned[0]);
    assert_eq!(commands, ["docker builder prune"]);
}
