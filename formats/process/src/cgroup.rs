//! Cgroups: which a process is in, where they are mounted, whether they are frozen.
//!
//! ```text
//! /proc/<pid>/cgroup   7:freezer:/default/web        v1: hierarchy, controllers, path
//!                      0::/default/web               v2
//! v1  freezer.state            THAWED FREEZING FROZEN
//!     freezer.self_freezing    1: frozen by a writer of this cgroup
//!     freezer.parent_freezing  1: frozen because a cgroup above it is
//! v2  cgroup.freeze            1: somebody wants it frozen
//!     cgroup.events            frozen 1: it is
//! ```

use finding::Text;
use serde::Serialize;

use crate::mounts::Mount;
use crate::tree::{Item, Tree};

/// A line of `/proc/<pid>/cgroup`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Membership {
    /// Number of the hierarchy; 0 is the unified one.
    pub hierarchy: u32,
    /// Its controllers; empty in the unified one.
    pub controllers: Text,
    /// The path in it.
    pub path: Text,
}

impl Membership {
    /// The lines of a `cgroup`.
    pub fn parse(bytes: &[u8]) -> Vec<Self> {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter_map(Self::line).collect()
    }

    fn line(line: &[u8]) -> Option<Self> {
        let mut parts = line.splitn(3, |byte| *byte == b':');
        let hierarchy = core::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        let controllers = Text::from(parts.next()?);
        let path = parts.next()?;
        path.starts_with(b"/").then(|| Self {
            hierarchy,
            controllers,
            path: Text::from(path),
        })
    }

    /// Whether it is the hierarchy of this controller.
    pub fn has(&self, controller: &str) -> bool {
        let mut all = self.controllers.bytes().split(|byte| *byte == b',');
        all.any(|name| name == controller.as_bytes())
    }
}

/// Where the hierarchies are mounted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cgroups {
    freezer: Option<Place>,
    memory: Option<Place>,
    pids: Option<Place>,
    processor: Option<Place>,
    unified: Option<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    point: Vec<u8>,
    root: Vec<u8>,
}

impl Place {
    /// The folder of a cgroup, if it is below what is mounted.
    fn folder(&self, path: &[u8]) -> Option<Vec<u8>> {
        let root: &[u8] = if self.root == b"/" { b"" } else { &self.root };
        let below = path.strip_prefix(root)?;
        if !(below.is_empty() || below.starts_with(b"/")) || below.starts_with(b"/..") {
            return None;
        }
        let below: &[u8] = if below == b"/" { b"" } else { below };
        Some([self.point.as_slice(), below].concat())
    }
}

/// How a cgroup came to be frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frozen {
    /// v1, by a writer of this cgroup.
    V1,
    /// v1, asked for, and some task does not freeze.
    V1Freezing,
    /// v2, by a writer of this cgroup.
    V2,
    /// v2, asked for, and some task does not freeze.
    V2Freezing,
}

/// The cgroup that freezes a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Freezer {
    /// Its folder.
    pub folder: Text,
    /// How.
    pub how: Frozen,
    /// Whether it is the process's own cgroup; else one above it.
    pub own: bool,
    /// What its files say, as `name value`.
    pub says: Vec<String>,
}

/// Where all hierarchies are mounted: of one that is mounted twice, the first place.
pub(crate) fn points(mounts: &[Mount]) -> Vec<Vec<u8>> {
    let mut seen: Vec<&Text> = Vec::new();
    let mut points = Vec::new();
    for mount in mounts {
        let is_cgroup = mount.kind == *"cgroup" || mount.kind == *"cgroup2";
        if is_cgroup && !seen.contains(&&mount.device) {
            seen.push(&mount.device);
            points.push(mount.point.bytes().to_vec());
        }
    }
    points
}

