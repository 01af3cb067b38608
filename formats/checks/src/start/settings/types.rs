//! Settings that are decoded at every start, and the types that they must have.

use daemon::start as rules;
use finding::Location;
use node::Scalar;

use super::duration::is_duration;
use super::located;
use crate::start::run::{Flow, Run};

/// What a known key must hold.
#[derive(Clone, Copy, PartialEq)]
enum Want {
    Integer,
    Number,
    Duration,
    Text,
    Bool,
}

impl Want {
    fn fits(self, value: &Scalar) -> bool {
        match self {
            Self::Integer => matches!(value, Scalar::Integer(_)),
            Self::Number => matches!(value, Scalar::Integer(_) | Scalar::Float(_)),
            Self::Duration | Self::Text => matches!(value, Scalar::Text(_)),
            Self::Bool => matches!(value, Scalar::Bool(_)),
        }
    }
}

/// Keys whose value is decoded at every start, whatever else is configured.
const KEYS: &[(&str, &str, Want)] = &[
    (
        "io.containerd.gc.v1.scheduler",
        "pause_threshold",
        Want::Number,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "deletion_threshold",
        Want::Integer,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "mutation_threshold",
        Want::Integer,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "schedule_delay",
        Want::Duration,
    ),
    (
        "io.containerd.gc.v1.scheduler",
        "startup_delay",
        Want::Duration,
    ),
    (
        "io.containerd.metadata.v1.bolt",
        "content_sharing_policy",
        Want::Text,
    ),
    ("io.containerd.metadata.v1.bolt", "no_sync", Want::Bool),
    (
        "io.containerd.snapshotter.v1.overlayfs",
        "root_path",
        Want::Text,
    ),
    (
        "io.containerd.snapshotter.v1.native",
        "root_path",
        Want::Text,
    ),
    ("io.containerd.grpc.v1.cri", "sandbox_image", Want::Text),
    (
        "io.containerd.grpc.v1.cri",
        "stream_idle_timeout",
        Want::Text,
    ),
    ("io.containerd.grpc.v1.cri", "enable_selinux", Want::Bool),
    (
        "io.containerd.grpc.v1.cri",
        "max_container_log_line_size",
        Want::Integer,
    ),
];

/// Settings whose value is of another type, or no duration.
pub(super) fn decoded(run: &mut Run<'_>) -> Flow {
    let mut wrong: Vec<(bool, Location, String)> = Vec::new();
    for (id, key, want) in KEYS {
        let Some(setting) = run.settings.get(&["plugins", id, key]) else {
            continue;
        };
        match &setting.value {
            Scalar::Text(text) if *want == Want::Duration && !is_duration(text) => {
                let says = format!("time: invalid duration \"{text}\"");
                wrong.push((true, located(setting), says));
            }
            value if !want.fits(value) => wrong.push((false, located(setting), String::new())),
            _ => {}
        }
    }
    for setting in run.settings.all() {
        if let [table, _] = setting.path.as_slice()
            && table == "timeouts"
            && let Scalar::Text(text) = &setting.value
            && !is_duration(text)
        {
            let says = format!("unable to parse {text} into a time duration");
            wrong.push((true, located(setting), says));
        }
    }
    for (is_duration, at, says) in wrong {
        let rule = if is_duration {
            &rules::SETTING_DURATION
        } else {
            &rules::SETTING_TYPE
        };
        let mut statement = run.statement(rule).at(at);
        if !says.is_empty() {
            statement = statement.says(says);
        }
        run.say(statement)?;
    }
    Flow::Continue(())
}
