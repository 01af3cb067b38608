//! A layer unpacked again, so that it equals the one that containerd unpacked.
//!
//! ```text
//! <id>/          0700
//!   fs/          0755 root:root; an entry of the tar for `.` is passed over, as containerd does
//!   work/        0711, empty
//! .wh.name       a device 0:0 of that name; in the lowest layer nothing
//! .wh..wh..opq   trusted.overlay.opaque = y on its directory; in the lowest layer nothing
//! parents        those without an entry are as in the nearest layer below, else 0755 root:root
//! times          to the nanosecond, none before 1970; those of directories come last
//! ```
//!
//! Upstream: `pkg/archive/tar.go`, `applyNaive` and `createTarFile`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::Time;
use layer::{Entry, Kind, Layer, Limits, Watch};
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchownat, linkat, symlinkat};

use crate::disk::{Folder, is_kind};

/// Names of files that the kernel keeps for overlays: containerd sets none of them from a tar.
const OVERLAY: &[u8] = b"trusted.overlay.";

/// Unpacks the layer in `blob` into the empty folder `slot`, which becomes the snapshot's directory;
/// `below` are the files of the layers below, the nearest first. Gives the layer's diffID.
///
/// # Errors
/// The blob cannot be read to its end, or something cannot be written.
pub(crate) fn layer(
    evidence: &Evidence,
    blob: &Path,
    slot: &Folder,
    below: &[Folder],
) -> io::Result<String> {
    slot.make(OsStr::new("fs"))?;
    slot.set_folder_mode(OsStr::new("fs"), 0o755)?;
    slot.make(OsStr::new("work"))?;
    slot.set_folder_mode(OsStr::new("work"), 0o711)?;
    let mut unpacking = Unpacking {
        fs: slot.below(Path::new("fs"))?,
        below,
        times: BTreeMap::new(),
    };
    let layer = Layer::of_blob(evidence, blob, Limits::default(), Watch::default());
    let mut layer = layer.map_err(|why| io::Error::other(why.to_string()))?;
    while let Some(entry) = layer.next_entry() {
        unpacking.entry(&mut layer, &entry)?;
    }
    let summary = layer.finish();
    let faults = summary.faults.iter().map(ToString::to_string);
    if !summary.is_whole() {
        return Err(io::Error::other(faults.collect::<Vec<_>>().join("; ")));
    }
    unpacking.set_times()?;
    let diff_id = summary.diff_id();
    let diff_id = diff_id.ok_or_else(|| io::Error::other("the layer has no end"))?;
    Ok(diff_id.to_string())
}

struct Unpacking<'u> {
    fs: Folder,
    below: &'u [Folder],
    /// Times of directories, to be set when nothing more is written into them.
    times: BTreeMap<PathBuf, (TimeSpec, TimeSpec)>,
}

/// A place in the layer: the folder that it is in, and its name there.
struct Place {
    folder: Folder,
    name: OsString,
}

/// A folder as containerd finds it: links on the way stay inside the layer.
fn inside(folder: &Folder, path: &Path) -> io::Result<OwnedFd> {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC)
        .resolve(
            ResolveFlag::RESOLVE_IN_ROOT
                | ResolveFlag::RESOLVE_NO_MAGICLINKS
                | ResolveFlag::RESOLVE_NO_XDEV,
        );
    Ok(openat2(folder.fd(), path, how)?)
}

fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// A time as containerd sets it: none before 1970.
fn bound(time: Time) -> TimeSpec {
    if time.seconds < 0 {
        return TimeSpec::new(0, 0);
    }
    TimeSpec::new(time.seconds, i64::from(time.nanos))
}

