//! Processes, as their files say.

use core::ops::Bound;
use std::collections::BTreeMap;

use finding::{Text, Unread};
use serde::Serialize;

use crate::cgroup::Cgroups;
use crate::tree::{Item, bytes};
use crate::unix::{UnixSocket, unix_sockets};
use crate::{Fd, Membership, Mount, Stat, Status, Syscall, Tree, Wait, mounts};

/// A thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thread {
    /// Its number; that of the first is the process's.
    pub tid: u32,
    /// Its state, if that was read.
    pub state: Option<char>,
    /// The kernel function it sleeps in.
    pub wchan: Option<Text>,
    /// What it asked the kernel for.
    pub syscall: Option<Syscall>,
}

impl Thread {
    /// What it waits for.
    pub fn wait(&self) -> Option<Wait> {
        Wait::from_wchan(self.wchan.as_ref()?.utf8()?)
    }
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Name, state, parent, start.
    pub stat: Stat,
    /// Tracer, numbers in namespaces.
    pub status: Status,
    /// Its arguments; nothing if they could not be read. A process that has ended has none.
    pub cmdline: Option<Vec<Text>>,
    /// Its cgroups.
    pub cgroups: Vec<Membership>,
    /// The kernel function its first thread sleeps in; nothing where that may not be known.
    pub wchan: Option<Text>,
    /// What its first thread asked the kernel for.
    pub syscall: Option<Syscall>,
    /// The kernel's functions, the innermost first.
    pub stack: Vec<Text>,
    /// Its open files.
    pub fds: Result<Vec<Fd>, Unread>,
    /// What runc tells its init: `_LIBCONTAINER_…` of the environment.
    pub libcontainer: BTreeMap<Text, Text>,
    /// What a plugin of the network was told: `CNI_…` of the environment.
    pub cni: BTreeMap<Text, Text>,
    /// Its program.
    pub exe: Option<Text>,
    /// Its working directory.
    pub cwd: Option<Text>,
    /// Its root directory, as we see it.
    pub root: Option<Text>,
    /// Its mount namespace, as `mnt:[inode]`.
    pub mount_namespace: Option<Text>,
    /// Its pid namespace, as `pid:[inode]`.
    pub pid_namespace: Option<Text>,
    /// Its threads, as far as they were looked at.
    pub threads: Vec<Thread>,
    /// Its mounts, where they were read.
    pub mounts: Option<Vec<Mount>>,
    /// Files below roots of containers that it has mapped, where that was read.
    pub mapped: Vec<Text>,
    /// Its limit of open files, soft and hard, where that was read.
    pub(crate) open_files_limit: Option<(u64, u64)>,
}

impl Process {
    fn parse(pid: u32, files: &BTreeMap<Box<str>, Item>) -> Option<Self> {
        let file = |name: &str| bytes(files.get(name)?);
        let link = |name: &str| match files.get(name)? {
            Item::Link(target) => Some(target.clone()),
            _ => None,
        };
        let stat = Stat::parse(file("stat")?)?;
        let mut fds = Vec::new();
        let mut threads = Vec::new();
        for (name, item) in below(files, "fd/", "fd0") {
            if let Item::Link(target) = item
                && let Some(number) = name.strip_prefix("fd/").and_then(|n| n.parse().ok())
            {
                let mut fd = Fd {
                    number,
                    target: target.clone(),
                    flags: None,
                    ino: None,
                };
                if let Some(info) = file(&format!("fdinfo/{number}")) {
                    fd.info(info);
                }
                fds.push(fd);
            }
        }
        fds.sort_by_key(|fd| fd.number);
        for (name, _) in below(files, "task/", "task0") {
            let tid = name
                .strip_prefix("task/")
                .and_then(|rest| rest.split_once('/'));
            let Some(tid) = tid.and_then(|(tid, _)| tid.parse::<u32>().ok()) else {
                continue;
            };
            if threads.last().is_some_and(|last: &Thread| last.tid == tid) {
                continue;
            }
            let of = |what: &str| file(&format!("task/{tid}/{what}"));
            threads.push(Thread {
                tid,
                state: of("stat").and_then(Stat::parse).map(|stat| stat.state),
                wchan: of("wchan").and_then(wchan),
                syscall: of("syscall").and_then(Syscall::parse),
            });
        }
        let unread = match files.get("fd") {
            Some(Item::Unread(unread)) => Some(unread.clone()),
            _ => None,
        };
        Some(Self {
            pid,
            stat,
            status: file("status").map(Status::parse).unwrap_or_default(),
            cmdline: file("cmdline").map(arguments),
            cgroups: file("cgroup").map(Membership::parse).unwrap_or_default(),
            wchan: file("wchan").and_then(wchan),
            syscall: file("syscall").and_then(Syscall::parse),
            stack: file("stack").map(stack).unwrap_or_default(),
            fds: unread.filter(|_| fds.is_empty()).map_or(Ok(fds), Err),
            libcontainer: file("environ")
                .map(|bytes| environment(bytes, b"_LIBCONTAINER_"))
                .unwrap_or_default(),
            cni: file("environ")
                .map(|bytes| environment(bytes, b"CNI_"))
                .unwrap_or_default(),
            exe: link("exe"),
            cwd: link("cwd"),
            root: link("root"),
            mount_namespace: link("ns/mnt"),
            pid_namespace: link("ns/pid"),
            threads,
            mounts: file("mountinfo").map(mounts),
            mapped: file("maps").map(mapped_roots).unwrap_or_default(),
            open_files_limit: file("limits").and_then(crate::limits::open_files),
        })
    }

