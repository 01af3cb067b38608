//! Archives that are made to cost more than they are: each verb keeps below 256 MiB of memory, and
//! says that it did not see all. In the gate each verb meets some of them in turn; with `CORONER_ALL=1` and
//! `--include-ignored` all of them meet all.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::format_push_string,
    clippy::unnecessary_debug_formatting,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "tests panic where something is wrong"
)]

#[path = "common/mod.rs"]
mod common;

use std::io::Write;

use std::process::Command;

use common::{Ran, run, verbs};

/// The most that any run may allocate, in KiB: an archive of a mebibyte. The kernel grants no more, and a
/// run that asks for more ends by a signal. (What `getrusage` says of a child may be its parent's.)
const MOST: u64 = 256 << 10;

/// `coroner` with these words, and no more memory than it may have.
fn coroner(words: &[String]) -> Ran {
    let bounded = format!("ulimit -d {MOST}; exec \"$@\"");
    let mut command = Command::new("sh");
    let program = ["-c", &bounded, "sh", env!("CARGO_BIN_EXE_coroner")];
    run(command.args(program).args(words))
}

/// A header, and what it needs to be one.
fn header(name: &[u8], flag: u8, link: &[u8], size: usize) -> Vec<u8> {
    let mut block = vec![0_u8; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name[..name.len().min(100)]);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"14000000000\0");
    put(148, b"        ");
    put(156, &[flag]);
    put(157, &link[..link.len().min(100)]);
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

fn member(name: &[u8], flag: u8, data: &[u8]) -> Vec<u8> {
    let mut all = header(name, flag, b"", data.len());
    all.extend_from_slice(data);
    all.resize(all.len().next_multiple_of(512), 0);
    all
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    [format!("{len} {key}=").as_bytes(), value, b"\n"].concat()
}

/// An archive that begins as a node does.
fn packed(write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut out = zstd::Encoder::new(Vec::new(), 3).expect("zstd");
    for folder in [
        "var/",
        "var/lib/",
        "var/lib/containerd/",
        "var/lib/containerd/io.containerd.metadata.v1.bolt/",
        "var/lib/containerd/io.containerd.content.v1.content/",
    ] {
        out.write_all(&header(folder.as_bytes(), b'5', b"", 0))
            .expect("zstd");
    }
    write(&mut out);
    out.write_all(&[0; 1024]).expect("zstd");
    out.finish().expect("zstd")
}

