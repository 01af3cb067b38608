//! Traps for forensic tools, laid in a real capture: each verb of each tool ends soon, without a
//! panic, says that something is wrong, follows no link out and writes nothing.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::disallowed_names,
    clippy::unnecessary_debug_formatting,
    clippy::semicolon_if_nothing_returned,
    clippy::type_complexity,
    missing_docs,
    unreachable_pub,
    reason = "tests panic where something is wrong"
)]

#[path = "common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::process::Command;

use common::{
    LIMIT, META, Ran, clear, coroner, device, fifo, fingerprint, is_root, link, unpack, verbs,
};
use testcase::Tar;

/// A word that no answer may hold: it stands in files of the analyst only.
const DECOY: &str = "the-analysts-own-secret";

const LIB: &str = "var/lib/containerd";
const SLEEPER: &str = "run/containerd/runc/default/sleeper/state.json";
const BACKEND: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db";
const UPPER: &str = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs";
const BLOB: &str = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256/\
67454ac12c03de8e52f6d6ed4915283dc6a901c417f1ea3b09e927383273029b";

/// What every run must keep to.
fn behaves(what: &str, ran: &Ran) {
    assert!(ran.took < LIMIT, "{what}: took {:?}", ran.took);
    assert!(
        ran.code.is_some_and(|code| code < 64),
        "{what}: ended with {:?}: {}",
        ran.code,
        ran.err
    );
    assert!(!ran.err.contains("panicked"), "{what}: {}", ran.err);
    assert!(
        !ran.out.contains(DECOY) && !ran.err.contains(DECOY),
        "{what}: it read what is not evidence"
    );
    for (name, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
        let bad = text.chars().find(|letter| {
            let is_bidi = matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
            (letter.is_control() && *letter != '\n') || is_bidi
        });
        assert_eq!(
            bad, None,
            "{what}: a raw control character on {name}: {text}"
        );
    }
}

/// Runs each verb on a capture that `trap` was laid in. `clean` says which of triage's answers is
/// wrong: `true` where the trap makes something unreadable or broken.
fn spring(what: &str, must_tell: bool, trap: impl Fn(&Path, &Path)) {
    let outside = tempfile::tempdir().expect("folder");
    std::fs::write(outside.path().join("secret"), DECOY).expect("secret");
    let scratch = tempfile::tempdir().expect("folder");
    let node = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    trap(node.path(), outside.path());
    let before = fingerprint(node.path());
    let meta = node.path().join(META);
    // A link that is named on the command line is the analyst's: following it moves its atime.
    // From the outside in, for the test must not follow it either.
    let mut ways: Vec<&Path> = meta.ancestors().take(5).collect();
    ways.reverse();
    let is_link = ways
        .into_iter()
        .any(|path| std::fs::symlink_metadata(path).is_ok_and(|stat| stat.is_symlink()));
    for words in verbs(
        node.path(),
        (!is_link).then_some(meta.as_path()),
        scratch.path(),
    ) {
        let ran = coroner(&words);
        let what = format!("{what}: {words:?}");
        behaves(&what, &ran);
        if must_tell && words[0] == "triage" {
            assert!(ran.code != Some(0), "{what}: a clean answer: {}", ran.out);
        }
    }
    let after = fingerprint(node.path());
    let changed: Vec<(&str, &str)> = before
        .lines()
        .zip(after.lines())
        .filter(|(a, b)| a != b)
        .collect();
    assert!(
        changed.is_empty() && before.len() == after.len(),
        "{what}: the evidence was changed: {changed:?}"
    );
}

#[test]
fn each_verb_is_tried() {
    let lines = verbs(Path::new("/n"), Some(Path::new("/m")), Path::new("/s"));
    let tried: BTreeSet<(&str, &str)> = lines
        .iter()
        .map(|line| (line[0].as_str(), line[1].as_str()))
        .collect();
    // These read no evidence, or write by purpose.
    let other = [
        ("bolt", "salvage"),
        ("core", "take"),
        ("repair", "show"),
        ("repair", "apply"),
        ("repair", "undo"),
        ("repair", "backup"),
        ("repair", "purge"),
        ("runtime", "explain"),
        ("triage", "diff"),
        ("check", "diff"),
    ];
    let reads = |name: &str| !["explain", "completion"].contains(&name);
    for tool in coroner::TOOLS.iter().filter(|tool| reads(tool.name)) {
        let command = tool.command();
        let mut subcommands = command
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .peekable();
        if subcommands.peek().is_none() {
            assert!(
                tried.iter().any(|(name, _)| *name == tool.name),
                "{} is not tried",
                tool.name
            );
        }
        for name in subcommands {
            let verb = (tool.name, name.as_str());
            assert!(
                tried.contains(&verb) || other.contains(&verb),
                "{verb:?} is not tried"
            );
        }
    }
}