    /// What its first thread waits for; nothing where that may not be known.
    pub fn wait(&self) -> Option<Wait> {
        Wait::from_wchan(self.wchan.as_ref()?.utf8()?)
    }

    /// Its arguments, or its name in brackets.
    pub fn command(&self) -> Text {
        match &self.cmdline {
            Some(arguments) if !arguments.is_empty() => {
                let words: Vec<&[u8]> = arguments.iter().map(Text::bytes).collect();
                Text::from(words.join(&b' '))
            }
            _ => Text::from([b"[", self.stat.comm.bytes(), b"]"].concat()),
        }
    }

    /// An argument.
    pub fn argument(&self, nth: usize) -> Option<&Text> {
        self.cmdline.as_ref()?.get(nth)
    }

    /// The name of its program, without the folder: from its arguments, else its name.
    pub fn program(&self) -> &[u8] {
        let first = self
            .argument(0)
            .map(Text::bytes)
            .filter(|word| !word.is_empty());
        let word = first.unwrap_or_else(|| self.stat.comm.bytes());
        word.rsplit(|byte| *byte == b'/').next().unwrap_or(word)
    }

    /// Whether it is in a pid namespace below ours; nothing where that is not told.
    pub fn is_nested(&self) -> Option<bool> {
        let depth = self.status.nspid.len();
        (depth > 0).then_some(depth > 1)
    }

    /// The argument after `-name` or `--name`, or after its `=`.
    pub fn flag(&self, name: &str) -> Option<Text> {
        let words = self.cmdline.as_ref()?;
        let of = |word: &Text| {
            let bytes = word.bytes();
            let bare = bytes.strip_prefix(b"-")?;
            let bare = bare.strip_prefix(b"-").unwrap_or(bare);
            Some(bare.strip_prefix(name.as_bytes())?.to_vec())
        };
        let mut all = words.iter().enumerate().skip(1);
        all.find_map(|(at, word)| match of(word)?.as_slice() {
            [] => words.get(at.checked_add(1)?).cloned(),
            [b'=', value @ ..] => Some(Text::from(value)),
            _ => None,
        })
    }

    /// A thread besides the first that waits for a file system, or a scanner.
    pub fn hung_thread(&self) -> Option<&Thread> {
        let mut threads = self.threads.iter();
        threads
            .find(|thread| thread.tid != self.pid && thread.wait().is_some_and(Wait::is_for_a_file))
    }

    /// Its first thread that waits so.
    pub fn thread_in(&self, wait: Wait) -> Option<u32> {
        if self.wait() == Some(wait) {
            return Some(self.pid);
        }
        let mut threads = self.threads.iter();
        threads
            .find(|thread| thread.wait() == Some(wait))
            .map(|thread| thread.tid)
    }

