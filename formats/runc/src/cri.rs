//! `containers/<id>/status`: what the CRI plugin remembers of a container between two starts.
//!
//! `<root>/io.containerd.grpc.v1.cri/containers/<id>/status`, one JSON object, written whole to
//! `.tmp-status<decimal>` beside it, synced and renamed. The times are nanoseconds since 1970:
//!
//! ```text
//! {"Version":"v1","Pid":4127,"CreatedAt":1795223788600000000,"StartedAt":1795223788700000000,
//!  "FinishedAt":0,"ExitCode":0,"Reason":"","Message":"","Resources":null,"Restore":false}
//! ```
//!
//! At a start the daemon reads it, asks the shim, and writes it again; one that cannot be read is
//! replaced by "exited, 255, unknown". Source: `pkg/cri/store/container/status.go`
//! (2.x: `internal/cri/store/container`).

use core::fmt;

use finding::{Text, Time};
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::record::Record;
use json::Document;

/// What a `status` says. Every key is optional; Go writes all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Pid of the container's init, 0 where it has none.
    pub pid: Option<u64>,
    /// When it was created.
    pub created: Option<Time>,
    /// When it was started.
    pub started: Option<Time>,
    /// When it ended.
    pub finished: Option<Time>,
    /// What it ended with.
    pub exit_code: Option<i64>,
    /// Why it ended, for machines.
    pub reason: Option<Text>,
    /// Why it ended, for people.
    pub message: Option<Text>,
    /// Whether it has `Resources` (late 1.6).
    pub has_resources: bool,
    /// Whether it has `Restore` (2.1).
    pub has_restore: bool,
    /// Keys that are not known here.
    pub unknown: Vec<Text>,
}

/// What the CRI says of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CriState {
    /// Created, and never started as far as the plugin knows.
    Created,
    /// Started, and not ended as far as the plugin knows.
    Running,
    /// Ended.
    Exited,
    /// Not even created.
    Unknown,
}

impl fmt::Display for CriState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Exited => "exited",
            Self::Unknown => "unknown",
        })
    }
}

impl Status {
    /// Reads a `status`, or what is left of one.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut status = Self::default();
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::CriStatus, &document, &mut faults) {
            status.read_cri_status(&mut record);
        }
        (status, faults)
    }

    fn read_cri_status(&mut self, record: &mut Record<'_, '_>) {
        if let Some(version) = record.text_field("Version")
            && version != *"v1"
        {
            record.refuse("Version", "v1", version);
        }
        self.pid = record.integer::<u32>("Pid", "a pid").map(u64::from);
        let mut time = |key| {
            let nanos: i64 = record.integer(key, "nanoseconds since 1970")?;
            (nanos != 0).then(|| Time::from_nanos(nanos))
        };
        self.created = time("CreatedAt");
        self.started = time("StartedAt");
        self.finished = time("FinishedAt");
        self.exit_code = record
            .integer::<i32>("ExitCode", "an exit code")
            .map(i64::from);
        let nonempty = |text: &Text| !text.is_empty();
        self.reason = record.text_field("Reason").filter(nonempty);
        self.message = record.text_field("Message").filter(nonempty);
        let _ = record.node("Resources");
        let _ = record.node("Restore");
        self.unknown = record.others();
        self.has_resources = record.has("Resources");
        self.has_restore = record.has("Restore");
        record.missing("Version");
    }

    /// What the CRI makes of it (`State()` upstream).
    pub const fn state(&self) -> CriState {
        match (self.created, self.started, self.finished) {
            (_, _, Some(_)) => CriState::Exited,
            (_, Some(_), None) => CriState::Running,
            (Some(_), None, None) => CriState::Created,
            (None, None, None) => CriState::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"Version":"v1","Pid":4127,"CreatedAt":1795223788600000001,"StartedAt":1795223788700000000,"FinishedAt":0,"ExitCode":0,"Reason":"","Message":"","Resources":null}"#;

    #[test]
    fn a_status_is_read() {
        let (status, faults) = Status::parse(View::new(WHOLE.as_bytes()));
        assert_eq!(faults, []);
        assert_eq!(status.pid, Some(4127));
        assert_eq!(status.state(), CriState::Running);
        assert_eq!(status.created.unwrap().nanos, 600_000_001);
        assert!(status.has_resources && !status.has_restore);
        assert!(status.unknown.is_empty());
    }

    #[test]
    fn cut_anywhere_it_is_a_fault() {
        for end in 0..WHOLE.len() {
            let (_, faults) = Status::parse(View::new(&WHOLE.as_bytes()[..end]));
            assert_eq!(faults.len(), 1, "{end}");
        }
        let (_, faults) = Status::parse(View::new(&WHOLE.as_bytes()[1..]));
        assert!(!faults.is_empty());
        let (_, faults) = Status::parse(View::new(br#"{"Version":"v9","Pid":-1}"#));
        assert_eq!(faults.len(), 2);
    }
}
