//! Files and trees that are whole or absent.
//!
//! Whatever a verb writes has no name, or a hidden one, until all of it is there and on the disk: a
//! power cut, a full disk or `kill -9` leaves nothing under the name that was asked for. What is there
//! already stays, and no link is followed in the last place.
//!
//! | | while it is written | put in its place by |
//! |---|---|---|
//! | [`NewFile`] | a file without a name (`O_TMPFILE`); `.coroner-….part` where the disk has no such files | `linkat`; `renameat2` |
//! | [`NewTree`] | `.coroner-….part` beside its place | `renameat2` |

mod file;
mod tree;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evidence::{Place, Placing};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{Mode, fstatat};

use crate::{Exit, Failure};

pub use file::{FileWriter, NewFile};
pub use tree::NewTree;

/// Where what is being written will be put: what a program that gives up its rights must keep.
static PLACES: Mutex<Vec<Place>> = Mutex::new(Vec::new());

/// The places of everything that is being written.
pub(crate) fn places() -> Vec<Place> {
    PLACES.lock().map(|all| all.clone()).unwrap_or_default()
}

/// The folder of something new, and its name in it.
#[derive(Debug)]
struct Spot {
    place: PathBuf,
    folder: Arc<File>,
    name: OsString,
}

impl Spot {
    /// Looks that nothing is at `place`.
    fn at(place: &Path) -> Result<Self, Failure> {
        let failed = |errno: Errno| unwritable(place, &errno.into());
        let Some(name) = place.file_name() else {
            return Err(failed(Errno::EINVAL));
        };
        let parent = place
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let folder = openat(AT_FDCWD, parent, flags, Mode::empty()).map_err(failed)?;
        let spot = Self {
            place: place.to_owned(),
            folder: Arc::new(File::from(folder)),
            name: name.to_owned(),
        };
        if spot.is_taken() {
            return Err(failed(Errno::EEXIST));
        }
        Ok(spot)
    }

    fn is_taken(&self) -> bool {
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        fstatat(&*self.folder, self.name.as_os_str(), flags).is_ok()
    }

    /// Keeps the right to put something here.
    fn keep_right(&self, how: Placing) {
        if let Ok(mut places) = PLACES.lock() {
            places.push(Place {
                folder: Arc::clone(&self.folder),
                how,
            });
        }
    }

    /// Gives what has the hidden name its own; what came there meanwhile stays.
    fn rename(&self, hidden: &OsStr) -> Result<(), Errno> {
        let folder = &*self.folder;
        let name = self.name.as_os_str();
        let flags = RenameFlags::RENAME_NOREPLACE;
        match renameat2(folder, hidden, folder, name, flags) {
            // Not every file system can promise it.
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) if self.is_taken() => {
                Err(Errno::EEXIST)
            }
            Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
                renameat(folder, hidden, folder, name)
            }
            done => done,
        }
    }

    /// The name is on the disk for good.
    fn sync(&self) -> io::Result<()> {
        match self.folder.sync_all() {
            // Some file systems have nothing to say of folders.
            Err(error) if is_errno(&error, Errno::EINVAL) => Ok(()),
            synced => synced,
        }
    }
}

/// A hidden name that nothing else has.
fn hidden() -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.subsec_nanos());
    let process = std::process::id();
    OsString::from(format!(".coroner-{process}-{nanos:x}-{number}.part"))
}

/// Why nothing could be made at `place`.
fn unwritable(place: &Path, error: &io::Error) -> Failure {
    let shown = crate::shown(place);
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    );
    if full {
        return Failure {
            exit: Exit::UNWRITTEN,
            ..Failure::unread(format!("could not create {shown}: {}", reason(error)))
        }
        .hint("make room, or choose a path on another disk");
    }
    Failure::usage(format!("could not create {shown}: {}", reason(error)))
        .hint("choose a path that does not exist yet, outside the evidence")
}

/// The system's word for what failed, without its number.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let word = text
        .split_once(" (os error")
        .map_or(text.as_str(), |(word, _)| word);
    word.to_owned()
}

/// Why what was written could not be completed.
fn unfinished(place: &Path, error: &io::Error) -> Failure {
    let shown = crate::shown(place);
    let failure = Failure {
        exit: Exit::UNWRITTEN,
        ..Failure::unread(format!(
            "could not write {shown}: {}; nothing is left there",
            reason(error)
        ))
    };
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            failure.hint("something came there meanwhile, and was left alone: choose another path")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.hint("make room, or choose a path on another disk")
        }
        _ => failure,
    }
}

/// Whether an error of the system is that one.
fn is_errno(error: &io::Error, wanted: Errno) -> bool {
    error.raw_os_error().map(Errno::from_raw) == Some(wanted)
}
