//! `status`: what crun remembers of a container.
//!
//! `/run/crun/<id>/status`, mode 0700, one JSON object; beside it `config.json`, a copy of the
//! bundle's, and `exec.fifo`, mode 0600. The direction of the FIFO is the reverse of runc's: init
//! reads, and `crun start` unlinks it *before* it writes. So, other than with runc, a container
//! of crun whose FIFO is there was never started.
//!
//! Source: `src/libcrun/status.c`.

use finding::{Text, Time};
use serde::Serialize;
use view::View;

use crate::fault::{Fault, File};
use crate::record::Record;
use json::Document;

/// What a `status` of crun says. Every key is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CrunStatus {
    /// Pid of the init process.
    pub pid: Option<i64>,
    /// When it started, in clock ticks since boot.
    pub process_start_time: Option<u64>,
    /// The cgroup, relative to where cgroups are mounted.
    pub cgroup_path: Option<Text>,
    /// systemd's scope, where it manages the cgroup.
    pub scope: Option<Text>,
    /// The root file system.
    pub rootfs: Option<Text>,
    /// The bundle.
    pub bundle: Option<Text>,
    /// When it was created.
    pub created: Option<Time>,
    /// Keys that are not known here.
    pub unknown: Vec<Text>,
}

impl CrunStatus {
    /// Reads a `status`, or what is left of one.
    pub fn parse(view: View<'_>) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut status = Self::default();
        let document = Document::parse(view);
        if let Some(mut record) = Record::root(File::CrunStatus, &document, &mut faults) {
            status.pid = record.integer("pid", "a pid");
            status.process_start_time =
                record.integer("process-start-time", "clock ticks since boot");
            status.cgroup_path = record.text_field("cgroup-path");
            status.scope = record.text_field("scope");
            status.rootfs = record.text_field("rootfs");
            status.bundle = record.text_field("bundle");
            status.created = record.time("created");
            for key in ["systemd-cgroup", "detached"] {
                let _ = record.boolean(key);
            }
            for key in ["owner", "intelrdt"] {
                let _ = record.text_field(key);
            }
            // An array of strings encoded as a string, until now; an array would be no surprise.
            let _ = record.node("external_descriptors");
            record.missing("pid");
            record.missing("bundle");
            status.unknown = record.others();
        }
        (status, faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_of_crun_is_read() {
        let text = br#"{"pid":812,"process-start-time":9100,"cgroup-path":"/system.slice/x","scope":null,"intelrdt":null,"rootfs":"/b/rootfs","systemd-cgroup":false,"bundle":"/b","created":"2026-09-21T17:01:02.000000Z","owner":"root","detached":true,"external_descriptors":"[\"/dev/null\",\"pipe:[1]\",\"pipe:[2]\"]"}"#;
        let (status, faults) = CrunStatus::parse(View::new(text));
        assert_eq!(faults, []);
        assert_eq!(status.pid, Some(812));
        assert_eq!(status.bundle.unwrap(), "/b");
        assert!(status.unknown.is_empty());
        let (status, faults) = CrunStatus::parse(View::new(&text[..20]));
        assert_eq!((status.pid, faults.len()), (Some(812), 1));
    }
}