#[test]
fn nothing_is_changed_in_a_healthy_node() {
    spring("healthy", false, |_, _| {});
}

#[test]
fn fifos_where_files_belong() {
    for path in [META, SLEEPER, BACKEND, BLOB, "etc/containerd/config.toml"] {
        spring(&format!("a FIFO as {path}"), true, |node, _| {
            fifo(&node.join(path))
        });
    }
    spring("a FIFO in a layer", false, |node, _| {
        fifo(&node.join(UPPER).join("pipe"))
    });
}

#[test]
#[ignore = "needs root: it makes devices"]
fn devices_where_files_belong() {
    if !testcase::may_run("root", is_root()) {
        return;
    }
    for path in [META, SLEEPER, BACKEND, BLOB, "etc/containerd/config.toml"] {
        spring(&format!("/dev/zero as {path}"), true, |node, _| {
            device(&node.join(path))
        });
    }
    spring("/dev/zero in a layer", false, |node, _| {
        device(&node.join(UPPER).join("zero"))
    });
}

#[test]
fn links_out_of_the_evidence() {
    for path in [META, SLEEPER, BACKEND, BLOB] {
        spring(&format!("a link as {path}"), true, |node, outside| {
            link(
                &node.join(path),
                outside.join("secret").to_str().expect("path"),
            );
        });
        spring(
            &format!("a relative link as {path}"),
            true,
            |node, outside| {
                let up = "../".repeat(30);
                let target = format!(
                    "{up}{}",
                    outside
                        .join("secret")
                        .to_str()
                        .expect("path")
                        .trim_start_matches('/')
                );
                link(&node.join(path), &target);
            },
        );
    }
    spring("links in a layer", false, |node, outside| {
        link(
            &node.join(UPPER).join("secret"),
            outside.join("secret").to_str().expect("path"),
        );
        link(
            &node.join(UPPER).join("folder"),
            outside.to_str().expect("path"),
        );
    });
    spring("a root that is a link out", true, |node, outside| {
        link(&node.join(LIB), outside.to_str().expect("path"));
    });
}

#[test]
fn metas_that_are_none() {
    let write = |node: &Path, change: &dyn Fn(&mut Vec<u8>)| {
        let path = node.join(META);
        let mut data = std::fs::read(&path).expect("meta.db");
        change(&mut data);
        std::fs::write(&path, data).expect("meta.db");
    };
    spring("no bytes", true, |node, _| {
        write(node, &|data| data.clear())
    });
    spring("both metas zeroed", true, |node, _| {
        write(node, &|data| data[..8192].fill(0))
    });
    spring("cut in a page", true, |node, _| {
        write(node, &|data| data.truncate(20_000))
    });
    spring("all ones", true, |node, _| {
        write(node, &|data| data.fill(0xff))
    });
    spring("a page cycle", true, |node, _| {
        write(node, &|data| {
            // Each leaf of pages says that it is a branch whose only element is itself.
            for id in 2..data.len() / 4096 {
                let page = &mut data[id * 4096..(id + 1) * 4096];
                let number = u64::try_from(id).expect("page");
                page.fill(0);
                page[..8].copy_from_slice(&number.to_le_bytes());
                page[8] = 1;
                page[10] = 1;
                page[16] = 16;
                page[24..32].copy_from_slice(&number.to_le_bytes());
            }
        });
    });
    spring("a tebibyte of holes", true, |node, _| {
        clear(&node.join(META));
        let file = std::fs::File::create(node.join(META)).expect("meta.db");
        file.set_len(1 << 40).expect("sparse");
    });
    spring("a tebibyte of holes after a real one", true, |node, _| {
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(node.join(META))
            .expect("meta.db");
        file.set_len(1 << 40).expect("sparse");
    });
    spring("a folder", true, |node, _| {
        clear(&node.join(META));
        std::fs::create_dir(node.join(META)).expect("folder");
    });
}

#[test]
fn a_lock_that_is_held() {
    let scratch = tempfile::tempdir().expect("folder");
    let node = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    let lock = std::fs::File::open(node.path().join(META)).expect("meta.db");
    lock.lock().expect("lock");
    for words in verbs(node.path(), Some(&node.path().join(META)), scratch.path()) {
        behaves(&format!("locked: {words:?}"), &coroner(&words));
    }
}

