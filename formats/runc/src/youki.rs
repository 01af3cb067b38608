//! `state.json` of youki: another schema under runc's name.
//!
//! `/run/containerd/runc/<namespace>/<id>/` where containerd calls youki, else `/run/youki/<id>/`.
//! Beside it stands `youki_config.json`, and `notify.sock`, at which init waits for the start (the file stays
//! when it was let go): there is no exec.fifo. The status is stored, where runc computes one; it is
//! written in place, so that one that was cut short may be found. It has no start time: that a pid is
//! still its own is told by the cgroup alone.
//!
//! Source: `crates/libcontainer/src/container/state.rs`.

use evidence::Entry;
use finding::{Text, Time};
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::phase::{Derived, Phase};
use crate::record::Record;
use json::Document;

/// What a `state.json` of youki says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct YoukiState {
    /// `creating`, `created`, `running`, `paused`, `stopped`.
    pub status: Option<Text>,
    /// Pid of the init process.
    pub pid: Option<i64>,
    /// The bundle.
    pub bundle: Option<Text>,
    /// When it was created.
    pub created: Option<Time>,
    /// Keys that are not known here.
    pub unknown: Vec<Text>,
}

/// Whether a state folder is youki's.
pub(crate) fn is_youkis(entries: &[Entry]) -> bool {
    let mut names = entries.iter().map(|entry| entry.name.bytes());
    names.any(|name| matches!(name, b"youki_config.json" | b"notify.sock"))
}

impl YoukiState {
    /// Reads one, or what is left of one.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut state = Self::default();
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::State, &document, &mut faults) {
            state.status = record.text_field("status");
            state.pid = record.integer("pid", "a pid");
            state.bundle = record.text_field("bundle");
            state.created = record.time("created");
            for key in ["ociVersion", "id"] {
                let _ = record.text_field(key);
            }
            for key in ["useSystemd", "cleanUpIntelRdtSubdirectory"] {
                let _ = record.boolean(key);
            }
            for key in [
                "annotations",
                "creator",
                "intelRdtDir",
                "intelRdtMonitoringDir",
            ] {
                let _ = record.node(key);
            }
            record.missing("status");
            state.unknown = record.others();
        }
        (state, faults)
    }

    /// How far the container came, as its stored status says.
    pub(crate) fn derive(&self, dir: Option<Time>) -> Derived {
        let status = self.status.as_ref().and_then(Text::utf8);
        let (phase, since) = match status {
            Some("creating") => (Phase::Creating, dir),
            Some("created") => (Phase::Created, self.created),
            Some("running" | "paused" | "stopped") => (Phase::Started, self.created),
            _ => (Phase::Unknowable, self.created),
        };
        Derived {
            phase,
            sure: phase != Phase::Unknowable,
            why: match status {
                Some(word) => format!("youki wrote that it is {}", Text::from(word)),
                None => "youki wrote no status".to_owned(),
            },
            since,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_youki_is_read() {
        let text = br#"{"ociVersion":"v1.0.2","id":"a","status":"running","pid":7,"bundle":"/b","annotations":{},"created":"2026-11-28T12:57:46.172036371Z","creator":0,"useSystemd":false,"cleanUpIntelRdtSubdirectory":false}"#;
        let (state, faults) = YoukiState::parse(View::new(text));
        assert_eq!(faults, []);
        assert_eq!((state.pid, state.unknown.len()), (Some(7), 0));
        assert_eq!(state.derive(None).phase, Phase::Started);
        let (state, faults) = YoukiState::parse(View::new(&text[..50]));
        assert_eq!(faults.len(), 1);
        assert_eq!(state.derive(None).phase, Phase::Started);
        let (state, faults) = YoukiState::parse(View::new(b""));
        assert_eq!(
            (state.derive(None).phase, faults.len()),
            (Phase::Unknowable, 1)
        );
    }
}
