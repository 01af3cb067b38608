//! containerd's config.toml, versions 1 to 4, with its imports, read inside the evidence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unread};
use toml::{Table, Value};

use crate::Settings;
use crate::config_lines::{self, Lines};
use crate::left_out::is_unseen;

/// What of containerd's configuration decides where its stores are, and who may read them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The files that were read, in order: the first and its imports.
    pub files: Vec<Text>,
    /// `version`: that of the last file which has one, as in the daemon; 1 where none has.
    pub version: i64,
    /// `root`
    pub root: Option<PathBuf>,
    /// `state`
    pub state: Option<PathBuf>,
    /// `grpc.address`
    pub address: Option<Text>,
    /// `root_path` of snapshotters that are kept elsewhere, by snapshotter.
    pub snapshotter_roots: BTreeMap<String, PathBuf>,
    /// Snapshotters that were given what they do not load without: a thin pool, a scratch file.
    pub equipped: BTreeSet<String>,
    /// Names of proxy plugins that are snapshotters: their stores are not containerd's.
    pub proxies: BTreeSet<String>,
    /// Names of proxy plugins that are controllers of sandboxes.
    pub sandboxers: BTreeSet<String>,
    /// The image of the pods' sandboxes, where it is said.
    pub sandbox_image: Option<String>,
    /// Which snapshotter the CRI plugin uses, where it is said.
    pub cri_snapshotter: Option<String>,
    /// The CRI plugin's `discard_unpacked_layers`.
    pub discards_layers: bool,
    /// Everything that the files say, file by file in the order in which the daemon reads them.
    pub settings: Settings,
    /// Files that only a pattern relative to the importing file leads to: 1.6 looks for those in
    /// its own working directory.
    pub relative: BTreeSet<Text>,
    /// What could not be read or understood.
    pub faults: Vec<ConfigFault>,
    /// Files of which some releases read the bytes, and others do not.
    pub encodings: Vec<(Text, Encoding)>,
    /// Files of no bytes.
    pub empty: Vec<Text>,
}

/// Bytes of a configuration file that are not all plain UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// It begins with a byte order mark, as some editors write it.
    Mark,
    /// A byte is not UTF-8.
    NotUtf8 {
        /// The first one.
        at: usize,
        /// Whether all of them are in comments.
        in_comments: bool,
    },
}

impl Encoding {
    /// The first byte that is meant.
    pub const fn at(self) -> usize {
        match self {
            Self::Mark => 0,
            Self::NotUtf8 { at, .. } => at,
        }
    }

    /// Whether 1.x, which takes it, reads the same values.
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Mark
                | Self::NotUtf8 {
                    in_comments: true,
                    ..
                }
        )
    }
}

impl core::fmt::Display for Encoding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Mark => "begins with a byte order mark",
            Self::NotUtf8 { .. } => "has bytes that are not UTF-8",
        })
    }
}

/// Whether every line that is not UTF-8 is so in its comment only.
fn is_commented(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').all(|line| {
        let Err(error) = core::str::from_utf8(line) else {
            return true;
        };
        let before = line.get(..error.valid_up_to()).unwrap_or_default();
        let code = before
            .split(|byte| *byte == b'#')
            .next()
            .unwrap_or_default();
        // As many quotes as there are cuts: one more part than quotes.
        let is_open = |quote| code.split(|byte| *byte == quote).count().is_multiple_of(2);
        before.contains(&b'#') && !is_open(b'"') && !is_open(b'\'')
    })
}

impl Config {
    /// The configuration of a file that is not there.
    pub(crate) fn missing(path: &Path) -> Self {
        Self::unread(path, Unread::Absent)
    }

