//! What the kernel refuses a process: open files, tasks, processor time, memory.
//!
//! ```text
//! /proc/<pid>/limits     Max open files            1024                 524288               files
//! v1, v2  pids.max       64 | max     pids.current 64      pids.events   max 12
//! v1      cpu.cfs_quota_us 1000       cpu.cfs_period_us 100000
//! v2      cpu.max        1000 100000
//! v1, v2  cpu.stat       nr_periods 812  nr_throttled 790
//! v2      memory.high    67108864     memory.current 67117056   memory.events  high 4711
//! ```

use finding::Text;
use serde::Serialize;

use crate::cgroup::{Cgroups, Membership};
use crate::{Process, Tree};

/// The limit of open files, and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FilesLeft {
    /// The limit that the kernel holds the process to.
    pub soft: u64,
    /// How far the process may raise it itself.
    pub hard: u64,
    /// Numbers below the limit that no open file has.
    pub left: u64,
}

/// A cgroup with a limit of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TasksLeft {
    /// Its folder.
    pub folder: Text,
    /// Tasks in it and below it.
    pub current: u64,
    /// How many it may have.
    pub max: u64,
    /// How often a new one was refused, where that is told.
    pub refused: Option<u64>,
    /// Whether it is the process's own cgroup; else one above it.
    pub own: bool,
}

impl TasksLeft {
    /// How many more it may have.
    pub const fn left(&self) -> u64 {
        self.max.saturating_sub(self.current)
    }
}

/// A cgroup that had to wait for processor time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Throttled {
    /// Its folder.
    pub folder: Text,
    /// Microseconds of processor time a period.
    pub quota: u64,
    /// Microseconds of a period.
    pub period: u64,
    /// Periods in which it wanted to run.
    pub periods: u64,
    /// Those in which its quota did not suffice.
    pub throttled: u64,
}

/// A cgroup whose tasks are slowed down because it has too much memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryHigh {
    /// Its folder.
    pub folder: Text,
    /// Bytes that it has.
    pub current: u64,
    /// Bytes from which on it is slowed down.
    pub high: u64,
    /// How often it was.
    pub events: u64,
}

/// Soft and hard limit of open files.
pub(crate) fn open_files(limits: &[u8]) -> Option<(u64, u64)> {
    let mut lines = limits.split(|byte| *byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(b"Max open files"))?;
    let mut words = core::str::from_utf8(line).ok()?.split_ascii_whitespace();
    let mut number = || match words.next()? {
        "unlimited" => Some(u64::MAX),
        word => word.parse().ok(),
    };
    Some((number()?, number()?))
}

impl Process {
    /// What is left of its limit of open files; nothing where the limit or the files are not known. The kernel
    /// refuses a file if every number below the limit is taken.
    pub fn files_left(&self) -> Option<FilesLeft> {
        let (soft, hard) = self.open_files_limit?;
        let taken = self.fds.as_ref().ok()?.iter();
        let taken = taken.filter(|fd| u64::from(fd.number) < soft).count();
        let left = soft.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
        Some(FilesLeft { soft, hard, left })
    }
}

impl Cgroups {
    /// The cgroup of a process, or the one above it, that has the fewest tasks left; nothing where none has a limit.
    pub fn tasks_left(&self, tree: &Tree, groups: &[Membership]) -> Option<TasksLeft> {
        let folders = self.pids_folders(groups);
        let of = |(nth, folder): (usize, &Vec<u8>)| {
            let number = |name: &str| tree.cgroup(folder, name)?.trim().parse::<u64>().ok();
            let events = tree.cgroup(folder, "pids.events");
            Some(TasksLeft {
                max: number("pids.max")?,
                current: number("pids.current")?,
                refused: events.and_then(|text| counter(text, "max")),
                folder: Text::from(folder.as_slice()),
                own: nth == 0,
            })
        };
        let all = folders.iter().enumerate().filter_map(of);
        all.min_by_key(TasksLeft::left)
    }

