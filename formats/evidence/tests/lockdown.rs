//! What a thread that is locked down can do no more, and what it can.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests try what is forbidden"
)]

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use evidence::{Lockdown, Needs, lockdown, lockdown_writer};
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Runs in a thread of its own, which alone is bound.
fn locked(needs: &Needs, then: impl FnOnce(Lockdown) + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| then(lockdown(needs)));
        thread.join().unwrap();
    });
}

fn is_denied<T>(result: &std::io::Result<T>) -> bool {
    let kind = result.as_ref().err().map(std::io::Error::kind);
    kind == Some(ErrorKind::PermissionDenied)
}

#[test]
fn nothing_but_reading_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    std::fs::write(&there, b"read").unwrap();
    locked(&Needs::default(), |held| {
        assert!(held.no_core && held.capabilities, "{:?}", held.refused);
        if held.network {
            // Of a namespace without a network there is nothing to be seen but its own loopback.
            let routes = std::fs::read_to_string("/proc/thread-self/net/route").unwrap();
            assert!(routes.lines().count() <= 1, "{routes}");
            let sockets = std::fs::read_to_string("/proc/thread-self/net/unix").unwrap();
            assert!(!sockets.contains("/run/"), "{sockets}");
        }
        // Each says what it holds: the kernel of a container may have neither.
        if held.calls {
            assert!(is_denied(&TcpListener::bind("127.0.0.1:0")));
            assert!(is_denied(&TcpStream::connect("127.0.0.1:1")));
            assert!(Command::new("/bin/true").status().is_err());
            assert_eq!(unshare(CloneFlags::CLONE_NEWNS), Err(Errno::EPERM));
            let bind = mount(
                Some(folder.path()),
                Path::new("/"),
                None::<&str>,
                MsFlags::MS_BIND,
                None::<&str>,
            );
            assert_eq!(bind, Err(Errno::EPERM));
            let owner = std::os::unix::fs::chown(&there, Some(1), None);
            assert!(is_denied(&owner));
        }
        if held.read_only {
            assert!(is_denied(&std::fs::write(folder.path().join("new"), b"x")));
            assert!(is_denied(&std::fs::write(&there, b"x")));
            assert!(is_denied(&std::fs::remove_file(&there)));
        }
        assert_eq!(std::fs::read(&there).unwrap(), b"read");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        // Threads are started, and bound as well.
        let inside = std::thread::spawn(|| TcpListener::bind("127.0.0.1:0").is_err());
        assert!(inside.join().unwrap() || !held.calls);
    });
    // Nobody else is bound.
    assert!(TcpListener::bind("127.0.0.1:0").is_ok());
    assert!(std::fs::write(folder.path().join("new"), b"x").is_ok());
}

#[test]
fn the_table_of_sockets_is_the_machines_where_it_is_asked_for() {
    let needs = Needs {
        network: true,
        ..Needs::default()
    };
    let before = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    locked(&needs, |held| {
        assert!(!held.network);
        let now = std::fs::read_link("/proc/thread-self/ns/net");
        assert!(now.is_err() || now.is_ok_and(|now| now == before));
    });
}

#[test]
fn the_output_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let needs = Needs {
        writable: vec![folder.path().to_owned()],
        ..Needs::default()
    };
    locked(&needs, |held| {
        assert!(held.no_core, "{:?}", held.refused);
        let new = folder.path().join("new");
        std::fs::write(&new, b"x").unwrap();
        std::fs::rename(&new, folder.path().join("named")).unwrap();
    });
}

#[test]
#[ignore = "needs root"]
fn root_keeps_what_reading_needs() {
    if !testcase::may_run("root", nix::unistd::geteuid().is_root()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, b"read").unwrap();
    std::os::unix::fs::chown(&secret, Some(1), Some(1)).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o0);
    std::fs::set_permissions(&secret, mode).unwrap();
    locked(&Needs::default(), |held| {
        assert!(held.capabilities, "{:?}", held.refused);
        assert_eq!(std::fs::read(&secret).unwrap(), b"read");
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = u64::from_str_radix(effective.unwrap().trim(), 16).unwrap();
        // CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_SYS_ADMIN: capability.h.
        let kept = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 21;
        assert_eq!(effective & !kept, 0, "{effective:#x}");
        assert!(
            status.contains("NoNewPrivs:\t1") || !held.read_only,
            "{status}"
        );
    });
}

#[test]
fn a_writer_has_no_network_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("there");
    std::fs::write(&there, b"old").unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let held = lockdown_writer(None);
            assert!(held.no_core && held.capabilities, "{:?}", held.refused);
            if held.calls {
                assert!(is_denied(&TcpListener::bind("127.0.0.1:0")));
                assert!(is_denied(&TcpStream::connect("127.0.0.1:1")));
                assert!(Command::new("/bin/true").status().is_err());
                assert_eq!(unshare(CloneFlags::CLONE_NEWNS), Err(Errno::EPERM));
            }
            // What a repair does still works: new files, exchanged names, and who has what open.
            let new = folder.path().join("new");
            std::fs::write(&new, b"new").unwrap();
            std::fs::rename(&new, &there).unwrap();
            assert_eq!(std::fs::read(&there).unwrap(), b"new");
            let mut open = std::fs::read_dir("/proc/self/fd").unwrap();
            assert!(open.next().is_some());
        });
        thread.join().unwrap();
    });
}
