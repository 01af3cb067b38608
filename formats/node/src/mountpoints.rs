//! Disks that belong above the stores: what fstab and units of mounts say, and whether they are there.
//!
//! ```text
//! /etc/fstab                                  UUID=…  /var/lib/containerd  xfs  defaults,nofail  0 2
//! /etc/systemd/system/var-lib-containerd.mount       [Mount] What=… Where=/var/lib/containerd
//! /etc/systemd/system/local-fs.target.wants/…        only one that is wanted is mounted at boot
//! ```

use core::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, Kind};
use finding::{Text, Unknown, Unread};
use process::Processes;

use crate::{Roots, Snapshotter, left_out, path_text};

/// What a line of fstab, or a unit, puts at a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MountKind {
    /// A disk, or an export.
    Disk,
    /// Memory: a tmpfs, or a ramfs. It is empty after each boot.
    Memory,
    /// A folder that is elsewhere, too.
    Folder,
}

impl MountKind {
    fn from_words(kind: &str, options: &str) -> Self {
        let is_bind = |option: &str| ["bind", "rbind"].contains(&option);
        match kind {
            _ if options.split(',').any(is_bind) => Self::Folder,
            "tmpfs" | "ramfs" => Self::Memory,
            _ => Self::Disk,
        }
    }
}

/// A disk that belongs at a store, or at a folder above it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    /// The folder.
    pub at: PathBuf,
    /// What belongs there: a device, a label, an export.
    pub what: Text,
    /// What kind of thing that is.
    pub kind: MountKind,
    /// The file that says so.
    pub file: Text,
    /// Whether something is mounted there; nothing where the evidence does not tell.
    pub is_mounted: Option<bool>,
}

/// No file of mounts is longer.
const LIMIT: u64 = 1 << 20;
/// No node has more that are looked at.
const MOST: usize = 64;
/// Folders of units that were made for this machine.
const UNITS: &[&str] = &["/etc/systemd/system", "/run/systemd/system"];
/// Folders below which links say that a unit is started.
const WANTED: &[&str] = &[
    "local-fs.target.wants",
    "local-fs.target.requires",
    "multi-user.target.wants",
    "remote-fs.target.wants",
    "containerd.service.wants",
    "containerd.service.requires",
    "kubelet.service.requires",
];

/// Disks that belong at `root`, above it, or at the stores in it.
pub(crate) fn mount_points(
    evidence: &Evidence,
    roots: &Roots,
    snapshotters: &[Snapshotter],
    processes: Option<&Processes>,
    unknown: &mut Vec<Unknown>,
) -> Vec<MountPoint> {
    let mut stores = vec![
        roots.root.clone(),
        roots.root.join(crate::open::CONTENT_DIR),
    ];
    stores.extend(
        snapshotters
            .iter()
            .map(|snapshotter| snapshotter.root.clone()),
    );
    stores.extend(roots.said_root().filter(|root| root.is_absolute()));
    let mut all = fstab(evidence, unknown);
    all.extend(units(evidence, &stores, unknown));
    all.retain(|one| {
        let is_near = |store: &PathBuf| store.starts_with(&one.at) || one.at.starts_with(store);
        one.at.parent().is_some() && stores.iter().any(is_near)
    });
    all.sort_by(|one, other| one.at.cmp(&other.at));
    all.dedup_by(|later, earlier| later.at == earlier.at);
    if all.len() > MOST {
        let more = all.len().saturating_sub(MOST);
        unknown.push(Unknown::new(
            format!("whether {more} disks of /etc/fstab and of units are mounted"),
            format!("there are more than {MOST} that belong at the stores or above them"),
        ));
        all.truncate(MOST);
    }
    for one in &mut all {
        one.is_mounted = is_mounted(evidence, &one.at, processes);
    }
    all
}

fn is_mounted(evidence: &Evidence, at: &Path, processes: Option<&Processes>) -> Option<bool> {
    if let Some(table) = processes.and_then(|all| all.mounts.as_ref()) {
        let at = at.as_os_str().as_bytes();
        return Some(table.iter().any(|mount| mount.point.bytes() == at));
    }
    // Of a copy, all lies on the disk to which it was copied; of an archive no disk is known.
    if evidence.kind() != Kind::Directory || left_out::is_part(evidence) {
        return None;
    }
    let above = at.parent()?;
    evidence.mount(above)?;
    let dev = |path: &Path| evidence.stat(path).ok()?.dev;
    Some(dev(at)? != dev(above)?)
}

