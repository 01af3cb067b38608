//! Layers: the same entries as a directory and as a tar.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::bigdb::Random;

/// What one entry of a layer is.
#[derive(Debug, Clone)]
enum Kind {
    Dir,
    File(u64),
    Symlink(String),
    HardLink(String),
    /// `c 0:0` in the directory, `.wh.<name>` in the tar.
    Whiteout,
}

/// A layer: its entries in order, folders before what they hold.
#[derive(Debug)]
pub(super) struct Layer(Vec<(String, Kind)>);

/// Entries of one folder.
const OF_A_FOLDER: u64 = 40;
/// When all files were changed: seconds since 1970.
const CHANGED: u64 = 1_795_000_000;

impl Layer {
    /// Layer `number`, of `entries` entries, on layer `below`.
    pub(super) fn new(number: u64, entries: u64, below: Option<u64>) -> Self {
        let mut all = vec![
            ("usr".to_owned(), Kind::Dir),
            ("usr/lib".to_owned(), Kind::Dir),
        ];
        if let Some(below) = below {
            all.push((format!("usr/lib/pkg{below}-0"), Kind::Dir));
            all.push((format!("usr/lib/pkg{below}-0/file2.so"), Kind::Whiteout));
        }
        let mut random = Random::new(number);
        let begun = u64::try_from(all.len()).unwrap_or(0);
        let mut folder = String::new();
        let mut file = String::new();
        for at in 0..entries.saturating_sub(begun) {
            let place = at.rem_euclid(OF_A_FOLDER);
            if place == 0 {
                folder = format!("usr/lib/pkg{number}-{}", at.div_euclid(OF_A_FOLDER));
                all.push((folder.clone(), Kind::Dir));
                continue;
            }
            let name = format!("{folder}/file{place}.so");
            let kind = match place.rem_euclid(16) {
                7 => Kind::Symlink(format!("file{}.so", place.saturating_sub(1))),
                9 => Kind::HardLink(file.clone()),
                // One in four has bytes: what takes the room of a disk is not what takes time.
                2 | 6 | 10 | 14 => Kind::File(random.below(6000).saturating_add(100)),
                _ => Kind::File(0),
            };
            if matches!(kind, Kind::File(_)) {
                file.clone_from(&name);
            }
            all.push((name, kind));
        }
        Self(all)
    }

    /// How many entries it has.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(0)
    }

    /// Unpacks it into `fs`, which is made.
    pub(super) fn unpack(&self, fs: &Path) -> io::Result<()> {
        fs::create_dir_all(fs)?;
        let changed = SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_secs(CHANGED))
            .unwrap_or(SystemTime::UNIX_EPOCH);
        for (name, kind) in &self.0 {
            let path = fs.join(name);
            match kind {
                Kind::Dir => fs::create_dir(&path)?,
                Kind::File(size) => {
                    let mut options = File::options();
                    let mut file = options
                        .write(true)
                        .create_new(true)
                        .mode(0o644)
                        .open(&path)?;
                    if *size > 0 {
                        file.write_all(&bytes(name, *size))?;
                    }
                    file.set_modified(changed)?;
                }
                Kind::Symlink(to) => symlink(to, &path)?,
                Kind::HardLink(to) => fs::hard_link(fs.join(to), &path)?,
                Kind::Whiteout => {
                    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
                    mknod(&path, SFlag::S_IFCHR, Mode::empty(), makedev(0, 0))?;
                }
            }
        }
        for (name, _) in self.0.iter().filter(|(_, kind)| matches!(kind, Kind::Dir)) {
            let path = fs.join(name);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            #[expect(
                clippy::disallowed_methods,
                reason = "a folder that we made, not evidence"
            )]
            File::open(&path)?.set_modified(changed)?;
        }
        Ok(())
    }

    /// Its tar.
    pub(super) fn tar(&self) -> Vec<u8> {
        let mut tar = Vec::new();
        for (name, kind) in &self.0 {
            match kind {
                Kind::Dir => member(&mut tar, &format!("{name}/"), b'5', "", 0o755, &[]),
                Kind::File(size) => member(&mut tar, name, b'0', "", 0o644, &bytes(name, *size)),
                Kind::Symlink(to) => member(&mut tar, name, b'2', to, 0o777, &[]),
                Kind::HardLink(to) => member(&mut tar, name, b'1', to, 0o644, &[]),
                Kind::Whiteout => {
                    let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
                    let name = format!("{folder}/.wh.{name}");
                    member(&mut tar, &name, b'0', "", 0o644, &[]);
                }
            }
        }
        tar.resize(tar.len().saturating_add(1024), 0);
        tar
    }
}

/// What a file holds: words that compress.
fn bytes(name: &str, size: u64) -> Vec<u8> {
    let line = format!("this is {name}, which nobody reads\n");
    let size = usize::try_from(size).unwrap_or(0);
    line.bytes().cycle().take(size).collect()
}

/// A member of a POSIX tar of 1988 (ustar).
fn member(tar: &mut Vec<u8>, name: &str, kind: u8, link: &str, mode: u32, data: &[u8]) {
    let mut header = [0_u8; 512];
    let mut field = |at: usize, bytes: &[u8]| {
        for (to, from) in header.iter_mut().skip(at).zip(bytes) {
            *to = *from;
        }
    };
    field(0, name.as_bytes());
    field(100, format!("{mode:07o}\0").as_bytes());
    field(108, b"0000000\0");
    field(116, b"0000000\0");
    field(124, format!("{:011o}\0", data.len()).as_bytes());
    field(136, format!("{CHANGED:011o}\0").as_bytes());
    field(148, b"        ");
    field(156, &[kind]);
    field(157, link.as_bytes());
    field(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    for (to, from) in header.iter_mut().skip(148).zip(sum.bytes()) {
        *to = from;
    }
    tar.extend(header);
    tar.extend(data);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// What a directory takes, as containerd counts it at a commit: bytes on disk and inodes.
pub(super) fn usage(path: &Path) -> io::Result<(u64, u64)> {
    let mut seen = std::collections::HashSet::new();
    let mut queue = vec![path.to_path_buf()];
    let (mut size, mut inodes) = (0_u64, 0_u64);
    while let Some(path) = queue.pop() {
        let stat = fs::symlink_metadata(&path)?;
        if !seen.insert(stat.ino()) {
            continue;
        }
        size = size.saturating_add(stat.blocks().saturating_mul(512));
        inodes = inodes.saturating_add(1);
        if stat.is_dir() {
            for entry in fs::read_dir(&path)? {
                queue.push(entry?.path());
            }
        }
    }
    Ok((size, inodes))
}
