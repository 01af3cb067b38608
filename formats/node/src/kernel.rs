//! What the node's kernel can mount: overlayfs, which every container of the usual snapshotter needs.
//!
//! ```text
//! /proc/filesystems                    nodev  overlay       loaded, or built in
//! /proc/version                        Linux version 6.1.0-18-amd64 (…)
//! /lib/modules/RELEASE/modules.builtin kernel/fs/overlayfs/overlay.ko
//! /lib/modules/RELEASE/kernel/fs/overlayfs/overlay.ko.xz   loaded at the first mount, by its alias
//! /etc/modprobe.d/*.conf               blacklist overlay    the alias is not followed
//!                                      install overlay /bin/false
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use evidence::{Evidence, Mount};
use finding::{Text, Unread};
use process::Processes;

use crate::path_text;

/// Whether the kernel can mount an overlay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Overlay {
    /// The evidence does not hold the kernel's list of file systems.
    #[default]
    NotTaken,
    /// It is loaded, or loads when it is asked for.
    Works,
    /// It is not loaded, and cannot be.
    Lacks {
        /// The file or folder that shows it.
        at: Text,
        /// Why, in words.
        why: String,
    },
    /// It is not loaded; whether it can be is not known.
    Unknown(String),
}

/// What the kernel says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// Its release: `6.1.0-18-amd64`.
    pub release: Option<String>,
    /// Whether it can mount an overlay.
    pub overlay: Overlay,
}

/// No file of these is larger.
const LIMIT: u64 = 4 << 20;
/// Where modules are.
const MODULES: &[&str] = &["/lib/modules", "/usr/lib/modules"];
/// Where it is said which are not to be loaded.
const RULES: &[&str] = &[
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/lib/modprobe.d",
    "/lib/modprobe.d",
];
/// No machine has more such files: of more of them it is not known.
const MOST_RULES: usize = 1024;
/// Names of the module, as it is packed.
const NAMES: &[&str] = &[
    "overlay.ko",
    "overlay.ko.xz",
    "overlay.ko.gz",
    "overlay.ko.zst",
];

/// A file of the kernel's: as it was taken with the processes, or as it lies in the evidence.
fn kernel_text(evidence: &Evidence, processes: Option<&Processes>, path: &str) -> Option<String> {
    let taken = processes.and_then(|all| all.tree.file(path));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    taken.map(text).or_else(|| {
        let source = evidence.source_if_there(Path::new(path), LIMIT)?;
        Some(text(source.bytes()))
    })
}

impl Kernel {
    /// The list of what is built into the running kernel, and the folder of its module overlay.
    pub fn places(&self) -> [Option<PathBuf>; 2] {
        let own = self.release.as_ref();
        let own = own.map(|release| Path::new("/lib/modules").join(release));
        let below = |name: &str| own.as_ref().map(|own| own.join(name));
        [below("modules.builtin"), below("kernel/fs/overlayfs")]
    }

    pub(crate) fn read_kernel(evidence: &Evidence, processes: Option<&Processes>) -> Self {
        let version = kernel_text(evidence, processes, "/proc/version");
        let release = version.as_deref().and_then(release_of);
        let listed = kernel_text(evidence, processes, "/proc/filesystems");
        let overlay = match listed {
            // The kernel knows at least proc itself: an empty list is one that was not read.
            Some(listed) if listed.contains("proc") => {
                if has_overlay(&listed) {
                    Overlay::Works
                } else {
                    modules(evidence, release.as_deref())
                }
            }
            _ => Overlay::NotTaken,
        };
        Self { release, overlay }
    }
}

/// `Linux version 6.1.0-18-amd64 (debian-kernel@…) …`
fn release_of(version: &str) -> Option<String> {
    let release = version.strip_prefix("Linux version ")?.split(' ').next()?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-+._~".contains(letter);
    let is_plain = release.chars().all(is_name) && !release.starts_with('.');
    (is_plain && !release.is_empty()).then(|| release.to_owned())
}

fn has_overlay(listed: &str) -> bool {
    let mut names = listed
        .lines()
        .filter_map(|line| line.split('\t').next_back());
    names.any(|name| name.trim() == "overlay")
}

/// The folder of a kernel's modules, and what is not taken for one that is not there.
fn folder(evidence: &Evidence, release: &str) -> Result<PathBuf, Overlay> {
    let mut seen = None;
    for modules in MODULES.iter().map(Path::new) {
        let own = modules.join(release);
        match evidence.try_list(&own) {
            Ok(_) => return Ok(own),
            // One of the two places is usually a link to the other, and may not have been taken.
            Err(Unread::Absent | Unread::NotCollected) => {}
            Err(why) => {
                let why = format!("{} {why}", path_text(&own));
                return Err(Overlay::Unknown(why));
            }
        }
        if let Ok(list) = evidence.try_list(modules)
            && list.is_whole()
            && list.read().is_some_and(|entries| !entries.is_empty())
        {
            seen = seen.or(Some(modules));
        }
    }
    Err(match seen {
        // Those of another kernel are there: a package replaced the one that runs.
        Some(modules) => Overlay::Lacks {
            at: path_text(modules),
            why: format!(
                "overlay is not loaded, and the modules of the running kernel {release} are not \
                 installed (others are: a reboot changes to their kernel)"
            ),
        },
        None => Overlay::Unknown(
            "overlay is not loaded; the kernel's modules are not in the evidence".to_owned(),
        ),
    })
}

