//! Programs in NRI's folder of plugins, and its socket.

use checks::start::Outcome;
use checks::start::Prediction;

use super::{CONFIG, foretell, told};

/// A capture with a file in NRI's folder of plugins.
fn with_nri(name: &str, config: Option<&str>, path: &str, mode: u32) -> Prediction {
    let mut tar = testcase::node(name);
    if let Some(text) = config {
        tar.add(CONFIG, text.as_bytes());
    }
    tar.add(path, b"#!/bin/sh\n");
    // The mode's field of a tar's header: octal digits, as tar(5) has it.
    tar.member(path).header[100..107].copy_from_slice(format!("{mode:07o}").as_bytes());
    foretell(&tar, None)
}

#[test]
fn a_program_that_is_no_plugin_of_nri_ends_the_daemon() {
    const ON: &str = "version = 2\n[plugins.'io.containerd.nri.v1.nri']\ndisable = false\n";
    const OFF: &str = "version = 3\n[plugins.'io.containerd.nri.v1.nri']\ndisable = true\n";
    const ELSEWHERE: &str =
        "version = 3\n[plugins.'io.containerd.nri.v1.nri']\nplugin_path = '/srv/nri'\n";
    for (name, config, path, mode, ends) in [
        // Each of these was tried with a real 2.1.
        (
            "2.1-stopped",
            None,
            "opt/nri/plugins/notes.txt",
            0o755,
            true,
        ),
        ("2.1-stopped", None, "opt/nri/plugins/logger", 0o755, true),
        ("2.1-stopped", None, "opt/nri/plugins/README", 0o644, false),
        (
            "2.1-stopped",
            None,
            "opt/nri/plugins/10-logger",
            0o755,
            false,
        ),
        ("2.1-stopped", None, "opt/nri/plugins", 0o644, true),
        (
            "2.1-stopped",
            Some(OFF),
            "opt/nri/plugins/logger",
            0o755,
            false,
        ),
        (
            "2.1-stopped",
            Some(ELSEWHERE),
            "srv/nri/logger",
            0o755,
            true,
        ),
        (
            "2.1-stopped",
            Some(ELSEWHERE),
            "opt/nri/plugins/logger",
            0o755,
            false,
        ),
        // Until 2.0 it is off.
        ("1.7-stopped", None, "opt/nri/plugins/logger", 0o755, false),
        (
            "1.7-stopped",
            Some(ON),
            "opt/nri/plugins/logger",
            0o755,
            true,
        ),
        ("1.6-stopped", None, "opt/nri/plugins/logger", 0o755, false),
    ] {
        let told = with_nri(name, config, path, mode);
        let ended = told.outcome == Outcome::CrashLoop;
        assert_eq!(ended, ends, "{name} {config:?} {path} {mode:o}: {told:#?}");
    }
}

#[test]
fn a_socket_of_nri_that_cannot_be_made_ends_the_daemon() {
    let text = |path: &str| {
        format!("version = 3\n[plugins.'io.containerd.nri.v1.nri']\nsocket_path = '{path}'\n")
    };
    let told = self::told("2.1-stopped", &text("/etc/hostname/nri.sock"));
    assert_eq!(told.outcome, Outcome::CrashLoop, "{told:#?}");
    let told = self::told("2.1-stopped", &text("/run/other/nri.sock"));
    assert_eq!(told.outcome, Outcome::Boots, "{told:#?}");
}
