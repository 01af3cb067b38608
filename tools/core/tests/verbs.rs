//! The verbs on a core of `testdata/cores`, as a person calls them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

fn path(name: &str) -> PathBuf {
    testcase::testdata().join("cores/go1.27").join(name)
}

fn answer(words: &[&str]) -> (i32, Value) {
    let exe = path("exe.zst");
    let core = path("core.zst");
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(["--format", "json"])
        .args(&words[..1])
        .arg(core)
        .arg("--exe")
        .arg(exe)
        .args(&words[1..])
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&run.stdout)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&run.stderr)));
    (run.status.code().unwrap(), document["answer"].clone())
}

#[test]
fn strings_are_found_with_their_addresses_and_the_environment_only_on_demand() {
    let (exit, found) = answer(&["strings", "--has", "GOTRACEBACK=crash", "--most", "50"]);
    let strings = found["strings"].as_array().unwrap();
    assert!(!strings.is_empty(), "{exit} {found}");
    for one in strings {
        assert!(one["text"].as_str().unwrap().contains("GOTRACEBACK=crash"));
        assert!(one["address"].as_str().unwrap().starts_with("0x"));
    }
    let (exit, found) = answer(&["strings", "--most", "3"]);
    assert_eq!(found["strings"].as_array().unwrap().len(), 3);
    assert_eq!(exit, 8, "what was left out is said: {}", found["unknown"]);

    let (exit, found) = answer(&["env"]);
    let all = found["environment"].as_array().unwrap();
    assert!(
        all.iter().any(|entry| entry == "GOTRACEBACK=crash"),
        "{exit} {found}"
    );
    let (_, info) = answer(&["info"]);
    assert!(
        !info.to_string().contains("GOTRACEBACK"),
        "info does not show it"
    );
}

#[test]
fn the_heap_and_the_open_files_are_answered() {
    let (exit, found) = answer(&["memory"]);
    assert_eq!(exit, 0, "{found}");
    let classes = found["classes"].as_array().unwrap();
    let held: u64 = classes
        .iter()
        .map(|one| one["held"].as_u64().unwrap())
        .sum();
    let large = found["large"].as_array().unwrap();
    let bytes = |one: &Value| one["bytes"].as_u64().unwrap();
    let large: u64 = large.iter().map(bytes).sum();
    assert!(held > 0 && held + large <= bytes(&serde_json::json!({"bytes": found["in_use"]})));
    let (exit, found) = answer(&["fds"]);
    assert_eq!(exit, 0, "{found}");
    let open = found["open"].as_array().unwrap();
    let has = |name: &str| open.iter().any(|one| one["name"] == name);
    assert!(has("/dev/stdin") && has("/dev/stderr"), "{found}");
}

#[test]
fn a_core_is_read_plain_and_packed_with_lz4_or_zstd_and_locked_down() {
    let folder = tempfile::tempdir().unwrap();
    let packed = zstd::decode_all(std::fs::File::open(path("core.zst")).unwrap()).unwrap();
    let file = folder.path().join("core.4711.lz4");
    let mut to = lz4_flex::frame::FrameEncoder::new(std::fs::File::create(&file).unwrap());
    std::io::Write::write_all(&mut to, &packed).unwrap();
    to.finish().unwrap();
    let plain = folder.path().join("core");
    std::fs::write(&plain, &packed).unwrap();
    let count = |core: &std::path::Path| {
        let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
            .args(["goroutines", "--format", "json"])
            .arg(core)
            .arg("--exe")
            .arg(path("exe.zst"))
            .output()
            .unwrap();
        let document: Value = serde_json::from_slice(&run.stdout).unwrap();
        // What the kernel can do is the machine's; that it was asked is ours.
        assert_eq!(document["safety"]["no_core"], true, "{document}");
        document["answer"]["count"].as_u64().unwrap()
    };
    let counts = [count(&file), count(&plain), count(&path("core.zst"))];
    assert!(
        counts[0] > 10 && counts.iter().all(|one| *one == counts[0]),
        "{counts:?}"
    );
    // A packed core that ends early is said to be damaged, not read as a short one.
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .arg("info")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(8), "{run:?}");
}

#[test]
fn deadlocks_are_answered_as_text_and_as_a_picture() {
    let (exit, found) = answer(&["deadlocks"]);
    assert_eq!(exit, 4, "{found}");
    assert_eq!(found["cycles"].as_array().unwrap().len(), 2);
    assert_eq!(found["signatures"], Value::Array(Vec::new()));
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(["deadlocks", "--svg"])
        .arg(path("core.zst"))
        .arg("--exe")
        .arg(path("exe.zst"))
        .output()
        .unwrap();
    let svg = String::from_utf8(run.stdout).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("#c00"), "{svg}");
}

