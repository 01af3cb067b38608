//! Real captures of nodes, and readable edits that damage them: for tests only.
//!
//! Shares no code with the parsers: it has its own idea of a tar, so that both must be right.
//! Everything here panics where something is wrong, as tests do.

mod bolt;
mod edit;
mod effort;
mod folder;
mod tar;

use std::path::{Path, PathBuf};

pub use bolt::{bolt_cases, bolt_good, bolt_goods};
pub use edit::{Edit, Edits, Op};
pub use effort::Effort;
pub use tar::{Member, Tar};

/// The folder `testdata`.
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("testdata")
        .to_path_buf()
}

/// The names of all captures in `testdata/nodes`, sorted: `1.6-stopped`, …
pub fn nodes() -> Vec<String> {
    let entries = std::fs::read_dir(testdata().join("nodes")).expect("testdata/nodes");
    let folders = entries.map(|entry| entry.expect("entry").path());
    let captures = folders.filter(|folder| folder.join("node.tar.zst").exists());
    let mut names: Vec<String> = captures
        .map(|folder| {
            folder
                .file_name()
                .and_then(|name| name.to_str())
                .expect("name")
                .to_owned()
        })
        .collect();
    names.sort();
    assert!(!names.is_empty(), "testdata/nodes is empty");
    names
}

/// A program of `testdata/gobuild`, of which only what Go's linker wrote was kept.
///
/// # Panics
/// If it is not there.
pub fn program(name: &str) -> Vec<u8> {
    let path = testdata().join("gobuild").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A journal of `testdata/journals`, unpacked: `zstd-compact`.
pub fn journal(name: &str) -> Vec<u8> {
    let packed =
        std::fs::read(testdata().join(format!("journals/{name}.journal.zst"))).expect(name);
    zstd::decode_all(packed.as_slice()).expect(name)
}

/// The capture of this name, as it was packed.
pub fn packed(node: &str) -> Vec<u8> {
    let path = testdata().join("nodes").join(node).join("node.tar.zst");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The capture of this name, to be edited.
pub fn node(node: &str) -> Tar {
    Tar::read_tar(&zstd::decode_all(packed(node).as_slice()).expect("zstd"))
}

/// A box that was recorded with its processes, by its name in `testdata/recorded/states`.
pub fn recorded(scene: &str) -> Tar {
    let path = testdata().join("recorded/states").join(scene);
    let packed = std::fs::read(path.join("node.tar.zst")).expect(scene);
    Tar::read_tar(&zstd::decode_all(packed.as_slice()).expect(scene))
}

/// Whether a test that needs root, daemons or a tool may run here.
///
/// Such tests are `#[ignore]`d, so that nobody takes them for passed where they did not run. With
/// `CORONER_REQUIRE=1` (as in `.ci/run`, which runs ignored tests as root) a lack is a failure.
pub fn may_run(needs: &str, has: bool) -> bool {
    let required = std::env::var_os("CORONER_REQUIRE").is_some_and(|value| value == "1");
    assert!(
        has || !required,
        "this machine lacks {needs}, and CORONER_REQUIRE=1 wants it"
    );
    if !has {
        eprintln!("skipped: this machine lacks {needs}");
    }
    has
}
