//! Everything that must keep a repair from writing, made for real by `testdata/make/refusals`.

use std::process::Command;

#[test]
#[ignore = "needs root: it mounts, and runs processes of other names"]
fn every_refusal_is_one() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/make/refusals");
    let done = Command::new(script)
        .arg(env!("CARGO_BIN_EXE_coroner-repair"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}");
    assert!(
        said.lines().filter(|line| line.starts_with("ok ")).count() > 40,
        "{said}"
    );
}
