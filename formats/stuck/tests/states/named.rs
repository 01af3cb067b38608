//! Each state is one file, and that file names what proves the state: a test here, or a scene that is made for real.

#![expect(clippy::disallowed_methods, reason = "our own sources, not evidence")]

use std::path::Path;

use stuck::ROWS;

/// What stands between `open` and the next backtick, each time.
fn quoted<'t>(text: &'t str, open: &str) -> Vec<&'t str> {
    let parts = text.split(open).skip(1);
    parts.filter_map(|part| part.split('`').next()).collect()
}

#[test]
fn each_state_is_one_file_that_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scenes = std::fs::read_to_string(root.join("../../testdata/make/runtime.toml")).unwrap();
    let files = std::fs::read_dir(root.join("src/state")).unwrap();
    assert_eq!(files.count(), ROWS.len());
    for row in ROWS {
        let file = root.join(format!("src/state/{}.rs", row.word.replace('-', "_")));
        let text = std::fs::read_to_string(&file).unwrap();
        let head: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("//!"))
            .collect();
        let head = head.join(" ");
        let (_, tests) = head
            .split_once("Tests:")
            .unwrap_or_else(|| panic!("{}: no tests are named", row.word));
        let own = quoted(tests, "`tests/");
        for test in &own {
            let source = std::fs::read_to_string(root.join("tests").join(test)).unwrap();
            let variant = format!("State::{:?}", row.state);
            assert!(source.contains(&variant), "{}: not in its tests", row.word);
        }
        let made = tests.contains("(`") && tests.contains("in runtime.toml");
        let scene = format!("say = \"{}\"", row.word);
        assert!(made || !own.is_empty(), "{}: nothing is named", row.word);
        assert!(!made || scenes.contains(&scene), "{}: no scene", row.word);
    }
}
