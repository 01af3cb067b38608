//! One file of a merged tree, for people and as JSON.

use core::fmt::{self, Write as _};
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
    #[serde(serialize_with = "octal")]
    pub(crate) mode: u32,
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
    pub(crate) fn from_entry(merged: &Merged<'_>, path: &Path, entry: &MergedEntry) -> Self {
        let stat = &entry.stat;
        let bytes = entry.bytes_at().filter(|at| *at != entry.place);
        Self {
            path: node::path_text(path),
            kind: stat.kind,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            size: stat.size,
            mtime: stat.mtime,
            target: match stat.kind {
                FileKind::Symlink => merged.link_target(entry).ok(),
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
        let shown =
            |(name, value): (&Text, &std::sync::Arc<[u8]>)| (name.to_string(), hex::encode(value));
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
    pub(crate) const fn line(&self) -> Line<'_> {
        Line(self)
    }
}

/// Permission bits as JSON has them.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn octal<S: serde::Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// A file as `ls -l` would show it.
#[derive(Debug)]
pub(crate) struct Line<'r>(&'r FileRow);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(row) = self;
        if let Some(sha256) = &row.sha256 {
            write!(f, "{sha256}  ")?;
        }
        f.write_char(letter(row.kind))?;
        for letter in permissions(row.mode) {
            f.write_char(letter)?;
        }
        write!(f, " {:>5} {:>5} ", row.uid, row.gid)?;
        match row.device {
            Some((major, minor)) => write!(f, "{:>10}", format!("{major}, {minor}"))?,
            None => write!(f, "{:>10}", row.size)?,
        }
        write!(f, " {} {:>3}  {}", seconds(row.mtime), row.layer, row.path)?;
        match &row.target {
            Some(target) => write!(f, " -> {target}"),
            None => Ok(()),
        }
    }
}

/// A time without its fraction.
const fn seconds(time: Time) -> Time {
    Time::new(time.seconds, 0)
}

const fn letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => '-',
        FileKind::Socket => 's',
        other => other.letter(),
    }
}

/// `rwxr-sr-t`
fn permissions(mode: u32) -> impl Iterator<Item = char> {
    let bit = move |at: u32| mode & (1 << at) != 0;
    let three = move |(shift, special, both, alone): (u32, u32, char, char)| {
        let last = match (mode >> shift & 1 != 0, bit(special)) {
            (true, true) => both,
            (false, true) => alone,
            (true, false) => 'x',
            (false, false) => '-',
        };
        let r = if mode >> shift & 4 != 0 { 'r' } else { '-' };
        let w = if mode >> shift & 2 != 0 { 'w' } else { '-' };
        [r, w, last]
    };
    [(6, 11, 's', 'S'), (3, 10, 's', 'S'), (0, 9, 't', 'T')]
        .into_iter()
        .flat_map(three)
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
            assert_eq!(permissions(mode).collect::<String>(), text);
        }
    }
}
