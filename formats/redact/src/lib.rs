//! Secrets become asterisks, byte for byte: nothing moves, and what was damaged stays damaged.
//!
//! It is a list of what is kept, not of what is hidden: a value stays if its name is one that
//! findings are made by, or if it is harmless by itself (a number of three digits, an address, a
//! version, words that stand on any node). All else is masked. What is kept by its name is masked
//! all the same where it has the shape of a secret: a token of a known provider, a password in an
//! address, letters too random for a name. `docs/redact.md` has the rules.
//!
//! | where                                   | how it is read                                        |
//! |-----------------------------------------|-------------------------------------------------------|
//! | JSON                                    | by its names, escapes and comments, too               |
//! | TOML, YAML                              | by names and tables; comments are masked              |
//! | units, environment files, INI           | by names; `ExecStart=` as arguments                   |
//! | logs, and text of no known kind         | words that daemons say are kept                       |
//! | meta.db and its kin                     | by the place in the tree; free pages are zeroed       |
//! | PEM                                     | certificates are kept                                 |
//! | `/proc`                                 | environments, arguments                               |
//! | anything else                           | left out                                              |
//!
//! ```
//! let mut spec = br#"{"process":{"env":["TOKEN=abc"]}}"#.to_vec();
//! let path = std::path::Path::new("/run/bundle/config.json");
//! let masked = redact::mask(path, &mut spec, &redact::Options::default());
//! assert_eq!((masked, spec.as_slice()), (redact::Outcome::Masked(1), &br#"{"process":{"env":["TOKEN=***"]}}"#[..]));
//! ```

mod aliases;
mod annotation;
mod base64;
mod database;
mod harmless;
mod json;
mod judge;
mod known;
mod lines;
mod names;
mod process;
mod protobuf;
mod quoted;
mod shape;
mod toml;
mod words;
mod yaml;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use aliases::Aliases;
use lines::{Holds, Style};
pub use names::{line, path, xattr};

/// What stands for a byte of a secret.
const STAR: u8 = b'*';

/// Bytes of a file that may be searched for secrets; what is larger is a database, or no
/// configuration.
pub const LIMIT: u64 = 64 << 20;

/// How secrets are masked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// What is left of deleted records stays in databases, masked as far as it can be read.
    pub keep_deleted: bool,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// So many values were masked.
    Masked(u64),
    /// Nobody knows what in it is secret: it is not to be given away.
    LeftOut,
}

/// What a file is to whoever masks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A BoltDB database.
    Database,
    /// A file that is read whole.
    Text,
    /// Content: its hash is its name.
    Blob,
    /// A layer, a container's file, or what a pull left half done: left out.
    Foreign,
}

impl Form {
    /// The form of the file at `path`.
    pub fn from_path(path: &Path) -> Self {
        let parts: Vec<&[u8]> = path.iter().map(OsStrExt::as_bytes).collect();
        if is_of_container(&parts) || is_ingest(&parts) {
            Self::Foreign
        } else if parts.contains(&&b"io.containerd.content.v1.content"[..])
            && parts.contains(&&b"blobs"[..])
        {
            Self::Blob
        } else if path.extension().is_some_and(|name| name == "db") {
            Self::Database
        } else {
            Self::Text
        }
    }
}

/// Whether a file is one of a layer or a container.
fn is_of_container(parts: &[&[u8]]) -> bool {
    let is_id = |id: &[u8]| !id.is_empty() && id.iter().all(u8::is_ascii_digit);
    parts
        .windows(3)
        .any(|part| matches!(part, [b"snapshots", id, _] if is_id(id)))
}

/// Whether a file is the data of an ingest.
fn is_ingest(parts: &[&[u8]]) -> bool {
    parts
        .windows(3)
        .any(|part| matches!(part, [b"ingest", _, b"data"]))
}

/// Masks the secrets in the file at `path`; how many values were masked.
pub fn mask(path: &Path, bytes: &mut [u8], options: &Options) -> Outcome {
    Outcome::Masked(match Form::from_path(path) {
        Form::Foreign => return Outcome::LeftOut,
        Form::Database => database::mask(bytes, options.keep_deleted),
        Form::Blob => match first(bytes) {
            None => 0,
            Some(b'{') => json::mask(bytes),
            Some(_) => return Outcome::LeftOut,
        },
        Form::Text => match kind(path, bytes) {
            Some(kind) => redact_text(kind, bytes),
            None => return Outcome::LeftOut,
        },
    })
}

fn first(bytes: &[u8]) -> Option<u8> {
    bytes
        .iter()
        .find(|byte| !byte.is_ascii_whitespace())
        .copied()
}