    /// A thread that takes no signal, in a function of the kernel of which it is not known what it waits for there.
    pub fn deep_thread(&self) -> Option<(u32, &Text)> {
        let first = (self.pid, Some(self.stat.state), self.wchan.as_ref());
        let others = self.threads.iter();
        let others = others.map(|thread| (thread.tid, thread.state, thread.wchan.as_ref()));
        let mut all = core::iter::once(first).chain(others);
        all.find_map(|(tid, state, wchan)| {
            let wchan = wchan.filter(|_| state == Some('D'))?;
            (Wait::from_wchan(wchan.utf8()?) == Some(Wait::Other)).then_some((tid, wchan))
        })
    }

    /// Threads that live on though the first has ended.
    pub fn survivors(&self) -> impl Iterator<Item = &Thread> {
        let dead = |thread: &Thread| matches!(thread.state, Some('Z' | 'X' | 'x'));
        let others = self.threads.iter();
        others.filter(move |thread| self.stat.is_dead() && thread.tid != self.pid && !dead(thread))
    }

    /// Its open files, if they are known.
    pub fn open_files(&self) -> &[Fd] {
        self.fds.as_deref().unwrap_or_default()
    }

    /// An open file.
    pub fn fd(&self, number: u32) -> Option<&Fd> {
        self.open_files().iter().find(|fd| fd.number == number)
    }

    /// Whether one of its cgroups' paths has this component, or ends in `…<prefix><id>.scope` as
    /// systemd names them.
    pub fn in_cgroup_of(&self, id: &[u8]) -> bool {
        !id.is_empty()
            && self.cgroups.iter().any(|group| {
                let mut parts = group.path.bytes().split(|byte| *byte == b'/');
                parts.any(|part| {
                    part == id
                        || part
                            .strip_suffix(b".scope")
                            .is_some_and(|scope| scope.ends_with(id))
                })
            })
    }
}

/// The files of a folder: `/` is followed by `0`.
fn below<'f>(
    files: &'f BTreeMap<Box<str>, Item>,
    from: &str,
    to: &str,
) -> impl Iterator<Item = (&'f Box<str>, &'f Item)> {
    files.range::<str, _>((Bound::Included(from), Bound::Excluded(to)))
}

/// Of `maps`, the files below a folder `rootfs`, each once.
fn mapped_roots(bytes: &[u8]) -> Vec<Text> {
    let mut found: Vec<Text> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let path = line.iter().position(|byte| *byte == b'/');
        let path = path.and_then(|at| line.get(at..)).unwrap_or_default();
        let inside = path.windows(8).any(|part| part == b"/rootfs/");
        if inside && found.len() < 256 && !found.iter().any(|it| it.bytes() == path) {
            found.push(Text::from(path));
        }
    }
    found
}

fn wchan(bytes: &[u8]) -> Option<Text> {
    let name = bytes.trim_ascii();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    (!name.is_empty() && name != b"0" && name.len() < 256 && name.iter().all(is_name))
        .then(|| Text::from(name))
}

fn arguments(bytes: &[u8]) -> Vec<Text> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(Text::from).collect()
}

/// `[<0>] wait_for_partner+0x90/0x1a0` a line.
fn stack(bytes: &[u8]) -> Vec<Text> {
    let name = |line: &[u8]| {
        let line = line.strip_prefix(b"[<0>] ").unwrap_or(line);
        let end = line
            .iter()
            .position(|byte| *byte == b'+')
            .unwrap_or(line.len());
        wchan(line.get(..end)?)
    };
    bytes
        .split(|byte| *byte == b'\n')
        .take(64)
        .filter_map(name)
        .collect()
}

/// Variables whose names begin so, without that.
fn environment(bytes: &[u8], start: &[u8]) -> BTreeMap<Text, Text> {
    let ours = bytes.split(|byte| *byte == 0).filter_map(|word| {
        let rest = word.strip_prefix(start)?;
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let value = rest.get(equals.checked_add(1)?..)?;
        Some((Text::from(rest.get(..equals)?), Text::from(value)))
    });
    ours.collect()
}

