//! Settings of the CRI that lead out of config.toml: to files, to platforms, to what the machine is.

use std::path::Path;

use daemon::Release;
use evidence::FileKind;

use super::cri::{Refused, below, cri_text, flag, names, places, runtimes};
use super::needs::is_platform;
use super::place;
use crate::part::Part;
use crate::start::run::Run;

/// Certificates of the streaming server; files are looked at where the evidence has them.
pub(super) fn tls(run: &Run<'_>) -> Refused {
    let server = places(run.release).server;
    let pair = below(&server, &["x509_key_pair_streaming"]);
    let (cert, key) = (
        cri_text(run, &pair, &["tls_cert_file"]),
        cri_text(run, &pair, &["tls_key_file"]),
    );
    let enabled = flag(run, &server, &["enable_tls_streaming"]);
    let says = match (enabled, cert.is_empty(), key.is_empty()) {
        (_, true, true) => return None,
        (true, false, true) => "must set X509KeyPairStreaming.TLSKeyFile",
        (true, true, false) => "must set X509KeyPairStreaming.TLSCertFile",
        (false, false, _) => {
            "X509KeyPairStreaming.TLSCertFile is set but EnableTLSStreaming is not set"
        }
        (false, true, false) => {
            "X509KeyPairStreaming.TLSKeyFile is set but EnableTLSStreaming is not set"
        }
        (true, false, false) => {
            let files = &run.node.around;
            let gone = [cert, key].iter().any(|file| {
                let is_folder = files.kind(Path::new(file)) == Some(FileKind::Dir);
                !file.starts_with('/') || is_folder || files.is_named_absent(file)
            });
            if !gone {
                return None;
            }
            "failed to load x509 key pair for stream server"
        }
    };
    Some((says.to_owned(), place(run, &pair)))
}

/// Specifications that containers begin with: read when the CRI is loaded.
pub(super) fn base_specs(run: &Run<'_>) -> Refused {
    let base = below(&places(run.release).runtime, &["containerd", "runtimes"]);
    for name in runtimes(run) {
        let key = below(&base, &[&name, "base_runtime_spec"]);
        let Some(file) = run
            .settings
            .text_setting(&key)
            .filter(|file| !file.is_empty())
        else {
            continue;
        };
        // What is relative, is so to the daemon's working directory: the root folder.
        let around = &run.node.around;
        let is_folder = around.kind(Path::new(file)) == Some(FileKind::Dir);
        if !file.starts_with('/') || is_folder || around.is_named_absent(file) {
            return Some(("failed to load base OCI spec".to_owned(), place(run, &key)));
        }
    }
    None
}

/// Platforms of single runtimes (2.x).
pub(super) fn runtime_platforms(run: &Run<'_>) -> Refused {
    if run.release < Release::V2_0 {
        return None;
    }
    let base = below(&places(run.release).images, &["runtime_platforms"]);
    for name in names(run, &base) {
        let key = below(&base, &[&name, "platform"]);
        let platform = run.settings.text_setting(&key).unwrap_or_default();
        if !platform.is_empty() && !is_platform(platform) {
            let says = format!("unable to parse platform \\\"{platform}\\\"");
            return Some((says, place(run, &key)));
        }
    }
    None
}

/// Files that are read when the CRI is loaded: they are there, and were not looked into.
pub(super) fn unread_files(run: &mut Run<'_>) {
    let base = below(&places(run.release).runtime, &["containerd", "runtimes"]);
    let mut keys: Vec<Vec<String>> = Vec::new();
    for name in runtimes(run) {
        let key = below(&base, &[&name, "base_runtime_spec"]);
        keys.push(key.into_iter().map(str::to_owned).collect());
    }
    let server = places(run.release).server;
    if flag(run, &server, &["enable_tls_streaming"]) {
        for key in ["tls_cert_file", "tls_key_file"] {
            let key = below(&server, &["x509_key_pair_streaming", key]);
            keys.push(key.into_iter().map(str::to_owned).collect());
        }
    }
    for key in keys {
        let path: Vec<&str> = key.iter().map(String::as_str).collect();
        if let Some(file) = run
            .settings
            .text_setting(&path)
            .filter(|file| !file.is_empty())
        {
            let name = format!("{} ({file})", path.last().copied().unwrap_or_default());
            let why = "the file was not looked into; where it cannot be used, there is no CRI";
            run.not_known(Part::Configuration, name, why);
        }
    }
}

/// What decides about the CRI and is not in the files.
pub(super) fn of_machine(run: &mut Run<'_>) {
    if run.release < Release::V2_0 {
        return;
    }
    let base = below(&places(run.release).runtime, &["containerd", "runtimes"]);
    for name in runtimes(run) {
        let key = below(&base, &[&name, "cgroup_writable"]);
        if flag(run, &key, &[]) {
            let why = "without cgroup v2 there is no CRI, and whether the machine has it is not in the files";
            run.not_known(Part::Configuration, key.join("."), why);
        }
    }
    let base = below(&places(run.release).images, &["runtime_platforms"]);
    for name in names(run, &base) {
        let key = below(&base, &[&name, "snapshotter"]);
        if let Some(snapshotter) = run
            .settings
            .text_setting(&key)
            .filter(|text| !text.is_empty())
        {
            let name = format!("{} ({snapshotter})", key.join("."));
            let why = "no rule covers the snapshotter of a single runtime";
            run.not_known(Part::Snapshotter, name, why);
        }
    }
}