    /// The configuration of a file that could not be read.
    pub(crate) fn unread(path: &Path, unread: Unread) -> Self {
        let fault = ConfigFault::Unread {
            file: name(path),
            unread,
        };
        Self {
            version: 1,
            faults: vec![fault],
            ..Self::default()
        }
    }
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFault {
    /// It could not be read.
    Unread {
        /// The file.
        file: Text,
        /// Why not.
        unread: Unread,
    },
    /// It is not TOML.
    Syntax {
        /// The file.
        file: Text,
        /// Byte offset of the fault, where it is known.
        at: Option<usize>,
        /// What the parser says.
        error: String,
    },
    /// A value has the wrong type.
    Type {
        /// The file.
        file: Text,
        /// Its key.
        key: &'static str,
        /// What belongs there.
        want: &'static str,
    },
}

/// No configuration is larger.
const LIMIT: u64 = 1 << 20;
/// No configuration imports more files.
const MOST_FILES: usize = 200;

/// Reads `path` and what it imports; `None` if there is no such file.
pub fn read_config(evidence: &Evidence, path: &Path) -> Option<Config> {
    if let Err(Unread::Absent | Unread::NotCollected) = evidence.stat(path) {
        return None;
    }
    let mut config = Config {
        version: 1,
        ..Config::default()
    };
    let mut queue = VecDeque::from([path.to_path_buf()]);
    let mut seen = BTreeSet::new();
    while let Some(path) = queue.pop_front() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > MOST_FILES {
            // The daemon reads it, and what it says is not known.
            let size = evidence.stat(&path).map_or(0, |stat| stat.size);
            config.faults.push(ConfigFault::Unread {
                file: name(&path),
                unread: Unread::TooLarge { size, limit: 0 },
            });
            break;
        }
        let Some((table, lines)) = read_file(evidence, &path, &mut config) else {
            continue;
        };
        if !config.settings.add(&name(&path), &table, &lines) {
            // The daemon reads them, and what they say is not known.
            let size = evidence.stat(&path).map_or(0, |stat| stat.size);
            config.faults.push(ConfigFault::Unread {
                file: name(&path),
                unread: Unread::TooLarge { size, limit: 0 },
            });
        }
        merge(&table, &path, &mut config);
        for import in imports(&table, &path, &mut config) {
            let found = import.files(evidence);
            if import.is_pattern && import.is_relative {
                config.relative.extend(found.iter().map(|path| name(path)));
            }
            // As many as are read, whatever they match.
            if queue.len() < MOST_FILES {
                queue.extend(found.into_iter().take(MOST_FILES));
            }
        }
    }
    Some(config)
}

fn name(path: &Path) -> Text {
    Text::from(path.as_os_str().as_bytes())
}

fn read_file(evidence: &Evidence, path: &Path, config: &mut Config) -> Option<(Table, Lines)> {
    let file = name(path);
    let source = match evidence.source(path, LIMIT) {
        Ok(source) => source,
        Err(unread) => {
            let unread = or_unseen(evidence, path, unread);
            config.faults.push(ConfigFault::Unread { file, unread });
            return None;
        }
    };
    config.files.push(file.clone());
    let bytes = source.bytes();
    if bytes.is_empty() {
        config.empty.push(file.clone());
    }
    let marked = bytes.strip_prefix("\u{feff}".as_bytes());
    if marked.is_some() {
        config.encodings.push((file.clone(), Encoding::Mark));
    }
    let bytes = marked.unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    let text = text.as_ref();
    if let Err(error) = core::str::from_utf8(bytes) {
        let encoding = Encoding::NotUtf8 {
            at: error.valid_up_to(),
            in_comments: is_commented(bytes),
        };
        config.encodings.push((file.clone(), encoding));
    }
    match text.parse::<Table>() {
        Ok(table) => Some((table, config_lines::lines(text))),
        Err(error) => {
            let at = error.span().map(|span| span.start);
            let error = error.message().to_owned();
            config.faults.push(ConfigFault::Syntax { file, at, error });
            None
        }
    }
}

/// Why a file is not there: a copy may just be without it.
fn or_unseen(evidence: &Evidence, path: &Path, unread: Unread) -> Unread {
    let is_gone = matches!(unread, Unread::Absent | Unread::Dangling(_));
    if is_gone && is_unseen(evidence, path) {
        Unread::NotCollected
    } else {
        unread
    }
}

