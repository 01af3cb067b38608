//! Which keys, types and plugins a release has, as its real program said.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use node::Scalar;

use crate::Release;

/// What `testdata/make/settings` found out.
const FILES: [&str; 3] = [
    include_str!("known/1.6.txt"),
    include_str!("known/1.7.txt"),
    include_str!("known/2.1.txt"),
];

/// What a program of one release has.
#[derive(Debug, Default)]
pub struct Known {
    plugins: BTreeMap<&'static str, bool>,
    without: Vec<(&'static str, &'static str)>,
    root: Entry,
    /// Whether its decoder takes an empty list for one of tables; that of 1.x does not.
    takes_no_tables: bool,
}

#[derive(Debug, Default)]
struct Entry {
    kinds: Vec<&'static str>,
    below: BTreeMap<&'static str, Self>,
}

/// What is known of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// It is there, and takes this value.
    Fits,
    /// It is there, and takes a duration.
    Duration,
    /// It is there, and takes no value of this type.
    Wrong,
    /// This release has no such key.
    Unknown,
}

/// What is known of a release; of those that were not asked, what the nearest older one says.
pub fn known(release: Release) -> &'static Known {
    static KNOWN: OnceLock<[Known; 3]> = OnceLock::new();
    let [old, middle, new] = KNOWN.get_or_init(|| {
        let [old, middle, mut new] = FILES.map(Known::parse);
        new.takes_no_tables = true;
        [old, middle, new]
    });
    match release {
        Release::V1_6 => old,
        Release::V1_7 => middle,
        _ => new,
    }
}

impl Known {
    fn parse(text: &'static str) -> Self {
        let mut known = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((path, kinds)) = line.split_once('\t') else {
                continue;
            };
            if path == "plugin" {
                let (id, state) = kinds.split_once('\t').unwrap_or((kinds, ""));
                known.plugins.insert(id, state.is_empty());
                continue;
            }
            if path == "without" {
                known.without.extend(kinds.split_once('\t'));
                continue;
            }
            let mut entry = &mut known.root;
            for part in path.split('/') {
                entry = entry.below.entry(part).or_default();
            }
            entry.kinds = kinds.split(' ').collect();
        }
        known
    }

    /// Every plugin, and whether it loads on an ordinary disk.
    pub fn plugins(&self) -> impl Iterator<Item = (&'static str, bool)> {
        self.plugins.iter().map(|(id, loads)| (*id, *loads))
    }

    /// Whether the program has this plugin.
    pub fn has_plugin(&self, id: &str) -> bool {
        self.plugins.contains_key(id)
    }

    /// The plugins without which a start came to this: `cri-dead`, `dead`, `exits`.
    pub fn without(&self, outcome: &str) -> impl Iterator<Item = &'static str> {
        let all = self.without.iter();
        all.filter(move |(_, came_to)| *came_to == outcome)
            .map(|(id, _)| *id)
    }

    /// The types of values that the release takes at a key: `string`, `integer`, `boolean`, `strings`,
    /// …; none where it has no such key.
    pub fn kinds(&self, path: &[String]) -> &[&'static str] {
        let mut entry = &self.root;
        for part in path {
            let below = &entry.below;
            let Some(next) = below.get(part.as_str()).or_else(|| below.get("*")) else {
                return &[];
            };
            entry = next;
        }
        &entry.kinds
    }

    /// What is known of the value at a key; one below a key that takes any table fits.
    pub fn look(&self, path: &[String], value: &Scalar) -> Looked {
        if let [plugins, id, ..] = path
            && plugins == "plugins"
            && self.has_plugin(id)
            && self
                .root
                .below
                .get("plugins")
                .is_none_or(|all| !all.below.contains_key(id.as_str()))
        {
            // It has no settings: nobody looks.
            return Looked::Fits;
        }
        let mut entry = &self.root;
        for (depth, part) in path.iter().enumerate() {
            // The table of a plugin that has no settings takes anything: nobody looks.
            let is_free = depth > 0 && entry.below.is_empty() && entry.takes("table");
            if is_free {
                return Looked::Fits;
            }
            let next = entry
                .below
                .get(part.as_str())
                .or_else(|| entry.below.get("*"));
            let Some(next) = next else {
                return Looked::Unknown;
            };
            entry = next;
        }
        let is_empty = matches!(value, Scalar::List(list) if list.is_empty());
        if is_empty && entry.kinds == ["tables"] && !self.takes_no_tables {
            return Looked::Wrong;
        }
        let is_text = matches!(value, Scalar::Text(_));
        if is_text && entry.takes("duration") {
            Looked::Duration
        } else if entry.fits(value) {
            Looked::Fits
        } else {
            Looked::Wrong
        }
    }
}

impl Entry {
    fn takes(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }

    fn fits(&self, value: &Scalar) -> bool {
        // A table that stands in the list only by what it holds.
        if self.kinds.is_empty() || self.kinds == [""] {
            return *value == Scalar::Table || self.below.is_empty();
        }
        match value {
            Scalar::Text(_) => self.takes("string"),
            Scalar::Integer(_) => self.takes("integer"),
            Scalar::Float(_) => self.takes("number"),
            Scalar::Bool(_) => self.takes("boolean"),
            Scalar::List(list) if list.is_empty() => ["strings", "integers", "tables"]
                .iter()
                .any(|kind| self.takes(kind)),
            Scalar::List(_) => self.takes("strings"),
            Scalar::Others("table") => self.takes("tables"),
            Scalar::Others("integer") => self.takes("integers"),
            Scalar::Others(_) | Scalar::Time => false,
            Scalar::Table => self.takes("table"),
        }
    }
}
