//! The other small files of a bundle: `options.json`, `init.pid`, `log.json`.

use finding::{Text, Time};
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::record::Record;
use json::{Document, Flaw, Value};

/// `options.json`: how the shim was told to call runc (`containerd.runc.v1.Options`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Options {
    /// Another program than `runc`.
    pub binary_name: Option<Text>,
    /// Another root for its state than `/run/containerd/runc`.
    pub root: Option<Text>,
    /// Whether systemd manages the cgroups.
    pub systemd_cgroup: Option<bool>,
}

impl Options {
    /// Reads an `options.json`; an empty file means defaults.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut options = Self::default();
        if view.is_empty() {
            return (options, faults);
        }
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::Options, &document, &mut faults) {
            let nonempty = |text: &Text| !text.is_empty();
            options.binary_name = record.text_field("binary_name").filter(nonempty);
            options.root = record.text_field("root").filter(nonempty);
            options.systemd_cgroup = record.boolean("systemd_cgroup");
        }
        (options, faults)
    }
}

/// Reads an `init.pid`: a decimal number without a newline.
pub fn init_pid(view: View<'_>) -> (Option<i64>, Vec<Fault>) {
    let bytes = view.bytes().trim_ascii();
    let pid = core::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<i64>().ok())
        .filter(|pid| *pid > 0);
    if pid.is_some() {
        return (pid, Vec::new());
    }
    let fault = Fault::Value {
        file: File::Pid,
        key: String::new(),
        span: view.span(),
        want: "a pid".to_owned(),
        found: Text::from(bytes.get(..32).unwrap_or(bytes)),
    };
    (None, vec![fault])
}

/// A line of `log.json`: what runc said while it created or started a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// `error`, `warning`, …
    pub level: Option<Text>,
    /// When.
    pub time: Option<Time>,
    /// What.
    pub message: Text,
}

/// Lines that are kept of one `log.json`: the last ones.
pub const LOG_LINES: usize = 64;

/// Reads the last [`LOG_LINES`] lines of a `log.json`, one JSON object each.
pub fn log(view: View<'_>) -> (Vec<LogLine>, Vec<Fault>) {
    let mut lines = Vec::new();
    let mut faults = Vec::new();
    let mut end = view.bytes().len();
    let mut texts = Vec::new();
    for line in view.bytes().rsplit(|byte| *byte == b'\n') {
        let start = end.saturating_sub(line.len());
        if !line.trim_ascii().is_empty() {
            texts.push((start, line));
        }
        if texts.len() >= LOG_LINES {
            break;
        }
        end = start.saturating_sub(1);
    }
    // gVisor writes one after the other, without an end of a line between them.
    let mut rest: Vec<_> = texts;
    while let Some((start, line)) = rest.pop() {
        let at = view.absolute(u64::try_from(start).unwrap_or(u64::MAX));
        let window = View::based(line, at);
        let document = Document::parse_first(window);
        let read = document.read_len(window);
        if let Some(next) = line.get(read..).filter(|next| read > 0 && !next.is_empty())
            && document.flaws.iter().all(Flaw::is_harmless)
        {
            rest.push((start.saturating_add(read), next));
        }
        let whole = document
            .root
            .as_ref()
            .is_some_and(|node| matches!(node.value, Value::Object(_)));
        if let Some(mut record) = Record::root(File::Log, &document, &mut faults) {
            let line = LogLine {
                level: record.text_field("level"),
                time: record.time("time"),
                message: record.text_field("msg").unwrap_or_default(),
            };
            if whole && !line.message.is_empty() {
                lines.push(line);
            }
        }
    }
    lines.drain(..lines.len().saturating_sub(LOG_LINES));
    (lines, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_pids_are_read() {
        let (options, faults) = Options::parse(View::new(br#"{"binary_name":"crun","root":"/r"}"#));
        assert_eq!(faults, []);
        assert_eq!(options.binary_name.unwrap(), "crun");
        assert_eq!(
            Options::parse(View::new(b"{}")),
            (Options::default(), vec![])
        );
        assert_eq!(Options::parse(View::new(b"")).1, []);
        assert_eq!(init_pid(View::new(b"4127")), (Some(4127), vec![]));
        for text in [b"".as_slice(), b"0", b"-1", b"4x", b"\0\0\0\0", &[b'9'; 80]] {
            assert_eq!(init_pid(View::new(text)).1.len(), 1);
        }
    }

    #[test]
    fn the_last_lines_of_a_log_are_read() {
        let mut text = String::new();
        for n in 0..100 {
            text += r#"{"level":"error","msg":"line "#;
            text += &n.to_string();
            text += "\",\"time\":\"2026-11-21T03:36:00Z\"}\n";
        }
        let (lines, faults) = log(View::new(text.as_bytes()));
        assert_eq!(faults, []);
        assert_eq!(lines.len(), LOG_LINES);
        assert_eq!(lines.last().unwrap().message, "line 99");
        let cut = &text.as_bytes()[..text.len() - 10];
        let (lines, faults) = log(View::new(cut));
        assert_eq!((lines.len(), faults.len()), (LOG_LINES, 1));
        assert_eq!(lines.last().unwrap().message, "line 99");
        assert_eq!(log(View::new(b"not json\n")).1.len(), 1);
    }

    #[test]
    fn documents_without_an_end_of_a_line_between_them_are_read() {
        let text = br#"{"msg":"a }{ b","level":"error"}{"msg":"second"} {"msg":"third"}"#;
        let (lines, faults) = log(View::new(text));
        assert_eq!(faults, []);
        let said: Vec<_> = lines.iter().map(|line| line.message.clone()).collect();
        assert_eq!(said, ["a }{ b", "second", "third"]);
        let (lines, faults) = log(View::new(&text[..text.len() - 3]));
        assert_eq!((lines.len(), faults.len()), (2, 1));
        assert_eq!(log(View::new(br#"{"msg":"a"}x"#)).1.len(), 1);
        let many = br#"{"msg":"a"}"#.repeat(1000);
        assert_eq!(log(View::new(&many)).0.len(), LOG_LINES);
    }
}
