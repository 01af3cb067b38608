//! Where containerd's stores are: what was said, the configuration, the distributions, a scan.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::{Text, Unread};
use serde::Serialize;

use crate::Unit;
use crate::config::{self, Config};
use crate::data_dir;
use crate::distribution::{DISTRIBUTIONS, Distribution, GENERATED, Generated};
use crate::scan::scan;

/// Name of the folder that makes a folder a containerd root.
pub const META_DIR: &str = "io.containerd.metadata.v1.bolt";

/// Why a root was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// `--root` or `--state` said so.
    Said,
    /// The evidence is a containerd root itself.
    Itself,
    /// config.toml says so.
    Config,
    /// A distribution keeps it there.
    Distribution,
    /// A folder with a meta.db was found by looking.
    Scan,
}

/// Below the data folder of k3s and RKE2: what belongs to a node, wherever that folder is.
const AGENT: &str = "/agent/";

/// Whose installation it is, where only its root was named and nothing else tells of it.
const UNTOLD: &str = "containerd, as far as is known";

/// A containerd installation: its root and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// `root`: what survives a reboot.
    pub root: PathBuf,
    /// `state`: what does not.
    pub state: PathBuf,
    /// Whose installation it is: `containerd`, `k3s`, `docker`, …
    pub whose: &'static str,
    /// Why it was chosen.
    pub rule: Rule,
    /// Its configuration, where there is one.
    pub config: Option<Config>,
    /// Its unit of systemd, where there is one.
    pub unit: Option<Unit>,
    /// Other folders with stores that this daemon could have meant.
    pub elsewhere: Vec<PathBuf>,
}

impl Roots {
    /// The `root` that a start would take, as the unit or config.toml says it; nothing: the usual one.
    pub fn said_root(&self) -> Option<PathBuf> {
        let unit = self.unit.as_ref().and_then(Unit::root).map(PathBuf::from);
        unit.or_else(|| self.config.as_ref()?.root.clone())
    }

    /// Where an edit of config.toml belongs, if its distribution writes that file anew at each start.
    pub fn template(&self) -> Option<&'static str> {
        let config = self.config.as_ref()?;
        let named = config.files.first()?.utf8()?;
        // Where the data of k3s or RKE2 was moved, only what lies below its folder is as usual.
        let is_moved = |one: &&Generated| {
            let below = one.config.find(AGENT).map(|at| &one.config[at..]);
            self.whose.contains(one.whose) && below.is_some_and(|below| named.ends_with(below))
        };
        let usual = GENERATED.iter().find(|one| named.ends_with(one.config));
        let written = usual.or_else(|| GENERATED.iter().find(is_moved));
        written.map(|one| one.instead)
    }

    /// The config.toml that its distribution writes at each start, where there is none.
    pub(crate) fn generated_config(&self) -> Option<&'static str> {
        let mut all = DISTRIBUTIONS.iter().filter(|one| one.whose == self.whose);
        let place = all.next()?;
        let is_generated = GENERATED.iter().any(|one| one.whose == self.whose);
        (is_generated && self.config.is_none()).then_some(place.config)
    }

    /// Where its daemon listens: shims' sockets are named by it.
    pub fn address(&self) -> Vec<u8> {
        let unit = self.unit.as_ref().and_then(Unit::address);
        let unit = unit.map(|address| address.as_bytes().to_vec());
        let config = self.config.as_ref().and_then(|it| it.address.clone());
        let config = config.map(|address| address.bytes().to_vec());
        let said = unit.or(config).filter(|address| !address.is_empty());
        said.unwrap_or_else(|| {
            // containerd's own default does not follow its state; distributions name theirs below it.
            if self.whose == "containerd" {
                return b"/run/containerd/containerd.sock".to_vec();
            }
            // dockerd keeps the state one folder below the socket.
            let is_docker = self.whose.contains("docker");
            let below = self.state.parent().filter(|_| is_docker);
            let folder = below.unwrap_or(&self.state).as_os_str().as_bytes();
            let folder = if self
                .state
                .as_os_str()
                .as_bytes()
                .starts_with(b"/run/docker/")
            {
                [b"/var", folder].concat()
            } else {
                folder.to_vec()
            };
            [&folder[..], b"/containerd.sock"].concat()
        })
    }

    /// The installation among `all` whose state this root would take only because nothing says
    /// where its own is: nothing is known of its tasks, and those there are another daemon's.
    pub fn takes_state_of<'r>(&self, all: &'r [Self]) -> Option<&'r Self> {
        let is_guess = self.rule == Rule::Said && self.whose == UNTOLD;
        let mut others = all.iter().filter(|_| is_guess);
        others.find(|other| other.root != self.root && other.state == self.state)
    }

    /// The same of `state`.
    pub fn said_state(&self) -> Option<PathBuf> {
        let unit = self.unit.as_ref().and_then(Unit::state).map(PathBuf::from);
        unit.or_else(|| self.config.as_ref()?.state.clone())
    }
}