/// Whether a kernel that has not loaded overlay can do so.
fn modules(evidence: &Evidence, release: Option<&str>) -> Overlay {
    let Some(release) = release else {
        return Overlay::Unknown(
            "overlay is not loaded; which kernel runs is not in the evidence".to_owned(),
        );
    };
    let own = match folder(evidence, release) {
        Ok(own) => own,
        Err(other) => return other,
    };
    let builtin = kernel_text(
        evidence,
        None,
        &own.join("modules.builtin").to_string_lossy(),
    );
    if builtin.is_some_and(|all| all.lines().any(|line| line.ends_with("/overlay.ko"))) {
        return Overlay::Works;
    }
    let place = own.join("kernel/fs/overlayfs");
    let is_there = match evidence.try_list(&place) {
        Ok(list) => {
            let mut entries = list.read().into_iter().flatten();
            let found = entries.any(|entry| NAMES.iter().any(|name| entry.name == **name));
            if !found && !list.is_whole() {
                return Overlay::Unknown(format!("{} was not listed whole", path_text(&place)));
            }
            found
        }
        Err(Unread::Absent) => false,
        Err(why) => return Overlay::Unknown(format!("{} {why}", path_text(&place))),
    };
    if !is_there {
        return Overlay::Lacks {
            at: path_text(&own),
            why: format!("the kernel {release} has no overlay: not loaded, and no such module"),
        };
    }
    forbidden(evidence).unwrap_or(Overlay::Works)
}

/// Whether modprobe reads a file of this name.
fn is_rules(name: &str) -> bool {
    Path::new(name).extension() == Some(OsStr::new("conf"))
}

/// A rule of modprobe by which overlay is not loaded when the kernel asks for it.
fn forbidden(evidence: &Evidence) -> Option<Overlay> {
    for folder in RULES.iter().map(Path::new) {
        let list = evidence.list(folder);
        for (number, entry) in list.read().into_iter().flatten().enumerate() {
            if number >= MOST_RULES {
                let folder = path_text(folder);
                return Some(Overlay::Unknown(format!(
                    "only {MOST_RULES} of the rules of modprobe in {folder} were read"
                )));
            }
            let Some(name) = entry.name.utf8().filter(|name| is_rules(name)) else {
                continue;
            };
            let path = folder.join(name);
            let Some(text) = kernel_text(evidence, None, &path.to_string_lossy()) else {
                continue;
            };
            if let Some(line) = text.lines().find_map(rule_against) {
                return Some(Overlay::Lacks {
                    at: path_text(&path),
                    why: format!("overlay is not loaded, and modprobe may not load it: {line}"),
                });
            }
        }
    }
    None
}

/// A line of modprobe.d that keeps the kernel from overlay, in its own plain form.
fn rule_against(line: &str) -> Option<&'static str> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some("blacklist"), Some("overlay"), _) => Some("blacklist overlay"),
        (Some("install"), Some("overlay"), Some(program)) => {
            let name = program.rsplit('/').next()?;
            matches!(name, "false" | "true" | "nologin").then_some("install overlay")
        }
        _ => None,
    }
}

/// How the file system of a path is mounted, as the node's own table of mounts says: of a copy, whose
/// files lie on another disk.
pub(crate) fn mount_of(
    evidence: &Evidence,
    processes: Option<&Processes>,
    path: &Path,
) -> Option<Mount> {
    use std::os::unix::ffi::OsStrExt;
    let own = processes.and_then(|all| all.mounts.clone());
    let table = own.or_else(|| {
        let text = kernel_text(evidence, None, "/proc/1/mountinfo")?;
        Some(process::mounts(text.as_bytes()))
    })?;
    let path = path.as_os_str().as_bytes();
    let found = process::covering(&table, path)?;
    let names = found.options.iter().filter_map(|(name, _)| name.utf8());
    let read_only = found.read_only || names.into_iter().any(evidence::refuses_writes);
    Some(Mount::of_table(found.kind.utf8()?, read_only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_as_it_writes() {
        let version =
            "Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP";
        assert_eq!(release_of(version).as_deref(), Some("6.1.0-18-amd64"));
        for bad in [
            "",
            "Linux version ",
            "Linux version ../x (a)",
            "Linux version a/b c",
        ] {
            assert_eq!(release_of(bad), None, "{bad}");
        }
        assert!(has_overlay("nodev\tproc\n\text4\nnodev\toverlay\n"));
        assert!(!has_overlay("nodev\tproc\nnodev\toverlayx\n"));
    }

    #[test]
    fn rules_of_modprobe_are_told_from_options() {
        assert!(rule_against("blacklist overlay").is_some());
        assert!(rule_against(" install  overlay /bin/false").is_some());
        for other in [
            "# blacklist overlay",
            "options overlay metacopy=on",
            "blacklist overlayx",
            "install overlay /sbin/modprobe --ignore-install overlay",
        ] {
            assert_eq!(rule_against(other), None, "{other}");
        }
    }
}
