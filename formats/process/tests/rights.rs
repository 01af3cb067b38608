//! Processes that have more rights than a locked thread keeps: seen before, not known after.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "tests panic where something is wrong"
)]

use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use evidence::{LiveProc, Needs, lockdown};
use finding::{Text, Unread};
use process::{Depth, Process, Processes, Tree};

fn seen(pid: u32) -> Process {
    let door = LiveProc::open(Path::new("/")).expect("this machine");
    let all = Processes::new(Tree::capture(&door, Depth::Full));
    all.get(pid).expect("the process").clone()
}

#[test]
#[ignore = "needs root"]
fn a_container_with_more_rights_is_seen_before_and_not_known_after() {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !testcase::may_run("root", is_root) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("held");
    std::fs::write(&path, "x").unwrap();
    // As a privileged container: all capabilities, of which a reader keeps four.
    let mut privileged = Command::new("sleep")
        .arg("60")
        .current_dir(folder.path())
        .stdin(Stdio::from(File::open(&path).unwrap()))
        .spawn()
        .unwrap();
    let pid = privileged.id();
    let before = seen(pid);
    let (after, held) = std::thread::scope(|scope| {
        let locked = scope.spawn(|| {
            let held = lockdown(&Needs::default());
            (seen(pid), held)
        });
        locked.join().unwrap()
    });
    privileged.kill().unwrap();
    privileged.wait().unwrap();
    let is_held = |process: &Process| {
        let held = Text::from(path.as_os_str().as_bytes());
        let fds = process.fds.as_ref();
        fds.map(|fds| fds.iter().any(|fd| fd.target == held)).ok()
    };
    assert_eq!(is_held(&before), Some(true));
    assert_eq!(
        before.cwd,
        Some(Text::from(folder.path().as_os_str().as_bytes()))
    );
    assert!(held.capabilities, "{held:?}");
    // Not "nobody holds it": the open files of the process are not known.
    assert_eq!(is_held(&after), None);
    assert!(!matches!(after.fds, Err(Unread::Absent)), "{:?}", after.fds);
    assert_eq!(after.cwd, None);
}