/// What the user says about where the stores are.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `--root`
    pub root: Option<PathBuf>,
    /// `--state`
    pub state: Option<PathBuf>,
    /// `--config`
    pub config: Option<PathBuf>,
}

/// Every installation of the evidence, the best first. Never empty: where nothing is found, the
/// default place stands for what is missing.
pub fn discover(evidence: &Evidence, said: &Said) -> Vec<Roots> {
    let mut all: Vec<Roots> = Vec::new();
    if said.root.is_some() || said.state.is_some() || said.config.is_some() {
        all.push(as_said(evidence, said));
    }
    if is_root(evidence, Path::new("/")) {
        let config = None;
        let state = said
            .state
            .clone()
            .unwrap_or_else(|| PathBuf::from("/run/containerd"));
        all.push(Roots {
            root: "/".into(),
            state,
            whose: "containerd",
            rule: Rule::Itself,
            unit: None,
            elsewhere: Vec::new(),
            config,
        });
    }
    all.extend(distributions(evidence));
    if all.is_empty() {
        // A configuration that led nowhere is worth telling where that is because it is broken.
        let config = config::read_config(evidence, Path::new("/etc/containerd/config.toml"))
            .filter(|config| !config.faults.is_empty());
        let found = scan(evidence);
        // A node whose stores were moved, or whose disk is not mounted: a start takes the usual place.
        if !found.is_empty() && is_empty_root(evidence) {
            all.push(Roots {
                root: USUAL.into(),
                state: "/run/containerd".into(),
                whose: "containerd",
                rule: Rule::Distribution,
                unit: Unit::read_unit(evidence),
                elsewhere: found.clone(),
                config: config::read_config(evidence, Path::new("/etc/containerd/config.toml")),
            });
        }
        for root in found {
            all.push(data_dir::beside(evidence, &root).unwrap_or_else(|| Roots {
                root,
                state: PathBuf::from("/run/containerd"),
                whose: "unknown",
                rule: Rule::Scan,
                unit: None,
                elsewhere: Vec::new(),
                config: config.clone(),
            }));
        }
    }
    if all.is_empty() {
        all.push(Roots {
            root: "/var/lib/containerd".into(),
            state: "/run/containerd".into(),
            whose: "containerd",
            rule: Rule::Distribution,
            unit: None,
            elsewhere: Vec::new(),
            config: config::read_config(evidence, Path::new("/etc/containerd/config.toml")),
        });
    }
    let mut seen: Vec<PathBuf> = Vec::new();
    all.retain(|roots| {
        let new = !seen.contains(&roots.root);
        seen.push(roots.root.clone());
        new
    });
    for roots in &mut all {
        roots.state = evidence.at_run(&roots.state);
    }
    all
}

/// Where containerd keeps its stores, if nothing says otherwise.
const USUAL: &str = "/var/lib/containerd";

