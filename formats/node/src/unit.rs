//! A unit of systemd with its drop-ins: the daemon's is a part of its configuration, that of the
//! kubelet says where it looks for the daemon.
//!
//! Folders in systemd's order, the strongest first (systemd.unit(5)); drop-ins of all folders are
//! taken in the order of their names, one of a name from the strongest folder only; those of
//! `service.d` count for every service.

mod needs;
mod syntax;
mod wrapped;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::{Text, Unread};

pub(crate) use self::syntax::words;

use self::needs::{is_condition, is_need, lacking};
use self::syntax::{assignments, settings};
use self::wrapped::{SHELLS, WRAPPED, WRAPPERS, assigned, behind, name_of, script};
use crate::unit_keys::Others;

/// Where units are, the strongest first.
pub const UNIT_FOLDERS: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];
/// Where `systemctl mask --runtime` puts its links.
const MASKS: &str = "/run/systemd/system";
/// The daemon's.
const DAEMON: &str = "containerd.service";
/// No unit is longer.
const LIMIT: u64 = 64 << 10;
/// No unit has more drop-ins.
const MOST: usize = 200;

/// Keys of the sections `[Unit]` and `[Service]` that are kept as they stand.
pub(crate) const SAID: &[&str] = &[
    "Type",
    "Delegate",
    "LimitNOFILE",
    "TasksMax",
    "TimeoutStartSec",
    "TimeoutSec",
    "WatchdogSec",
    "RuntimeMaxSec",
    "Restart",
    "RestartSec",
    "StartLimitIntervalSec",
    "StartLimitBurst",
    "StartLimitAction",
    "OOMPolicy",
];

/// Older names of keys.
const ALIASES: &[(&str, &str)] = &[("StartLimitInterval", "StartLimitIntervalSec")];

/// What the unit says of how the daemon is started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// The unit's file, its drop-ins in their order, and files of variables.
    pub files: Vec<Text>,
    /// Whether only drop-ins are here: the package's own file was not taken along.
    pub lacks_file: bool,
    /// Whether systemd is told not to start it. What else is here is that of the file below the mask.
    pub masked: bool,
    /// Whether that outlasts the boot: `mask --runtime` does not.
    pub masked_for_good: bool,
    /// Whether it stands where a mask that ends with the boot does not reach (`/etc`).
    pub outranks_mask: bool,
    /// The words of `ExecStart`, variables put in.
    pub command: Vec<String>,
    /// How many `ExecStart` it has that no empty one takes back.
    pub starts: usize,
    /// The commands of `ExecStartPre`, and whether each may fail.
    pub before: Vec<(Vec<String>, bool)>,
    /// Conditions of `[Unit]` without which systemd does not start it: key, value.
    pub conditions: Vec<(String, String)>,
    /// Units that must be there for a start of it (`Requires`, `Requisite`, `BindsTo`), and that no folder
    /// of units has: key, name.
    pub lacks: Vec<(String, String)>,
    /// What else it says of its service.
    pub others: Others,
    /// `KillMode`.
    pub kill_mode: Option<String>,
    /// What else it says of how systemd treats the daemon , the last of each key; an empty
    /// value puts back the default.
    pub said: BTreeMap<&'static str, String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// What could not be read: a file, and why.
    pub unread: Vec<(Text, Unread)>,
}

impl Unit {
    /// Reads the daemon's; nothing where there is none.
    pub(crate) fn read_unit(evidence: &Evidence) -> Option<Self> {
        Self::named(evidence, DAEMON)
    }

