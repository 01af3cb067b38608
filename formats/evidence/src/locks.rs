//! Who holds a lock on a file of this machine, without taking one.
//!
//! ```text
//! /proc/locks    1: FLOCK  ADVISORY  WRITE 1234 08:01:131073 0 EOF
//!                   kind             mode  pid  major:minor (hex):inode
//! ```

use std::path::Path;

use finding::Text;
use serde::Serialize;

use crate::{Stat, host::own};

/// A lock that somebody holds, or waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lock {
    /// `FLOCK`, `POSIX`, `OFDLCK`, `LEASE`.
    pub kind: String,
    /// `READ` or `WRITE`.
    pub mode: String,
    /// Whether it is waited for and not held.
    pub waits: bool,
    /// The process, as our own pid namespace numbers it; none: it is in none that we see.
    pub pid: Option<u32>,
    /// Its command line, or its name where it has none.
    pub command: Option<Text>,
}

/// Locks on the file of `stat`, if it is a file of this machine: nothing where that is not known.
pub fn locks(stat: &Stat) -> Option<Vec<Lock>> {
    let device = stat.dev?;
    let inode = stat.ino?;
    let text = own(Path::new("/proc/locks"))?;
    let found = text.lines().filter_map(|line| parse(line, device, inode));
    Some(
        found
            .map(|lock| Lock {
                command: lock.pid.and_then(command),
                ..lock
            })
            .collect(),
    )
}

/// The lock of one line, if it is on this file.
fn parse(line: &str, device: (u32, u32), inode: u64) -> Option<Lock> {
    let mut words = line.split_whitespace().skip(1).peekable();
    let waits = words.next_if_eq(&"->").is_some();
    let kind = words.next()?.to_owned();
    let _advisory = words.next()?;
    let mode = words.next()?.to_owned();
    let pid: i64 = words.next()?.parse().ok()?;
    let mut place = words.next()?.split(':');
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let found = (number(place.next()?)?, number(place.next()?)?);
    let is_it = found == device && place.next()?.parse() == Ok(inode);
    is_it.then(|| Lock {
        kind,
        mode,
        waits,
        pid: u32::try_from(pid).ok().filter(|pid| *pid > 0),
        command: None,
    })
}

/// What a process calls itself; its name is read first, for the command line of a process that is
/// stuck in the kernel can be waited for without end.
fn command(pid: u32) -> Option<Text> {
    let folder = Path::new("/proc").join(pid.to_string());
    let status = own(&folder.join("status"))?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.map(str::trim)
    };
    let name = field("Name:").map(Text::from);
    if field("State:").is_some_and(|state| state.starts_with('D')) {
        return name;
    }
    let line = own(&folder.join("cmdline")).filter(|line| !line.is_empty());
    line.map_or(name, |line| {
        Some(Text::from(
            line.trim_end_matches('\0').replace('\0', " ").as_str(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_device_and_inode() {
        let line = "12: FLOCK  ADVISORY  WRITE 1234 fe:01:131073 0 EOF";
        let lock = parse(line, (0xfe, 1), 131_073).unwrap();
        assert_eq!(
            (lock.mode.as_str(), lock.pid, lock.waits),
            ("WRITE", Some(1234), false)
        );
        assert_eq!(parse(line, (0xfe, 1), 131_074), None);
        assert_eq!(parse(line, (0xfe, 2), 131_073), None);
        let waiting = "12: -> FLOCK  ADVISORY  READ  77 fe:01:131073 0 EOF";
        assert!(parse(waiting, (0xfe, 1), 131_073).unwrap().waits);
        let elsewhere = "3: OFDLCK ADVISORY  READ  -1 fe:01:131073 0 EOF";
        assert_eq!(parse(elsewhere, (0xfe, 1), 131_073).unwrap().pid, None);
        assert_eq!(parse("nonsense", (0, 0), 0), None);
    }
}
