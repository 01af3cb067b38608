//! `bolt carve` as it is run: on every damaged file within 64 MiB, and what it prints of real ones.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read their own data"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use testcase::Effort;

use serde_json::Value;

/// A debug build is some thirty times slower than a release build, for which the bound is a second.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 30 } else { 1 });

/// Runs the verb with at most 64 MiB of memory of its own (RLIMIT_DATA).
fn carve(file: &Path, options: &str) -> Output {
    let line = format!(
        "ulimit -d 65536; exec '{}' carve {options} '{}'",
        env!("CARGO_BIN_EXE_coroner-bolt"),
        file.display()
    );
    Command::new("sh").args(["-c", &line]).output().unwrap()
}

#[test]
fn every_damaged_file_ends_soon_and_small() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("case.db");
    let goods = testcase::bolt_goods().into_iter();
    let goods = goods.map(|name| (name.clone(), testcase::bolt_good(&name)));
    let cases = testcase::bolt_cases().into_iter();
    let cases = cases.map(|(name, _, bytes)| (name, bytes));
    let mut count = 0;
    for (name, bytes) in goods.chain(cases) {
        std::fs::write(&file, &bytes).unwrap();
        let start = Effort::start();
        let output = carve(&file, "");
        assert!(start.spent() < SOON, "{name}: {:?}", start.spent());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(0 | 8)),
            "{name}: {:?} {error}",
            output.status
        );
        assert!(!error.contains("panicked"), "{name}: {error}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("Found: ") || !error.is_empty(),
            "{name}: {text}"
        );
        count += 1;
    }
    assert!(count > 150, "{count}");
}

/// The meta.db of a real node of 1.7 on which objects were made and deleted.
fn real(folder: &Path) -> std::path::PathBuf {
    let packed = testcase::testdata().join("carve/1.7/meta.db.zst");
    let bytes = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
    let file = folder.join("meta.db");
    std::fs::write(&file, bytes).unwrap();
    file
}

#[test]
fn filters_pick_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let file = real(folder.path());
    let objects = |options: &str| -> Vec<Value> {
        let output = carve(&file, &format!("--format json {options}"));
        assert_eq!(output.status.code(), Some(0), "{options}");
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let answer = document.pointer("/answer/objects").unwrap();
        answer.as_array().unwrap().clone()
    };
    let field = |object: &Value, name: &str| object.get(name).unwrap().clone();
    let all = objects("--limit 0");
    let deleted = objects("--status deleted --kind container");
    assert!(deleted.len() >= 10 && deleted.len() < all.len());
    for object in &deleted {
        assert_eq!(field(object, "status"), "deleted");
        assert_eq!(field(object, "kind"), "container");
    }
    assert_eq!(objects("--limit 3").len(), 3);
    let time = field(deleted.last().unwrap(), "created");
    let since = objects(&format!(
        "--status deleted --kind container --from {}",
        time.as_str().unwrap()
    ));
    assert_eq!(since.len(), 1);
    let below = objects("-b v1 -b default -b snapshots");
    assert!(!below.is_empty());
    assert!(
        below
            .iter()
            .all(|object| field(object, "kind") == "snapshot")
    );
    let live = objects("--status live");
    assert!(live.iter().all(|object| field(object, "status") == "live"));
}

#[test]
fn details_say_how_each_thing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let file = real(folder.path());
    let output = carve(&file, "--status older --details");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("freed by 469: the tree of the transaction before has its page"),
        "{text}"
    );
    let output = carve(
        &file,
        "--schema none --details --raw -b v1 -b default -b containers",
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("bucket named by page"), "{text}");
    let output = carve(&file, "--schema none --kind image");
    assert_eq!(output.status.code(), Some(16));
}
