//! Logs of containers, as the kubelet and the CRI plugin name them.
//!
//! ```text
//! /var/log/pods/<namespace>_<pod>_<uid>/<container>/<attempt>.log
//!                                                   <attempt>.log.<date>-<time>[.gz]   put aside
//! /var/log/containers/<pod>_<namespace>_<container>-<id>.log -> one of these
//! ```

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use evidence::FileKind;
use finding::{Text, Time, Unread};
use measure::{Step, Walk, WalkLimits};
use node::path_text;

use crate::gather::Gather;
use crate::owners::Owners;
use crate::subject::{Store, Subject, What};

/// Where logs lie.
const FOLDERS: [&str; 2] = ["/var/log/pods", "/var/log/containers"];

/// Folders below these are two deep; more is not looked at.
const LIMITS: WalkLimits = WalkLimits {
    entries: 1_000_000,
    depth: 8,
};

impl Gather<'_> {
    pub(crate) fn logs(&mut self, owners: &Owners) -> io::Result<()> {
        for folder in FOLDERS.map(Path::new) {
            // A root alone has no logs, and nothing is concluded from that.
            match self.evidence.stat(folder) {
                Err(Unread::Absent | Unread::NotCollected) => continue,
                _ if self.is_cancelled() => return Ok(()),
                _ => {}
            }
            for step in Walk::new(self.evidence, folder, LIMITS) {
                let (path, stat) = match step {
                    Step::Entry { path, stat, .. } => (path, stat),
                    Step::Unknown(unknown) => {
                        self.unknown.push(unknown);
                        continue;
                    }
                };
                let place = path_text(&path);
                let kind = match stat.kind {
                    FileKind::File => "log",
                    FileKind::Dir if path != folder => "folder of logs",
                    FileKind::Symlink => "link to a log",
                    _ => continue,
                };
                let mut subject = Subject::file(Store::Logs, kind, &place, &stat);
                let mut owner = owners.of_log(&place);
                if stat.kind == FileKind::Symlink {
                    subject.target = self.evidence.read_link(&path).ok();
                    owner = id(&place).and_then(|id| owners.of_id(&id));
                    subject.container = id(&place);
                }
                if let Some((current, time)) = rotated(&place) {
                    owner = owners.of_log(&current);
                    subject.at(What::Rotated, time);
                }
                if let Some(owner) = owner {
                    subject.namespace.clone_from(&owner.namespace);
                    subject.container = Some(owner.container.clone());
                    subject.image.clone_from(&owner.image);
                    subject.more = format!("container {}", owner.container);
                    // The message names the place; a namespace before a path would mislead.
                }
                self.give(&subject)?;
            }
        }
        Ok(())
    }
}

/// The id in `<pod>_<namespace>_<container>-<id>.log`.
fn id(path: &Text) -> Option<Text> {
    let name = path.bytes().strip_suffix(b".log")?;
    let id = name.rsplit(|byte| *byte == b'-').next()?;
    (id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit)).then(|| Text::from(id))
}

/// The log that one was put aside from, and when: `0.log.20261121-083000`, in the node's local
/// time, which is taken for UTC.
fn rotated(path: &Text) -> Option<(Text, Option<Time>)> {
    let path = Path::new(OsStr::from_bytes(path.bytes()));
    let name = path.file_name()?.to_str()?;
    let (attempt, rest) = name.split_once(".log.")?;
    let stamp = rest.strip_suffix(".gz").unwrap_or(rest);
    let (date, clock) = stamp.split_once('-')?;
    let part = |text: &'_ str, from: usize, to: usize| text.get(from..to).map(str::to_owned);
    let time = || {
        let (year, month, day) = (part(date, 0, 4)?, part(date, 4, 6)?, part(date, 6, 8)?);
        let (hour, minute, second) = (part(clock, 0, 2)?, part(clock, 2, 4)?, part(clock, 4, 6)?);
        Time::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()
    };
    let current = path.with_file_name(format!("{attempt}.log"));
    Some((path_text(&current), time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_logs_tell_whose_they_are_and_when_they_were_put_aside() {
        let long = "a".repeat(64);
        let path = Text::from(format!("/var/log/containers/web_default_nginx-{long}.log"));
        assert_eq!(id(&path), Some(Text::from(long)));
        assert_eq!(id(&Text::from("/var/log/containers/web.log")), None);
        let (current, time) = rotated(&Text::from("/p/0.log.20261121-083005.gz")).unwrap();
        assert_eq!(current, Text::from("/p/0.log"));
        assert_eq!(time, Time::parse("2026-11-21T08:30:05Z").ok());
        assert_eq!(rotated(&Text::from("/p/0.log.x-y")).unwrap().1, None);
        assert_eq!(rotated(&Text::from("/p/0.log")), None);
    }
}