/// How a file of text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Toml,
    Yaml,
    Pem,
    Lines(Style),
    Process(process::Name),
}

fn redact_text(kind: Kind, bytes: &mut [u8]) -> u64 {
    match kind {
        Kind::Json => json::mask(bytes),
        Kind::Toml => toml::mask(bytes),
        Kind::Yaml => yaml::mask(bytes),
        Kind::Pem => pem(bytes),
        Kind::Lines(style) => lines::mask(bytes, style),
        Kind::Process(name) => process::mask(name, bytes),
    }
}

/// Files that containerd, a runtime or a plugin writes in its own form: their names.
const STATE: [(&str, Holds); 18] = [
    ("address", Holds::Name),
    ("init.pid", Holds::Pid),
    ("shim-binary-path", Holds::Name),
    ("runtime", Holds::Name),
    ("sandbox", Holds::Name),
    ("startedat", Holds::Fact),
    ("updatedat", Holds::Fact),
    ("total", Holds::Fact),
    ("hostname", Holds::Name),
    ("last_reserved_ip.0", Holds::Fact),
    ("last_reserved_ip.1", Holds::Fact),
    ("lock", Holds::Fact),
    ("exit", Holds::Fact),
    ("rootfs", Holds::Name),
    ("work", Holds::Name),
    ("shim-sandbox-id", Holds::Name),
    ("notify.fd", Holds::Fact),
    ("ref", Holds::Key),
];

/// How the file at `path` is read; nothing: nobody knows.
fn kind(path: &Path, bytes: &[u8]) -> Option<Kind> {
    if let Some(name) = process::file(path) {
        return Some(Kind::Process(name));
    }
    let under = |folder: &str| path.starts_with(folder);
    // What the machine was started with was chosen by somebody.
    if path == Path::new("/proc/cmdline") {
        return Some(Kind::Lines(Style::Log));
    }
    if under("/proc") && path.ends_with("status") {
        return Some(Kind::Lines(Style::Status));
    }
    if under("/proc") || under("/sys") {
        return Some(Kind::Lines(Style::Known));
    }
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let ending = path
        .extension()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let start = first(bytes);
    let is_section = bytes
        .trim_ascii_start()
        .split(|byte| *byte == b'\n')
        .next()
        .is_some_and(|line| {
            line.starts_with(b"[")
                && line.trim_ascii_end().ends_with(b"]")
                && !line.contains(&b',')
                && !line.contains(&b'"')
        });
    if bytes.windows(11).any(|part| part == b"-----BEGIN ") && start == Some(b'-') {
        return Some(Kind::Pem);
    }
    let is_open = matches!(start, Some(b'{')) || (start == Some(b'[') && !is_section);
    Some(match (name, ending) {
        ("log.json", _) | (_, "log") => Kind::Lines(Style::Log),
        (_, "toml") => Kind::Toml,
        (_, "json" | "conflist") | ("status", _) if !under("/var/lib/dpkg") => Kind::Json,
        (_, "conf") if under("/etc/cni") => Kind::Json,
        _ if is_open => Kind::Json,
        (_, "yaml" | "yml" | "kubeconfig") | ("kubeconfig", _) => Kind::Yaml,
        (_, "env") | ("environment" | ".env", _) => Kind::Lines(Style::Environment),
        _ if under("/etc/default") || under("/etc/sysconfig") => Kind::Lines(Style::Environment),
        (name, _) if let Some((_, holds)) = STATE.iter().find(|(known, _)| *known == name) => {
            Kind::Lines(if is_binary(bytes) {
                Style::Log
            } else {
                Style::First(*holds)
            })
        }
        (_, "pid") => Kind::Lines(Style::First(Holds::Pid)),
        // Addresses that host-local gave, by the container that has them.
        (name, _) if under("/var/lib/cni/networks") && is_lease(name) => {
            Kind::Lines(Style::First(Holds::Lease))
        }
        _ if is_binary(bytes) => return None,
        _ if is_yaml(bytes) => Kind::Yaml,
        _ => Kind::Lines(Style::Any),
    })
}

/// Whether a file is named after the address that it gives away.
fn is_lease(name: &str) -> bool {
    // host-local of Windows, and some on Linux, writes `_` for `:`.
    name.replace('_', ":").parse::<std::net::IpAddr>().is_ok()
        || name.starts_with("last_reserved_ip.")
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.contains(&0) || core::str::from_utf8(bytes).is_err()
}

/// Whether a file without a telling name is YAML: a document mark, or Kubernetes' first field.
fn is_yaml(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').take(200);
    lines.any(|line| {
        line.starts_with(b"apiVersion:")
            || line.trim_ascii() == b"---"
            || line.starts_with(b"kind:")
    })
}