#[test]
fn what_export_writes_is_read_again() {
    let (_, all) = answer(&["goroutines", "--all"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dump.txt");
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .arg("export")
        .arg(path("core.zst"))
        .arg("--exe")
        .arg(path("exe.zst"))
        .arg("-o")
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(["goroutines", "--format", "json", "--dump"])
        .arg(&file)
        .output()
        .unwrap();
    let again: Value = serde_json::from_slice(&run.stdout).unwrap();
    let stacks = |answer: &Value| -> Vec<(u64, Vec<String>)> {
        let all = answer["goroutines"].as_array().unwrap().iter();
        all.map(|one| {
            let frames = one["frames"].as_array().unwrap().iter();
            let frames = frames.map(|frame| {
                // Shapes of generic functions are printed as dots.
                let name = frame["function"].as_str().unwrap();
                let name = name.split('[').next().unwrap();
                format!("{name} {}:{}", frame["file"], frame["line"])
            });
            (one["id"].as_u64().unwrap(), frames.collect())
        })
        .collect()
    };
    let (first, second) = (stacks(&all), stacks(&again["answer"]));
    assert!(first.len() > 20);
    assert_eq!(first, second);
}

#[test]
fn variables_are_those_that_the_program_set_and_what_is_lost_is_said() {
    let folder = testcase::testdata().join("cores/variables");
    let run = |exe: &std::path::Path, more: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_coroner-core"))
            .args([
                "goroutines",
                "--format",
                "json",
                "--has",
                "main.hold",
                "--variables",
            ])
            .arg(folder.join("core.zst"))
            .arg("--exe")
            .arg(exe)
            .args(more)
            .output()
            .unwrap()
    };
    let found = run(&folder.join("exe.zst"), &[]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let frames = found["answer"]["variables"].as_array().unwrap().iter();
    let all: Vec<&Value> = frames
        .flat_map(|frame| frame["variables"].as_array().unwrap())
        .filter(|one| one["function"] == "main.hold")
        .collect();
    let value = |name: &str| {
        let one = all.iter().find(|one| one["name"] == name).unwrap();
        (one["value"].as_str(), one["kind"].as_str().unwrap())
    };
    assert_eq!(value("name"), (Some("\"a name\""), "string"));
    assert_eq!(value("count"), (Some("4711"), "int"));
    let local = Some("{left: -7, right: \"local a name\"}");
    assert_eq!(value("local"), (local, "main.pair"));
    assert!(
        value("list")
            .0
            .unwrap()
            .starts_with("len 3, cap 3, at 0xc0")
    );
    // The compiler kept none of these on the stack, as delve says, too.
    assert_eq!(value("on"), (None, "bool"));
    // A program without DWARF, and a folder in which no file has the core's build id.
    let own = path("exe.zst");
    let plain = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(["goroutines", "--variables"])
        .arg(path("core.zst"))
        .arg("--exe")
        .arg(&own)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&plain.stderr).contains("has no DWARF"),
        "{plain:?}"
    );
    let other = tempfile::tempdir().unwrap();
    let wrong = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(["goroutines", "--variables"])
        .arg(path("core.zst"))
        .arg("--exe")
        .arg(&own)
        .arg("--debug-dir")
        .arg(other.path())
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("none of the 0 files"),
        "{wrong:?}"
    );
}

