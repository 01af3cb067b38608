//! What the viewing verbs show of a good file and of the same file with a leaf zeroed.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests read their own data"
)]

use std::path::{Path, PathBuf};

use cli::Exit;
use coroner_bolt::TOOL;

/// A good file, and the same with page 5, a leaf of 42 keys, zeroed.
fn files(name: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/bolt/good")
        .join(format!("{name}.zst"));
    let mut bytes = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
    let (good, bad) = (folder.path().join("good.db"), folder.path().join("bad.db"));
    std::fs::write(&good, &bytes).unwrap();
    bytes[5 * 4096..6 * 4096].fill(0);
    std::fs::write(&bad, &bytes).unwrap();
    (folder, good, bad)
}

fn run(arguments: &[&str]) -> (String, Exit) {
    let all = ["bolt"].iter().chain(arguments).copied();
    cli::try_run(&TOOL, all)
}

#[test]
fn a_zeroed_leaf_shows_in_every_view() {
    let (folder, good, bad) = files("1.4.3-flat-4096-unsynced.db");
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());

    let (text, exit) = run(&["check", bad]);
    assert!(
        exit.has(Exit::FINDINGS) && text.contains("Affected  flat"),
        "{text}"
    );
    assert!(
        text.contains("keys from key-00000042 to before key-00000084"),
        "{text}"
    );
    assert!(text.contains("or crashes"), "{text}");
    assert!(run(&["check", good]).0.ends_with("OK\n"));

    let (text, exit) = run(&["pages", "--map", bad]);
    assert!(
        exit == Exit::FINDINGS && text.contains("  0  MMLLL!LLL"),
        "{text}"
    );

    let drawing = folder.path().join("map.svg");
    run(&["pages", "--svg", drawing.to_str().unwrap(), bad]);
    let drawn = std::fs::read_to_string(&drawing).unwrap();
    assert!(drawn.contains("<title>page 5: damaged") && drawn.ends_with("</svg>\n"));

    let (text, exit) = run(&["stats", bad]);
    assert!(
        exit.has(Exit::UNREAD) && text.contains("2959 keys"),
        "{text}"
    );
    assert!(run(&["stats", good]).0.contains("3001 keys"));

    let (text, _) = run(&["diff", good, bad]);
    let unknown = text
        .lines()
        .filter(|line| line.starts_with("? flat > key-"))
        .count();
    let removed = text.lines().filter(|line| line.starts_with("- ")).count();
    assert_eq!((unknown, removed), (42, 0), "{text}");

    let (text, exit) = run(&["dump", bad, "--page", "5"]);
    assert!(
        text.contains("page 5: used\n") && text.contains("zeroes"),
        "{text}"
    );
    assert_eq!(exit, Exit::FINDINGS);
    let (text, _) = run(&["dump", good, "--page", "5", "--format", "json"]);
    for line in text.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }

    let (text, exit) = run(&["info", bad]);
    assert!(
        exit == Exit::CLEAN && text.contains("no process holds one"),
        "{text}"
    );
}

/// The new database has the same value, and is in order all the same.
#[test]
fn a_page_of_zeroes_in_a_value_is_copied_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/bolt/good/1.4.3-nested-4096-synced.db.zst");
    let mut bytes = zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap();
    // Two pages: wherever the value is copied to, one of them is a whole page.
    bytes[0x59000..0x5b000].fill(0);
    let bad = folder.path().join("bad.db");
    std::fs::write(&bad, &bytes).unwrap();
    let bad = bad.to_str().unwrap();
    let (text, exit) = run(&["check", bad]);
    assert!(
        exit == Exit::CLEAN && text.contains("bolt/value-zeroes"),
        "{text}"
    );
    let salvaged = folder.path().join("salvaged.db");
    let (text, exit) = run(&["salvage", "-o", salvaged.to_str().unwrap(), bad]);
    assert!(
        exit.has(Exit::FINDINGS) && exit.has(Exit::REPAIRED),
        "{text}"
    );
    assert!(!text.contains("Nothing is lost"), "{text}");
    assert!(text.contains("a whole page of it is zeroes"), "{text}");
    let compacted = folder.path().join("compacted.db");
    let (text, exit) = run(&["compact", "-o", compacted.to_str().unwrap(), bad]);
    assert!(exit == Exit::CLEAN, "{text}");
    let (text, _) = run(&["check", compacted.to_str().unwrap()]);
    assert!(text.contains("bolt/value-zeroes"), "{text}");
}
