//! The machine that we run on: what it lets us see.
//!
//! The only place that reads the analyst's own `/proc`, by fixed names.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// `CAP_SYS_ADMIN` in the kernel's bit mask: needed to read `trusted.*` extended attributes.
const CAP_SYS_ADMIN: u32 = 21;

/// What a manifest says of the machine that wrote it, and of the rights that the writer had.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Host name.
    #[serde(default)]
    pub name: String,
    /// Release of the running kernel, as `uname -r` says.
    #[serde(default)]
    pub kernel: String,
    /// Machine type, as `uname -m` says.
    #[serde(default)]
    pub machine: String,
    /// Effective user id.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Effective capabilities, as `/proc/self/status` writes them in hex.
    #[serde(default)]
    pub capabilities: Option<String>,
    /// Whether `trusted.*` extended attributes could be read.
    #[serde(default)]
    pub trusted_xattrs: bool,
}

impl Host {
    /// This machine.
    pub fn this() -> Self {
        let kernel = |name: &str| {
            let path = Path::new("/proc/sys/kernel").join(name);
            own(&path).map(|text| text.trim().to_owned())
        };
        Self {
            name: kernel("hostname").unwrap_or_default(),
            kernel: kernel("osrelease").unwrap_or_default(),
            machine: std::env::consts::ARCH.to_owned(),
            uid: Some(nix::unistd::geteuid().as_raw()),
            capabilities: capabilities(),
            trusted_xattrs: sees_trusted_xattrs(),
        }
    }
}

/// A file of our own `/proc`.
#[expect(
    clippy::disallowed_methods,
    reason = "a fixed name in the analyst's own /proc, not evidence"
)]
pub(crate) fn own(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Effective capabilities in hex.
fn capabilities() -> Option<String> {
    let status = own(Path::new("/proc/self/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    Some(line?.trim().to_owned())
}

/// Whether the kernel shows us `trusted.*`: `CAP_SYS_ADMIN` in the *initial* user namespace, which
/// root in a container does not have.
pub(crate) fn sees_trusted_xattrs() -> bool {
    let holds = capabilities()
        .and_then(|hex| u64::from_str_radix(&hex, 16).ok())
        .and_then(|mask| mask.checked_shr(CAP_SYS_ADMIN))
        .is_some_and(|mask| mask & 1 == 1);
    let map = own(Path::new("/proc/self/uid_map")).unwrap_or_default();
    let fields: Vec<&str> = map.split_whitespace().collect();
    holds && fields == ["0", "0", "4294967295"]
}
