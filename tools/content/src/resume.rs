//! What an earlier run has verified already: a file of the user's, one line a blob.
//!
//! ```text
//! {"schema":"coroner/content-verify-state/1","store":"/var/lib/containerd/io.containerd.content.v1.content"}
//! {"digest":"sha256:…","size":1234,"mtime":"1700000000.123","ctime":"…","ino":42,"layer":true}
//! ```
//!
//! Only blobs that were as their names promise are kept; a line is written as soon as its blob is
//! done, so that a run that was killed is not lost. A blob whose size, times or inode have changed
//! since is read again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cli::{Failure, shown};
use content::{Blob, Digest};
use evidence::{Stat, pax_time};
use finding::Text;
use serde::{Deserialize, Serialize};

/// The most that is read of a state file.
const LIMIT: u64 = 1 << 30;
/// `O_NOFOLLOW | O_NONBLOCK`
const FLAGS: i32 = 0o400_000 | 0o4_000;
const SCHEMA: &str = "coroner/content-verify-state/1";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    schema: String,
    store: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    digest: String,
    size: u64,
    mtime: String,
    ctime: Option<String>,
    ino: Option<u64>,
    /// Whether it was read as a layer, too, and found to be sound.
    layer: bool,
}

impl Line {
    fn resume_line(digest: &Digest, stat: &Stat, layer: bool) -> Self {
        Self {
            digest: digest.to_string(),
            size: stat.size,
            mtime: pax_time(stat.mtime),
            ctime: stat.ctime.map(pax_time),
            ino: stat.ino,
            layer,
        }
    }
}

/// The state file of a run.
#[derive(Debug)]
pub(crate) struct State {
    path: PathBuf,
    file: Mutex<File>,
    known: BTreeMap<String, Line>,
    head: Option<Head>,
    failed: Mutex<Option<String>>,
}

fn usage(path: &Path, why: &dyn core::fmt::Display) -> Failure {
    Failure::usage(format!("{} cannot be used to resume: {why}", shown(path)))
        .hint("name a file that an earlier run made, or one that does not exist yet")
}

/// Whether `path` would lie in the evidence: nothing is ever written there.
fn is_inside(path: &Path, evidence: &Path) -> bool {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    match (real(parent), real(evidence)) {
        // The machine itself: everything lies in it.
        (Some(parent), Some(evidence)) => {
            evidence != Path::new("/") && parent.starts_with(evidence)
        }
        _ => false,
    }
}

impl State {
    /// Opens the file of an earlier run, or makes a new one. Before anything is given up.
    pub(crate) fn open(path: &Path, evidence: &Path) -> Result<Self, Failure> {
        if is_inside(path, evidence) {
            return Err(usage(path, &"it lies in the evidence"));
        }
        let mut options = OpenOptions::new();
        options.read(true).append(true).custom_flags(FLAGS);
        let opened = options.open(path);
        let mut file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut new = OpenOptions::new();
                new.read(true).append(true).create_new(true);
                new.mode(0o600).custom_flags(FLAGS).open(path)
            }
            opened => opened,
        }
        .map_err(|error| usage(path, &error))?;
        let stat = file.metadata().map_err(|error| usage(path, &error))?;
        if !stat.is_file() || stat.len() > LIMIT {
            return Err(usage(path, &"it is no file of an earlier run"));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| usage(path, &error))?;
        let mut lines = text.lines();
        let head = match lines.next() {
            None => None,
            Some(first) => match serde_json::from_str::<Head>(first) {
                Ok(head) if head.schema == SCHEMA => Some(head),
                _ => return Err(usage(path, &"it was not written by an earlier run")),
            },
        };
        // The last line of a run that was killed may be half of one.
        let known = lines.filter_map(|line| serde_json::from_str::<Line>(line).ok());
        let known = known.map(|line| (line.digest.clone(), line)).collect();
        let state = Self {
            path: path.to_owned(),
            file: Mutex::new(file),
            known,
            head,
            failed: Mutex::new(None),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            state.write("\n");
        }
        Ok(state)
    }

    /// Ties it to a store: that of another node would only mislead.
    pub(crate) fn is_for(&mut self, store: &Text) -> Result<(), Failure> {
        let head = Head {
            schema: SCHEMA.to_owned(),
            store: store.to_string(),
        };
        match &self.head {
            Some(found) if *found == head => Ok(()),
            Some(found) => Err(usage(
                &self.path,
                &format_args!(
                    "it is of another store, {}",
                    Text::from(found.store.as_str())
                ),
            )),
            None => {
                self.line(&head);
                self.head = Some(head);
                Ok(())
            }
        }
    }

    /// Whether an earlier run has found this blob to be right, and it has not changed since.
    pub(crate) fn knows(&self, blob: &Blob, as_layer: bool) -> bool {
        let known = self.known.get(blob.digest.as_str());
        known.is_some_and(|known| {
            (known.layer || !as_layer)
                && *known == Line::resume_line(&blob.digest, &blob.stat, known.layer)
        })
    }

    /// Notes that this blob is right.
    pub(crate) fn note(&self, digest: &Digest, stat: &Stat, layer: bool) {
        self.line(&Line::resume_line(digest, stat, layer));
    }

    fn line(&self, value: &impl Serialize) {
        if let Ok(mut line) = serde_json::to_string(value) {
            line.push('\n');
            self.write(&line);
        }
    }

    fn write(&self, text: &str) {
        let poisoned = std::sync::PoisonError::into_inner;
        let mut file = self.file.lock().unwrap_or_else(poisoned);
        if let Err(error) = file.write_all(text.as_bytes()) {
            let mut failed = self
                .failed
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            failed.get_or_insert_with(|| error.to_string());
        }
    }

    /// Why the file could not be written to, if it could not.
    pub(crate) fn failed(&self) -> Option<String> {
        let failed = self
            .failed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failed
            .as_ref()
            .map(|why| format!("{} was not written to its end: {why}", shown(&self.path)))
    }
}
