//! Readable edits that damage a capture, in the format that `testdata/make/edits.py` describes.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Member, Tar};

/// What is done to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// Writes `hex`, `zeroes` or `flip` at `at`.
    Bytes,
    /// Replaces `from`, which must be there, by `to`, everywhere.
    Text,
    /// Replaces all of a file.
    Replace,
    /// Cuts it to `size` bytes.
    Truncate,
    /// Removes it and all that is below it.
    Remove,
    /// Adds a regular file.
    Add,
    /// Adds a directory.
    Directory,
    /// Adds a symbolic link to `target`.
    Symlink,
    /// Adds a FIFO.
    Fifo,
    /// Gives it another `mode`.
    Mode,
    /// Adds a character device `1:5`.
    Device,
    /// Changes a database through bbolt: `file` is what came of it (`make/cases` writes it).
    Bolt,
}

/// One edit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The member; a step with a `*` is the first in order that it matches.
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
    pub hex: Option<String>,
    /// How many zeroes.
    pub zeroes: Option<usize>,
    /// Which bit of the byte at `at` is inverted.
    pub flip: Option<u8>,
    /// Size in bytes.
    #[serde(default)]
    pub size: usize,
    /// What is replaced.
    #[serde(default)]
    pub from: String,
    /// By what it is replaced.
    #[serde(default)]
    pub to: String,
    /// Where a link leads.
    #[serde(default)]
    pub target: String,
    /// Contents.
    pub text: Option<String>,
    /// A file beside the edits that holds the contents; unpacked if it ends in `.zst`.
    pub file: Option<String>,
    /// Another member whose contents are taken.
    pub copy: Option<String>,
    /// Mode of a new file.
    pub mode: Option<u32>,
    /// Another member, whose time of modification it gets.
    pub like: Option<String>,
    /// Seconds that are added to that.
    #[serde(default)]
    pub later: i64,
    /// New time of modification.
    pub mtime: Option<String>,
    /// Whether the database is made from nothing.
    #[serde(default)]
    pub new: bool,
    /// What `make/cases` has bbolt do.
    #[serde(default)]
    pub changes: Vec<toml::Table>,
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
    /// The code that it must provoke; for tests.
    #[serde(default)]
    pub code: String,
    /// What the file of that finding ends in.
    #[serde(default)]
    pub file: String,
    /// A part of an object that the finding must say is affected: `container default/fresh`.
    #[serde(default)]
    pub object: String,
    /// Codes above a note that may come with it.
    #[serde(default)]
    pub also: Vec<String>,
    /// Severity of the finding.
    #[serde(default)]
    pub severity: String,
    /// The exit code.
    #[serde(default)]
    pub exit: u8,
    /// Options of triage.
    #[serde(default)]
    pub options: Vec<String>,
    /// The edits.
    #[serde(default)]
    pub edit: Vec<Edit>,
}

