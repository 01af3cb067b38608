//! What is told of all lines: of which daemon, whether systemd goes on starting it, and what the starts say already.

use crate::{Gathered, Level, Line, Program, Start};

/// Whether systemd gave up to start the daemon after its last start.
pub fn is_given_up(gathered: &Gathered, last: Option<&Start>) -> bool {
    let Some(last) = last.filter(|last| last.has_failed()) else {
        return false;
    };
    let after = gathered.lines.iter().skip(last.lines.0);
    after.into_iter().any(|line| {
        line.program == Program::Systemd
            && line.unit == last.unit
            && line
                .text
                .to_string()
                .contains("Start request repeated too quickly")
    })
}

/// Whether systemd says what the list of starts says already.
pub fn is_history(line: &Line) -> bool {
    const SAYS: [&str; 10] = [
        "Starting ",
        "Started ",
        "Stopping ",
        "Stopped ",
        "Failed to start ",
        "Main process exited",
        "Failed with result",
        "Scheduled restart job",
        "Deactivated successfully",
        "Consumed ",
    ];
    let text = line.text.to_string();
    line.program == Program::Systemd && SAYS.iter().any(|says| text.contains(says))
}

/// The daemon whose starts are told where none is named: containerd, or what contains it.
pub fn told_daemon(gathered: &Gathered) -> Program {
    let has = |program| {
        gathered.lines.iter().any(|line| {
            line.program == program && line.level <= Level::Info
                || line.program == Program::Systemd
                    && program == Program::Containerd
                    && line
                        .unit
                        .as_deref()
                        .is_some_and(|unit| unit.bytes() == b"containerd.service")
        })
    };
    if !has(Program::Containerd) && has(Program::Distribution) {
        return Program::Distribution;
    }
    Program::Containerd
}
