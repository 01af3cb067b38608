//! Keys of a unit's section `[Service]`: which do nothing to a start, and what the others deny a daemon.
//!
//! ```text
//! ProtectSystem=strict          all is read-only but what ReadWritePaths=, StateDirectory= … name
//! ReadOnlyPaths=/var            read-only; of several that hold a path the deepest counts
//! User=containerd               not root: the daemon ends, it may not change the mode of its root
//! ```
//!
//! systemd.exec(5), systemd.service(5), systemd.resource-control(5), systemd.kill(5).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::unit::words;

/// Keys that change nothing of what a start comes to; a name that ends in `*` is a family.
const HARMLESS: &[&str] = &[
    "Accept*",
    "AllowedCPUs",
    "AllowedMemoryNodes",
    "BlockIO*",
    "CPU*",
    "CacheDirectory*",
    "ConfigurationDirectory*",
    "CoredumpFilter",
    "DefaultDependencies",
    "DefaultMemory*",
    "DefaultStartup*",
    "DisableControllers",
    "ExecReload",
    "ExitType",
    "FileDescriptorStore*",
    "FinalKillSignal",
    "GuessMainPID",
    "IO*",
    "IgnoreSIGPIPE",
    "KillSignal",
    "Limit*",
    "Log*",
    "ManagedOOM*",
    "Memory*",
    "MemorySwapMax",
    "NUMA*",
    "Nice",
    "NotifyAccess",
    "OOMScoreAdjust",
    "PIDFile",
    "PassEnvironment",
    "RemainAfterExit",
    "RestartForceExitStatus",
    "RestartKillSignal",
    "RestartMaxDelaySec",
    "RestartPreventExitStatus",
    "RestartSteps",
    "RuntimeDirectory*",
    "SendSIG*",
    "Slice",
    "Standard*",
    "StartupAllowed*",
    "StartupCPU*",
    "StartupIO*",
    "StartupMemory*",
    "StateDirectory*",
    "SuccessExitStatus",
    "Syslog*",
    "TTY*",
    "TasksAccounting",
    "TimeoutAbortSec",
    "TimeoutStopSec",
    "TimeoutStopFailureMode",
    "TimerSlackNSec",
    "UMask",
    "UtmpIdentifier",
    "WatchdogSignal",
    "X-*",
];

/// Families of [`HARMLESS`] whose other members do something.
const BUT: &[&str] = &["MemoryDenyWriteExecute", "LogNamespace", "IPAccounting"];

/// Switches that say what is so anyway.
const OFF: &[&str] = &["no", "false", "off", "0", "n", "f", ""];

/// Keys whose values are folders that can be written, below these.
const DIRECTORIES: &[(&str, &str)] = &[
    ("StateDirectory", "/var/lib"),
    ("RuntimeDirectory", "/run"),
    ("CacheDirectory", "/var/cache"),
    ("LogsDirectory", "/var/log"),
];

/// Older names.
const OLD: &[(&str, &str)] = &[
    ("ReadOnlyDirectories", "ReadOnlyPaths"),
    ("ReadWriteDirectories", "ReadWritePaths"),
    ("InaccessibleDirectories", "InaccessiblePaths"),
];

/// Keys whose values are lists: each line adds to them, and an empty one takes all away.
fn is_list(key: &str) -> bool {
    key.ends_with("Paths")
        || key.starts_with("Exec")
        || DIRECTORIES.iter().any(|(name, _)| *name == key)
        || matches!(
            key,
            "BindPaths" | "TemporaryFileSystem" | "CapabilityBoundingSet"
        )
}

/// Whether the unit's maker may set it as they like.
fn is_harmless(key: &str) -> bool {
    let fits = |name: &&str| match name.strip_suffix('*') {
        Some(family) => key.starts_with(family),
        None => key == *name,
    };
    HARMLESS.iter().any(fits) && !BUT.contains(&key)
}

