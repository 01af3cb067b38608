//! An address that host-local has given away.
//!
//! ```text
//! <64 hexadecimal digits>\r\n<interface>      since 0.8
//! <64 hexadecimal digits>                     before
//! ```
//!
//! `plugins/ipam/host-local/backend/disk/backend.go`: `Reserve`, `ReleaseByID`. The file is made
//! first and filled then: a crash in between leaves it empty, and no release will ever find it.

use core::net::IpAddr;

use finding::Text;

/// Who has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A container: of a pod, its sandbox.
    Container {
        /// Its id.
        id: Text,
        /// The interface that has the address; nothing in old files.
        interface: Option<Text>,
    },
    /// Nobody: the file is empty.
    Nobody,
    /// The file holds something else, which no release of an address will ever match.
    Garbage,
}

impl Holder {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Self {
        let text = bytes.trim_ascii();
        if text.is_empty() {
            return Self::Nobody;
        }
        let end = text.windows(2).position(|pair| pair == b"\r\n");
        let (id, interface) = match end {
            Some(end) => (
                text.get(..end).unwrap_or_default(),
                text.get(end.saturating_add(2)..),
            ),
            None => (text, None),
        };
        let is_interface = |name: &[u8]| {
            (1..=15).contains(&name.len())
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_graphic() && !b"/:".contains(byte))
        };
        if !crate::conf::is_container_id(id) || !interface.is_none_or(is_interface) {
            return Self::Garbage;
        }
        Self::Container {
            id: Text::from(id),
            interface: interface.map(Text::from),
        }
    }

    /// The container, if it is one.
    pub const fn container(&self) -> Option<&Text> {
        match self {
            Self::Container { id, .. } => Some(id),
            Self::Nobody | Self::Garbage => None,
        }
    }
}

/// The address of a file's name; nothing for `lock`, `last_reserved_ip.0` and their like.
pub fn is_lease(name: &[u8]) -> Option<IpAddr> {
    core::str::from_utf8(name).ok()?.parse().ok()
}