#[test]
fn configurations() {
    let config = "etc/containerd/config.toml";
    spring("absolute imports", true, |node, outside| {
        let import = outside.join("import.toml");
        std::fs::write(&import, format!("root = \"/{DECOY}\"\n")).expect("import");
        let text = format!(
            "version = 2\nimports = [\"{}\"]\n",
            import.to_str().expect("path")
        );
        std::fs::write(node.join(config), text).expect("config");
        // Inside the evidence the same path is something that is no TOML: that is what is read.
        let inside = node.join(import.strip_prefix("/").expect("absolute"));
        std::fs::create_dir_all(inside.parent().expect("parent")).expect("folder");
        std::fs::write(inside, "[[[\n").expect("import");
    });
    spring("imports that import each other", false, |node, _| {
        std::fs::write(
            node.join(config),
            "version = 2\nimports = [\"/etc/containerd/config.toml\", \"/etc/containerd/*\"]\n",
        )
        .expect("config");
    });
    let scratch = tempfile::tempdir().expect("folder");
    // Version 3, and a root that is called like a snapshotter.
    let node = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    std::fs::create_dir_all(node.path().join("data")).expect("folder");
    std::fs::rename(
        node.path().join(LIB),
        node.path().join("data/overlayfs-disk"),
    )
    .expect("move");
    std::fs::write(
        node.path().join(config),
        "version = 3\nroot = \"/data/overlayfs-disk\"\n",
    )
    .expect("config");
    for words in verbs(node.path(), None, scratch.path()) {
        let ran = coroner(&words);
        behaves(&format!("version 3: {words:?}"), &ran);
        if words[0] == "triage" {
            assert!(ran.out.contains("/data/overlayfs-disk"), "{}", ran.out);
        }
        if words[0] == "snapshots" && words[1] == "ls" {
            assert!(
                ran.out.contains("sleeper") && ran.out.contains("record"),
                "{}",
                ran.out
            );
        }
    }
}

#[test]
fn traps_in_the_network() {
    let (conf, state) = ("etc/cni/net.d", "var/lib/cni");
    spring("cni: links and fifos", true, |node, outside| {
        let secret = outside.join("secret");
        let secret = secret.to_str().expect("path");
        link(&node.join(conf).join("00-a.conflist"), secret);
        link(&node.join(conf).join("01-b.conf"), "/dev/zero");
        let leases = node.join(state).join("networks/pods");
        fifo(&leases.join("10.88.0.90"));
        link(&leases.join("10.88.0.91"), secret);
        link(&node.join(state).join("networks/all"), "/");
        fifo(&node.join(state).join("results/pods-a-eth0"));
        link(&node.join(conf).join("pods"), ".");
    });
    spring("cni: a fifo that the daemon would open", true, |node, _| {
        fifo(&node.join(conf).join("00-a.conflist"));
    });
    spring("cni: size, depth and names", true, |node, _| {
        let leases = node.join(state).join("networks/pods");
        for name in ["10.88.0.92", "../pods/10.88.0.93"] {
            let file = std::fs::File::create(leases.join(name)).expect("file");
            file.set_len(1 << 34).expect("size");
        }
        let deep = format!("{{\"kind\":{}", "[".repeat(500_000));
        std::fs::write(node.join(state).join("results/pods-b-eth0"), &deep).expect("file");
        let text = "{\"name\":\"\\u001b[31mred\\u202e\",\"cniVersion\":\"\\u0007\",\"plugins\":[{\"type\":\
            \"../\\u001b]0;x\",\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"/\",\"subnet\":\
            \"\\u001b[2J\"}}]}";
        std::fs::write(node.join(conf).join("00-a.conflist"), text).expect("file");
        std::fs::write(node.join(conf).join("00-deep.conf"), &deep).expect("file");
        for name in [&b"\x1b[31mred\x07"[..], b"\xff\xfe"] {
            let name = std::ffi::OsString::from_vec(name.to_vec());
            let network = node.join(state).join("networks").join(&name);
            std::fs::create_dir(&network).expect("folder");
            std::fs::write(network.join("10.0.0.2"), "ab".repeat(32)).expect("file");
            std::fs::write(node.join(conf).join(&name), "x").expect("file");
        }
    });
}

#[test]
fn names_that_are_no_text() {
    spring("names", true, |node, _| {
        let blobs = node
            .join(LIB)
            .join("io.containerd.content.v1.content/blobs/sha256");
        let layer = node.join(UPPER);
        let runc = node.join("run/containerd/runc/default");
        let task = node.join("run/containerd/io.containerd.runtime.v2.task/default");
        let names: [&[u8]; 4] = [
            b"\xff\xfe",
            b"\x1b[31mred\x07",
            "\u{202e}txt.exe".as_bytes(),
            b"new\nline\r",
        ];
        for name in names {
            let name = std::ffi::OsString::from_vec(name.to_vec());
            std::fs::write(blobs.join(&name), "x").expect("file");
            std::fs::write(layer.join(&name), "x").expect("file");
            std::fs::create_dir(runc.join(&name)).expect("folder");
            std::fs::create_dir(task.join(&name)).expect("folder");
            std::fs::write(task.join(&name).join("init.pid"), "1\x1b[2J").expect("file");
        }
    });
}

