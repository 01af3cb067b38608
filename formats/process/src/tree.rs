//! Files of `/proc` and of cgroups, raw, by the paths at which they stand.

use std::collections::{BTreeMap, BTreeSet};

use finding::{Text, Unread};

/// What was found at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A file.
    File(Vec<u8>),
    /// A link: its text.
    Link(Text),
    /// It could not be read.
    Unread(Unread),
}

/// Files of a machine's `/proc` and cgroups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// By absolute path: files of `/proc` that are no process's, and those of cgroups.
    pub(crate) global: BTreeMap<Box<[u8]>, Item>,
    /// By number: the files of each process by their names in its folder.
    pub(crate) processes: BTreeMap<u32, BTreeMap<Box<str>, Item>>,
    /// Folders that were listed whole, as absolute paths.
    pub(crate) listed: BTreeSet<Box<str>>,
    /// Whether it was taken from this machine, just now.
    pub(crate) live: bool,
    /// Whether every process was looked at.
    pub(crate) whole: bool,
}

impl Tree {
    /// Puts a file at an absolute path: `/proc/7/stat`, `/sys/fs/cgroup/…`.
    pub fn put(&mut self, path: &str, item: Item) {
        let below = path
            .strip_prefix("/proc/")
            .and_then(|rest| rest.split_once('/'));
        let process = below.and_then(|(pid, name)| Some((pid.parse().ok()?, name)));
        match process {
            Some((pid, name)) => {
                let files = self.processes.entry(pid).or_default();
                files.insert(name.into(), item);
            }
            None => {
                self.global.insert(path.as_bytes().into(), item);
            }
        }
    }

    /// Takes a process away.
    pub fn remove_process(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }

    /// Says that it holds every process.
    pub const fn set_whole(&mut self) {
        self.whole = true;
    }

    /// Every file and link, by absolute path.
    pub fn entries(&self) -> impl Iterator<Item = (Text, &Item)> {
        let global = self.global.iter();
        let global = global.map(|(path, item)| (Text::from(&**path), item));
        let processes = self.processes.iter().flat_map(|(pid, files)| {
            let entry = move |(name, item)| (Text::from(format!("/proc/{pid}/{name}")), item);
            files.iter().map(entry)
        });
        global.chain(processes)
    }

    /// Folders that were listed whole.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().map(|path| &**path)
    }

    /// Whether it was taken from this machine, just now.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether every process that we may see was looked at.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many processes there are.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether nothing is known of any process.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// A file that is no process's, by its absolute path: `/proc/uptime`.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        bytes(self.global.get(path.as_bytes())?)
    }
}

pub(crate) fn bytes(item: &Item) -> Option<&[u8]> {
    match item {
        Item::File(bytes) => Some(bytes),
        _ => None,
    }
}