    /// Reads the unit of this name; nothing where there is none.
    pub fn named(evidence: &Evidence, name: &str) -> Option<Self> {
        let mut unit = Self::default();
        let files = UNIT_FOLDERS.iter().map(Path::new);
        let files = files.filter(|folder| is_there(evidence, &folder.join(name)));
        let mut lines = Vec::new();
        let mut masks = Vec::new();
        unit.lacks_file = true;
        for folder in files {
            let path = folder.join(name);
            let before = unit.unread.len();
            let text = unit_text(evidence, &path, &mut unit);
            // A link to /dev/null: what it leads to is no file.
            let is_link = || {
                let stat = evidence.stat(&path);
                stat.is_ok_and(|stat| stat.kind == FileKind::Symlink)
            };
            let is_mask = match &text {
                Some(text) => text.trim().is_empty(),
                None => is_link(),
            };
            let place = |wanted: &Path| {
                let mut all = UNIT_FOLDERS.iter();
                all.position(|one| Path::new(one) == wanted)
            };
            unit.outranks_mask = place(folder) < place(Path::new(MASKS));
            if is_mask {
                // What starts once it is unmasked stands in a weaker folder.
                unit.masked = true;
                unit.masked_for_good |= !folder.starts_with("/run");
                unit.unread.truncate(before);
                masks.extend(unit.files.pop());
                continue;
            }
            unit.lacks_file = false;
            let Some(text) = text else {
                return Some(unit);
            };
            lines.extend(settings(&text));
            break;
        }
        if unit.lacks_file && unit.masked {
            unit.files = masks;
            return Some(unit);
        }
        // Drop-ins count where the file that they belong to was not taken along, too.
        for path in drop_ins(evidence, name, &mut unit.unread) {
            if let Some(text) = unit_text(evidence, &path, &mut unit) {
                lines.extend(settings(&text));
            }
        }
        if unit.files.is_empty() {
            return None;
        }
        let (needs, lines): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(key, _)| is_need(key));
        unit.lacks = lacking(evidence, &needs);
        let variables = unit.variables(evidence, &lines);
        unit.take(&lines, variables);
        Some(unit)
    }

    /// What files of variables set (`EnvironmentFile`); it wins over `Environment`.
    fn variables(
        &mut self,
        evidence: &Evidence,
        lines: &[(String, String)],
    ) -> BTreeMap<String, String> {
        let mut files: Vec<&str> = Vec::new();
        for (key, value) in lines {
            match (key.as_str(), value.as_str()) {
                ("EnvironmentFile", "") => files.clear(),
                ("EnvironmentFile", file) => files.push(file),
                _ => {}
            }
        }
        let commands = lines.iter().filter(|(key, _)| key == "ExecStart");
        let is_used = commands
            .into_iter()
            .any(|(_, command)| command.contains('$'));
        let mut variables = BTreeMap::new();
        for (number, file) in files.into_iter().enumerate() {
            if number >= MOST {
                let name = Text::from(file.trim_start_matches('-').as_bytes());
                self.unread.push((name, too_many("files of variables")));
                break;
            }
            // One that may be missing begins with a minus.
            let may_lack = file.starts_with('-');
            let path = Path::new(file.trim_start_matches('-'));
            let is_here = is_there(evidence, path);
            let is_absent = evidence.stat(path) == Err(Unread::Absent);
            if may_lack && (is_absent || !is_here && !is_used) {
                continue;
            }
            if let Some(text) = unit_text(evidence, path, self) {
                variables.extend(assignments(&text));
            }
        }
        variables
    }

    fn take(&mut self, lines: &[(String, String)], variables: BTreeMap<String, String>) {
        let mut command = String::new();
        let mut before: Vec<String> = Vec::new();
        for (key, value) in lines {
            match key.as_str() {
                "ExecStart" => {
                    self.starts = if value.is_empty() {
                        0
                    } else {
                        self.starts.saturating_add(1)
                    };
                    command.clone_from(value);
                }
                "ExecStartPre" if value.is_empty() => before.clear(),
                "ExecStartPre" => before.push(value.clone()),
                key if is_condition(key) && value.is_empty() => {
                    self.conditions.retain(|(one, _)| one != key);
                }
                key if is_condition(key) => {
                    self.conditions.push((key.to_owned(), value.clone()));
                }
                "EnvironmentFile" => {}
                "KillMode" => self.kill_mode = Some(value.clone()).filter(|mode| !mode.is_empty()),
                "Environment" if value.is_empty() => self.environment.clear(),
                "Environment" => {
                    let pairs = words(value).into_iter();
                    let pairs = pairs.filter_map(|pair| {
                        let (name, value) = pair.split_once('=')?;
                        Some((name.to_owned(), value.to_owned()))
                    });
                    self.environment.extend(pairs);
                }
                other => {
                    let alias = ALIASES.iter().find(|(old, _)| *old == other);
                    let name = alias.map_or(other, |(_, new)| *new);
                    match SAID.iter().find(|key| **key == name) {
                        Some(key) => {
                            self.said.insert(*key, value.clone());
                        }
                        None => self.others.take(name, value),
                    }
                }
            }
        }
        self.said.retain(|_, value| !value.is_empty());
        self.environment.extend(variables);
        let filled = words(&command).into_iter();
        let filled = filled.flat_map(|word| self.fill(&word)).collect();
        self.command = self.unwrapped(filled);
        self.before = before
            .into_iter()
            .map(|line| {
                let mut marks = line.chars().take_while(|letter| "@-:+!|".contains(*letter));
                let may_fail = marks.any(|mark| mark == '-');
                let mut words = words(&line);
                if let Some(program) = words.first_mut() {
                    *program = bare(program).to_owned();
                }
                (words, may_fail)
            })
            .filter(|(words, _)| !words.is_empty())
            .collect();
    }

    /// The command that stands behind others, which start it with another environment, priority or limit;
    /// what they set of the environment is taken. Of a script nothing is known: it stays as it is.
    fn unwrapped(&mut self, mut command: Vec<String>) -> Vec<String> {
        for _ in 0..WRAPPED {
            let Some(program) = command.first().map(|word| name_of(bare(word)).to_owned()) else {
                break;
            };
            let inner = if SHELLS.contains(&program.as_str()) {
                script(&command)
            } else if WRAPPERS.contains(&program.as_str()) {
                let at = behind(&command);
                at.map(|at| command.split_at(at)).map(|(before, inner)| {
                    let pairs = before.iter().filter_map(|word| assigned(word));
                    self.environment.extend(pairs);
                    inner.to_vec()
                })
            } else {
                None
            };
            let Some(inner) = inner else { break };
            command = inner;
        }
        command
    }

    /// With `$NAME` and `${NAME}` put in, where they are set: the first, which is a word alone, becomes
    /// as many words as it has; the second stays in its word.
    fn fill(&self, word: &str) -> Vec<String> {
        if let Some(value) = word
            .strip_prefix('$')
            .and_then(|name| self.environment.get(name))
        {
            return words(value);
        }
        let mut word = word.to_owned();
        for (name, value) in &self.environment {
            word = word.replace(&format!("${{{name}}}"), value);
        }
        vec![word]
    }

    /// The program that it starts.
    pub fn program(&self) -> Option<&str> {
        self.command.first().map(|word| bare(word))
    }

    /// Whether it starts containerd itself, and not a script that does.
    pub fn is_plain(&self) -> bool {
        self.program()
            .is_some_and(|program| program.rsplit('/').next() == Some("containerd"))
            && !self.command.iter().any(|word| word.contains('$'))
    }

    /// The value of an option of containerd: `--root X`, `--root=X`; the last counts.
    fn option(&self, long: &str, short: Option<&str>) -> Option<&str> {
        if !self.is_plain() {
            return None;
        }
        let mut found = None;
        let mut words = self.command.iter().skip(1);
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
                continue;
            };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name, None),
            };
            if name == long || Some(name) == short {
                found = value.or_else(|| words.next().map(String::as_str));
            }
        }
        found.filter(|value| !value.is_empty())
    }

    /// What it says at a key of how systemd treats it.
    pub fn says(&self, key: &str) -> Option<&str> {
        self.said.get(key).map(String::as_str)
    }

    /// The value of the last `--flag=X` or `--flag X` of its command, whichever program it starts.
    pub fn flag(&self, flag: &str) -> Option<&str> {
        let mut found = None;
        let mut words = self.command.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let Some(rest) = word.strip_prefix(flag) else {
                continue;
            };
            if rest.is_empty() {
                found = words.next().or(found);
            } else if let Some(value) = rest.strip_prefix('=') {
                found = Some(value);
            }
        }
        found.filter(|value| !value.is_empty())
    }

    /// `--config`
    pub fn config(&self) -> Option<&str> {
        self.option("config", Some("c"))
    }

    /// `--root`
    pub fn root(&self) -> Option<&str> {
        self.option("root", None)
    }

    /// `--state`
    pub fn state(&self) -> Option<&str> {
        self.option("state", None)
    }

    /// `--log-level`
    pub fn log_level(&self) -> Option<&str> {
        self.option("log-level", Some("l"))
    }

    /// An option that no release of the daemon takes, where it is started without a subcommand.
    pub fn strange_option(&self) -> Option<&str> {
        const VALUED: &[&str] = &[
            "config",
            "c",
            "log-level",
            "l",
            "address",
            "a",
            "root",
            "state",
        ];
        const FLAGS: &[&str] = &["help", "h", "version", "v"];
        if !self.is_plain() {
            return None;
        }
        let mut words = self.command.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            let bare = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
            let (name, value) = match bare.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (bare, None),
            };
            if VALUED.contains(&name) {
                if value.is_none() {
                    words.next();
                }
            } else if !FLAGS.contains(&name) && !name.is_empty() {
                return Some(word);
            }
        }
        None
    }

    /// `--address`
    pub fn address(&self) -> Option<&str> {
        self.option("address", Some("a"))
    }

    /// Whether stopping the unit ends the shims with it, and so every container: `mixed` spares them the
    /// first signal alone.
    pub fn kills_all(&self) -> bool {
        // What the file itself says is not known where it is not here.
        let default = (!self.lacks_file).then_some("control-group");
        let Some(mode) = self.kill_mode.as_deref().or(default) else {
            return false;
        };
        !self.command.is_empty() && !["process", "none"].contains(&mode)
    }
}