/// Whether the usual root is a folder without stores, on a node that has tasks, a configuration or a
/// unit of containerd; or is not there, on one whose configuration or unit is, and names no other.
fn is_empty_root(evidence: &Evidence) -> bool {
    let found = evidence.stat(Path::new(USUAL));
    let is_folder = found.as_ref().is_ok_and(|stat| stat.kind == FileKind::Dir);
    let tasks = Path::new("/run/containerd/io.containerd.runtime.v2.task");
    let has_config = || {
        evidence
            .stat(Path::new("/etc/containerd/config.toml"))
            .is_ok()
            || Unit::read_unit(evidence).is_some()
    };
    let is_known = found == Err(Unread::Absent);
    is_folder && (evidence.stat(tasks).is_ok() || has_config()) || is_known && has_config()
}

/// Where systems without a unit of containerd's keep its configuration: Talos.
const OTHER_CONFIGS: &[&str] = &["/etc/cri/containerd.toml"];

/// The installations of distributions that are there.
pub(crate) fn distributions(evidence: &Evidence) -> Vec<Roots> {
    let mut all = Vec::new();
    for distribution in DISTRIBUTIONS {
        find(evidence, distribution, &mut all);
    }
    for mut moved in data_dir::installations(evidence) {
        // What is left at the usual place of the same installation is an older store.
        let (old, others): (Vec<Roots>, Vec<Roots>) = all
            .into_iter()
            .partition(|one: &Roots| one.whose == moved.whose && one.rule == Rule::Distribution);
        all = others;
        let old = old.into_iter().map(|one| one.root);
        moved
            .elsewhere
            .extend(old.filter(|root| *root != moved.root));
        all.push(moved);
    }
    all
}

fn as_said(evidence: &Evidence, said: &Said) -> Roots {
    // Who names the root of an installation means the whole of it: its own state and configuration.
    let named = said.root.clone().map(absolute);
    let known = named.and_then(|root| {
        let mut all = distributions(evidence).into_iter();
        all.find(|roots| roots.root == root)
            .or_else(|| data_dir::beside(evidence, &root))
    });
    if let Some(known) = known {
        let told = said.config.as_ref();
        let told = told.map(|path| {
            config::read_config(evidence, path).unwrap_or_else(|| Config::missing(path))
        });
        let state = said.state.clone();
        let state = state.or_else(|| told.as_ref()?.state.clone());
        return Roots {
            state: state.map_or(known.state, absolute),
            rule: Rule::Said,
            config: told.or(known.config),
            ..known
        };
    }
    let default = said
        .config
        .clone()
        .unwrap_or_else(|| "/etc/containerd/config.toml".into());
    let read = config::read_config(evidence, &default);
    // One that was named and is not there is told; the usual one may be missing.
    let config = read.or_else(|| said.config.as_ref().map(|path| Config::missing(path)));
    let configured = config.as_ref().filter(|_| said.config.is_some());
    let root = said
        .root
        .clone()
        .or_else(|| configured.and_then(|config| config.root.clone()));
    let state = said
        .state
        .clone()
        .or_else(|| configured.and_then(|config| config.state.clone()));
    Roots {
        root: absolute(root.unwrap_or_else(|| "/var/lib/containerd".into())),
        whose: if state.is_some() {
            "containerd"
        } else {
            UNTOLD
        },
        state: absolute(state.unwrap_or_else(|| "/run/containerd".into())),
        rule: Rule::Said,
        unit: None,
        elsewhere: Vec::new(),
        config,
    }
}

pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    if path.is_absolute() {
        path
    } else {
        Path::new("/").join(path)
    }
}

/// Whether `path` holds a metadata folder, whatever is in it.
pub fn is_root(evidence: &Evidence, path: &Path) -> bool {
    evidence.stat(&path.join(META_DIR)).is_ok()
}

/// Whether something of that name is there, or may be.
fn exists(evidence: &Evidence, path: &Path) -> bool {
    !matches!(
        evidence.stat(path),
        Err(Unread::Absent | Unread::NotCollected)
    )
}

