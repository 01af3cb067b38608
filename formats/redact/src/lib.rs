//! Secrets become asterisks, byte for byte: nothing moves, and what was damaged stays damaged.
//!
//! | where                                   | what is masked                                        |
//! |-----------------------------------------|-------------------------------------------------------|
//! | JSON: bundles, runc's and crun's state  | values of environment variables, annotations (but those that say which pod it is), credentials |
//! | meta.db: specs, the CRI's records       | the same, and all that is left on pages that are free   |
//! | config.toml, hosts.toml                 | credentials of registries, headers                      |
//! | private keys in PEM                     | the key                                               |
//! | `/proc`: environment, command lines     | values; arguments of what is no runtime               |
//!
//! Content blobs are not touched: their digest is their name.
//!
//! ```
//! let mut spec = br#"{"process":{"env":["TOKEN=abc"]}}"#.to_vec();
//! let masked = redact::mask(std::path::Path::new("/run/bundle/config.json"), &mut spec);
//! assert_eq!((masked, spec.as_slice()), (1, &br#"{"process":{"env":["TOKEN=***"]}}"#[..]));
//! ```

mod database;
mod json;
mod process;
mod toml;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What stands for a byte of a secret.
const STAR: u8 = b'*';

/// Bytes of a file that may be searched for secrets; what is larger is a database, or no
/// configuration.
pub const LIMIT: u64 = 64 << 20;

/// What a file is to whoever masks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A BoltDB database.
    Database,
    /// JSON, TOML, PEM, or nothing that has secrets.
    Text,
    /// Not to be touched: its hash is its name.
    Blob,
}

impl Form {
    /// The form of the file at `path`.
    pub fn of(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        let is_blob = bytes
            .windows(BLOBS.len())
            .any(|part| part == BLOBS.as_bytes());
        if is_blob {
            Self::Blob
        } else if path.extension().is_some_and(|name| name == "db") {
            Self::Database
        } else {
            Self::Text
        }
    }
}

/// Whether a file is one of a layer or a container, which nobody promises to mask.
pub fn is_of_container(path: &Path) -> bool {
    let parts: Vec<&[u8]> = path.iter().map(OsStrExt::as_bytes).collect();
    parts
        .windows(3)
        .any(|part| matches!(part, [b"snapshots", id, b"fs"] if id.iter().all(u8::is_ascii_digit)))
}

const BLOBS: &str = "/io.containerd.content.v1.content/";

/// Masks the secrets in the file at `path`; how many values were masked.
pub fn mask(path: &Path, bytes: &mut [u8]) -> u64 {
    match Form::of(path) {
        Form::Blob => 0,
        Form::Database => database::mask(bytes),
        Form::Text => {
            if let Some(name) = process::file(path) {
                return process::mask(name, bytes);
            }
            let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace());
            let first = start.and_then(|start| bytes.get(start)).copied();
            let pem = pem(bytes);
            let is_toml = path.extension().is_some_and(|name| name == "toml");
            pem.saturating_add(match first {
                _ if is_toml => toml::mask(bytes),
                Some(b'{' | b'[') => json::mask(bytes),
                _ => 0,
            })
        }
    }
}

/// Fills a stretch with stars; whether there was anything to hide.
fn stars(bytes: &mut [u8], from: usize, until: usize) -> bool {
    let piece = bytes.get_mut(from..until).unwrap_or_default();
    let hides = !piece.is_empty();
    piece.fill(STAR);
    hides
}

/// Masks private keys in PEM (RFC 7468).
fn pem(bytes: &mut [u8]) -> u64 {
    let mut masked = 0_u64;
    let mut inside = false;
    for line in bytes.split_mut(|byte| *byte == b'\n') {
        let is_key = line.windows(11).any(|part| part == b"PRIVATE KEY");
        if is_key && line.starts_with(b"-----BEGIN") {
            inside = true;
            masked = masked.saturating_add(1);
        } else if line.starts_with(b"-----END") {
            inside = false;
        } else if inside {
            line.fill(STAR);
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_keys_are_masked_and_certificates_are_not() {
        let mut text = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n\
            -----BEGIN EC PRIVATE KEY-----\nc2Vj\ncmV0\n-----END EC PRIVATE KEY-----\n"
            .to_vec();
        let len = text.len();
        assert_eq!(
            mask(Path::new("/etc/containerd/certs.d/x/client.key"), &mut text),
            1
        );
        assert_eq!(text.len(), len);
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("AAAA") && text.contains("\n****\n****\n"),
            "{text}"
        );
    }

    #[test]
    fn blobs_are_not_touched() {
        let path = "/r/io.containerd.content.v1.content/blobs/sha256/ab";
        let mut text = br#"{"config":{"Env":["A=secret"]}}"#.to_vec();
        assert_eq!(mask(Path::new(path), &mut text), 0);
        assert!(text.windows(6).any(|part| part == b"secret"));
    }
}