/// Whether a line that is run after the start does nothing to the daemon: AKS opens its firewall so.
fn is_done_after(line: &str) -> bool {
    const DONE: &[&str] = &[
        "iptables",
        "ip6tables",
        "nft",
        "sysctl",
        "logger",
        "echo",
        "true",
        "sleep",
        "chmod",
        "chown",
    ];
    let words = words(line.trim_start_matches(['@', '-', ':', '+', '!']));
    let name = words.first().and_then(|program| program.rsplit('/').next());
    name.is_some_and(|name| DONE.contains(&name))
}

/// Whether an amount of memory is less than a daemon with some containers takes.
fn is_little(value: &str) -> bool {
    let (number, unit) = value.split_at(value.trim_end_matches(|c: char| c.is_alphabetic()).len());
    let factor: u64 = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        // A percentage, infinity, or enough.
        _ => return false,
    };
    let bytes = number.parse::<u64>().ok();
    bytes.is_some_and(|bytes| bytes.saturating_mul(factor) < 512 << 20)
}

/// What else a unit says of its service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Others {
    all: BTreeMap<String, String>,
}

impl Others {
    /// A line that no other part of the unit takes.
    pub(crate) fn take(&mut self, key: &str, value: &str) {
        let new = OLD.iter().find(|(old, _)| *old == key);
        let key = new.map_or(key, |(_, new)| *new);
        if value.is_empty() {
            self.all.remove(key);
        } else if let Some(old) = self.all.get_mut(key).filter(|_| is_list(key)) {
            old.push(if key.starts_with("Exec") { '\n' } else { ' ' });
            old.push_str(value);
        } else {
            self.all.insert(key.to_owned(), value.to_owned());
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.all.get(key).map(String::as_str)
    }

    /// The user that it is run as, where that is not root.
    pub fn user(&self) -> Option<&str> {
        let is_dynamic = self
            .get("DynamicUser")
            .is_some_and(|value| !OFF.contains(&value));
        let named = self
            .get("User")
            .filter(|user| !["root", "0"].contains(user));
        named.or_else(|| is_dynamic.then_some("of its own (DynamicUser)"))
    }

    /// Lines that are run when the daemon is stopped, or was: their words.
    pub fn after_stop(&self) -> impl Iterator<Item = Vec<String>> {
        let lines = ["ExecStop", "ExecStopPost"].into_iter();
        let lines = lines.flat_map(|key| self.get(key).unwrap_or_default().lines());
        lines.map(|line| words(line.trim_start_matches(['@', '-', ':', '+', '!'])))
    }

    /// The line by which systemd removes a folder below /run when the unit stops.
    pub fn removes_at_stop(&self, state: &Path) -> Option<String> {
        let is_kept = |value: &str| !OFF.contains(&value);
        if self.get("RuntimeDirectoryPreserve").is_some_and(is_kept) {
            return None;
        }
        let named = self.get("RuntimeDirectory")?.split_whitespace();
        let mut named = named.map(|name| name.split(':').next().unwrap_or_default());
        let found = named.find(|name| state.starts_with(Path::new("/run").join(name)))?;
        Some(format!("RuntimeDirectory={found}"))
    }

    /// The key by which a path cannot be written by the daemon.
    pub fn denies_writing(&self, path: &Path) -> Option<&'static str> {
        let mut rules: Vec<(PathBuf, bool, &'static str)> = Vec::new();
        let mut add = |path: &str, writable: bool, key: &'static str| {
            let path = path.trim_start_matches(['-', '+', '!', ':']);
            if path.starts_with('/') {
                rules.push((PathBuf::from(path), writable, key));
            }
        };
        match self.get("ProtectSystem") {
            Some("strict") => {
                add("/", false, "ProtectSystem=strict");
                for open in ["/dev", "/proc", "/sys"] {
                    add(open, true, "");
                }
            }
            Some(value) if !OFF.contains(&value) => {
                for closed in ["/usr", "/boot", "/efi"] {
                    add(closed, false, "ProtectSystem");
                }
                if value == "full" {
                    add("/etc", false, "ProtectSystem=full");
                }
            }
            _ => {}
        }
        for (key, is_open) in [
            ("ReadOnlyPaths", false),
            ("InaccessiblePaths", false),
            ("ReadWritePaths", true),
        ] {
            for path in self.get(key).unwrap_or_default().split_whitespace() {
                add(path, is_open, key);
            }
        }
        for (key, above) in DIRECTORIES {
            for name in self.get(key).unwrap_or_default().split_whitespace() {
                let name = name.split(':').next().unwrap_or_default();
                add(&format!("{above}/{name}"), true, key);
            }
        }
        let above = rules.iter().filter(|(above, ..)| path.starts_with(above));
        // Of two on one place the later, which opens it.
        let deepest = above.max_by_key(|(above, ..)| above.components().count())?;
        (!deepest.1).then_some(deepest.2)
    }