/// Fills a stretch with stars; whether there was anything to hide.
fn stars(bytes: &mut [u8], from: usize, until: usize) -> bool {
    let piece = bytes.get_mut(from..until).unwrap_or_default();
    let hides = !piece.is_empty();
    piece.fill(STAR);
    hides
}

/// What anybody may see of PEM (RFC 7468).
const PUBLIC: [&[u8]; 6] = [
    b"CERTIFICATE",
    b"TRUSTED CERTIFICATE",
    b"CERTIFICATE REQUEST",
    b"X509 CRL",
    b"PUBLIC KEY",
    b"DH PARAMETERS",
];

/// Masks all in PEM that is not known to be public, and what stands between.
fn pem(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut is_public = false;
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        let bare = line.trim_ascii();
        let label = |start: &[u8]| {
            let rest = bare.strip_prefix(start)?.strip_suffix(b"-----")?;
            let is_label = rest
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ');
            is_label.then(|| rest.to_vec())
        };
        if let Some(label) = label(b"-----BEGIN ") {
            is_public = PUBLIC.contains(&label.as_slice());
            masked = masked.saturating_add(u64::from(!is_public));
        } else if label(b"-----END ").is_some() {
            is_public = false;
        } else if !is_public {
            line.iter_mut()
                .filter(|byte| !byte.is_ascii_whitespace())
                .for_each(|byte| *byte = STAR);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(path: &str, text: &[u8]) -> (Outcome, Vec<u8>) {
        let mut bytes = text.to_vec();
        let outcome = mask(Path::new(path), &mut bytes, &Options::default());
        assert_eq!(bytes.len(), text.len());
        (outcome, bytes)
    }

    #[test]
    fn what_no_kernel_and_no_program_writes_there_is_masked() {
        let (_, bytes) = masked(
            "/proc/7/status",
            b"Name:\tsleep\nVmRSS:\t  12 kB\nCapEff:\t000001ffffffffff\nX:\tkestrel\n",
        );
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.starts_with("Name:\tsleep\nVmRSS:\t  12 kB\nCapEff:\t000001ffffffffff\n"),
            "{text}"
        );
        assert!(!text.contains("kestrel"), "{text}");
        for (number, is_kept) in [("4194304", true), ("4194305", false), ("6546508535", false)] {
            let (_, bytes) = masked("/run/x/init.pid", number.as_bytes());
            assert_eq!(bytes == number.as_bytes(), is_kept, "{number}");
        }
        let key = "9f86d081884c7d659a2feaa0c55ad015";
        for (path, text) in [
            (
                "/etc/containerd/config.toml",
                format!("[a]\n\"{key}\" = 1\n"),
            ),
            ("/etc/cni/net.d/a.conflist", format!("{{\"{key}\": 1}}")),
        ] {
            let (_, bytes) = masked(path, text.as_bytes());
            assert!(!String::from_utf8(bytes).unwrap().contains(key), "{path}");
        }
    }

    #[test]
    fn private_keys_are_masked_and_certificates_are_not() {
        let text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
            -----BEGIN EC PRIVATE KEY-----\nc2Vj\ncmV0\n-----END EC PRIVATE KEY-----\n";
        let (outcome, text) = masked("/etc/containerd/certs.d/x/client.key", text);
        assert_eq!(outcome, Outcome::Masked(1));
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("AAAA") && text.contains("\n****\n****\n"),
            "{text}"
        );
    }

    #[test]
    fn blobs_are_masked_and_layers_left_out() {
        let path = "/r/io.containerd.content.v1.content/blobs/sha256/ab";
        let (outcome, text) = masked(path, br#"{"config":{"Env":["A=hunter2"]}}"#);
        assert_eq!(
            (outcome, &text[..]),
            (
                Outcome::Masked(1),
                &br#"{"config":{"Env":["A=*******"]}}"#[..]
            )
        );
        assert_eq!(masked(path, b"\x1f\x8b").0, Outcome::LeftOut);
    }

    #[test]
    fn what_is_of_no_known_kind_is_left_out() {
        assert_eq!(
            masked("/etc/containerd/core.123", b"\x7fELF\0hunter2").0,
            Outcome::LeftOut
        );
        assert_eq!(
            masked(
                "/x/io.containerd.snapshotter.v1.native/snapshots/1/etc/passwd",
                b"a"
            )
            .0,
            Outcome::LeftOut
        );
        assert_eq!(
            masked("/x/content/ingest/ab/data", b"{}").0,
            Outcome::LeftOut
        );
    }
}