/// Without the marks before a command.
fn bare(program: &str) -> &str {
    program.trim_start_matches(['@', '-', ':', '+', '!', '|'])
}

fn is_there(evidence: &Evidence, path: &Path) -> bool {
    !matches!(
        evidence.stat(path),
        Err(Unread::Absent | Unread::NotCollected)
    )
}

fn unit_text(evidence: &Evidence, path: &Path, unit: &mut Unit) -> Option<String> {
    let name = Text::from(path.as_os_str().as_bytes());
    unit.files.push(name.clone());
    match evidence.source(path, LIMIT) {
        Ok(source) => Some(String::from_utf8_lossy(source.bytes()).into_owned()),
        Err(unread) => {
            unit.unread.push((name, unread));
            None
        }
    }
}

/// Why a file beyond so many is not read.
fn too_many(what: &str) -> Unread {
    Unread::Io(format!("there are more than {MOST} {what}"))
}

/// The drop-ins that count, in the order in which they are read; and those that are too many.
fn drop_ins(evidence: &Evidence, unit: &str, left: &mut Vec<(Text, Unread)>) -> Vec<PathBuf> {
    let mut found: BTreeMap<Vec<u8>, PathBuf> = BTreeMap::new();
    for name in [&format!("{unit}.d"), "service.d"] {
        for folder in UNIT_FOLDERS {
            let folder = Path::new(folder).join(name);
            let list = evidence.list(&folder);
            for entry in list.read().into_iter().flatten() {
                let file = entry.name.bytes();
                if !file.ends_with(b".conf") || found.contains_key(file) {
                    continue;
                }
                let path = folder.join(OsStr::from_bytes(file));
                if found.len() < MOST {
                    found.insert(file.to_vec(), path);
                } else if left.len() < MOST {
                    let name = Text::from(path.as_os_str().as_bytes());
                    left.push((name, too_many("drop-ins")));
                }
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(texts: &[&str]) -> Unit {
        let mut unit = Unit::default();
        let lines: Vec<_> = texts.iter().flat_map(|text| settings(text)).collect();
        unit.take(&lines, BTreeMap::new());
        unit
    }

    #[test]
    fn options_are_read_as_the_daemon_reads_them() {
        let first = "[Unit]\nDescription=x\n[Service]\nExecStartPre=-/sbin/modprobe overlay\n\
             ExecStart=/usr/bin/containerd\nKillMode=process\n";
        let unit_of = |more: &str| unit(&[first, more]);
        assert_eq!(unit_of("").root(), None);
        assert!(unit_of("").before.iter().all(|(_, may_fail)| *may_fail));
        assert!(!unit_of("").kills_all());
        let drop_in = "[Service]\nExecStart=\nExecStart=/usr/bin/containerd --root /data/ctd \\\n  \
             --config='/etc/my config.toml' --state=/run/x\n";
        let moved = unit_of(drop_in);
        assert_eq!(moved.root(), Some("/data/ctd"));
        assert_eq!(moved.config(), Some("/etc/my config.toml"));
        assert_eq!(moved.state(), Some("/run/x"));
        let by_variable = "[Service]\nEnvironment=\"R=/data/r\" PATH=/opt/bin\nExecStart=/usr/bin/containerd --root ${R}\n";
        assert_eq!(unit_of(by_variable).root(), Some("/data/r"));
        assert!(unit_of("[Service]\nKillMode=\n").kills_all());
        assert!(unit_of("[Service]\nKillMode=control-group\n").kills_all());
        for wrapped in [
            "/usr/bin/env PATH=${X}:/opt/bin A=1 /usr/bin/containerd --root /x",
            "/usr/bin/env PATH=/opt/bin nice -n 5 containerd --root=/x",
            "-/usr/bin/taskset -c 0-3 /usr/bin/containerd --root /x",
            "/bin/sh -c 'exec /usr/bin/containerd --root /x'",
            "/bin/bash -ec \"A=1 exec nice containerd --root /x\"",
        ] {
            let unit = unit_of(&format!("[Service]\nExecStart={wrapped}\n"));
            assert!(
                unit.is_plain() && unit.root() == Some("/x"),
                "{wrapped}: {unit:?}"
            );
        }
        for unknown in [
            "/bin/sh -c '/opt/set-up && exec containerd --root /x'",
            "/usr/bin/env -S start-it",
            "/usr/bin/env PATH=/opt/bin start-containerd --root /x",
            "/usr/bin/env PATH=/opt/bin start-it containerd --root /x",
            "/usr/bin/env -i start-it containerd --root /x",
            "/usr/bin/nice -n 5 /opt/start-it /usr/bin/containerd --root /x",
        ] {
            let unit = unit_of(&format!("[Service]\nExecStart={unknown}\n"));
            assert!(
                !unit.is_plain() && unit.root().is_none(),
                "{unknown}: {unit:?}"
            );
        }
        let script = unit_of("[Service]\nExecStart=/usr/local/bin/start-containerd --root /x\n");
        assert!(!script.is_plain() && script.root().is_none());
    }

    #[test]
    fn limits_are_kept_the_last_of_each_and_those_of_starts_from_their_section() {
        let unit = unit(&[
            "[Unit]\nStartLimitInterval=30\nStartLimitBurst=3\nType=wrong\n[Service]\n\
             Type=notify\nLimitNOFILE=infinity\nTasksMax=100\nExecStart=/usr/bin/kubelet \\\n \
             --container-runtime-endpoint unix:///a --container-runtime-endpoint=unix:///b\n",
            "[Service]\nLimitNOFILE=1024:4096\nTasksMax=\n",
        ]);
        assert_eq!(unit.says("Type"), Some("notify"));
        assert_eq!(unit.says("LimitNOFILE"), Some("1024:4096"));
        assert_eq!(unit.says("TasksMax"), None);
        assert_eq!(unit.says("StartLimitIntervalSec"), Some("30"));
        assert_eq!(unit.says("StartLimitBurst"), Some("3"));
        let endpoint = unit.flag("--container-runtime-endpoint");
        assert_eq!(endpoint, Some("unix:///b"));
    }

    #[test]
    fn drop_ins_and_files_of_variables_count_without_the_file_that_they_belong_to() {
        let node = tempfile::tempdir().unwrap();
        let at = |path: &str, text: &str| {
            let path = node.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let read = || {
            let options = evidence::Options::default();
            Unit::read_unit(&Evidence::open(node.path(), &options).unwrap())
        };
        assert_eq!(read(), None);
        at(
            "etc/systemd/system/containerd.service.d/x.conf",
            "[Service]\nEnvironment=ROOT=/wrong\nEnvironmentFile=-/etc/absent\n\
             EnvironmentFile=/etc/default/containerd\nExecStart=\n\
             ExecStart=/usr/bin/containerd $OPTS --state ${STATE}\n",
        );
        // What sets the variable is not here: nothing is concluded.
        let unit = read().unwrap();
        assert!(!unit.is_plain() && unit.root().is_none());
        assert_eq!(unit.unread.len(), 1);
        at(
            "etc/default/containerd",
            "# how\nOPTS=\"--root /data/ctd --log-level info\"\nSTATE='/run/of mine'\n",
        );
        let unit = read().unwrap();
        assert_eq!(unit.root(), Some("/data/ctd"));
        assert_eq!(unit.state(), Some("/run/of mine"));
        // KillMode is that of the file that is not here.
        assert!(unit.lacks_file && !unit.kills_all());
    }
}
