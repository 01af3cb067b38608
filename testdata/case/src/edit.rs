//! Readable edits that damage a capture.

use std::path::Path;

use serde::Deserialize;

use crate::{Member, Tar};

/// What is done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Writes `bytes` (hex) at `at`.
    Bytes,
    /// Writes `count` zeroes at `at`.
    Zero,
    /// Replaces the text `from`, which must be there, by `to` of the same length; everywhere.
    Replace,
    /// Cuts it to `size` bytes.
    Truncate,
    /// Removes it and all that is below it.
    Remove,
    /// Adds a regular file that holds `text`, or the bytes of the file `file` beside the edits.
    Add,
    /// Adds a directory.
    Directory,
    /// Adds a symbolic link to `to`.
    Symlink,
    /// Adds a FIFO.
    Fifo,
}

/// One edit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The member.
    pub path: String,
    /// What is done to it.
    pub op: Op,
    /// Which real fault it imitates.
    #[serde(default)]
    pub why: String,
    /// Offset of the first byte.
    #[serde(default)]
    pub at: usize,
    /// Bytes in hex.
    #[serde(default)]
    pub bytes: String,
    /// How many bytes.
    #[serde(default)]
    pub count: usize,
    /// Size in bytes.
    #[serde(default)]
    pub size: usize,
    /// What is replaced.
    #[serde(default)]
    pub from: String,
    /// By what it is replaced; where a link leads.
    #[serde(default)]
    pub to: String,
    /// Contents of a new file.
    #[serde(default)]
    pub text: String,
    /// A file beside the edits that holds the contents.
    #[serde(default)]
    pub file: String,
}

/// A list of edits, as `edits.toml` holds it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edits {
    /// The capture that is edited, relative to the folder of the list.
    pub base: String,
    /// What it imitates.
    #[serde(default)]
    pub why: String,
    /// The code that it must provoke.
    #[serde(default)]
    pub code: String,
    /// The edits.
    #[serde(default)]
    pub edit: Vec<Edit>,
}

impl Edits {
    /// Reads `edits.toml` in `folder`.
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("edits.toml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The edited capture.
    pub fn apply(&self, folder: &Path) -> Tar {
        let path = folder.join(&self.base).join("node.tar.zst");
        let packed = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut tar = Tar::read(&zstd::decode_all(packed.as_slice()).expect("zstd"));
        for edit in &self.edit {
            tar.apply(edit, folder);
        }
        tar
    }
}

impl Tar {
    /// Does one edit; `folder` is where its `file` is.
    pub fn apply(&mut self, edit: &Edit, folder: &Path) {
        match edit.op {
            Op::Bytes => {
                let bytes = hex::decode(edit.bytes.replace(' ', "")).expect("hex");
                self.member(&edit.path).data[edit.at..edit.at + bytes.len()].copy_from_slice(&bytes);
            }
            Op::Zero => self.member(&edit.path).data[edit.at..edit.at + edit.count].fill(0),
            Op::Replace => self.replace(&edit.path, edit.from.as_bytes(), edit.to.as_bytes()),
            Op::Truncate => self.member(&edit.path).data.truncate(edit.size),
            Op::Remove => self.remove(&edit.path),
            Op::Add if edit.file.is_empty() => self.add(&edit.path, edit.text.as_bytes()),
            Op::Add => {
                let path = folder.join(&edit.file);
                let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                let is_packed = edit.file.ends_with(".zst");
                let bytes = if is_packed { zstd::decode_all(bytes.as_slice()).expect("zstd") } else { bytes };
                self.add(&edit.path, &bytes);
            }
            Op::Directory => self.push(&edit.path, b'5', "", b""),
            Op::Symlink => {
                self.remove(&edit.path);
                self.push(&edit.path, b'2', &edit.to, b"");
            }
            Op::Fifo => {
                self.remove(&edit.path);
                self.push(&edit.path, b'6', "", b"");
            }
        }
    }

    /// Replaces every `from`, of which there must be one, by `to` of the same length.
    pub fn replace(&mut self, path: &str, from: &[u8], to: &[u8]) {
        assert_eq!(from.len(), to.len(), "an edit in place keeps lengths");
        let data = &mut self.member(path).data;
        let mut found = 0;
        for at in 0..data.len().saturating_sub(from.len() - 1) {
            if data[at..].starts_with(from) {
                data[at..at + to.len()].copy_from_slice(to);
                found += 1;
            }
        }
        assert!(found > 0, "{path} does not hold {}", String::from_utf8_lossy(from));
    }

    /// Removes a member, if it is there, and all that is below it.
    pub fn remove(&mut self, path: &str) {
        let path = path.trim_matches('/').as_bytes();
        self.members.retain(|member| {
            let rest = member.path.strip_prefix(path);
            !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        });
    }

    /// Adds a regular file, in place of one that is there (whose owner and times it keeps).
    pub fn add(&mut self, path: &str, data: &[u8]) {
        match self.position(path) {
            Some(at) => self.members[at].data = data.to_vec(),
            None => self.push(path, b'0', "", data),
        }
    }

    /// Adds a member of any type, with the owner and times of the first.
    pub fn push(&mut self, path: &str, kind: u8, link: &str, data: &[u8]) {
        let mut header = self.members.first().expect("a member").header;
        header[156] = kind;
        header[157..257].fill(0);
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        let path = path.trim_matches('/').as_bytes().to_vec();
        self.members.push(Member { path, header, pax: Vec::new(), data: data.to_vec() });
    }
}
