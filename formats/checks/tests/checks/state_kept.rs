//! State that outlasts a boot: real nodes with an uptime that is shorter than their tasks, and with a table of
//! mounts.

use checks::Measured;
use finding::{Finding, Severity};
use testcase::Tar;

use crate::opened;

/// The node one minute after the last of its files, or a day.
fn found(tar: &Tar, later: i64) -> Vec<Finding> {
    let mut node = opened::node(tar);
    node.now.seconds = node.now.seconds.saturating_add(later);
    let report = checks::judge(&node, &Measured::default());
    let found = report.findings.into_iter();
    found
        .filter(|finding| finding.code.name == "store/state-kept")
        .collect()
}

/// A node that has been up for so many seconds.
fn up(release: &str, seconds: u64) -> Tar {
    let mut tar = testcase::node(&format!("{release}-running"));
    tar.push("proc", b'5', "", b"");
    tar.push("proc/1", b'5', "", b"");
    tar.add("proc/uptime", format!("{seconds}.00 1.00\n").as_bytes());
    tar.add(
        "proc/1/stat",
        b"1 (systemd) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 3 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0\n",
    );
    tar
}

#[test]
fn bundles_from_before_the_boot_are_told() {
    for release in ["1.6", "1.7", "2.1"] {
        let day = 24 * 60 * 60;
        let found_now = found(&up(release, 600), day);
        assert_eq!(found_now.len(), 1, "{release}");
        assert_eq!(found_now[0].severity, Severity::Odd);
        assert!(
            found_now[0].message.contains("from before the boot"),
            "{}",
            found_now[0].message
        );
        assert!(!found_now[0].affects.is_empty());
        // Up for longer than its tasks: nothing is said.
        assert_eq!(found(&up(release, 90_000 + 600), day), [], "{release}");
        assert_eq!(
            found(&testcase::node(&format!("{release}-running")), day),
            [],
            "{release}"
        );
    }
}

#[test]
fn what_state_lies_on_is_read_from_the_table_of_mounts() {
    let root = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
    let run = "21 20 0:22 / /run rw - tmpfs tmpfs rw\n";
    let with = |lines: String| {
        let mut tar = up("1.7", 1_000_000);
        tar.add("proc/1/mountinfo", lines.as_bytes());
        found(&tar, 0)
    };
    assert_eq!(with(format!("{root}{run}")), []);
    let told = with(root.to_owned());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].severity, Severity::Note);
    assert!(
        told[0].message.contains("is on a disk"),
        "{}",
        told[0].message
    );
}
