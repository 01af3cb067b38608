//! Labels and annotations.

use std::collections::BTreeMap;

use finding::{Text, Time};
use serde::{Serialize, Serializer};

/// A bucket of texts by text; whether all of it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The labels.
    pub entries: BTreeMap<Text, Text>,
    /// Whether there can be no others.
    pub whole: bool,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            whole: true,
        }
    }
}

impl Labels {
    /// The label of this name, if it was read.
    pub fn get(&self, name: &str) -> Option<&Text> {
        self.entries.get(name.as_bytes())
    }

    /// The label of this name, as a time, if it is one.
    pub fn time(&self, name: &str) -> Option<Time> {
        Time::parse(self.get(name)?.utf8()?).ok()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A map, whose keys must be strings: a name that is not UTF-8 is shown escaped.
        serializer.collect_map(
            self.entries
                .iter()
                .map(|(name, value)| (name.to_string(), value)),
        )
    }
}