/// What a verb says of a core and an executable: exit code, answer or error.
fn said(words: &[&std::ffi::OsStr]) -> (i32, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
        .args(words)
        .output()
        .unwrap();
    let code = run.status.code();
    let code = code.unwrap_or_else(|| panic!("{words:?} was ended by a signal"));
    let text = [run.stdout, run.stderr].concat();
    (code, String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn what_is_no_whole_core_is_answered_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let unpacked = |path: PathBuf| zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let core = unpacked(path("core.zst"));
    let exe = file("exe", &unpacked(path("exe.zst")));
    let other = file(
        "other",
        &unpacked(testcase::testdata().join("cores/go1.21-pie/exe.zst")),
    );
    let whole = file("core", &core);
    let ask = |verb: &str, core: &PathBuf, exe: Option<&PathBuf>| {
        let mut words = vec![std::ffi::OsStr::new(verb), core.as_os_str()];
        if let Some(exe) = exe {
            words.extend([std::ffi::OsStr::new("--exe"), exe.as_os_str()]);
        }
        said(&words)
    };
    // Without its code, and with that of another program.
    let (exit, text) = ask("goroutines", &whole, None);
    assert_eq!(exit, 8, "{text}");
    assert!(text.contains("give the executable"), "{text}");
    let (exit, text) = ask("goroutines", &whole, Some(&other));
    assert_eq!(exit, 8, "{text}");
    assert!(text.contains("is not the program of this core"), "{text}");
    // By a link that leads elsewhere, and as a process runs it.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(&exe, &link).unwrap();
    let (exit, text) = ask("goroutines", &whole, Some(&link));
    assert_eq!(exit, 0, "{text}");
    let own = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    let (exit, text) = ask("goroutines", &whole, Some(&own));
    assert_eq!(exit, 8, "{text}");
    assert!(!text.contains("may not be read"), "{text}");
    // What is no core at all.
    for (name, bytes, wanted) in [
        ("empty", &b""[..], "no ELF file"),
        ("text", b"goroutine 1 [running]:\n", "no ELF file"),
        ("head", &core[..40], "cut"),
    ] {
        let (exit, text) = ask("goroutines", &file(name, bytes), Some(&exe));
        assert_eq!(exit, 8, "{name}: {text}");
        assert!(text.contains(wanted), "{name}: {text}");
    }
    let (exit, text) = ask("goroutines", &exe, None);
    assert_eq!(exit, 8, "{text}");
    assert!(text.contains("--exe"), "{text}");
    // Cut behind the variables: goroutines may be missing, and that is said.
    for part in [core.len() / 64, core.len() / 8, core.len() / 2] {
        let cut = file("cut", &core[..part]);
        for verb in [
            "info",
            "goroutines",
            "threads",
            "memory",
            "fds",
            "deadlocks",
        ] {
            let (exit, text) = ask(verb, &cut, Some(&exe));
            // Deadlocks in what is there are told all the same.
            assert!(exit == 8 || exit == 12, "{verb} {part}: {exit} {text}");
            assert!(!text.contains("panicked"), "{verb} {part}: {text}");
        }
    }
    // Headers that claim more than any file has.
    let mut claims = core.clone();
    claims[56..58].copy_from_slice(&0xffff_u16.to_le_bytes());
    claims[40..48].copy_from_slice(&64_u64.to_le_bytes());
    let (exit, text) = ask("info", &file("claims", &claims), Some(&exe));
    assert_eq!(exit, 8, "{text}");
    // Every address of the list of goroutines leads to the same damage.
    let mut heap = core;
    for word in heap[0x8000..].chunks_exact_mut(8).step_by(3) {
        word.copy_from_slice(&0xc0_0000_0000_u64.to_le_bytes());
    }
    for verb in ["info", "goroutines", "deadlocks", "memory"] {
        let (exit, text) = ask(verb, &file("heap", &heap), Some(&exe));
        assert_eq!(exit, 8, "{verb}: {text}");
    }
}

#[test]
fn each_thread_has_its_stack() {
    let (exit, found) = answer(&["threads", "--stacks"]);
    assert_eq!(exit, 0, "{}", found["unknown"]);
    let threads = found["threads"].as_array().unwrap();
    assert!(threads.len() > 5);
    for thread in threads {
        let frames = thread["stack"]["frames"].as_array().unwrap();
        let functions: Vec<&str> = frames
            .iter()
            .map(|frame| frame["function"].as_str().unwrap())
            .collect();
        // The signal that wrote the core found each of them in its handler.
        assert_eq!(functions.last(), Some(&"runtime.sigtramp"), "{thread}");
        assert_eq!(frames[0]["by"], "go", "{thread}");
    }
    let (_, found) = answer(&["threads"]);
    assert!(found["threads"][0].get("stack").is_none(), "not asked for");
}

#[test]
fn the_debug_file_that_a_program_names_is_read_and_no_other() {
    let folder = testcase::testdata().join("cores/arrays");
    let beside = tempfile::tempdir().unwrap();
    let unpack = |name: &str, to: &str| {
        let bytes = zstd::decode_all(std::fs::File::open(folder.join(name)).unwrap()).unwrap();
        std::fs::write(beside.path().join(to), bytes).unwrap();
    };
    unpack("exe.zst", "arrays");
    let ask = || {
        let run = Command::new(env!("CARGO_BIN_EXE_coroner-core"))
            .args(["goroutines", "--format", "json", "--variables"])
            .args(["--has", "main.hold"])
            .arg(folder.join("core.zst"))
            .arg("--exe")
            .arg(beside.path().join("arrays"))
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&run.stdout).unwrap()
    };
    let none = ask();
    assert!(none.to_string().contains("has no DWARF"), "{none}");
    // Its sections are packed with zstd.
    unpack("arrays.debug.zst", "arrays.debug");
    let found = ask();
    let frames = found["answer"]["variables"].as_array().unwrap().iter();
    let all: Vec<&Value> = frames
        .flat_map(|frame| frame["variables"].as_array().unwrap())
        .filter(|one| one["function"] == "main.hold")
        .collect();
    let value = |name: &str| {
        let one = all.iter().find(|one| one["name"] == name);
        one.and_then(|one| one["value"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(value("few"), "[7, -8, 9]", "{found}");
    assert_eq!(
        value("many"),
        "[0, 3, 6, 9, 12, 15, 18, 21, … (20 elements)]"
    );
    assert_eq!(value("points"), "[{x: 1, y: 2}, {x: -3, y: 4}]");
    assert!(value("table").starts_with("len 3, at 0xc0"), "{found}");
    assert_eq!(value("empty"), "nil", "{found}");
    // Another file of that name is not what was meant.
    let debug = beside.path().join("arrays.debug");
    let mut bytes = std::fs::read(&debug).unwrap();
    bytes.push(0);
    std::fs::write(&debug, bytes).unwrap();
    let other = ask();
    assert!(other.to_string().contains("has no DWARF"), "{other}");
}
