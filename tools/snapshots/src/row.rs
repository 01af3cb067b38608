//! One file of a merged tree, for people and as JSON.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use evidence::{Evidence, FileKind, Xattrs};
use finding::{Known, Text, Time, Unknown};
use serde::Serialize;
use sha2::{Digest, Sha256};
use snapshots::{Merged, MergedEntry};

/// One file.
#[derive(Debug, Serialize)]
pub(crate) struct FileRow {
    pub(crate) path: Text,
    pub(crate) kind: FileKind,
    /// Permission bits, in octal.
    pub(crate) mode: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    pub(crate) mtime: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<(u32, u32)>,
    /// Its layer, counted from the topmost.
    pub(crate) layer: usize,
    /// Where it lies in the evidence.
    pub(crate) place: Text,
    /// Where its bytes lie, if not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<Text>,
    /// Extended attributes as the mount shows them, in hex; with `--xattrs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) xattrs: Option<BTreeMap<String, String>>,
    /// Of its bytes; with `--sha256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<String>,
}

impl FileRow {
    pub(crate) fn of(evidence: &Evidence, path: &Path, entry: &MergedEntry) -> Self {
        let stat = &entry.stat;
        let bytes = entry.bytes_at().filter(|at| *at != entry.place);
        Self {
            path: node::path_text(path),
            kind: stat.kind,
            mode: format!("{:04o}", stat.mode),
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            mtime: stat.mtime,
            target: match stat.kind {
                FileKind::Symlink => evidence.read_link(&entry.place).ok(),
                _ => None,
            },
            device: match stat.kind {
                FileKind::Char | FileKind::Block => stat.rdev,
                _ => None,
            },
            layer: entry.layer,
            place: node::path_text(&entry.place),
            bytes: bytes.map(node::path_text),
            xattrs: None,
            sha256: None,
        }
    }

    /// Adds the extended attributes; gives what of them is not known.
    pub(crate) fn add_xattrs(&mut self, merged: &Merged<'_>, entry: &MergedEntry) -> Vec<Unknown> {
        let known: Known<Xattrs> = merged.xattrs(entry);
        let shown = |(name, value): (&Text, &Vec<u8>)| (name.to_string(), hex::encode(value));
        let xattrs = known.read();
        self.xattrs = xattrs.map(|xattrs| xattrs.iter().map(shown).collect());
        known.unknown().to_vec()
    }

    /// Adds the digest of a regular file; gives why there is none.
    pub(crate) fn add_sha256(
        &mut self,
        evidence: &Evidence,
        entry: &MergedEntry,
    ) -> Option<Unknown> {
        if !entry.stat.is_file() {
            return None;
        }
        let failed = |why: String| Some(Unknown::new(format!("the bytes of {}", self.path), why));
        let Some(at) = entry.bytes_at() else {
            return failed("only its metadata were copied up, and no layer has its bytes".into());
        };
        let mut reader = match evidence.reader(at) {
            Ok(reader) => reader,
            Err(why) => return failed(why.to_string()),
        };
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 64 << 10];
        loop {
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => hasher.update(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return failed(error.to_string()),
            }
        }
        self.sha256 = Some(hex::encode(hasher.finalize()));
        None
    }

    /// As `ls -l` would show it.
    pub(crate) fn line(&self) -> String {
        let size = match self.device {
            Some((major, minor)) => format!("{major}, {minor}"),
            None => self.size.to_string(),
        };
        let target = self.target.as_ref();
        let target = target.map_or_else(String::new, |target| format!(" -> {target}"));
        let digest = match &self.sha256 {
            Some(sha256) => format!("{sha256}  "),
            None => String::new(),
        };
        format!(
            "{digest}{}{} {:>5} {:>5} {size:>10} {} {:>3}  {}{target}",
            letter(self.kind),
            permissions(u32::from_str_radix(&self.mode, 8).unwrap_or(0)),
            self.uid,
            self.gid,
            seconds(self.mtime),
            self.layer,
            self.path
        )
    }
}

/// A time without its fraction.
fn seconds(time: Time) -> String {
    Time::new(time.seconds, 0).to_string()
}

const fn letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => '-',
        FileKind::Socket => 's',
        other => other.letter(),
    }
}

/// `rwxr-sr-t`
fn permissions(mode: u32) -> String {
    let bit = |at: u32| mode & (1 << at) != 0;
    let mut text = String::with_capacity(9);
    for (shift, special, both, alone) in [(6, 11, 's', 'S'), (3, 10, 's', 'S'), (0, 9, 't', 'T')] {
        text.push(if mode >> shift & 4 != 0 { 'r' } else { '-' });
        text.push(if mode >> shift & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode >> shift & 1 != 0, bit(special)) {
            (true, true) => both,
            (false, true) => alone,
            (true, false) => 'x',
            (false, false) => '-',
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_as_ls_writes_them() {
        for (mode, text) in [
            (0o755, "rwxr-xr-x"),
            (0o4755, "rwsr-xr-x"),
            (0o2644, "rw-r-Sr--"),
            (0o1777, "rwxrwxrwt"),
            (0o1666, "rw-rw-rwT"),
            (0, "---------"),
        ] {
            assert_eq!(permissions(mode), text);
        }
    }
}
