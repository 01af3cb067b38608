//! `address` and `bootstrap.json` of a bundle: how the daemon finds a task's shim again.
//!
//! containerd 1.5 to 1.7 writes `address`, one line without a newline; 2.x writes
//! `bootstrap.json` and turns an `address` that it finds into one:
//!
//! ```text
//! unix:///run/containerd/s/3f786850e387550fdab836ed7e6dc881de23001b…
//! {"version":3,"address":"unix:///run/containerd/s/…","protocol":"ttrpc"}
//! ```
//!
//! Where neither can be read, the daemon takes the shim for dead at its next start, and kills the
//! container that runs under it.
//!
//! The socket's name can be computed: it is the SHA-256 of `<address of containerd>/<namespace>/
//! <group>`, the group being an annotation, the pod's id or the task's own. Source:
//! `pkg/shim/util_unix.go` (`SocketAddress`).

use finding::Text;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use view::{Span, View};

use crate::fault::{Fault, File};
use crate::record::Record;
use json::Document;

/// Where shims' sockets are, whatever `state` says (configurable from 2.3 on).
pub const SOCKETS: &str = "/run/containerd/s";

/// Where a shim listens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Address {
    /// `unix://` and a path, as it is written.
    pub address: Text,
    /// Version of the shim's protocol; 2 in an `address`.
    pub version: Option<u64>,
    /// `ttrpc` or `grpc`.
    pub protocol: Option<Text>,
}

impl Address {
    /// Reads an `address`.
    pub fn parse(view: View<'_>) -> (Option<Self>, Vec<Fault>) {
        let file = File::Address;
        let bytes = view.bytes();
        if bytes.trim_ascii().is_empty() {
            let flaw = json::Flaw::Empty;
            return (None, vec![Fault::Flaw(file, flaw)]);
        }
        // The daemon itself trims nothing.
        if !is_address(bytes) {
            return (None, vec![not_an_address(file, "", view.span(), bytes)]);
        }
        let address = Self {
            address: Text::from(bytes),
            version: Some(2),
            protocol: Some("ttrpc".into()),
        };
        (Some(address), Vec::new())
    }

    /// Reads a `bootstrap.json`.
    pub fn parse_bootstrap(view: View<'_>) -> (Option<Self>, Vec<Fault>) {
        let file = File::Bootstrap;
        let mut faults = Vec::new();
        let document = Document::parse(view);
        let Some(mut record) = Record::root(file, &document, &mut faults) else {
            return (None, faults);
        };
        let version = record.integer("version", "a version");
        let address = record.text_field("address");
        let protocol = record.text_field("protocol");
        record.missing("version");
        record.missing("address");
        if let Some(found) = &address
            && !is_address(found.bytes())
        {
            record.refuse("address", "unix:// and an absolute path", found.clone());
        }
        let address = address
            .filter(|address| is_address(address.bytes()))
            .map(|address| Self {
                address,
                version,
                protocol,
            });
        (address, faults)
    }

    /// The socket's path.
    pub fn path(&self) -> Text {
        let address = self.address.bytes();
        Text::from(address.strip_prefix(b"unix://").unwrap_or(address))
    }
}

/// `unix://` and a path, or an abstract or plain name as very old shims had.
fn is_address(bytes: &[u8]) -> bool {
    let path = bytes.strip_prefix(b"unix://").unwrap_or(bytes);
    let clean = !path.iter().any(|byte| *byte < 0x20 || *byte == 0x7f);
    let known = path.starts_with(b"/") || bytes.starts_with(b"vsock://");
    clean && known && !bytes.ends_with(b"/")
}

fn not_an_address(file: File, key: &str, span: Span, found: &[u8]) -> Fault {
    let shown = found.get(..64).unwrap_or(found);
    Fault::Value {
        file,
        key: key.to_owned(),
        span,
        want: "unix:// and an absolute path".to_owned(),
        found: Text::from(shown),
    }
}

/// The name of the socket of the shim that serves `group` of `namespace` for the daemon that
/// listens at `containerd` (`/run/containerd/containerd.sock`).
///
/// With `debug`, that of its second socket, which 2.x shims have under `-debug`.
pub fn socket_name(containerd: &[u8], namespace: &[u8], group: &[u8], debug: bool) -> String {
    let mut hash = Sha256::new();
    let mut first = true;
    for part in [containerd, namespace, group, b"debug"] {
        if part == b"debug" && !debug {
            break;
        }
        if !first {
            hash.update(b"/");
        }
        first = false;
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_read() {
        let (address, faults) = Address::parse(View::new(b"unix:///run/containerd/s/ab"));
        assert_eq!(faults, []);
        assert_eq!(address.unwrap().path(), "/run/containerd/s/ab");
        let text = br#"{"version":3,"address":"unix:///run/containerd/s/ab","protocol":"ttrpc"}"#;
        let (address, faults) = Address::parse_bootstrap(View::new(text));
        assert_eq!(faults, []);
        assert_eq!(address.unwrap().version, Some(3));
        for end in 0..text.len() {
            let (_, faults) = Address::parse_bootstrap(View::new(&text[..end]));
            assert!(!faults.is_empty(), "{end}");
        }
    }

    #[test]
    fn what_is_no_address_is_a_fault() {
        for text in [
            b"".as_slice(),
            b"\n",
            b"\0\0\0\0",
            b"unix://",
            b"unix:///run/containerd/s/",
            b"run/x",
            b"unix:///a\n",
        ] {
            assert_eq!(Address::parse(View::new(text)).1.len(), 1, "{text:?}");
        }
        let text = br#"{"version":3,"address":"here"}"#;
        let (address, faults) = Address::parse_bootstrap(View::new(text));
        assert_eq!((address, faults.len()), (None, 1));
    }

    #[test]
    fn a_socket_is_named_by_a_hash() {
        // echo -n /run/containerd/containerd.sock/k8s.io/abc | sha256sum
        let name = socket_name(b"/run/containerd/containerd.sock", b"k8s.io", b"abc", false);
        assert_eq!(name.len(), 64);
        assert_ne!(
            name,
            socket_name(b"/run/containerd/containerd.sock", b"k8s.io", b"abc", true)
        );
        assert_eq!(
            name,
            hex::encode(Sha256::digest(
                b"/run/containerd/containerd.sock/k8s.io/abc"
            ))
        );
    }
}