/// Takes over what `table` says; later files win, as in the daemon.
fn merge(table: &Table, path: &Path, config: &mut Config) {
    let mut wrong = |key, want| {
        config.faults.push(ConfigFault::Type {
            file: name(path),
            key,
            want,
        });
    };
    let mut text = |key: &'static str| match table.get(key) {
        None => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            wrong(key, "a string");
            None
        }
    };
    let (root, state) = (text("root"), text("state"));
    match table.get("version") {
        Some(Value::Integer(version)) if *version != 0 => config.version = *version,
        None | Some(Value::Integer(_)) => {}
        Some(_) => wrong("version", "an integer"),
    }
    config.root = root.map(PathBuf::from).or_else(|| config.root.take());
    config.state = state.map(PathBuf::from).or_else(|| config.state.take());
    let grpc = table
        .get("grpc")
        .and_then(|grpc| grpc.get("address"))
        .and_then(Value::as_str);
    if let Some(address) = grpc {
        config.address = Some(Text::from(address));
    }
    if let Some(proxies) = table.get("proxy_plugins").and_then(Value::as_table) {
        for (name, plugin) in proxies {
            if plugin.get("type").and_then(Value::as_str) == Some("snapshot") {
                config.proxies.insert(name.clone());
            }
            if plugin.get("type").and_then(Value::as_str) == Some("sandbox") {
                config.sandboxers.insert(name.clone());
            }
        }
    }
    if let Some(plugins) = table.get("plugins").and_then(Value::as_table) {
        for (id, plugin) in plugins {
            merge_plugin(id, plugin, config);
        }
    }
}

/// `id` is `io.containerd.snapshotter.v1.overlayfs`, in version 1 just `overlayfs`.
fn merge_plugin(id: &str, plugin: &Value, config: &mut Config) {
    let short = id.rsplit('.').next().unwrap_or(id);
    let snapshotter = id.strip_prefix("io.containerd.snapshotter.v1.");
    let text = |key: &str| {
        plugin
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let may_be_snapshotter = snapshotter.is_some() || !id.contains('.');
    if let Some(path) = text("root_path").filter(|_| may_be_snapshotter) {
        let path = PathBuf::from(path);
        config.snapshotter_roots.insert(short.to_owned(), path);
    }
    let is_equipped = text("pool_name").is_some() || text("scratch_file").is_some();
    if is_equipped && may_be_snapshotter {
        config.equipped.insert(short.to_owned());
    }
    if short == "cri" || short == "images" {
        let inner = plugin.get("containerd").unwrap_or(plugin);
        let said = |key: &str| inner.get(key).or_else(|| plugin.get(key));
        if let Some(snapshotter) = said("snapshotter").and_then(Value::as_str) {
            config.cri_snapshotter = Some(snapshotter.to_owned());
        }
        let pinned = plugin
            .get("pinned_images")
            .and_then(|pinned| pinned.get("sandbox"));
        if let Some(image) = plugin
            .get("sandbox_image")
            .or(pinned)
            .and_then(Value::as_str)
        {
            config.sandbox_image = Some(image.to_owned());
        }
        if let Some(discards) = said("discard_unpacked_layers").and_then(Value::as_bool) {
            config.discards_layers = discards;
        }
    }
}

/// One entry of `imports`.
struct Import {
    /// An absolute path of the evidence.
    path: PathBuf,
    is_relative: bool,
    /// Only with a star in it; `?` and `[` alone are names to the daemon.
    is_pattern: bool,
}

impl Import {
    /// The files that it stands for; one that is named may be absent.
    fn files(&self, evidence: &Evidence) -> Vec<PathBuf> {
        if self.is_pattern {
            glob(evidence, &self.path)
        } else {
            vec![clean(&self.path)]
        }
    }
}

/// The files that `table` imports.
fn imports(table: &Table, path: &Path, config: &mut Config) -> Vec<Import> {
    let list = match table.get("imports") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            let (file, key, want) = (name(path), "imports", "a list of strings");
            config.faults.push(ConfigFault::Type { file, key, want });
            return Vec::new();
        }
    };
    let base = path.parent().unwrap_or_else(|| Path::new("/"));
    let texts = list.iter().filter_map(Value::as_str);
    texts
        .map(|import| Import {
            path: base.join(import),
            is_relative: !import.starts_with('/'),
            is_pattern: import.contains('*'),
        })
        .collect()
}