fn contents(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Edits {
    /// Reads `edits.toml` in `folder`.
    pub fn read_edits(folder: &Path) -> Self {
        let path = folder.join("edits.toml");
        let text = String::from_utf8(contents(&path)).expect("UTF-8");
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The edited capture.
    pub fn apply(&self, folder: &Path) -> Tar {
        let path = folder.join(&self.base);
        let path: PathBuf = if path.is_dir() {
            path.join("node.tar.zst")
        } else {
            path
        };
        let mut tar = Tar::read_tar(&zstd::decode_all(contents(&path).as_slice()).expect("zstd"));
        for edit in &self.edit {
            tar.apply(edit, folder);
        }
        tar
    }
}

impl Edit {
    fn contents(&self, tar: &mut Tar, folder: &Path) -> Vec<u8> {
        if let Some(text) = &self.text {
            return text.clone().into_bytes();
        }
        if let Some(hex) = &self.hex {
            return hex::decode(hex.replace(' ', "")).expect("hex");
        }
        if let Some(path) = &self.copy {
            let path = tar.resolve(path);
            return tar.member(&path).data.clone();
        }
        let file = self
            .file
            .as_ref()
            .unwrap_or_else(|| panic!("{}: no contents", self.path));
        let bytes = contents(&folder.join(file));
        let is_packed = file.ends_with(".zst");
        if is_packed {
            zstd::decode_all(bytes.as_slice()).expect("zstd")
        } else {
            bytes
        }
    }
}

impl Tar {
    /// Does one edit; `folder` is where its `file` is.
    pub fn apply(&mut self, edit: &Edit, folder: &Path) {
        let path = self.resolve(&edit.path);
        match edit.op {
            Op::Bytes => {
                let data = &mut self.member(&path).data;
                match (edit.zeroes, edit.flip, &edit.hex) {
                    (Some(zeroes), ..) => data[edit.at..edit.at + zeroes].fill(0),
                    (_, Some(bit), _) => data[edit.at] ^= 1 << bit,
                    (.., hex) => {
                        let hex = hex.as_ref().expect("hex, zeroes or flip");
                        let bytes = hex::decode(hex.replace(' ', "")).expect("hex");
                        data[edit.at..edit.at + bytes.len()].copy_from_slice(&bytes);
                    }
                }
            }
            Op::Text => self.swap(&path, edit.from.as_bytes(), edit.to.as_bytes()),
            Op::Replace | Op::Add | Op::Bolt => {
                let there = self.position(&path).is_some();
                let may_be_new = edit.op == Op::Add || edit.new;
                assert!(there || may_be_new, "the capture has no {path}");
                let data = edit.contents(self, folder);
                self.add(&path, &data);
            }
            Op::Truncate => self.member(&path).data.truncate(edit.size),
            Op::Remove => {
                assert!(self.position(&path).is_some(), "the capture has no {path}");
                self.remove(&path);
            }
            Op::Directory => self.push(&path, b'5', "", b""),
            Op::Symlink => {
                self.remove(&path);
                self.push(&path, b'2', &edit.target, b"");
            }
            Op::Fifo => {
                self.remove(&path);
                self.push(&path, b'6', "", b"");
            }
            Op::Mode => assert!(edit.mode.is_some(), "{path}: no mode"),
            Op::Device => {
                self.remove(&path);
                self.push(&path, b'3', "", b"");
                let header = &mut self.members.last_mut().expect("a member").header;
                header[329..345].copy_from_slice(b"0000001\x000000005\0");
            }
        }
        if let Some(mode) = edit.mode {
            self.member(&path).header[100..108].copy_from_slice(format!("{mode:07o}\0").as_bytes());
        }
        if let Some(like) = &edit.like {
            let time = self.member(like).mtime();
            self.member(&path)
                .touch(time.saturating_add_signed(edit.later));
        }
        if let Some(mtime) = &edit.mtime {
            self.member(&path).touch(seconds(mtime));
        }
    }

    /// The path of a member, where a step with a `*` stands for the first that it matches.
    pub fn resolve(&self, path: &str) -> String {
        if !path.contains('*') {
            return path.to_owned();
        }
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        let mut found: Vec<String> = self
            .paths("", "")
            .iter()
            .filter_map(|path| {
                let names: Vec<&str> = path.split('/').collect();
                let same = |(step, name): (&&str, &&str)| fits(step, name);
                let fits = names.len() >= steps.len() && steps.iter().zip(&names).all(same);
                fits.then(|| names[..steps.len()].join("/"))
            })
            .collect();
        // A new name in a folder that is looked for.
        if found.is_empty()
            && let Some((folder, name)) = path.rsplit_once('/')
            && !name.contains('*')
        {
            return format!("{}/{name}", self.resolve(folder));
        }
        found.sort();
        found
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("the capture has no {path}"))
    }

    /// Replaces every `from`, of which there must be one, by `to`.
    pub fn swap(&mut self, path: &str, from: &[u8], to: &[u8]) {
        let old = std::mem::take(&mut self.member(path).data);
        let (mut new, mut at, mut found) = (Vec::new(), 0, 0);
        while at < old.len() {
            if old[at..].starts_with(from) {
                new.extend_from_slice(to);
                at += from.len();
                found += 1;
            } else {
                new.push(old[at]);
                at += 1;
            }
        }
        assert!(
            found > 0,
            "{path} does not hold {}",
            String::from_utf8_lossy(from)
        );
        self.member(path).data = new;
    }

    /// Replaces every `from`, of which there must be one, by `to` of the same length.
    pub fn replace(&mut self, path: &str, from: &[u8], to: &[u8]) {
        assert_eq!(from.len(), to.len(), "an edit in place keeps lengths");
        self.swap(path, from, to);
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
        self.members.push(Member {
            path,
            header,
            pax: Vec::new(),
            data: data.to_vec(),
        });
    }
}

impl Member {
    /// Its time of modification, in whole seconds since 1970.
    pub fn mtime(&self) -> u64 {
        let said = self.pax.iter().find(|(key, _)| key == b"mtime");
        let text = said.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        let whole = text
            .as_deref()
            .and_then(|text| text.split('.').next()?.parse().ok());
        let field = || {
            u64::from_str_radix(
                std::str::from_utf8(&self.header[136..147]).expect("octal"),
                8,
            )
        };
        whole.unwrap_or_else(|| field().expect("octal"))
    }

    /// Sets its time of modification, in seconds since 1970.
    pub fn touch(&mut self, seconds: u64) {
        self.pax.retain(|(key, _)| key != b"mtime");
        self.header[136..148].copy_from_slice(format!("{seconds:011o}\0").as_bytes());
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

/// Seconds since 1970 of `2026-01-02T03:04:05Z`.
fn seconds(time: &str) -> u64 {
    let field = |from: usize, to: usize| time[from..to].parse::<u64>().expect("time");
    let (year, month, day) = (field(0, 4), field(5, 7), field(8, 10));
    // Days of the civil calendar, the year beginning in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    days * 86400 + field(11, 13) * 3600 + field(14, 16) * 60 + field(17, 19)
}
