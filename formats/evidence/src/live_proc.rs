//! The door to a running machine's `/proc` and cgroups: what may be read there, and how.
//!
//! A process that is examined must not notice. So nothing here traces, signals or follows: of
//! `/proc/<pid>/fd/*` and `ns/*` only the text of the links is read, and a path is opened only
//! where the kernel promises that it stays on procfs (or on a cgroup file system) and is no link.
//!
//! Open the door *before* [`lockdown`](crate::lockdown()): Landlock takes `fd`, `environ`, `stack`
//! and `syscall` of all other processes away from whoever is bound by it, root too.
//!
//! A task that is stuck in the kernel may hold the lock of its memory; `cmdline` and `environ` would
//! wait for it. They are read by [`LiveProcess::patiently`], on a thread that can be left behind.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use finding::{Text, Unread};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::sys::statfs::{CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, PROC_SUPER_MAGIC, fstatfs};

use crate::directory::unread;
use crate::patience::within;

/// A running machine's `/proc`, and its root for cgroups.
#[derive(Debug)]
pub struct LiveProc {
    root: File,
    proc: File,
}

/// Whose numbers the pids of a node that runs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// This machine's: a command here may name them.
    Here,
    /// Those of a pid namespace of its own (a node that is a container): a process of this machine that is
    /// in it and has the same root, by its number here, where one is seen.
    Inside(Option<u32>),
}

/// One process; its number cannot be taken over by another while this is held.
#[derive(Debug)]
pub struct LiveProcess {
    folder: Arc<File>,
}

impl LiveProc {
    /// The `/proc` below `root`; nothing if no procfs is mounted there, or if that shows the
    /// processes of another root: a rescue system's, bound into the image that is mended with it.
    pub fn open(root: &Path) -> Option<Self> {
        let is_own = root == Path::new("/");
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = File::from(nix::fcntl::open(root, flags, Mode::empty()).ok()?);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let proc = File::from(openat(root.as_fd(), "proc", flags, Mode::empty()).ok()?);
        let kind = fstatfs(proc.as_fd()).ok()?.filesystem_type();
        if kind != PROC_SUPER_MAGIC {
            return None;
        }
        // The first process is followed to its root, and to nothing else.
        let first = fstatat(proc.as_fd(), "1/root", AtFlags::empty()).ok();
        let own = fstat(root.as_fd()).ok();
        let same = first
            .zip(own)
            .is_some_and(|(first, own)| (first.st_dev, first.st_ino) == (own.st_dev, own.st_ino));
        (is_own || same).then_some(Self { root, proc })
    }

    /// Whose numbers its pids are, of a node that was named `called`. What cannot be seen is not taken
    /// for this machine.
    pub fn numbered(&self, called: &Path) -> Numbered {
        if called == Path::new("/") {
            return Numbered::Here;
        }
        let Some(inside) = link(&self.proc, "1/ns/pid").ok() else {
            return Numbered::Inside(None);
        };
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
        let here = nix::fcntl::open("/proc", flags, Mode::empty());
        let Ok(here) = here.map(File::from) else {
            return Numbered::Inside(None);
        };
        let own = format!("{}/ns/pid", std::process::id());
        if link(&here, &own).is_ok_and(|own| own == inside) {
            return Numbered::Here;
        }
        let root = fstat(self.root.as_fd()).ok();
        let is_in_it = |pid: &u32| {
            let of = |name: &str| format!("{pid}/{name}");
            let its_root = fstatat(here.as_fd(), of("root").as_str(), AtFlags::empty()).ok();
            link(&here, &of("ns/pid")).is_ok_and(|other| other == inside)
                && root.zip(its_root).is_some_and(|(root, its)| {
                    (root.st_dev, root.st_ino) == (its.st_dev, its.st_ino)
                })
        };
        let named = called
            .strip_prefix("/proc")
            .ok()
            .and_then(|rest| rest.iter().next()?.to_str()?.parse().ok());
        let all = || {
            let folders = names(&here, ".").unwrap_or_default();
            let pids = folders.iter();
            pids.filter_map(|name| core::str::from_utf8(name).ok()?.parse().ok())
                .filter(is_in_it)
                .min()
        };
        Numbered::Inside(named.filter(is_in_it).or_else(all))
    }

    /// Numbers of all processes that we are shown.
    pub fn pids(&self) -> Result<Vec<u32>, Unread> {
        let mut pids: Vec<u32> = names(&self.proc, ".")?
            .iter()
            .filter_map(|name| core::str::from_utf8(name).ok()?.parse().ok())
            .collect();
        pids.sort_unstable();
        Ok(pids)
    }

    /// A process.
    pub fn process(&self, pid: u32) -> Result<LiveProcess, Unread> {
        let folder = open(&self.proc, &pid.to_string(), OFlag::O_DIRECTORY)?;
        Ok(LiveProcess {
            folder: Arc::new(folder),
        })
    }