impl Cgroups {
    /// Where a table of mounts has them.
    pub fn from_mounts(mounts: &[Mount]) -> Self {
        let mut found = Self::default();
        for mount in mounts {
            let place = || {
                Some(Place {
                    point: mount.point.bytes().to_vec(),
                    root: mount.root.bytes().to_vec(),
                })
            };
            if mount.kind == *"cgroup2" {
                found.unified = found.unified.or_else(place);
            } else if mount.kind == *"cgroup" {
                if mount.option("freezer").is_some() {
                    found.freezer = found.freezer.or_else(place);
                }
                if mount.option("memory").is_some() {
                    found.memory = found.memory.or_else(place);
                }
                if mount.option("pids").is_some() {
                    found.pids = found.pids.or_else(place);
                }
                if mount.option("cpu").is_some() {
                    found.processor = found.processor.or_else(place);
                }
            }
        }
        found
    }

    /// Folders of a process's cgroups with a freezer, each with those above it up to the mount,
    /// the own one first: v1, then v2.
    pub(crate) fn freezers(&self, groups: &[Membership]) -> [Vec<Vec<u8>>; 2] {
        let v1 = groups.iter().find(|group| group.has("freezer"));
        let v2 = groups.iter().find(|group| group.hierarchy == 0);
        let upwards = |place: Option<&Place>, group: Option<&Membership>| {
            place
                .zip(group)
                .and_then(|(place, group)| {
                    let folder = place.folder(group.path.bytes())?;
                    Some(above(folder, &place.point))
                })
                .unwrap_or_default()
        };
        [
            upwards(self.freezer.as_ref(), v1),
            upwards(self.unified.as_ref(), v2),
        ]
    }

    /// Folder of a process's memory cgroup, and whether it is of v2.
    pub(crate) fn memory(&self, groups: &[Membership]) -> Option<(Vec<u8>, bool)> {
        if let Some(place) = &self.memory {
            let group = groups.iter().find(|group| group.has("memory"))?;
            return Some((place.folder(group.path.bytes())?, false));
        }
        let group = groups.iter().find(|group| group.hierarchy == 0)?;
        Some((self.unified.as_ref()?.folder(group.path.bytes())?, true))
    }

    /// Folder of a process's cgroup with quotas of processor time, and whether it is of v2.
    pub(crate) fn processor(&self, groups: &[Membership]) -> Option<(Vec<u8>, bool)> {
        if let Some(place) = &self.processor {
            let group = groups.iter().find(|group| group.has("cpu"))?;
            return Some((place.folder(group.path.bytes())?, false));
        }
        let group = groups.iter().find(|group| group.hierarchy == 0)?;
        Some((self.unified.as_ref()?.folder(group.path.bytes())?, true))
    }

    /// Folders of a process's cgroups with limits of tasks, and of those above up to the mount, the own first.
    pub(crate) fn pids_folders(&self, groups: &[Membership]) -> Vec<Vec<u8>> {
        let place = self.pids.as_ref().or(self.unified.as_ref());
        let group = groups.iter().find(|group| match &self.pids {
            Some(_) => group.has("pids"),
            None => group.hierarchy == 0,
        });
        let folder = place.zip(group).and_then(|(place, group)| {
            let folder = place.folder(group.path.bytes())?;
            Some(above(folder, &place.point))
        });
        folder.unwrap_or_default()
    }

    /// What freezes a process: the outermost cgroup that somebody froze, for that is the one to be
    /// thawed first. The second value tells whether all that could freeze it was read.
    pub fn frozen(&self, tree: &Tree, groups: &[Membership]) -> (Option<Freezer>, bool) {
        let [v1, v2] = self.freezers(groups);
        let mut whole = !(v1.is_empty() && v2.is_empty());
        let mut found = None;
        for (nth, folder) in v1.iter().enumerate() {
            let Some(state) = word(tree, folder, "freezer.state") else {
                // The root of a hierarchy has none.
                whole &= nth.saturating_add(1) == v1.len();
                continue;
            };
            let own = word(tree, folder, "freezer.self_freezing");
            let parent = word(tree, folder, "freezer.parent_freezing");
            let how = match (state.as_str(), own.as_deref()) {
                (_, Some("0")) | ("THAWED", _) => continue,
                ("FREEZING", _) => Frozen::V1Freezing,
                _ => Frozen::V1,
            };
            let mut says = vec![format!("freezer.state {state}")];
            says.extend(own.map(|own| format!("freezer.self_freezing {own}")));
            says.extend(parent.map(|parent| format!("freezer.parent_freezing {parent}")));
            found = Some(freezer(folder, how, nth, says));
        }
        for (nth, folder) in v2.iter().enumerate() {
            let Some(wanted) = word(tree, folder, "cgroup.freeze") else {
                whole &= nth.saturating_add(1) == v2.len();
                continue;
            };
            if wanted != "1" || found.is_some() {
                continue;
            }
            let events = tree.cgroup(folder, "cgroup.events").map(value_of_frozen);
            let how = if events == Some(Some(false)) {
                Frozen::V2Freezing
            } else {
                Frozen::V2
            };
            let mut says = vec![format!("cgroup.freeze {wanted}")];
            if let Some(Some(frozen)) = events {
                says.push(format!("cgroup.events frozen {}", u8::from(frozen)));
            }
            found = Some(freezer(folder, how, nth, says));
        }
        (found, whole)
    }

