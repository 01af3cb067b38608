//! Any bytes as a file of any form: masked in place, once and for all, and never longer.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::path::Path;

use redact::{Options, Outcome};

/// One file of each form that is masked.
const PATHS: [&str; 12] = [
    "/run/containerd/x/config.json",
    "/etc/containerd/config.toml",
    "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db",
    "/etc/cni/net.d/10.conflist",
    "/etc/os-release",
    "/etc/hostname",
    "/etc/cni/net.d/kubeconfig.yaml",
    "/etc/systemd/system/containerd.service",
    "/run/containerd/x/log.json",
    "/proc/1/cmdline",
    "/proc/1/environ",
    "/etc/containerd/key.pem",
];

bounded_target!(|data: &[u8]| {
    let Some((form, bytes)) = data.split_first() else {
        return;
    };
    let path = Path::new(PATHS[usize::from(*form) % PATHS.len()]);
    let mut masked = bytes.to_vec();
    let limit = (64 << 20) + 64 * bytes.len();
    let outcome = costs::within(limit, || redact::mask(path, &mut masked, &Options::default()));
    assert_eq!(masked.len(), bytes.len());
    if outcome == Outcome::LeftOut {
        return;
    }
    // Nothing is uncovered: each byte is as it was, or one that stands for what was masked.
    let is_database = *form as usize % PATHS.len() == 2;
    for (before, after) in bytes.iter().zip(&masked) {
        assert!(is_database || before == after || matches!(after, b'*' | b'1') || after.is_ascii_alphanumeric() || b"+/=".contains(after));
    }
    let _ = redact::path(Path::new("/etc"), bytes);
    let _ = redact::xattr(bytes, bytes);
    let _ = redact::line(bytes.to_vec());
});