    /// Our own number there; of a node that is a container, which does not number us, its first process:
    /// the number that we have out here is another's inside.
    fn own(&self) -> Result<String, Unread> {
        match link(&self.proc, "self") {
            Ok(own) => Ok(own.to_string()),
            Err(Unread::Absent) => Ok("1".to_owned()),
            Err(why) => Err(why),
        }
    }

    /// A file of `/proc` that is not a process's: `net/unix`, `stat`. Of a file that is larger
    /// than `limit`, its beginning.
    pub fn file(&self, name: &str, limit: usize) -> Result<Vec<u8>, Unread> {
        // `net`, `self` and `mounts` are links to our own process.
        let own;
        let name = if matches!(name, "net/unix" | "self/mountinfo") {
            own = format!("{}/{}", self.own()?, name.trim_start_matches("self/"));
            &own
        } else {
            name
        };
        read_up_to(open(&self.proc, name, OFlag::empty())?, limit)
    }

    /// Every folder at and below `point`, by their paths below the root, where a cgroup file system
    /// is mounted there; at most `most`. What is mounted in it is not looked into.
    pub fn cgroup_folders(&self, point: &Path, most: usize) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let relative = crate::path::relative(point);
        let Ok(first) = openat2(self.root.as_fd(), &relative, how) else {
            return found;
        };
        let first = File::from(first);
        let kind = fstatfs(first.as_fd()).map(|stat| stat.filesystem_type());
        if kind != Ok(CGROUP_SUPER_MAGIC) && kind != Ok(CGROUP2_SUPER_MAGIC) {
            return found;
        }
        let mut todo = vec![(point.to_path_buf(), String::from("."))];
        while let Some((path, below)) = todo.pop() {
            if found.len() >= most {
                break;
            }
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
            // Beneath the mount, and only there: names of cgroups hold no links.
            let Ok(folder) = open(&first, &below, flags) else {
                continue;
            };
            found.push(path.clone());
            let Ok(mut dir) = Dir::from_fd(folder.into()) else {
                continue;
            };
            for entry in dir.iter().flatten() {
                let name = entry.file_name();
                let is_folder = entry.file_type() == Some(nix::dir::Type::Directory);
                if let (true, Ok(name)) = (is_folder, name.to_str())
                    && name != "."
                    && name != ".."
                {
                    let path = path.join(name);
                    todo.push((path, format!("{below}/{name}")));
                }
            }
        }
        found
    }

    /// A file of a cgroup file system, by its path below the root.
    pub fn cgroup_file(&self, path: &Path, limit: usize) -> Result<Vec<u8>, Unread> {
        let relative = crate::path::relative(path);
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
        let how = OpenHow::new()
            .flags(OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        let (Some(parent), Some(name)) = (relative.parent(), relative.file_name()) else {
            return Err(Unread::Absent);
        };
        // The folder is looked at before anything in it is opened.
        let folder = match openat2(self.root.as_fd(), parent, how) {
            Ok(folder) => folder,
            Err(Errno::ENOSYS | Errno::EPERM) => {
                let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY;
                openat(self.root.as_fd(), parent, flags, Mode::empty()).map_err(unread)?
            }
            Err(errno) => return Err(unread(errno)),
        };
        let kind = fstatfs(folder.as_fd()).map_err(unread)?.filesystem_type();
        if kind != CGROUP_SUPER_MAGIC && kind != CGROUP2_SUPER_MAGIC {
            return Err(Unread::Absent);
        }
        let file = openat(folder.as_fd(), name, flags, Mode::empty()).map_err(unread)?;
        read_up_to(File::from(file), limit)
    }
}

impl LiveProcess {
    pub(crate) fn folder(&self) -> &File {
        &self.folder
    }

    /// One of its files, `stat` or `task/7/wchan`; the beginning of it if it is larger than
    /// `limit`.
    pub fn file(&self, name: &str, limit: usize) -> Result<Vec<u8>, Unread> {
        read_up_to(open(&self.folder, name, OFlag::empty())?, limit)
    }

    /// As [`file`](Self::file), of a file that may never come; then it is given up after `wait`.
    pub fn patiently(
        &self,
        name: &'static str,
        limit: usize,
        wait: Duration,
    ) -> Result<Vec<u8>, Unread> {
        let folder = Arc::clone(&self.folder);
        within(wait, "does not come: the process is stuck", move || {
            read_up_to(open(&folder, name, OFlag::empty())?, limit)
        })
    }

    /// The text of a link: `exe`, `cwd`, `root`. It is not followed.
    pub fn link(&self, name: &str) -> Result<Text, Unread> {
        link(&self.folder, name)
    }

    /// Names and texts of all links in a folder: `fd`, `ns`, and whether these are all. They are not
    /// followed; at most `most`.
    pub fn links(&self, name: &str, most: usize) -> Result<(Vec<(String, Text)>, bool), Unread> {
        let folder = open(&self.folder, name, OFlag::O_DIRECTORY)?;
        let mut found = Vec::new();
        let names = names(&folder, ".")?;
        let is_whole = names.len() <= most;
        for name in names.into_iter().take(most) {
            let Ok(name) = String::from_utf8(name) else {
                continue;
            };
            match link(&folder, &name) {
                Ok(target) => found.push((name, target)),
                // It was closed meanwhile.
                Err(Unread::Absent) => {}
                // The folder may be listed where its links may not be read: of a process with more rights.
                Err(unread) => return Err(unread),
            }
        }
        Ok((found, is_whole))
    }