fn find(evidence: &Evidence, distribution: &Distribution, all: &mut Vec<Roots>) {
    for (root, star) in expand(evidence, distribution.root) {
        let user = user_of(evidence, &root, &star);
        let fill = |pattern: &str| {
            let of_user = pattern.starts_with(RUN_USER);
            PathBuf::from(fill(pattern, if of_user { &user } else { &star }))
        };
        // Other distributions start theirs without a unit of its own.
        let unit = (distribution.whose == "containerd")
            .then(|| Unit::read_unit(evidence))
            .flatten();
        let told = unit.as_ref().and_then(Unit::config).map(PathBuf::from);
        let is_told = told.is_some();
        let told = told.unwrap_or_else(|| fill(distribution.config));
        let told = Some(told).filter(|path| path.is_absolute());
        let read = |path: &PathBuf| config::read_config(evidence, path);
        // One that the unit names must be there; without that at the usual place, it has defaults.
        let missing = |path: &PathBuf| {
            let unread = evidence.stat(path).err();
            unread
                .filter(|_| is_told)
                .map(|why| Config::unread(path, why))
        };
        // Talos has the usual file, too: for a containerd of its own, which runs no pods.
        let is_plain = distribution.whose == "containerd" && unit.is_none();
        let other = is_plain.then(|| {
            let mut others = OTHER_CONFIGS.iter().map(PathBuf::from);
            others.find_map(|path| read(&path))
        });
        let config = other.flatten();
        let config =
            config.or_else(|| told.and_then(|path| read(&path).or_else(|| missing(&path))));
        let of_unit =
            |place: fn(&Unit) -> Option<&str>| unit.as_ref().and_then(place).map(PathBuf::from);
        let of_config = config.as_ref();
        let configured_root =
            of_unit(Unit::root).or_else(|| of_config.and_then(|config| config.root.clone()));
        let configured_state =
            of_unit(Unit::state).or_else(|| of_config.and_then(|config| config.state.clone()));
        let whose = distribution.whose;
        let default_state = || fill(distribution.state);
        let configured_root = configured_root
            .map(absolute)
            .map(|path| evidence.at_run(&path));
        let configured_state = configured_state.map(|path| evidence.at_run(&path));
        if let Some(configured) = configured_root.filter(|configured| exists(evidence, configured))
        {
            let state = configured_state.unwrap_or_else(default_state);
            let (root, state) = (absolute(configured), absolute(state));
            let usual = root_of(distribution, &star);
            let mut elsewhere = Vec::new();
            if usual != root && has_stores(evidence, &usual) {
                elsewhere.push(usual);
            }
            all.push(Roots {
                root,
                state,
                whose,
                rule: Rule::Config,
                unit: unit.clone(),
                elsewhere,
                config: config.clone(),
            });
            // The default folder may hold an older installation; it is listed after this one.
            if has_stores(evidence, &root_of(distribution, &star)) {
                let (root, state) = (root_of(distribution, &star), default_state());
                all.push(Roots {
                    root,
                    state,
                    whose,
                    rule: Rule::Distribution,
                    unit: None,
                    elsewhere: Vec::new(),
                    config: None,
                });
            }
        } else if has_stores(evidence, &root) {
            let state = absolute(configured_state.unwrap_or_else(default_state));
            all.push(Roots {
                root,
                state,
                whose,
                rule: Rule::Distribution,
                unit,
                elsewhere: Vec::new(),
                config,
            });
        }
    }
}

/// Where users have what does not survive a boot, each in a folder of the number of the user.
const RUN_USER: &str = "/run/user/";