/// All processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processes {
    all: BTreeMap<u32, Process>,
    children: BTreeMap<u32, Vec<u32>>,
    /// Sockets that are bound to a path; nothing where that was not read.
    pub sockets: Option<Vec<UnixSocket>>,
    /// Where cgroups are mounted.
    pub places: Cgroups,
    /// The machine's mounts, as a process of it saw them.
    pub mounts: Option<Vec<Mount>>,
    /// Seconds since boot when this was read, times 100.
    pub uptime_ticks: Option<u64>,
    /// Whether every process was looked at: what absence may be concluded from.
    pub whole: bool,
    /// Whether it is this machine, now.
    pub live: bool,
    /// Whether kernel functions that tasks sleep in were told.
    pub tells_wchan: bool,
    /// The raw files.
    pub tree: Tree,
}

impl Processes {
    /// What a tree says.
    pub fn new(tree: Tree) -> Self {
        let mut all = BTreeMap::new();
        let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut damaged = false;
        for (pid, files) in &tree.processes {
            match Process::parse(*pid, files) {
                Some(process) => {
                    children.entry(process.stat.ppid).or_default().push(*pid);
                    all.insert(*pid, process);
                }
                None => damaged = true,
            }
        }
        let table = tree.file("/proc/self/mountinfo").map(mounts);
        let uptime = tree.file("/proc/uptime").and_then(uptime);
        Self {
            tells_wchan: all.values().any(|process| process.wchan.is_some()),
            children,
            sockets: tree.file("/proc/net/unix").map(unix_sockets),
            places: table
                .as_deref()
                .map(Cgroups::from_mounts)
                .unwrap_or_default(),
            mounts: table,
            uptime_ticks: uptime,
            whole: tree.is_whole() && !damaged,
            live: tree.is_live(),
            all,
            tree,
        }
    }

    /// Gives up the raw files of processes, which only a bundle needs; those of cgroups stay.
    pub fn forget_files(&mut self) {
        self.tree.processes.clear();
    }

    /// A process.
    pub fn get(&self, pid: u32) -> Option<&Process> {
        self.all.get(&pid)
    }

    /// All of them, by number.
    pub fn iter(&self) -> impl Iterator<Item = &Process> {
        self.all.values()
    }

    /// The text of a namespace's link, `net:[4026531840]`, where it was taken.
    pub fn namespace(&self, pid: u32, kind: &str) -> Option<&Text> {
        let name = format!("ns/{kind}");
        match self.tree.processes.get(&pid)?.get(name.as_str())? {
            Item::Link(target) => Some(target),
            _ => None,
        }
    }

    /// Every cgroup whose processes were listed: its path, and how many processes it has.
    pub fn cgroup_folders(&self) -> impl Iterator<Item = (&[u8], usize)> {
        self.tree.global.iter().filter_map(|(path, item)| {
            let folder = path.strip_suffix(b"/cgroup.procs")?;
            let bytes = bytes(item)?;
            let lines = bytes.split(|byte| *byte == b'\n');
            Some((folder, lines.filter(|line| !line.is_empty()).count()))
        })
    }

    /// Those whose parent it is.
    pub fn children(&self, pid: u32) -> impl Iterator<Item = &Process> {
        let pids = self.children.get(&pid).map_or(&[][..], Vec::as_slice);
        pids.iter().filter_map(|pid| self.all.get(pid))
    }

    /// Its parents, the nearest first.
    pub fn parents<'p>(&'p self, process: &'p Process) -> impl Iterator<Item = &'p Process> {
        let next = |process: &&'p Process| {
            let parent = self.all.get(&process.stat.ppid)?;
            // A captured tree may hold a circle.
            (parent.pid != process.pid).then_some(parent)
        };
        core::iter::successors(next(&process), next).take(32)
    }

    /// How long ago a process started, in hundredths of a second.
    pub fn age_ticks(&self, process: &Process) -> Option<u64> {
        self.uptime_ticks?.checked_sub(process.stat.start_ticks)
    }

    /// Whether any process is known.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

/// `12345.67 …`, in hundredths.
fn uptime(bytes: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(bytes).ok()?;
    let (seconds, rest) = text.split_ascii_whitespace().next()?.split_once('.')?;
    let hundredths: u64 = rest.get(..2)?.parse().ok()?;
    seconds
        .parse::<u64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(hundredths)
}