    /// Keys of which no rule says what they do to a start, with their values.
    pub fn not_covered(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.all.iter();
        all.map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, value)| {
                let is_told = matches!(*key, "User" | "DynamicUser") && self.user().is_some();
                // What is run at a stop is asked for by itself.
                let is_stop = matches!(*key, "ExecStop" | "ExecStopPost");
                let is_small = ["MemoryMax", "MemoryHigh", "MemoryLimit"].contains(key);
                let is_root = matches!(*key, "User" | "Group") && ["root", "0"].contains(value);
                let is_done = *key == "ExecStartPost" && value.lines().all(is_done_after);
                let is_plain = is_done || is_harmless(key) && !(is_small && is_little(value));
                !is_plain && !is_stop && !OFF.contains(value) && !is_told && !is_root
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(lines: &[(&str, &str)]) -> Others {
        let mut all = Others::default();
        for (key, value) in lines {
            all.take(key, value);
        }
        all
    }

    fn denied(lines: &[(&str, &str)], path: &str) -> Option<&'static str> {
        others(lines).denies_writing(Path::new(path))
    }

    #[test]
    fn the_deepest_line_says_what_can_be_written() {
        let strict = ("ProtectSystem", "strict");
        let root = "/var/lib/containerd";
        assert_eq!(denied(&[strict], root), Some("ProtectSystem=strict"));
        assert_eq!(denied(&[("ProtectSystem", "full")], root), None);
        assert_eq!(
            denied(&[strict, ("ReadWritePaths", "-/var/lib")], root),
            None
        );
        assert_eq!(
            denied(&[strict, ("ReadWritePaths", "/var/libx")], root),
            Some("ProtectSystem=strict")
        );
        assert_eq!(
            denied(&[strict, ("StateDirectory", "containerd")], root),
            None
        );
        assert_eq!(
            denied(
                &[strict, ("StateDirectory", "containerd")],
                "/run/containerd"
            ),
            Some("ProtectSystem=strict")
        );
        let later = [
            ("ReadWritePaths", "/var"),
            ("ReadOnlyPaths", "/srv /var/lib"),
        ];
        assert_eq!(denied(&later, root), Some("ReadOnlyPaths"));
        let emptied = [("ReadOnlyDirectories", "/var"), ("ReadOnlyPaths", "")];
        assert_eq!(denied(&emptied, root), None);
        assert_eq!(denied(&[], root), None);
    }

    #[test]
    fn what_packages_write_is_covered_and_other_keys_are_named() {
        let usual = others(&[
            ("LimitNPROC", "infinity"),
            ("LimitCORE", "infinity"),
            ("OOMScoreAdjust", "-999"),
            ("Slice", "runtime.slice"),
            ("CPUAccounting", "true"),
            ("MemoryAccounting", "yes"),
            ("StandardError", "journal+console"),
            ("User", "root"),
            ("PrivateTmp", "no"),
        ]);
        assert_eq!(usual.not_covered().count(), 0);
        let hard = others(&[
            ("PrivateMounts", "yes"),
            ("MemoryDenyWriteExecute", "yes"),
            ("User", "1000"),
        ]);
        let named: Vec<&str> = hard.not_covered().map(|(key, _)| key).collect();
        assert_eq!(named, ["MemoryDenyWriteExecute", "PrivateMounts"]);
        assert_eq!(hard.user(), Some("1000"));
        assert!(others(&[("DynamicUser", "yes")]).user().is_some());
    }
}