/// Without `.` and `..`, by the letters alone, as Go cleans a path.
pub(crate) fn clean(path: &Path) -> PathBuf {
    let mut clean = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(part) => clean.push(part),
            Component::ParentDir => {
                clean.pop();
            }
            _ => {}
        }
    }
    clean
}

/// The files of the evidence that match `pattern` (`*`, `?` and `[…]` in any component).
fn glob(evidence: &Evidence, pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for component in pattern.components() {
        let part = match component {
            Component::Normal(part) => part,
            Component::ParentDir => OsStr::new(".."),
            _ => continue,
        };
        let magic = part.as_bytes().iter().any(|byte| b"*?[".contains(byte));
        found = if magic {
            found
                .iter()
                .flat_map(|dir| matching(evidence, dir, part.as_bytes()))
                .collect()
        } else {
            found
                .into_iter()
                .map(|dir| {
                    if part == ".." {
                        parent(&dir)
                    } else {
                        dir.join(part)
                    }
                })
                .collect()
        };
        found.truncate(MOST_FILES);
    }
    found
}

fn parent(dir: &Path) -> PathBuf {
    dir.parent().unwrap_or(dir).to_path_buf()
}

fn matching(evidence: &Evidence, dir: &Path, pattern: &[u8]) -> Vec<PathBuf> {
    let entries = evidence.list(dir);
    let names = entries.read().into_iter().flatten();
    // The daemon would wait for ever at a FIFO; and it reads them in the order of their names.
    let mut found: Vec<PathBuf> = names
        .filter(|entry| matches(pattern, entry.name.bytes()))
        .map(|entry| dir.join(OsStr::from_bytes(entry.name.bytes())))
        .collect();
    found.sort();
    found
}

/// Whether `name` matches the shell pattern; backtracks to the last star only.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match (p.split_first(), n.split_first()) {
            (None, None) => return true,
            (Some((b'*', rest)), _) => {
                star = Some((rest, n));
                Some((rest, n))
            }
            (Some((b'?', rest)), Some((_, after))) => Some((rest, after)),
            (Some((b'[', rest)), Some((letter, after))) => class(rest, *letter).map(|p| (p, after)),
            (Some((want, rest)), Some((letter, after))) if want == letter => Some((rest, after)),
            _ => None,
        };
        if let Some((next_p, next_n)) = step {
            (p, n) = (next_p, next_n);
            continue;
        }
        let Some((after_star, tried)) = star else {
            return false;
        };
        let Some((_, shorter)) = tried.split_first() else {
            return false;
        };
        star = Some((after_star, shorter));
        (p, n) = (after_star, shorter);
    }
}

/// What follows the class `…]` if `letter` is in it.
fn class(class: &[u8], letter: u8) -> Option<&[u8]> {
    let (negated, class) = match class.split_first() {
        Some((b'^' | b'!', rest)) => (true, rest),
        _ => (false, class),
    };
    let end = class.iter().position(|byte| *byte == b']')?;
    let (members, rest) = (class.get(..end)?, class.get(end..)?.get(1..)?);
    let mut inside = members.contains(&letter);
    for range in members.windows(3) {
        if let [from, b'-', to] = range {
            inside |= (*from..=*to).contains(&letter);
        }
    }
    (inside != negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (pattern, name, want) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.tom", false),
            ("a?c", "abc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*", "", true),
            ("", "a", false),
            ("[a", "a", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                want,
                "{pattern} {name}"
            );
        }
    }
}
