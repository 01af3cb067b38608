//! Logs that want to be more than they are: a line without an end, a packed log that inflates without an end, escapes.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::io::Read;

use evidence::{Evidence, Options};
use logs::Gathered;

fn gather(files: &[(&str, Vec<u8>)]) -> Gathered {
    gather_with(files, &logs::Options::default())
}

fn gather_with(files: &[(&str, Vec<u8>)], options: &logs::Options) -> Gathered {
    let mut tar = testcase::node("1.7-stopped");
    for (path, data) in files {
        tar.add(path, data);
    }
    let evidence = Evidence::open_stream(tar.write().as_slice(), &Options::default()).unwrap();
    logs::gather(&evidence, options, &measure::Control::default())
}

const LAST: &[u8] = b"\nNov 28 14:18:12 node containerd[40]: panic: invalid page type: 0: 0\n";

#[test]
fn a_line_without_an_end_is_looked_at_up_to_its_bound() {
    let mut log = b"Nov 28 14:18:11 node containerd[40]: level=error msg=\"".to_vec();
    log.resize(32 << 20, b'(');
    log.extend_from_slice(LAST);
    let gathered = gather(&[("var/log/syslog", log)]);
    assert_eq!(gathered.lines.len(), 2);
    assert!(
        gathered
            .lines
            .iter()
            .all(|line| line.text.bytes().len() <= 64 << 10)
    );
    let known = logs::explained(&gathered.lines);
    assert_eq!(known.last().unwrap().unwrap().key, "bolt-page-type");
}

#[test]
fn a_packed_log_that_inflates_without_an_end_is_given_up_and_named() {
    // A gibibyte of nothing, in some tens of kilobytes.
    let nothing = std::io::repeat(b' ').take(1 << 30);
    let packed = zstd::encode_all(nothing, 1).unwrap();
    assert!(packed.len() < 1 << 20);
    let gathered = gather(&[
        ("var/log/syslog", LAST.to_vec()),
        ("var/log/syslog-20261128.zst", packed),
    ]);
    assert_eq!(gathered.lines.len(), 1);
    let unread: Vec<_> = gathered
        .unread
        .iter()
        .filter(|one| one.what.contains("syslog"))
        .collect();
    assert_eq!(unread.len(), 1, "{unread:?}");
    assert!(
        unread.iter().all(|one| one.what.contains("20261128")),
        "{unread:?}"
    );
}

#[test]
fn nothing_of_a_line_reaches_a_terminal_as_it_is() {
    let log =
        "Nov 28 14:18:11 node containerd[40]: level=error msg=\"\u{1b}]0;x\u{7}#033[2J\u{202e}\"\n";
    let gathered = gather(&[("var/log/syslog", log.as_bytes().to_vec())]);
    let shown = gathered.lines.first().unwrap().text.to_string();
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
}

/// Each bound on what is read of logs, from nothing to all: a log that is not read is named, and its lines are the
/// only ones that are lacking.
#[test]
fn a_log_that_is_beyond_a_bound_is_named() {
    let mut long = b"Nov 28 14:18:11 node containerd[40]: level=error msg=hello\n".repeat(100);
    long.extend_from_slice(LAST);
    let files = [
        ("var/log/syslog", LAST.to_vec()),
        ("var/log/syslog.1", long.clone()),
    ];
    let whole = gather(&files);
    assert!(
        whole.left_out.is_empty() && whole.lines.len() > 100,
        "{} lines, {:?}",
        whole.lines.len(),
        whole.left_out
    );
    let sizes = [0, LAST.len() - 1, LAST.len(), long.len() - 1];
    for most in sizes.map(|size| u64::try_from(size).unwrap()) {
        let options = logs::Options {
            most: Some(most),
            ..logs::Options::default()
        };
        let cut = gather_with(&files, &options);
        let named = |name: &str| cut.left_out.iter().any(|one| one.what.ends_with(name));
        let is_read = |name: &str| cut.lines.len() >= if name == "syslog" { 1 } else { 100 };
        for name in ["syslog", "syslog.1"] {
            assert!(
                named(name) != is_read(name),
                "{most}: {name}, {:?}",
                cut.left_out
            );
        }
    }
    let after = logs::Options {
        from: Some(finding::Time::new(i64::MAX, 0)),
        most: Some(u64::MAX),
        ..logs::Options::default()
    };
    let cut = gather_with(&files, &after);
    assert!(
        cut.lines.is_empty() && cut.left_out.len() >= 2,
        "{:?}",
        cut.left_out
    );
}