/// Shapes of archives, and whether all of one can be known.
fn shapes() -> Vec<(&'static str, bool, Vec<u8>)> {
    let all = |out: &mut dyn Write, bytes: &[u8]| out.write_all(bytes).expect("zstd");
    let mut shapes: Vec<(&'static str, bool, Vec<u8>)> = Vec::new();
    let mut shape = |name, whole, write: &dyn Fn(&mut dyn Write)| {
        shapes.push((name, whole, packed(|out| write(out))));
    };
    shape("a global attribute", true, &|out| {
        let pax = record("SCHILY.xattr.user.x", &[b'A'; 60_000]);
        all(out, &member(b"pax", b'g', &pax));
        for number in 0..20_000 {
            all(out, &header(format!("g/{number}").as_bytes(), b'0', b"", 0));
        }
    });
    shape("an attribute each", false, &|out| {
        let pax = member(
            b"pax",
            b'x',
            &record("SCHILY.xattr.user.x", &[b'A'; 60_000]),
        );
        for number in 0..8_000 {
            all(out, &pax);
            all(out, &header(format!("g/{number}").as_bytes(), b'0', b"", 0));
        }
    });
    shape("many attributes", false, &|out| {
        let records = (0..5_000).map(|at| record(&format!("SCHILY.xattr.user.{at}"), b"v"));
        let pax = member(b"pax", b'x', &records.collect::<Vec<_>>().concat());
        for number in 0..400 {
            all(out, &pax);
            all(out, &header(format!("g/{number}").as_bytes(), b'0', b"", 0));
        }
    });
    shape("a chain of hard links forwards", true, &|out| {
        for number in 0..20_000 {
            let (name, next) = (format!("c/{number}"), format!("c/{}", number + 1));
            all(out, &header(name.as_bytes(), b'1', next.as_bytes(), 0));
        }
        all(out, &member(b"c/20000", b'0', b"hello"));
    });
    shape("deep paths", false, &|out| {
        for number in 0..3_000 {
            let path = format!("d{number}{}\0", "/x".repeat(1_000));
            all(out, &member(b"././@LongLink", b'L', path.as_bytes()));
            all(out, &header(b"q", b'0', b"", 0));
        }
    });
    shape("links that lead a long way", false, &|out| {
        for folder in ["z/", "z/a/"] {
            all(out, &header(folder.as_bytes(), b'5', b"", 0));
        }
        for number in 0..38 {
            let way = format!("{}l{}\0", "a/../".repeat(700), number + 1);
            all(out, &member(b"././@LongLink", b'K', way.as_bytes()));
            all(
                out,
                &header(format!("z/l{number}").as_bytes(), b'2', b"", 0),
            );
        }
        all(out, &header(b"z/l38", b'2', b"a", 0));
        for number in 0..20_000 {
            let name = format!("z/l{}/f{number}", number % 2);
            all(out, &header(name.as_bytes(), b'0', b"", 0));
        }
    });
    shape("one name many times", true, &|out| {
        let one = header(b"same", b'0', b"", 0).repeat(1000);
        for _ in 0..300 {
            all(out, &one);
        }
    });
    shape("maps of holes", false, &|out| {
        let stretches = 200_000;
        let mut map = format!("{stretches}\n");
        for number in 0..stretches {
            map.push_str(&format!("{}\n1\n", number * 3));
        }
        let mut data = map.into_bytes();
        data.resize(data.len().next_multiple_of(512), 0);
        data.extend(std::iter::repeat_n(b'x', stretches));
        for number in 0..12 {
            let name = format!("s/{number}");
            let pax = [
                record("GNU.sparse.major", b"1"),
                record("GNU.sparse.minor", b"0"),
                record("GNU.sparse.name", name.as_bytes()),
                record("GNU.sparse.realsize", b"1000000"),
            ];
            all(out, &member(b"pax", b'x', &pax.concat()));
            all(out, &member(b"s", b'0', &data));
        }
    });
    shape("zeroes", true, &|out| {
        for name in ["etc/containerd/config.toml", "var/lib/containerd/blob"] {
            all(out, &header(name.as_bytes(), b'0', b"", 200 << 20));
            for _ in 0..200 {
                all(out, &[0; 1 << 20]);
            }
        }
    });
    shapes
}

#[test]
fn no_archive_costs_much_more_than_it_is() {
    let scratch = tempfile::tempdir().expect("folder");
    for (name, whole, bytes) in shapes() {
        assert!(bytes.len() < 1 << 20, "{name}: {} bytes", bytes.len());
        let tar = scratch.path().join("hostile.tar.zst");
        std::fs::write(&tar, &bytes).expect("file");
        // All verbs read the archive in the same way: some that go on from there, each in its own.
        let tried = ["triage", "timeline", "df", "collect"];
        let mut done = Vec::new();
        for words in verbs(&tar, None, scratch.path()) {
            let verb = words[0].clone();
            if !tried.contains(&verb.as_str()) || done.contains(&verb) {
                continue;
            }
            done.push(verb);
            let ran = coroner(&words);
            assert!(ran.code.is_some(), "{name}: {words:?}: {}", ran.err);
            if words[0] == "triage" && !whole {
                let told = ["budget", "left out", "were not read", "not known"];
                assert!(
                    told.iter().any(|word| ran.out.contains(word)),
                    "{name}: {}",
                    ran.out
                );
            }
        }
    }
}

/// A piece so many times, between what opens and what closes it.
fn long(start: &str, piece: &str, count: usize, end: &str) -> Vec<u8> {
    [start, &piece.repeat(count), end].concat().into_bytes()
}

/// Real nodes with one kind of file that is far longer than it is on any, or far more of them.
fn nodes() -> Vec<(&'static str, Vec<u8>)> {
    const TASK: &str = "run/containerd/io.containerd.runtime.v2.task/default";
    const ROOT: &str = "var/lib/containerd";
    let whole = testcase::node("1.7-running");
    let ends = |end: &str| -> Vec<String> {
        let all = whole.paths("run/containerd/", end);
        all.into_iter().filter(|path| path.contains('/')).collect()
    };
    let mut nodes = Vec::new();
    let mut node = |name, edit: &dyn Fn(&mut testcase::Tar)| {
        let mut tar = whole.clone();
        edit(&mut tar);
        let packed = zstd::encode_all(tar.write().as_slice(), 3).expect("zstd");
        nodes.push((name, packed));
    };
    let spec = long(
        r#"{"ociVersion":"1.0","process":{"args":["#,
        r#""a","#,
        3_000_000,
        r#""b"]}}"#,
    );
    node("a long specification", &|tar| {
        for path in ends("/config.json").iter().take(4) {
            tar.member(path).data.clone_from(&spec);
        }
    });
    let deep = long("", "[", 8_000_000, "");
    node("a deep specification", &|tar| {
        for path in ends("/config.json").iter().take(4) {
            tar.member(path).data.clone_from(&deep);
        }
    });
    let mounts = long(
        r#"{"id":"x","init_process_pid":7,"config":{"mounts":["#,
        r#"{"source":"a","destination":"b"},"#,
        300_000,
        "{}]}}",
    );
    node("a state of many mounts", &|tar| {
        for path in ends("/state.json").iter().take(3) {
            tar.member(path).data.clone_from(&mounts);
        }
    });
    let line = "{\"level\":\"error\",\"msg\":\"runc run failed: no such file\",\"time\":\"2026-11-21T05:00:13Z\"}\n";
    let log = long("", line, 400_000, "");
    node("a long log of runc", &|tar| {
        for path in ends("/log.json").iter().take(2) {
            tar.member(path).data.clone_from(&log);
        }
    });
    let layer = format!(r#"{{"digest":"sha256:{}","size":7}},"#, "b".repeat(64));
    let manifest = long(r#"{"schemaVersion":2,"layers":["#, &layer, 60_000, "{}]}");
    node("manifests of many layers", &|tar| {
        for path in whole.paths(
            &format!("{ROOT}/io.containerd.content.v1.content/blobs/"),
            "",
        ) {
            let data = &mut tar.member(&path).data;
            if data.windows(8).any(|part| part == b"\"layers\"") {
                data.clone_from(&manifest);
            }
        }
    });
    node("many bundles", &|tar| {
        for number in 0..6_000 {
            tar.add(&format!("{TASK}/c{number}/config.json"), b"{}");
        }
    });
    node("many blobs", &|tar| {
        for number in 0..8_000 {
            let path =
                format!("{ROOT}/io.containerd.content.v1.content/blobs/sha256/{number:064x}");
            tar.add(&path, b"{}");
        }
    });
    node("many unfinished writes", &|tar| {
        for number in 0..5_000 {
            let path = format!("{ROOT}/io.containerd.content.v1.content/ingest/{number:064x}/ref");
            tar.add(&path, b"x");
        }
    });
    let table = (0..150_000).fold(b"version = 2\n".to_vec(), |mut all, at| {
        all.extend(format!("[p{at}]\nb=\"c\"\n").bytes());
        all
    });
    node("a configuration of many tables", &|tar| {
        tar.member("etc/containerd/config.toml")
            .data
            .clone_from(&table);
    });
    let mount = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n";
    let mounts = long("", mount, 500_000, "");
    node("a table of many mounts", &|tar| {
        tar.add(
            "proc/1/stat",
            b"1 (a) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0\n",
        );
        tar.add("proc/1/mountinfo", &mounts);
    });
    let lines = long(
        "",
        "Nov 21 05:00:13 node containerd[77]: level=error msg=\"RunPodSandbox failed\" error=\"x\"\n",
        600_000,
        "",
    );
    node("a long syslog", &|tar| tar.add("var/log/syslog", &lines));
    nodes
}

/// Runs verbs on a hostile node: none takes more memory than it may, none is ended by a signal or panics.
fn kept(name: &str, packed: &[u8], wanted: impl Fn(usize) -> bool) {
    let scratch = tempfile::tempdir().expect("folder");
    assert!(packed.len() < 1 << 20, "{name}: {} bytes", packed.len());
    let tar = scratch.path().join("hostile.tar.zst");
    std::fs::write(&tar, packed).expect("file");
    let all = verbs(&tar, None, scratch.path());
    for (_, words) in all.iter().enumerate().filter(|(at, _)| wanted(*at)) {
        let ran = coroner(words);
        assert!(
            !ran.err.contains("memory"),
            "{name}: {words:?}: {}",
            ran.err
        );
        let code = ran.code.unwrap_or(-1);
        assert!(
            (0..=64).contains(&code),
            "{name}: {words:?}: {code} {}",
            ran.err
        );
    }
}

#[test]
fn every_verb_keeps_its_budget_on_a_node_that_is_too_long() {
    let nodes = nodes();
    for (number, (name, packed)) in nodes.iter().enumerate().step_by(3) {
        // A verb each: the test below has the other nodes, and all verbs.
        kept(name, packed, |at| at % (4 * nodes.len()) == number);
    }
}

#[test]
#[ignore = "needs minutes; with CORONER_ALL=1 many: every verb on every hostile node"]
fn every_verb_keeps_its_budget_on_every_node() {
    if testcase::may_run("minutes", true) {
        let all = std::env::var_os("CORONER_ALL").is_some();
        let nodes = nodes();
        for (number, (name, packed)) in nodes.iter().enumerate() {
            let is_other = number % 3 != 0;
            kept(name, packed, |at| {
                all || is_other && at % (4 * nodes.len()) == number
            });
        }
    }
}