/// The number of the user whose root it is: of its owner, if the user has a folder of such a number; else of
/// the name in /etc/passwd.
fn user_of(evidence: &Evidence, root: &Path, name: &Text) -> Text {
    let owner = evidence.stat(root).ok().map(|stat| stat.uid.to_string());
    let has_folder = |id: &String| evidence.stat(&Path::new(RUN_USER).join(id)).is_ok();
    let by_name = || {
        let source = evidence.source_if_there(Path::new("/etc/passwd"), 1 << 20)?;
        let text = String::from_utf8_lossy(source.bytes()).into_owned();
        let mut users = text.lines().map(|line| line.split(':'));
        let id = users.find_map(|mut fields| {
            let is_it = name.bytes() == fields.next()?.as_bytes();
            fields.nth(1).filter(|_| is_it).map(str::to_owned)
        });
        id.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && !id.is_empty())
    };
    let id = owner.clone().filter(has_folder).or_else(by_name);
    id.or(owner).map_or_else(|| name.clone(), Text::from)
}

fn root_of(distribution: &Distribution, star: &Text) -> PathBuf {
    PathBuf::from(fill(distribution.root, star))
}

/// Whether `root` holds anything of containerd's, or may hold it.
pub(crate) fn has_stores(evidence: &Evidence, root: &Path) -> bool {
    if !exists(evidence, root) {
        return false;
    }
    let list = evidence.list(root);
    let Some(entries) = list.read() else {
        return true;
    };
    entries
        .iter()
        .any(|entry| entry.name.bytes().starts_with(b"io.containerd."))
}

/// The folders that a path with at most one `*` stands for, and what stood for the star.
fn expand(evidence: &Evidence, pattern: &str) -> Vec<(PathBuf, Text)> {
    let Some((before, after)) = pattern.split_once("/*/") else {
        return vec![(PathBuf::from(pattern), Text::default())];
    };
    let list = evidence.list(Path::new(before));
    let folders = list
        .read()
        .into_iter()
        .flatten()
        .filter(|entry| entry.stat.kind == FileKind::Dir);
    folders
        .map(|entry| {
            let folder = Path::new(before)
                .join(OsStr::from_bytes(entry.name.bytes()))
                .join(after);
            (folder, entry.name.clone())
        })
        .filter(|(folder, _)| exists(evidence, folder))
        .collect()
}

fn fill(pattern: &str, star: &Text) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt;
    match pattern.split_once('*') {
        Some((before, after)) => {
            let mut bytes = before.as_bytes().to_vec();
            bytes.extend_from_slice(star.bytes());
            bytes.extend_from_slice(after.as_bytes());
            std::ffi::OsString::from_vec(bytes)
        }
        None => pattern.into(),
    }
}

/// The folder below which a containerd root stands where a distribution keeps it: `/a` of
/// `/a/var/lib/containerd`, and that place. Nothing if no distribution keeps one so.
pub(crate) fn above(root: &Path) -> Option<(PathBuf, PathBuf)> {
    above_any(root, |one| one.root)
}

/// The same of a state: `/a` of `/a/run/containerd`.
pub(crate) fn above_state(state: &Path) -> Option<(PathBuf, PathBuf)> {
    above_any(state, |one| one.state)
}

fn above_any(
    place: &Path,
    of: impl Fn(&Distribution) -> &'static str,
) -> Option<(PathBuf, PathBuf)> {
    let parts: Vec<&OsStr> = place.iter().skip(1).collect();
    let fits = |pattern: &str| {
        let wanted: Vec<&str> = pattern.split('/').skip(1).collect();
        let at = parts.len().checked_sub(wanted.len())?;
        let (above, below) = parts.split_at_checked(at)?;
        let same = below
            .iter()
            .zip(&wanted)
            .all(|(part, want)| *want == "*" || *part == *want);
        let join = |parts: &[&OsStr]| {
            let mut path = PathBuf::from("/");
            path.extend(parts);
            path
        };
        same.then(|| (join(above), join(below)))
    };
    DISTRIBUTIONS.iter().find_map(|one| fits(of(one)))
}

/// Where a distribution keeps such a root, without the folder above that it was copied to: the same
/// for `/host/var/lib/containerd` and `/var/lib/containerd`. Nothing if none does.
pub fn usual_place(root: &Path) -> Option<PathBuf> {
    above(root).map(|(_, place)| place)
}
