//! Files that shrink under their map.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use mapped::Mapped;

fn file(len: usize) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![7; len]).unwrap();
    file
}

#[test]
fn what_is_there_is_read() {
    let map = Mapped::new(&file(10_000)).unwrap();
    assert_eq!(map.len(), 10_000);
    assert_eq!(map.copy_range(0, 10_000), vec![7; 10_000]);
    assert_eq!(map.copy_range(9_999, 5), [7]);
    assert_eq!(map.copy_range(10_000, 5), []);
    assert_eq!(map.copy_range(u64::MAX, usize::MAX), []);
    assert!(!map.has_changed());
}

#[test]
fn a_truncated_file_reads_as_zeros_and_says_so() {
    let file = file(1 << 20);
    let map = Mapped::new(&file).unwrap();
    let other = Mapped::new(&file).unwrap();
    file.set_len(5_000).unwrap();
    assert_eq!(map.copy_range(4_000, 1_000), vec![7; 1_000]);
    assert!(!map.has_changed());
    assert_eq!(map.copy_range(1 << 19, 3), [0, 0, 0]);
    assert!(map.has_changed());
    assert!(!other.has_changed());
    assert_eq!(map.copy_range(0, 1 << 20).len(), 1 << 20);
}

#[test]
fn many_threads_may_meet_the_end_at_once() {
    let file = file(1 << 20);
    let map = Mapped::new(&file).unwrap();
    file.set_len(0).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(map.copy_range(0, 1 << 20), vec![0; 1 << 20]));
        }
    });
    assert!(map.has_changed());
}

#[test]
fn maps_come_and_go() {
    let small = file(100);
    for _ in 0..200 {
        drop(Mapped::new(&small).unwrap());
    }
    let held: Vec<_> = (0..200).map(|_| Mapped::new(&small)).collect();
    assert!(held.iter().any(Result::is_err));
}

/// Somebody else's `SIGBUS` still ends the process: run as a child of the test below.
#[test]
fn child_that_is_killed() {
    if std::env::var_os("MAPPED_TEST_CHILD").is_some() {
        let _map = Mapped::new(&file(100)).unwrap();
        let own = std::process::id().to_string();
        // The first meets our handler, which gives way to that of Rust's library, which gives way
        // to the default.
        for _ in 0..4 {
            let _ = Command::new("kill").args(["-BUS", &own]).status();
        }
        std::process::exit(0);
    }
    let own = std::env::current_exe().unwrap();
    let status = Command::new(own)
        .args(["--exact", "child_that_is_killed"])
        .env("MAPPED_TEST_CHILD", "1")
        .status()
        .unwrap();
    assert_eq!(status.signal(), Some(7), "{status}");
}
