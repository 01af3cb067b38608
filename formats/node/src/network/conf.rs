//! A folder of configurations, as go-cni looks into it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cni::{ConfFault, List, Plugin};
use evidence::{Evidence, FileKind};
use finding::{Text, Unread};

use crate::{left_out, path_text};

/// A folder of configurations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The runtime whose folder it is; nothing of the usual one.
    pub runtime: Option<Text>,
    /// Its path.
    pub path: Text,
    /// How many files are loaded; 0 is all.
    pub most: usize,
    /// Why it could not be listed, or not whole.
    pub unread: Option<Unread>,
    /// Its configurations, sorted as they are loaded.
    pub files: Vec<ConfFile>,
    /// Names of other files in it.
    pub ignored: Vec<Text>,
}

/// A file of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfFile {
    /// Its path.
    pub path: Text,
    /// What it says, or why it could not be read.
    pub list: Result<Result<List, ConfFault>, Unread>,
    /// What the folder of the network's name adds, by file: for libcni 1.3 (containerd 2.1) only.
    pub more: Vec<(Text, Result<Plugin, ConfFault>)>,
    /// Files of that folder, or the folder itself, that could not be read.
    pub unread: Vec<(Text, Unread)>,
}

/// No configuration is longer.
const LIMIT: u64 = 1 << 20;
/// No folder has more of them.
const MOST: usize = 1000;

/// Whether the evidence has the settings of a machine, so that what is not in /etc is not there: who
/// copies the stores alone, or with config.toml, has said nothing of its network.
fn has_settings(evidence: &Evidence, path: &Path) -> bool {
    const OF_A_MACHINE: [&str; 5] = [
        "/etc/cni",
        "/etc/os-release",
        "/etc/passwd",
        "/etc/hostname",
        "/etc/hosts",
    ];
    let is_there = |known: &str| evidence.stat(Path::new(known)).is_ok();
    !path.starts_with("/etc") || OF_A_MACHINE.iter().any(|known| is_there(known))
}

impl Folder {
    pub(super) fn read_conf_folder(
        evidence: &Evidence,
        runtime: Option<Text>,
        path: &Path,
        most: usize,
    ) -> Self {
        let mut folder = Self {
            runtime,
            path: path_text(path),
            most,
            unread: None,
            files: Vec::new(),
            ignored: Vec::new(),
        };
        let listed = match evidence.try_list(path) {
            Ok(listed) => listed,
            Err(Unread::Absent) if !has_settings(evidence, path) => {
                folder.unread = Some(Unread::NotCollected);
                return folder;
            }
            // A link that leads into a part of the machine that was not taken.
            Err(Unread::Absent | Unread::Dangling(_)) if left_out::is_unseen(evidence, path) => {
                folder.unread = Some(Unread::NotCollected);
                return folder;
            }
            Err(unread) => {
                folder.unread = Some(unread);
                return folder;
            }
        };
        if !listed.is_whole() {
            folder.unread = Some(Unread::NotCollected);
        }
        for entry in listed.read().into_iter().flatten() {
            let name = entry.name.bytes();
            if folder.files.len().saturating_add(folder.ignored.len()) >= MOST {
                folder.unread = Some(too_many());
                break;
            }
            if entry.stat.kind == FileKind::Dir {
                continue;
            }
            if !cni::EXTENSIONS.contains(&cni::extension(name)) {
                folder.ignored.push(entry.name.clone());
                continue;
            }
            let file = path.join(OsStr::from_bytes(name));
            folder
                .files
                .push(ConfFile::read_conf_file(evidence, &file, path));
        }
        folder
    }

    /// The files that are loaded, and those that come too late.
    pub fn loaded(&self) -> (&[ConfFile], &[ConfFile]) {
        let most = match self.most {
            0 => self.files.len(),
            most => most.min(self.files.len()),
        };
        self.files.split_at(most)
    }

    /// Places of leases that its configurations name.
    pub(crate) fn data_dirs(&self) -> impl Iterator<Item = &str> {
        let plugins = self.files.iter().flat_map(ConfFile::plugins);
        plugins.filter_map(|plugin| plugin.ipam.as_ref()?.data_dir.as_deref())
    }
}

impl ConfFile {
    fn read_conf_file(evidence: &Evidence, path: &Path, folder: &Path) -> Self {
        let is_list = path.as_os_str().as_bytes().ends_with(b".conflist");
        let list = evidence.document(path, LIMIT).map_err(|unread| {
            // A bundle may know that what a link leads to was looked for, and was not there.
            let target = evidence.read_link(path).ok();
            match target.filter(|_| unread == Unread::NotCollected) {
                Some(target) => {
                    let leads = folder.join(OsStr::from_bytes(target.bytes()));
                    match evidence.stat(&leads) {
                        Err(Unread::Absent) => Unread::Dangling(target),
                        _ => unread,
                    }
                }
                None => unread,
            }
        });
        let list = list.map(|source| {
            if is_list {
                List::parse(source.bytes())
            } else {
                List::parse_single(source.bytes())
            }
        });
        let (mut more, mut unread) = (Vec::new(), Vec::new());
        if let Ok(Ok(list)) = &list
            && is_list
            && !list.inline_only
            && cni::is_network_name(&list.name)
        {
            (more, unread) = plugins_of(evidence, &folder.join(&list.name));
        }
        Self {
            path: path_text(path),
            list,
            more,
            unread,
        }
    }

    /// The configuration, if it is one.
    pub fn list(&self) -> Option<&List> {
        self.list.as_ref().ok()?.as_ref().ok()
    }

    /// All of its plugins, those of the folder of its name too.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        let inline = self.list().and_then(|list| list.plugins.as_ref());
        let more = self
            .more
            .iter()
            .filter_map(|(_, plugin)| plugin.as_ref().ok());
        inline.into_iter().flatten().chain(more)
    }
}

/// Plugins by their files, and what could not be read of them.
type Plugins = (Vec<(Text, Result<Plugin, ConfFault>)>, Vec<(Text, Unread)>);

fn plugins_of(evidence: &Evidence, folder: &Path) -> Plugins {
    let (mut plugins, mut unread) = (Vec::new(), Vec::new());
    let listed = match evidence.try_list(folder) {
        Ok(listed) => listed,
        Err(Unread::Absent | Unread::NotCollected) => return (plugins, unread),
        Err(why) => return (plugins, vec![(path_text(folder), why)]),
    };
    let files = listed.read().into_iter().flatten();
    let files = files.filter(|entry| {
        entry.stat.kind != FileKind::Dir && cni::extension(entry.name.bytes()) == b".conf"
    });
    for entry in files {
        let path = folder.join(OsStr::from_bytes(entry.name.bytes()));
        if plugins.len() >= MOST {
            unread.push((path_text(&path), too_many()));
            break;
        }
        match evidence.source(&path, LIMIT) {
            Ok(source) => plugins.push((path_text(&path), Plugin::parse(source.bytes()))),
            Err(why) => unread.push((path_text(&path), why)),
        }
    }
    (plugins, unread)
}

/// Why a file beyond so many is not read.
fn too_many() -> Unread {
    Unread::Io(format!("there are more than {MOST} files in its folder"))
}