    /// How many processes the kernel killed for want of memory in a process's memory cgroup:
    /// `oom_kill` of `memory.events` (v2) or of `memory.oom_control` (v1, since 4.13).
    pub fn oom_kills(&self, tree: &Tree, groups: &[Membership]) -> Option<OomKills> {
        let (folder, v2) = self.memory(groups)?;
        let (events, limit) = if v2 {
            ("memory.events", "memory.max")
        } else {
            ("memory.oom_control", "memory.limit_in_bytes")
        };
        let mut lines = tree.cgroup(&folder, events)?.lines();
        let count = lines.find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())?;
        let limit = tree.cgroup(&folder, limit);
        let limit = limit.and_then(|text| text.trim().parse().ok());
        Some(OomKills {
            folder: Text::from(folder),
            count,
            // v1 writes the largest number where there is none.
            limit: limit.filter(|limit| *limit < 1 << 62),
        })
    }

    /// Whether a process's memory cgroup is out of memory and told not to kill: the lines that say
    /// so.
    pub fn out_of_memory(&self, tree: &Tree, groups: &[Membership]) -> Option<OomControl> {
        let (folder, v2) = self.memory(groups)?;
        if v2 {
            return None;
        }
        let text = tree.cgroup(&folder, "memory.oom_control")?;
        let is = |name: &str| {
            let mut lines = text.lines();
            lines.any(|line| line.strip_prefix(name).map(str::trim) == Some("1"))
        };
        Some(OomControl {
            under: is("under_oom"),
            disabled: is("oom_kill_disable"),
            limit: tree
                .cgroup(&folder, "memory.limit_in_bytes")
                .and_then(|text| text.trim().parse().ok()),
            folder: Text::from(folder),
        })
    }
}

/// What the kernel killed in a memory cgroup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OomKills {
    /// The cgroup's folder.
    pub folder: Text,
    /// Processes that were killed since the cgroup was made.
    pub count: u64,
    /// The limit in bytes; nothing where there is none.
    pub limit: Option<u64>,
}

/// A v1 memory cgroup's `memory.oom_control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OomControl {
    /// The cgroup's folder.
    pub folder: Text,
    /// Tasks wait for memory.
    pub under: bool,
    /// Nothing is killed to get some.
    pub disabled: bool,
    /// The limit in bytes.
    pub limit: Option<u64>,
}

fn freezer(folder: &[u8], how: Frozen, nth: usize, says: Vec<String>) -> Freezer {
    Freezer {
        folder: Text::from(folder),
        how,
        own: nth == 0,
        says,
    }
}