impl Unpacking<'_> {
    fn entry(
        &mut self,
        layer: &mut Layer<'_, Box<dyn io::Read + Send + '_>>,
        entry: &Entry,
    ) -> io::Result<()> {
        let path = Path::new(OsStr::from_bytes(&entry.path));
        match entry.kind {
            Kind::Aufs => return Ok(()),
            Kind::Other(kind) => {
                let why = format!("{}: entries of type {kind} are not unpacked", entry.name);
                return Err(io::Error::other(why));
            }
            Kind::Opaque => return self.opaque(path),
            _ if entry.path.is_empty() => return Ok(()),
            Kind::Whiteout if self.below.is_empty() => return self.place(path).map(|_| ()),
            _ => {}
        }
        let place = self.place(path)?;
        self.clear(&place, entry)?;
        let name = place.name.as_os_str();
        match entry.kind {
            Kind::Dir => {
                if place.folder.stat(name)?.is_none() {
                    place.folder.make(name)?;
                }
            }
            Kind::File => Self::file(layer, &place)?,
            Kind::Symlink => {
                let target = entry.link.as_ref().map_or(&b""[..], |link| link.bytes());
                symlinkat(OsStr::from_bytes(target), place.folder.fd(), name)?;
            }
            Kind::HardLink => self.hard_link(entry, &place)?,
            Kind::Char | Kind::Block | Kind::Fifo | Kind::Whiteout => Self::device(entry, &place)?,
            Kind::Opaque | Kind::Aufs | Kind::Other(_) => {}
        }
        if entry.kind == Kind::Whiteout {
            return owner(&place, entry.uid, entry.gid);
        }
        self.attributes(entry, &place, path)
    }

    /// Where an entry comes to lie; parents that are not there are made.
    fn place(&self, path: &Path) -> io::Result<Place> {
        let above = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default().to_owned();
        let folder = match inside(&self.fs, above) {
            Ok(folder) => Folder::from_fd(folder),
            Err(error) if is_absent(&error) => {
                self.parents(above)?;
                Folder::from_fd(inside(&self.fs, above)?)
            }
            Err(error) => return Err(error),
        };
        Ok(Place { folder, name })
    }

    fn parents(&self, path: &Path) -> io::Result<()> {
        let mut whole = PathBuf::new();
        for part in path.components() {
            let folder = Folder::from_fd(inside(&self.fs, &whole)?);
            whole.push(part);
            match inside(&self.fs, &whole) {
                Ok(_) => continue,
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
            let name = part.as_os_str();
            folder.make(name)?;
            folder.set_folder_mode(name, 0o755)?;
            self.as_below(&folder, name, &whole)?;
        }
        Ok(())
    }

    /// A directory without an entry of its own is as the nearest layer below has it.
    fn as_below(&self, folder: &Folder, name: &OsStr, path: &Path) -> io::Result<()> {
        for layer in self.below {
            let above = path.parent().unwrap_or(Path::new(""));
            let found = inside(layer, above).map(Folder::from_fd);
            let lower = match found {
                Ok(lower) => lower,
                Err(error) if is_absent(&error) || error.raw_os_error() == Some(20) => continue,
                Err(error) => return Err(error),
            };
            let last = path.file_name().unwrap_or_default();
            let Some(stat) = lower.stat(last)? else {
                continue;
            };
            if !is_kind(&stat, SFlag::S_IFDIR) {
                break;
            }
            let place = Place {
                folder: folder.below(Path::new(""))?,
                name: name.to_owned(),
            };
            owner(&place, stat.st_uid, stat.st_gid)?;
            folder.set_folder_mode(name, stat.st_mode & 0o7777)?;
            let (from, to) = (lower.proc().join(last), folder.proc().join(name));
            for attribute in xattr::list(&from)? {
                let is_kernels = attribute.as_bytes().starts_with(OVERLAY)
                    || attribute.as_bytes() == b"security.selinux";
                if !is_kernels && let Some(value) = xattr::get(&from, &attribute)? {
                    xattr::set(&to, &attribute, &value)?;
                }
            }
            break;
        }
        Ok(())
    }

    /// Removes what an entry replaces: anything but a directory in the place of a directory.
    fn clear(&mut self, place: &Place, entry: &Entry) -> io::Result<()> {
        let Some(stat) = place.folder.stat(&place.name)? else {
            return Ok(());
        };
        if entry.kind == Kind::Dir && is_kind(&stat, SFlag::S_IFDIR) {
            return Ok(());
        }
        let gone = Path::new(OsStr::from_bytes(&entry.path)).to_owned();
        self.times.retain(|path, _| !path.starts_with(&gone));
        place.folder.remove_tree(&place.name)
    }

    fn file(layer: &mut Layer<'_, Box<dyn io::Read + Send + '_>>, place: &Place) -> io::Result<()> {
        let mut file: File = place.folder.create(&place.name)?;
        let mut failed = Ok(());
        layer.each_piece(|piece| {
            if failed.is_ok() {
                failed = file.write_all(piece);
            }
        })?;
        failed
    }

    fn hard_link(&self, entry: &Entry, place: &Place) -> io::Result<()> {
        let target = PathBuf::from(OsString::from_vec(entry.target().unwrap_or_default()));
        let from = self.place(&target)?;
        if from.folder.stat(&from.name)?.is_none() {
            let why = format!(
                "{}: its target {} is not in this layer",
                entry.name,
                target.display()
            );
            return Err(io::Error::other(why));
        }
        let flags = AtFlags::empty();
        Ok(linkat(
            from.folder.fd(),
            from.name.as_os_str(),
            place.folder.fd(),
            place.name.as_os_str(),
            flags,
        )?)
    }

    fn device(entry: &Entry, place: &Place) -> io::Result<()> {
        let (kind, mode) = match entry.kind {
            Kind::Block => (SFlag::S_IFBLK, entry.mode),
            Kind::Fifo => (SFlag::S_IFIFO, entry.mode),
            Kind::Whiteout => (SFlag::S_IFCHR, 0),
            _ => (SFlag::S_IFCHR, entry.mode),
        };
        let (major, minor) = match entry.kind {
            Kind::Whiteout => (0, 0),
            _ => entry.rdev.unwrap_or((0, 0)),
        };
        let number = nix::sys::stat::makedev(u64::from(major), u64::from(minor));
        Ok(mknodat(
            place.folder.fd(),
            place.name.as_os_str(),
            kind,
            Mode::from_bits_truncate(mode),
            number,
        )?)
    }

    fn opaque(&self, path: &Path) -> io::Result<()> {
        if inside(&self.fs, path).is_err_and(|error| is_absent(&error)) {
            self.parents(path)?;
        }
        if self.below.is_empty() {
            return Ok(());
        }
        let folder = Folder::from_fd(inside(&self.fs, path)?);
        xattr::set(folder.proc().join("."), "trusted.overlay.opaque", b"y")
    }

    /// Owner before mode, since a change of owner takes setuid away; times last.
    fn attributes(&mut self, entry: &Entry, place: &Place, path: &Path) -> io::Result<()> {
        owner(place, entry.uid, entry.gid)?;
        let whole = place.folder.proc().join(&place.name);
        for (name, value) in entry.xattrs.iter() {
            if name.bytes().starts_with(OVERLAY) {
                continue;
            }
            let name = OsStr::from_bytes(name.bytes());
            match xattr::set(&whole, name, value) {
                Err(error) if error.raw_os_error() == Some(95) => {}
                set => set?,
            }
        }
        let is_symlink = place
            .folder
            .stat(&place.name)?
            .is_some_and(|stat| is_kind(&stat, SFlag::S_IFLNK));
        if !is_symlink {
            nix::sys::stat::fchmodat(
                place.folder.fd(),
                place.name.as_os_str(),
                Mode::from_bits_truncate(entry.mode),
                nix::sys::stat::FchmodatFlags::FollowSymlink,
            )?;
        }
        let latest = entry
            .atime
            .map_or(entry.mtime, |atime| atime.max(entry.mtime));
        let times = (bound(latest), bound(entry.mtime));
        if entry.kind == Kind::Dir {
            self.times.insert(path.to_owned(), times);
            return Ok(());
        }
        set_times(place, times)
    }

    fn set_times(&self) -> io::Result<()> {
        for (path, times) in self.times.iter().rev() {
            set_times(&self.place(path)?, *times)?;
        }
        Ok(())
    }
}

fn owner(place: &Place, uid: u32, gid: u32) -> io::Result<()> {
    Ok(fchownat(
        place.folder.fd(),
        place.name.as_os_str(),
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        AtFlags::AT_SYMLINK_NOFOLLOW,
    )?)
}

fn set_times(place: &Place, (accessed, changed): (TimeSpec, TimeSpec)) -> io::Result<()> {
    Ok(utimensat(
        place.folder.fd().as_fd(),
        place.name.as_os_str(),
        &accessed,
        &changed,
        UtimensatFlags::NoFollowSymlink,
    )?)
}
