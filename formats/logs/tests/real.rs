//! The logs of a real node: systemd 257, containerd 1.7.24 that was killed, stopped, started on a
//! damaged database and on a broken configuration, and a journald that was killed, too.

#![expect(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads its own files"
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use evidence::{Evidence, Options};
use finding::{Text, Time};
use logs::{Ended, Gathered, Program, Start};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/journals/starts")
}

fn gather(options: &logs::Options) -> Gathered {
    let evidence = Evidence::open(&folder().join("node.tar.zst"), &Options::default()).unwrap();
    logs::gather(&evidence, options, &measure::Control::default())
}

/// What journalctl says, as text.
fn truth() -> String {
    let packed = std::fs::read(folder().join("truth.export.zst")).unwrap();
    let plain = zstd::decode_all(packed.as_slice()).unwrap();
    String::from_utf8_lossy(&plain).into_owned()
}

fn count(text: &str, needle: &str) -> usize {
    text.lines().filter(|line| line.contains(needle)).count()
}

#[test]
fn each_start_is_told_with_its_end_as_systemd_saw_it() {
    let gathered = gather(&logs::Options::default());
    let starts = logs::starts(&gathered.lines, Program::Containerd);
    let truth = truth();
    assert_eq!(
        starts.len(),
        count(&truth, "MESSAGE=Starting containerd.service")
    );

    let how =
        |wanted: fn(&Ended) -> bool| starts.iter().filter(|start| wanted(&start.ended)).count();
    let exits = "MESSAGE=containerd.service: Main process exited";
    let status_2 = format!("{exits}, code=exited, status=2");
    assert_eq!(how(|end| *end == Ended::Panicked), count(&truth, &status_2));
    let killed = Ended::Killed {
        signal: Text::from("KILL"),
    };
    assert_eq!(
        starts.iter().filter(|start| start.ended == killed).count(),
        1
    );
    assert_eq!(how(|end| *end == Ended::Stopped), 2);
    assert!(logs::is_loop(&starts));
    // The release is that of the daemon's own first line.
    let releases = starts.iter().filter_map(|start| start.release.as_ref());
    assert!(releases.clone().count() >= 3);
    assert!(
        releases
            .clone()
            .all(|release| release.to_string().starts_with("1.7.24"))
    );
}

#[test]
fn a_panic_is_one_line_with_its_goroutines_and_is_explained() {
    let gathered = gather(&logs::Options::default());
    let starts = logs::starts(&gathered.lines, Program::Containerd);
    let panicked: Vec<&Start> = starts
        .iter()
        .filter(|start| start.ended == Ended::Panicked)
        .collect();
    let messages = logs::explained(&gathered.lines);
    for start in panicked {
        let index = start.because.unwrap();
        let line = &gathered.lines[index];
        assert!(line.text.to_string().starts_with("panic: assertion failed"));
        // 36 lines of the trace follow, as journalctl counts them.
        assert!(line.more_lines >= 30, "{}", line.more_lines);
        let more = String::from_utf8_lossy(&line.more).into_owned();
        assert!(more.contains("go.etcd.io/bbolt.Open("), "{more}");
        assert_eq!(messages[index].unwrap().key, "bolt-page-id");
        // No line of the trace stands alone.
        assert!(
            gathered
                .lines
                .iter()
                .all(|line| !line.text.to_string().starts_with("goroutine "))
        );
    }
}

#[test]
fn every_line_of_the_programs_is_there_when_everything_is_asked_for() {
    let options = logs::Options {
        everything: true,
        ..logs::Options::default()
    };
    let gathered = gather(&options);
    let own = gathered
        .lines
        .iter()
        .filter(|line| line.program == Program::Containerd);
    let own: u64 = own.map(|line| line.more_lines + 1).sum();
    let truth = count(&truth(), "SYSLOG_IDENTIFIER=containerd");
    assert_eq!(own, u64::try_from(truth).unwrap());
    let seconds = gathered.lines.iter().filter_map(|line| line.time);
    assert!(seconds.map(|time| time.seconds).is_sorted());
}