    /// Whether and how much a process's cgroup had to wait for its quota of processor time.
    pub fn throttled(&self, tree: &Tree, groups: &[Membership]) -> Option<Throttled> {
        let (folder, is_v2) = self.processor(groups)?;
        let (quota, period) = if is_v2 {
            let mut words = tree.cgroup(&folder, "cpu.max")?.split_ascii_whitespace();
            (words.next()?.parse().ok()?, words.next()?.parse().ok()?)
        } else {
            let number = |name: &str| tree.cgroup(&folder, name)?.trim().parse::<u64>().ok();
            // No quota is -1.
            (number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
        };
        let stat = tree.cgroup(&folder, "cpu.stat")?;
        Some(Throttled {
            periods: counter(stat, "nr_periods")?,
            throttled: counter(stat, "nr_throttled")?,
            folder: Text::from(folder),
            quota,
            period,
        })
    }

    /// Whether a process's memory cgroup is above the mark from which on its tasks are slowed down.
    pub fn memory_high(&self, tree: &Tree, groups: &[Membership]) -> Option<MemoryHigh> {
        let (folder, is_v2) = self.memory(groups)?;
        let number = |name: &str| tree.cgroup(&folder, name)?.trim().parse::<u64>().ok();
        let (high, current) = (number("memory.high")?, number("memory.current")?);
        let events = counter(tree.cgroup(&folder, "memory.events")?, "high")?;
        (is_v2 && current >= high && events > 0).then(|| MemoryHigh {
            folder: Text::from(folder.as_slice()),
            current,
            high,
            events,
        })
    }
}

/// The number after a name, of a file with one a line.
fn counter(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| {
        line.strip_prefix(name)?
            .strip_prefix(' ')?
            .trim()
            .parse()
            .ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mounts::mounts;

    const LIMITS: &[u8] =
        b"Limit                     Soft Limit           Hard Limit           Units     \n\
        Max processes             unlimited            unlimited            processes \n\
        Max open files            1024                 unlimited            files     \n";

    #[test]
    fn a_table_of_limits_is_read() {
        assert_eq!(open_files(LIMITS), Some((1024, u64::MAX)));
        assert_eq!(open_files(b"Max open files  \n"), None);
        assert_eq!(open_files(b""), None);
    }

    fn tree(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.put(path, crate::Item::File(text.as_bytes().to_vec()));
        }
        tree
    }

    #[test]
    fn the_cgroup_with_the_least_room_is_named() {
        let table = b"36 35 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            37 35 0:31 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
        let cgroups = Cgroups::from_mounts(&mounts(table));
        let groups = Membership::parse(b"4:pids:/pod/web\n5:cpu,cpuacct:/pod/web\n");
        let files = [
            ("/sys/fs/cgroup/pids/pod/web/pids.max", "max\n"),
            ("/sys/fs/cgroup/pids/pod/web/pids.current", "3\n"),
            ("/sys/fs/cgroup/pids/pod/pids.max", "8\n"),
            ("/sys/fs/cgroup/pids/pod/pids.current", "9\n"),
            ("/sys/fs/cgroup/pids/pod/pids.events", "max 12\n"),
            ("/sys/fs/cgroup/cpu/pod/web/cpu.cfs_quota_us", "1000\n"),
            ("/sys/fs/cgroup/cpu/pod/web/cpu.cfs_period_us", "100000\n"),
            (
                "/sys/fs/cgroup/cpu/pod/web/cpu.stat",
                "nr_periods 8\nnr_throttled 7\nthrottled_time 5\n",
            ),
        ];
        let found = cgroups.tasks_left(&tree(&files), &groups).unwrap();
        assert_eq!(found.folder, "/sys/fs/cgroup/pids/pod");
        assert_eq!(
            (found.left(), found.refused, found.own),
            (0, Some(12), false)
        );
        let found = cgroups.throttled(&tree(&files), &groups).unwrap();
        assert_eq!((found.quota, found.period), (1000, 100_000));
        assert_eq!((found.periods, found.throttled), (8, 7));
        // Without a quota nothing is throttled.
        let without = [("/sys/fs/cgroup/cpu/pod/web/cpu.cfs_quota_us", "-1\n")];
        assert_eq!(cgroups.throttled(&tree(&without), &groups), None);
        assert_eq!(cgroups.tasks_left(&Tree::default(), &groups), None);
    }

    #[test]
    fn v2_has_one_folder_for_all() {
        let cgroups = Cgroups::from_mounts(&mounts(
            b"36 35 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        ));
        let groups = Membership::parse(b"0::/pod/web\n");
        let files = [
            ("/sys/fs/cgroup/pod/web/pids.max", "8\n"),
            ("/sys/fs/cgroup/pod/web/pids.current", "3\n"),
            ("/sys/fs/cgroup/pod/web/cpu.max", "1000 100000\n"),
            (
                "/sys/fs/cgroup/pod/web/cpu.stat",
                "usage_usec 1\nnr_periods 8\nnr_throttled 7\n",
            ),
            ("/sys/fs/cgroup/pod/web/memory.high", "4096\n"),
            ("/sys/fs/cgroup/pod/web/memory.current", "8192\n"),
            (
                "/sys/fs/cgroup/pod/web/memory.events",
                "low 0\nhigh 9\nmax 0\n",
            ),
        ];
        let tree = tree(&files);
        assert_eq!(cgroups.tasks_left(&tree, &groups).unwrap().left(), 5);
        assert_eq!(cgroups.throttled(&tree, &groups).unwrap().throttled, 7);
        assert_eq!(cgroups.memory_high(&tree, &groups).unwrap().events, 9);
    }
}