#[test]
fn tars() {
    let scratch = tempfile::tempdir().expect("folder");
    let path = scratch.path().join("node.tar");
    let traps: [(&str, bool, &dyn Fn(&mut Tar)); 7] = [
        ("members above the root", false, &|tar| {
            tar.add("../../../../tmp/coroner-was-here", DECOY.as_bytes());
            tar.add(&format!("../{META}"), b"");
        }),
        ("members with absolute names", false, &|tar| {
            tar.members
                .iter_mut()
                .for_each(|member| member.path.insert(0, b'/'));
        }),
        ("a member twice, the second empty", true, &|tar| {
            tar.push(META, b'0', "", b"")
        }),
        ("a device as meta.db", true, &|tar| {
            tar.remove(META);
            tar.push(META, b'3', "", b"");
        }),
        ("a FIFO as meta.db", true, &|tar| {
            tar.remove(META);
            tar.push(META, b'6', "", b"");
        }),
        ("a link to itself as meta.db", true, &|tar| {
            tar.remove(META);
            tar.push(META, b'2', "meta.db", b"");
        }),
        ("control characters in names", true, &|tar| {
            tar.add(
                &format!("{LIB}/io.containerd.content.v1.content/blobs/sha256/\x1b[31m\u{202e}"),
                b"x",
            );
        }),
    ];
    for (what, must_tell, trap) in traps {
        let mut tar = testcase::node("1.7-stopped");
        trap(&mut tar);
        std::fs::write(&path, tar.write()).expect("tar");
        for words in verbs(&path, None, scratch.path()) {
            let ran = coroner(&words);
            let what = format!("{what}: {words:?}");
            behaves(&what, &ran);
            if must_tell && words[0] == "triage" {
                assert!(ran.code != Some(0), "{what}: a clean answer: {}", ran.out);
            }
        }
        assert!(!Path::new("/tmp/coroner-was-here").exists());
    }
    // A tebibyte of holes, as GNU tar writes it.
    let folder = scratch.path().join("sparse");
    std::fs::create_dir_all(folder.join(META).parent().expect("parent")).expect("folder");
    std::fs::File::create(folder.join(META))
        .expect("meta.db")
        .set_len(1 << 40)
        .expect("sparse");
    let mut tar = Command::new("tar");
    tar.arg("-C")
        .arg(&folder)
        .args(["--format=posix", "-S", "-cf"])
        .arg(&path)
        .arg("var");
    assert!(tar.status().expect("tar").success());
    for words in verbs(&path, None, scratch.path()) {
        let ran = coroner(&words);
        behaves(&format!("a sparse tebibyte: {words:?}"), &ran);
        assert!(words[0] != "triage" || ran.code != Some(0), "{}", ran.out);
    }
}

/// No open for writing but of what the program is told to write, and no FIFO, device or socket
/// opened but with O_PATH.
#[test]
#[ignore = "needs strace"]
fn strace_sees_no_open_that_could_harm() {
    if !testcase::may_run("strace", Command::new("strace").arg("-V").output().is_ok()) {
        return;
    }
    let scratch = tempfile::tempdir().expect("folder");
    let node = tempfile::tempdir().expect("folder");
    unpack(&testcase::node("1.7-stopped"), node.path());
    fifo(&node.path().join(UPPER).join("pipe"));
    let special = ["exec.fifo", "-stdin", "-stdout", "-stderr", "/pipe\""];
    let log = scratch.path().join("log");
    for words in verbs(node.path(), Some(&node.path().join(META)), scratch.path()) {
        let mut command = Command::new("strace");
        // -y: a tree is extracted relative to its own folder, which must be seen to be the one given.
        command.args(["-f", "-y", "-qq", "-e", "trace=open,openat,openat2,creat,truncate,unlink,unlinkat,rename,renameat,renameat2,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,utimensat,setxattr,lsetxattr,fsetxattr,flock", "-o"]);
        command
            .arg(&log)
            .arg(env!("CARGO_BIN_EXE_coroner"))
            .args(&words);
        let ran = common::run(&mut command);
        assert!(!ran.err.contains("panicked"), "{words:?}: {}", ran.err);
        let lines = std::fs::read_to_string(&log).expect("log");
        for line in lines
            .lines()
            .filter(|line| !line.contains(" = -1 ") && !line.contains("+++"))
        {
            let reads = line.contains(" open")
                && !["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"]
                    .iter()
                    .any(|flag| line.contains(flag));
            let own = line.contains("/dev/null")
                || line.contains(scratch.path().to_str().expect("path"))
                || line.contains("O_TMPFILE")
                || line.contains("/proc/self/");
            let is_ours = words[0] == "collect" && line.contains("bundle.tar.zst");
            assert!(reads || own || is_ours, "{words:?}: {line}");
            let harmful =
                special.iter().any(|name| line.contains(name)) && !line.contains("O_PATH");
            assert!(!harmful, "{words:?}: {line}");
        }
    }
}