fn word(tree: &Tree, folder: &[u8], name: &str) -> Option<String> {
    let text = tree.cgroup(folder, name)?;
    let word = text.trim();
    // Only words of these files are used; whatever else stands there is no state.
    (word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .then(|| word.to_owned())
}

fn value_of_frozen(text: &str) -> Option<bool> {
    let line = text.lines().find_map(|line| line.strip_prefix("frozen "))?;
    Some(line.trim() == "1")
}

/// `folder` and the folders above it down to `point`.
fn above(folder: Vec<u8>, point: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![folder];
    while let Some(last) = all.last() {
        if last.len() <= point.len() || all.len() > 64 {
            break;
        }
        let cut = last.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let next = last.get(..cut).unwrap_or_default().to_vec();
        if next.len() < point.len() {
            break;
        }
        all.push(next);
    }
    all
}

impl Tree {
    /// The text of a file in a cgroup's folder, if it was read.
    pub(crate) fn cgroup(&self, folder: &[u8], name: &str) -> Option<&str> {
        let path = [folder, b"/", name.as_bytes()].concat();
        match self.global.get(path.as_slice())? {
            Item::File(bytes) => core::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::mounts;

    const MOUNTS: &[u8] = b"36 35 0:30 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n\
        37 35 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
        38 35 0:32 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            let item = Item::File(text.as_bytes().to_vec());
            tree.global.insert(path.as_bytes().into(), item);
        }
        tree
    }

    #[test]
    fn the_cgroup_that_froze_it_is_named() {
        let cgroups = Cgroups::from_mounts(&mounts(MOUNTS));
        let groups =
            Membership::parse(b"7:freezer:/pod/web\n3:memory:/box/web\n0::/pod/web\n::\nx");
        assert_eq!(groups.len(), 3);
        let thawed = [
            ("/sys/fs/cgroup/freezer/pod/web/freezer.state", "FROZEN\n"),
            (
                "/sys/fs/cgroup/freezer/pod/web/freezer.self_freezing",
                "0\n",
            ),
            (
                "/sys/fs/cgroup/freezer/pod/web/freezer.parent_freezing",
                "1\n",
            ),
            ("/sys/fs/cgroup/freezer/pod/freezer.state", "FROZEN\n"),
            ("/sys/fs/cgroup/freezer/pod/freezer.self_freezing", "1\n"),
            ("/sys/fs/cgroup/unified/pod/web/cgroup.freeze", "0\n"),
            ("/sys/fs/cgroup/unified/pod/cgroup.freeze", "0\n"),
        ];
        let (found, whole) = cgroups.frozen(&tree(&thawed), &groups);
        let found = found.unwrap();
        assert_eq!(found.folder, "/sys/fs/cgroup/freezer/pod");
        assert_eq!((found.how, found.own, whole), (Frozen::V1, false, true));
        assert_eq!(
            found.says,
            ["freezer.state FROZEN", "freezer.self_freezing 1"]
        );
        assert_eq!(
            cgroups.memory(&groups),
            Some((b"/sys/fs/cgroup/memory/web".to_vec(), false))
        );
    }

    #[test]
    fn what_was_killed_for_want_of_memory_is_counted() {
        let cgroups = Cgroups::from_mounts(&mounts(MOUNTS));
        let groups = Membership::parse(b"3:memory:/box/web\n0::/pod/web\n");
        let files = [
            (
                "/sys/fs/cgroup/memory/web/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            ),
            (
                "/sys/fs/cgroup/memory/web/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
        ];
        let kills = cgroups.oom_kills(&tree(&files), &groups).unwrap();
        assert_eq!((kills.count, kills.limit), (2, None));
        let only_v2 = b"37 35 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let cgroups = Cgroups::from_mounts(&mounts(only_v2));
        let files = [
            (
                "/sys/fs/cgroup/pod/web/memory.events",
                "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n",
            ),
            ("/sys/fs/cgroup/pod/web/memory.max", "1048576\n"),
        ];
        let kills = cgroups.oom_kills(&tree(&files), &groups).unwrap();
        assert_eq!((kills.count, kills.limit), (1, Some(1_048_576)));
        assert_eq!(cgroups.oom_kills(&Tree::default(), &groups), None);
    }

    #[test]
    fn v2_says_whether_it_is_done() {
        let cgroups = Cgroups::from_mounts(&mounts(MOUNTS));
        let groups = Membership::parse(b"0::/pod/web\n");
        let files = [
            ("/sys/fs/cgroup/unified/pod/web/cgroup.freeze", "1\n"),
            (
                "/sys/fs/cgroup/unified/pod/web/cgroup.events",
                "populated 1\nfrozen 0\n",
            ),
        ];
        let (found, whole) = cgroups.frozen(&tree(&files), &groups);
        assert_eq!(found.unwrap().how, Frozen::V2Freezing);
        // That of the pod was not read.
        assert!(!whole);
        assert_eq!(cgroups.frozen(&Tree::default(), &[]), (None, false));
    }
}
