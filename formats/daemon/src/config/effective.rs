//! The files of a configuration, merged as the daemon merges them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use finding::Text;
use node::config::Config;
use node::{Scalar, Setting, Settings};

use super::migrate;
use crate::Release;

/// A configuration as a daemon of one release has it before it loads its plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effective {
    /// The version that counts: that of the last file which names one.
    pub version: i64,
    /// What counts at each key; plugins by their whole names, in the places where this release looks
    /// for them. Lists that add up stand there once for each file.
    pub settings: Settings,
    /// Tables of plugins that this release does not look at, whatever they hold: they have the names
    /// of another version.
    pub ignored: Vec<Setting>,
    /// Settings of a known table that the migration to this release loses.
    pub forgotten: Vec<Setting>,
}

/// Lists at the top, which add up.
const LISTS: &[&str] = &["disabled_plugins", "required_plugins"];
/// Tables at the top of which each entry is replaced as a whole.
const REPLACED: &[&str] = &["proxy_plugins", "timeouts", "stream_processors"];

/// What a daemon of `release` makes of a configuration.
pub fn effective(config: &Config, release: Release) -> Effective {
    let mut out = Merge {
        release,
        version: if release >= Release::V2_0 {
            release.config_version()
        } else {
            1
        },
        all: Vec::new(),
        places: BTreeMap::new(),
    };
    for file in files(config, release) {
        out.file(file);
    }
    let Merge { version, all, .. } = out;
    let all: Vec<Setting> = all.into_iter().flatten().collect();
    let (all, ignored, forgotten) = if release >= Release::V2_0 {
        let (all, forgotten) = migrate::to_newest(all, version, release);
        let (all, ignored) = migrate::split_foreign(all);
        (all, ignored, forgotten)
    } else {
        let (kept, ignored) = if version < 2 {
            migrate::long_names(all)
        } else {
            (all, Vec::new())
        };
        (migrate::embedded(kept), ignored, Vec::new())
    };
    Effective {
        version,
        settings: Settings::from_all(all),
        ignored,
        forgotten,
    }
}

/// What each file says, in the order in which they are read.
fn files(config: &Config, release: Release) -> Vec<Vec<Setting>> {
    let mut files: Vec<(&Text, Vec<Setting>)> = Vec::new();
    for setting in config.settings.all() {
        // 1.6 looks for a relative pattern in its own working directory.
        if release == Release::V1_6 && config.relative.contains(&setting.file) {
            continue;
        }
        match files.last_mut() {
            Some((file, all)) if **file == setting.file => all.push(setting.clone()),
            _ => files.push((&setting.file, vec![setting.clone()])),
        }
    }
    files.into_iter().map(|(_, all)| all).collect()
}

struct Merge {
    release: Release,
    version: i64,
    /// Nothing where another one took its place.
    all: Vec<Option<Setting>>,
    /// Where those of each path stand: there may be thousands.
    places: BTreeMap<Vec<String>, Vec<usize>>,
}

impl Merge {
    fn file(&mut self, mut file: Vec<Setting>) {
        let own = file.iter().find_map(|setting| match &setting.value {
            Scalar::Integer(version) if is_at(setting, &["version"]) => Some(*version),
            _ => None,
        });
        let own = own.unwrap_or(0);
        let is_new = self.release >= Release::V2_0;
        if is_new && own < 2 {
            // It gets the version of what was read before it.
            file = migrate::names_of_one(file);
        } else if own != 0 {
            self.version = own;
        }
        let mut replaced: BTreeSet<(String, String)> = BTreeSet::new();
        for setting in file {
            match setting.path.as_slice() {
                [key] if key == "version" || key == "imports" => {}
                [key] if LISTS.contains(&key.as_str()) => self.push(setting),
                [table, entry, ..]
                    if REPLACED.contains(&table.as_str()) || (table == "plugins" && !is_new) =>
                {
                    let entry = (table.clone(), entry.clone());
                    if !replaced.contains(&entry) {
                        self.remove_below(&[entry.0.clone(), entry.1.clone()]);
                        replaced.insert(entry);
                    }
                    self.push(setting);
                }
                [table, ..] if table == "plugins" => self.put(setting),
                // A zero value at the top takes the place of nothing, not even of what is built in.
                _ if is_zero(&setting.value) => {}
                _ => self.put(setting),
            }
        }
    }

    /// Takes the place of what stands at its keys; a table adds to a table.
    fn put(&mut self, setting: Setting) {
        if setting.value == Scalar::Table {
            let same = self.places.get(&setting.path).into_iter().flatten();
            let mut same = same.filter_map(|at| self.all.get(*at)?.as_ref());
            if same.any(|other| other.value == Scalar::Table) {
                return;
            }
            self.remove(&setting.path);
        } else {
            self.remove_below(&setting.path);
        }
        self.push(setting);
    }

    fn push(&mut self, setting: Setting) {
        let places = self.places.entry(setting.path.clone()).or_default();
        places.push(self.all.len());
        self.all.push(Some(setting));
    }

    /// What stands at these keys is there no more.
    fn remove(&mut self, path: &[String]) {
        for at in self.places.remove(path).into_iter().flatten() {
            if let Some(place) = self.all.get_mut(at) {
                *place = None;
            }
        }
    }

    /// The same, and all below them.
    fn remove_below(&mut self, path: &[String]) {
        let from = self
            .places
            .range::<[String], _>((Bound::Included(path), Bound::Unbounded));
        let paths = from.map(|(path, _)| path);
        let found: Vec<Vec<String>> = paths
            .take_while(|other| other.starts_with(path))
            .cloned()
            .collect();
        for path in found {
            self.remove(&path);
        }
    }
}

fn is_at(setting: &Setting, path: &[&str]) -> bool {
    setting.below(path).is_some_and(<[String]>::is_empty)
}

fn is_zero(value: &Scalar) -> bool {
    match value {
        Scalar::Text(text) => text.is_empty(),
        Scalar::Integer(number) => *number == 0,
        Scalar::Bool(value) => !value,
        Scalar::List(list) => list.is_empty(),
        _ => false,
    }
}
