//! `/proc/net/unix`: who listens at which socket.
//!
//! ```text
//! Num       RefCount Protocol Flags    Type St Inode Path
//! 00000000: 00000002 00000000 00010000 0001 01 24821 /run/containerd/s/3f78…
//! ```
//! Flags 10000 are those of a listener; state 03 are connections, and 02 without an inode those that
//! the listener has not accepted: the kernel made its end, and nobody took it.

use finding::Text;
use serde::Serialize;

/// Flag of a socket that listens (`__SO_ACCEPTCON`).
const LISTENS: u32 = 0x1_0000;

/// A unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnixSocket {
    /// Where it is bound; empty if it is not.
    pub path: Text,
    /// Its inode, as `socket:[inode]` names it.
    pub inode: u64,
    /// Whether it listens.
    pub listens: bool,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether it is the listener's end of a connection that was not accepted.
    pub waiting: bool,
}

/// The sockets that are bound to a path, of the network namespace in which the file was read.
pub fn unix_sockets(bytes: &[u8]) -> Vec<UnixSocket> {
    let lines = bytes.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(socket).collect()
}

fn socket(line: &[u8]) -> Option<UnixSocket> {
    let mut at = 0_usize;
    let mut word = || {
        let rest = line.get(at..)?;
        let blank = rest.iter().position(|byte| *byte != b' ')?;
        let rest = rest.get(blank..)?;
        let len = rest
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(rest.len());
        at = at.checked_add(blank)?.checked_add(len)?;
        core::str::from_utf8(rest.get(..len)?).ok()
    };
    let (_number, _references, _protocol) = (word()?, word()?, word()?);
    let flags = u32::from_str_radix(word()?, 16).ok()?;
    let _kind = word()?;
    let state = word()?;
    let inode: u64 = word()?.parse().ok()?;
    let path = line.get(at.checked_add(1)?..)?;
    Some(UnixSocket {
        path: Text::from(path),
        inode,
        listens: flags & LISTENS != 0,
        connected: state == "03",
        waiting: state == "02" && inode == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_told_from_a_connection() {
        let text = b"Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000000000000: 00000002 00000000 00010000 0001 01  2482 /run/containerd/s/a b\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 99999 /run/containerd/s/a b\n\
            0000000000000000: 00000003 00000000 00000000 0001 03 5\n\
            garbage\n";
        let sockets = unix_sockets(text);
        assert_eq!(sockets.len(), 2);
        assert_eq!(sockets[0].path, "/run/containerd/s/a b");
        assert_eq!(
            (sockets[0].inode, sockets[0].listens, sockets[0].connected),
            (2482, true, false)
        );
        assert!(sockets[1].connected && !sockets[1].listens);
        assert_eq!(unix_sockets(b""), []);
    }
}