/// The text of a file. One that is there and cannot be read is not known.
fn read_text(evidence: &Evidence, path: &Path, unknown: &mut Vec<Unknown>) -> Option<String> {
    match evidence.source(path, LIMIT) {
        Ok(source) => Some(String::from_utf8_lossy(source.bytes()).into_owned()),
        Err(Unread::Absent | Unread::NotCollected) => None,
        Err(why) => {
            unknown.push(Unknown::new(path_text(path).to_string(), why.to_string()));
            None
        }
    }
}

fn fstab(evidence: &Evidence, unknown: &mut Vec<Unknown>) -> Vec<MountPoint> {
    let path = Path::new("/etc/fstab");
    let text = read_text(evidence, path, unknown).unwrap_or_default();
    text.lines()
        .filter_map(|line| line_of_fstab(line, path))
        .collect()
}

fn line_of_fstab(line: &str, file: &Path) -> Option<MountPoint> {
    let mut words = line.split_whitespace();
    let (what, at, kind, options) = (words.next()?, words.next()?, words.next()?, words.next());
    let options = options.unwrap_or("defaults");
    // What is mounted by hand belongs nowhere.
    let is_left = options.split(',').any(|option| option == "noauto");
    if what.starts_with('#') || !at.starts_with('/') || is_left {
        return None;
    }
    let at = Text::from_octal(at.as_bytes());
    Some(MountPoint {
        at: PathBuf::from(at.utf8()?),
        what: Text::from(what),
        kind: MountKind::from_words(kind, options),
        file: path_text(file),
        is_mounted: None,
    })
}

/// As systemd calls the unit of a mount point: `/var/lib/my-data` is `var-lib-my\x2ddata.mount`.
fn unit_name(at: &Path) -> Option<String> {
    let path = at.to_str()?.trim_matches('/');
    let mut name = String::new();
    for (place, letter) in path.char_indices() {
        match letter {
            '/' => name.push('-'),
            '.' if place == 0 => name.push_str("\\x2e"),
            'a'..='z' | 'A'..='Z' | '0'..='9' | ':' | '_' | '.' => name.push(letter),
            _ => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(name, "\\x{byte:02x}");
                }
            }
        }
    }
    Some(format!("{name}.mount"))
}

fn units(evidence: &Evidence, stores: &[PathBuf], unknown: &mut Vec<Unknown>) -> Vec<MountPoint> {
    let is_there = |path: PathBuf| evidence.stat(&path).is_ok();
    let mut all = Vec::new();
    for at in stores.iter().flat_map(|store| store.ancestors()) {
        let Some(name) = at.parent().and_then(|_| unit_name(at)) else {
            continue;
        };
        for folder in UNITS.iter().map(Path::new) {
            let wanted = WANTED
                .iter()
                .any(|wants| is_there(folder.join(wants).join(&name)));
            let file = folder.join(&name);
            let text = wanted.then(|| read_text(evidence, &file, unknown));
            let Some(text) = text.flatten() else {
                continue;
            };
            let said = |key: &str| {
                let mut lines = text.lines().rev();
                let value = lines.find_map(|line| line.trim().strip_prefix(key));
                value.unwrap_or_default().trim()
            };
            let what = Some(said("What=")).filter(|what| !what.is_empty());
            all.push(MountPoint {
                at: at.to_owned(),
                what: Text::from(what.unwrap_or("a disk")),
                kind: MountKind::from_words(said("Type="), said("Options=")),
                file: path_text(&file),
                is_mounted: None,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_fstab_are_read_as_mount_reads_them() {
        let read = |line: &str| {
            let found = line_of_fstab(line, Path::new("/etc/fstab"))?;
            let at = found.at.display().to_string();
            Some((at, found.what.to_string(), found.kind))
        };
        let found = |at: &str, what: &str, kind| Some((at.to_owned(), what.to_owned(), kind));
        assert_eq!(
            read("UUID=1-2  /var/lib/containerd xfs defaults,nofail 0 2"),
            found("/var/lib/containerd", "UUID=1-2", MountKind::Disk)
        );
        assert_eq!(
            read("/dev/sdb1 /data/my\\040disk ext4"),
            found("/data/my disk", "/dev/sdb1", MountKind::Disk)
        );
        assert_eq!(
            read("tmpfs /var tmpfs size=4g,mode=711 0 0"),
            found("/var", "tmpfs", MountKind::Memory)
        );
        assert_eq!(
            read("/data/c /var/lib/containerd none bind 0 0"),
            found("/var/lib/containerd", "/data/c", MountKind::Folder)
        );
        for line in [
            "",
            "# /dev/sdb1 /data ext4 defaults",
            "/dev/sdb2 none swap sw 0 0",
            "/dev/sdb1 /data ext4 noauto,user",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
        let name = unit_name(Path::new("/var/lib/my-data"));
        assert_eq!(name.as_deref(), Some("var-lib-my\\x2ddata.mount"));
    }
}
