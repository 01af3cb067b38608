//! `/proc/<pid>/mountinfo`, parsed by `procfs` line by line: a line that is damaged loses itself.

use finding::Text;
use procfs::process::MountInfo;
use serde::Serialize;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Where it is mounted, as the process sees it.
    pub point: Text,
    /// The folder of the file system that is mounted there.
    pub root: Text,
    /// Type of its file system.
    pub kind: Text,
    /// What is mounted: a device, a name.
    pub source: Text,
    /// Major and minor number.
    pub device: Text,
    /// Whether nothing can be written through this mount, whatever the file system's own options say.
    #[serde(skip)]
    pub read_only: bool,
    /// Options of the file system: `lowerdir=…`, `freezer`.
    pub options: Vec<(Text, Option<Text>)>,
}

impl Mount {
    /// The value of an option; an empty one if it has none.
    pub fn option(&self, name: &str) -> Option<Text> {
        let found = self.options.iter().find(|(key, _)| *key == *name)?;
        Some(found.1.clone().unwrap_or_default())
    }
}

/// The mount that a path lies on: of those at or above it the deepest, of two at one place the last.
pub fn covering<'m>(mounts: &'m [Mount], path: &[u8]) -> Option<&'m Mount> {
    let above = |mount: &&Mount| {
        let point = mount.point.bytes();
        let point = point.strip_suffix(b"/").unwrap_or(point);
        let rest = path.strip_prefix(point);
        rest.is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
    };
    mounts
        .iter()
        .filter(above)
        .max_by_key(|mount| mount.point.bytes().len())
}

/// Mounts of one table: more than the longest table that is read has.
const MOST: usize = 1 << 18;

/// The mounts of a table, in its order.
pub fn mounts(bytes: &[u8]) -> Vec<Mount> {
    let lines = bytes.split(|byte| *byte == b'\n').take(MOST);
    lines.filter_map(mount).collect()
}

fn octal(word: &str) -> Text {
    Text::from_octal(word.as_bytes())
}

fn mount(line: &[u8]) -> Option<Mount> {
    if line.is_empty() {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let mount = MountInfo::from_line(&line).ok()?;
    let mut options: Vec<(Text, Option<Text>)> = mount
        .super_options
        .into_iter()
        .map(|(name, value)| (Text::from(name), value.map(|value| octal(&value))))
        .collect();
    options.sort();
    Some(Mount {
        point: octal(&mount.mount_point.to_string_lossy()),
        root: octal(&mount.root),
        kind: Text::from(mount.fs_type),
        source: mount
            .mount_source
            .map_or_else(|| "none".into(), |source| octal(&source)),
        device: Text::from(mount.majmin),
        read_only: mount.mount_options.contains_key("ro"),
        options,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_line_loses_itself() {
        let text =
            b"36 35 98:0 / /sys/fs/cgroup/freezer rw,noatime shared:9 - cgroup cgroup rw,freezer\n\
            garbage\n\
            37 35 0:9 /a\\040b /mnt\\134x rw - overlay none rw,lowerdir=/l\\0721\n36 35";
        let mounts = mounts(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0].option("freezer").unwrap(), "");
        assert_eq!(
            (mounts[1].root.utf8(), mounts[1].point.utf8()),
            (Some("/a b"), Some("/mnt\\x"))
        );
        assert_eq!(mounts[1].option("lowerdir").unwrap(), "/l:1");
        assert_eq!(mounts[1].option("upperdir"), None);
        let on = |path: &[u8]| covering(&mounts, path).map(|mount| mount.point.to_string());
        assert_eq!(
            on(b"/sys/fs/cgroup/freezer/a").as_deref(),
            Some("/sys/fs/cgroup/freezer")
        );
        assert_eq!(on(b"/sys/fs/cgroup/freezerx"), None);
    }
}