    /// Numbers of its threads; at most `most`.
    pub fn tasks(&self, most: usize) -> Result<Vec<u32>, Unread> {
        let mut tasks: Vec<u32> = names(&self.folder, "task")?
            .iter()
            .filter_map(|name| core::str::from_utf8(name).ok()?.parse().ok())
            .take(most)
            .collect();
        tasks.sort_unstable();
        Ok(tasks)
    }
}

/// Opens `name` in a folder of procfs, and only there.
fn open(folder: &File, name: &str, kind: OFlag) -> Result<File, Unread> {
    let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let flags = flags | OFlag::O_NOFOLLOW | kind;
    let how = OpenHow::new().flags(flags).resolve(
        ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_XDEV
            | ResolveFlag::RESOLVE_NO_SYMLINKS,
    );
    match openat2(folder.as_fd(), name, how) {
        Ok(file) => Ok(File::from(file)),
        // No such call. Links are the only way out of procfs, and all of them stand in these.
        Err(Errno::ENOSYS | Errno::EPERM)
            if !name.starts_with("fd/") && !name.starts_with("map_files/") =>
        {
            openat(folder.as_fd(), name, flags, Mode::empty())
                .map(File::from)
                .map_err(gone)
        }
        Err(errno) => Err(gone(errno)),
    }
}

/// As [`unread`], where a process that has ended is one that is not there.
fn gone(errno: Errno) -> Unread {
    if errno == Errno::ESRCH {
        Unread::Absent
    } else {
        unread(errno)
    }
}

fn read_up_to(mut file: File, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    let mut piece = [0_u8; 4096];
    while bytes.len() < limit {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
                return Err(gone(errno));
            }
        }
    }
    bytes.truncate(limit);
    bytes.shrink_to_fit();
    Ok(bytes)
}

/// The names in a folder, without looking at what they stand for.
fn names(folder: &File, name: &str) -> Result<Vec<Vec<u8>>, Unread> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mut dir = Dir::openat(folder.as_fd(), name, flags, Mode::empty()).map_err(gone)?;
    let mut found = Vec::new();
    for entry in dir.iter() {
        let entry = entry.map_err(gone)?;
        let name = entry.file_name().to_bytes();
        if !name.starts_with(b".") {
            found.push(name.to_vec());
        }
    }
    Ok(found)
}

fn link(folder: &File, name: &str) -> Result<Text, Unread> {
    readlinkat(folder.as_fd(), OsStr::from_bytes(name.as_bytes()))
        .map(|target| Text::from(target.into_vec()))
        .map_err(gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_read() {
        let door = LiveProc::open(Path::new("/")).unwrap();
        let pid = std::process::id();
        assert!(door.pids().unwrap().contains(&pid));
        let own = door.process(pid).unwrap();
        let stat = own.file("stat", 4096).unwrap();
        assert!(stat.starts_with(format!("{pid} (").as_bytes()));
        assert_eq!(own.file("stat", 3).unwrap().len(), 3);
        assert!(own.tasks(1000).unwrap().contains(&pid));
        assert!(own.link("exe").unwrap().bytes().starts_with(b"/"));
        let wait = Duration::from_secs(5);
        assert!(
            own.patiently("cmdline", 1 << 16, wait)
                .unwrap()
                .contains(&0)
        );
        assert_eq!(own.file("nothing", 9), Err(Unread::Absent));
        assert!(door.file("uptime", 64).unwrap().contains(&b'.'));
        assert!(door.file("net/unix", 64).unwrap().starts_with(b"Num"));
        assert!(!door.file("self/mountinfo", 1 << 20).unwrap().is_empty());
    }

    #[test]
    fn no_link_is_followed() {
        let fifo = tempfile::tempdir().unwrap();
        let path = fifo.path().join("exec.fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let held = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let held = File::from(nix::fcntl::open(&path, held, Mode::empty()).unwrap());
        let door = LiveProc::open(Path::new("/")).unwrap();
        let own = door.process(std::process::id()).unwrap();
        let (links, is_whole) = own.links("fd", 1000).unwrap();
        assert!(is_whole && !own.links("fd", 1).unwrap().1);
        let shown = Text::from(path.as_os_str().as_bytes());
        let (name, _) = links.iter().find(|(_, target)| *target == shown).unwrap();
        for wrong in [
            format!("fd/{name}"),
            format!("../{}/fd/{name}", std::process::id()),
            "exe".into(),
            "root/etc/passwd".into(),
            "cwd".into(),
        ] {
            assert!(own.file(&wrong, 10).is_err(), "{wrong}");
        }
        assert!(own.file(&format!("fdinfo/{name}"), 1000).is_ok());
        drop(held);
        assert!(door.cgroup_file(Path::new("/etc/passwd"), 10).is_err());
        assert!(LiveProc::open(fifo.path()).is_none());
    }
}
