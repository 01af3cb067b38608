//! For Timesketch: one JSON object a line, each with `message`, `datetime` and `timestamp_desc`.

use std::io;

use finding::{Text, Time};
use serde::Serialize;

use timeline::{Recovered, Store, Subject, What};

/// One time, with the names of fields that Timesketch and Plaso know.
#[derive(Serialize)]
struct Event<'a> {
    message: &'a str,
    /// ISO 8601, with the offset.
    datetime: String,
    timestamp_desc: &'static str,
    /// Microseconds since 1970.
    timestamp: i64,
    data_type: String,
    source_short: &'static str,
    source_long: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshotter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inode: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bolt_page: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    txid: Option<u64>,
    recovered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tag: Vec<&'static str>,
}

/// Whether a time is one that pandas, by which Timesketch reads it, can hold: the nanoseconds since
/// 1970 in 64 bits.
pub(super) const fn can_hold(time: Time) -> bool {
    const MOST: i64 = 9_223_372_036;
    -MOST < time.seconds && time.seconds < MOST
}

/// Writes an event, without the line's end.
pub(super) fn line(
    into: &mut Vec<u8>,
    time: Time,
    what: What,
    subject: &Subject,
    message: &str,
) -> io::Result<()> {
    let found = subject.recovered.as_ref();
    let mut tag = Vec::new();
    tag.extend(found.map(Recovered::word));
    if subject.kind == "whiteout" {
        tag.push("deleted");
    }
    let stat = subject.stat.as_ref().filter(|stat| !stat.only_kind);
    let micros = i64::from(time.nanos).checked_div(1000).unwrap_or(0);
    let event = Event {
        message,
        datetime: iso(time),
        timestamp_desc: what.description(),
        timestamp: time
            .seconds
            .saturating_mul(1_000_000)
            .saturating_add(micros),
        data_type: data_type(subject),
        source_short: source(subject.store).0,
        source_long: source(subject.store).1,
        namespace: shown(subject.namespace.as_ref()),
        container_id: shown(subject.container.as_ref()),
        image: shown(subject.image.as_ref()),
        digest: shown(subject.digest.as_ref()),
        snapshotter: shown(subject.snapshotter.as_ref()),
        file_path: stat.map(|_| subject.name.to_string()),
        evidence_path: shown(subject.place.as_ref()),
        file_size: stat.map(|stat| stat.size),
        inode: stat.and_then(|stat| stat.ino),
        mode: stat.map(|stat| format!("{:04o}", stat.mode)),
        bolt_page: found.map(|found| found.page),
        txid: found.and_then(|found| found.freed_until),
        recovered: found.is_some(),
        confidence: found.map(Recovered::confidence_word),
        tag,
    };
    cli::json_text(into, &event)
}

/// With the offset in digits, and with microseconds always: Timesketch's importers guess one
/// pattern from the first line.
fn iso(time: Time) -> String {
    let micros = time.nanos.checked_div(1000).unwrap_or(0);
    let whole = Time::new(time.seconds, 0).to_string();
    let whole = whole.trim_end_matches('Z');
    format!("{whole}.{micros:06}+00:00")
}

/// A field of OpenSearch is of one type: a name that is not UTF-8 is a text like others here.
fn shown(text: Option<&Text>) -> Option<String> {
    text.map(ToString::to_string)
}

fn data_type(subject: &Subject) -> String {
    let kind = subject.kind.replace([' ', '-'], "_").to_lowercase();
    let family = match subject.store {
        Store::Meta => "bolt",
        Store::Snapshotter => "bolt:snapshotter",
        Store::Content => "content",
        Store::Files => "file",
        Store::Cri => "cri",
        Store::Logs => "log",
        Store::Runtime => "runtime",
        Store::Network => "cni",
        Store::Config => "config",
        Store::Databases => "database",
    };
    format!("containerd:{family}:{kind}")
}

const fn source(store: Store) -> (&'static str, &'static str) {
    match store {
        Store::Meta => ("BOLT", "containerd meta.db"),
        Store::Snapshotter => ("BOLT", "containerd snapshotter metadata.db"),
        Store::Content => ("FILE", "containerd content store"),
        Store::Files => ("FILE", "container file"),
        Store::Cri => ("CRI", "containerd CRI status"),
        Store::Logs => ("LOG", "containers and daemons"),
        Store::Runtime => ("RUNC", "container runtime state"),
        Store::Network => ("CNI", "container network state"),
        Store::Config => ("FILE", "containerd configuration"),
        Store::Databases => ("FILE", "containerd database file"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_an_offset_and_microseconds() {
        let time = Time::new(1_795_223_788, 600_000_123);
        assert_eq!(iso(time), "2026-11-21T01:16:28.600000+00:00");
        assert_eq!(iso(Time::new(0, 0)), "1970-01-01T00:00:00.000000+00:00");
        assert!(can_hold(Time::new(-1, 0)));
        assert!(!can_hold(Time::parse("9999-12-31T00:00:00Z").unwrap()));
        assert!(!can_hold(Time::parse("0001-01-01T00:00:00Z").unwrap()));
    }
}