#[test]
fn nothing_outside_of_the_time_that_is_asked_for_is_given() {
    let from = Time::parse("2026-11-28T18:37:10Z").unwrap();
    let to = Time::parse("2026-11-28T18:37:14Z").unwrap();
    let gathered = gather(&logs::Options {
        from: Some(from),
        to: Some(to),
        ..logs::Options::default()
    });
    assert!(!gathered.lines.is_empty());
    let inside = |line: &logs::Line| line.time.is_some_and(|time| from <= time && time < to);
    assert!(gathered.lines.iter().all(inside));
}

/// What journalctl printed, as rsyslog writes it, with rotation: the same starts, years and zone
/// from the file.
#[test]
fn text_logs_give_the_same_starts_as_the_journal() {
    let journal = gather(&logs::Options::default());
    let truth = logs::starts(&journal.lines, Program::Containerd);
    let mut text = String::new();
    for line in &journal.lines {
        // As a clock two hours ahead of UTC shows it.
        let time = line.time.unwrap();
        let wall = Time::new(time.seconds + 7200, 0).to_string();
        let wall = format!("Nov {} {}", &wall[8..10], &wall[11..19]);
        let program = match line.program {
            Program::Systemd => "systemd[1]".to_owned(),
            Program::Containerd => format!("containerd[{}]", line.pid.unwrap()),
            _ => continue,
        };
        text += &format!("{wall} node-a {program}: {}\n", line.text);
        for more in String::from_utf8_lossy(&line.more).lines() {
            text += &format!("{wall} node-a {program}: {}\n", more.replace('\t', "#011"));
        }
    }
    let half = text[..text.len() / 2].rfind('\n').unwrap() + 1;
    let node = tempfile::tempdir().unwrap();
    let logs = node.path().join("var/log");
    std::fs::create_dir_all(&logs).unwrap();
    let written = Time::parse("2026-11-28T18:40:00Z").unwrap();
    let written = UNIX_EPOCH + Duration::from_secs(written.seconds.try_into().unwrap());
    for (name, part) in [("syslog", &text[half..]), ("syslog.1.zst", &text[..half])] {
        let data = if name.ends_with("zst") {
            zstd::encode_all(part.as_bytes(), 1).unwrap()
        } else {
            part.as_bytes().to_vec()
        };
        std::fs::write(logs.join(name), data).unwrap();
        let file = std::fs::File::options().append(true).open(logs.join(name));
        file.unwrap().set_modified(written).unwrap();
    }
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    let gathered = logs::gather(
        &evidence,
        &logs::Options::default(),
        &measure::Control::default(),
    );
    let starts = logs::starts(&gathered.lines, Program::Containerd);
    let ends = |starts: &[Start]| -> Vec<_> {
        let ends = starts.iter();
        ends.map(|start| (start.at.map(|at| at.seconds), start.ended.clone()))
            .collect()
    };
    assert_eq!(ends(&starts), ends(&truth));
}

/// Silence of a journal that is not whole says nothing.
#[test]
fn what_a_journal_lacks_is_not_read() {
    let whole = testcase::journal("zstd-compact");
    let node = tempfile::tempdir().unwrap();
    let logs = node
        .path()
        .join("var/log/journal/5a3c0e0b8f0d4c1e9a7be2f4d6c8a001");
    std::fs::create_dir_all(&logs).unwrap();
    let unread = |bytes: &[u8]| {
        std::fs::write(logs.join("system.journal"), bytes).unwrap();
        std::fs::create_dir_all(node.path().join("run")).unwrap();
        let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
        let gathered = logs::gather(
            &evidence,
            &logs::Options::default(),
            &measure::Control::default(),
        );
        let unread = gathered.unread.iter();
        unread
            .map(|unknown| unknown.why.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(unread(&whole), [""; 0]);
    let cut = unread(whole.get(..whole.len() / 2).unwrap());
    assert!(cut.iter().any(|why| why.contains("was cut")), "{cut:?}");
    let mut damaged = whole.clone();
    // The length of the hash table, which is the first object.
    damaged.get_mut(272 + 8..272 + 16).unwrap().fill(0xff);
    let damaged = unread(&damaged);
    assert!(
        damaged.iter().any(|why| why.contains("damaged")),
        "{damaged:?}"
    );
    assert!(!unread(b"LPKSHHRH").is_empty() && !unread(b"").is_empty());
}
