//! Every value of config.toml and its imports, flat: what a start of the daemon decodes.

use finding::Text;
use toml::{Table, Value};

use crate::config_lines::Lines;

/// One value (or table) of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The file.
    pub file: Text,
    /// The keys that lead to it, from the outside in.
    pub path: Vec<String>,
    /// What stands there.
    pub value: Scalar,
    /// The keys as the file has them, where a migration has given it others.
    pub written: Option<Vec<String>>,
    /// The line of the file, counted from 1.
    pub line: Option<usize>,
}

impl Setting {
    /// The keys as the file has them.
    pub fn keys(&self) -> &[String] {
        self.written.as_deref().unwrap_or(&self.path)
    }

    /// The keys below `prefix`, if it stands there.
    pub fn below(&self, prefix: &[&str]) -> Option<&[String]> {
        let (head, rest) = self.path.split_at_checked(prefix.len())?;
        let fits = head.iter().map(String::as_str).eq(prefix.iter().copied());
        fits.then_some(rest)
    }
}

/// What stands at a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A floating-point number, as it is written.
    Float(String),
    /// A boolean.
    Bool(bool),
    /// An array of strings, or an empty one.
    List(Vec<String>),
    /// An array of something else: what the first is, in a word.
    Others(&'static str),
    /// A table: its keys follow.
    Table,
    /// A date or a time.
    Time,
}

impl Scalar {
    /// What stands there, as a person may be shown it; nothing of a table.
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(format!("\"{}\"", Text::from(text.as_str()))),
            Self::Integer(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.clone()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::List(_) | Self::Others(_) | Self::Table | Self::Time => None,
        }
    }

    /// What it is, in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::List(_) | Self::Others(_) => "a list",
            Self::Table => "a table",
            Self::Time => "a time",
        }
    }
}

/// Everything that the configuration says, in the order of its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    all: Vec<Setting>,
}

/// No configuration says more.
const MOST: usize = 20_000;

/// What an array holds.
fn array(list: &[Value]) -> Scalar {
    let other = list.iter().find(|value| value.as_str().is_none());
    match other {
        None => {
            let texts = list.iter().filter_map(Value::as_str);
            Scalar::List(texts.map(str::to_owned).collect())
        }
        Some(Value::Table(_)) => Scalar::Others("table"),
        Some(Value::Integer(_)) => Scalar::Others("integer"),
        Some(_) => Scalar::Others("other"),
    }
}

impl Settings {
    /// These, in this order.
    pub const fn from_all(all: Vec<Setting>) -> Self {
        Self { all }
    }

    /// Takes over one file; whether all of it.
    pub(crate) fn add(&mut self, file: &Text, table: &Table, lines: &Lines) -> bool {
        let mut open = vec![(Vec::new(), table)];
        while let Some((path, table)) = open.pop() {
            for (key, value) in table {
                if self.all.len() >= MOST {
                    return false;
                }
                let mut path: Vec<String> = path.clone();
                path.push(key.clone());
                let scalar = match value {
                    Value::String(text) => Scalar::Text(text.clone()),
                    Value::Integer(number) => Scalar::Integer(*number),
                    Value::Float(number) => Scalar::Float(number.to_string()),
                    Value::Boolean(value) => Scalar::Bool(*value),
                    Value::Array(list) => array(list),
                    Value::Datetime(_) => Scalar::Time,
                    Value::Table(inner) => {
                        open.push((path.clone(), inner));
                        Scalar::Table
                    }
                };
                let file = file.clone();
                let value = scalar;
                let line = lines.get(&path).copied();
                self.all.push(Setting {
                    line,
                    file,
                    path,
                    value,
                    written: None,
                });
            }
        }
        true
    }

    /// All of them; of a key that several files have, the last counts.
    pub fn all(&self) -> &[Setting] {
        &self.all
    }

    /// What counts at these keys.
    pub fn get(&self, path: &[&str]) -> Option<&Setting> {
        let fits = |setting: &&Setting| {
            setting
                .path
                .iter()
                .map(String::as_str)
                .eq(path.iter().copied())
        };
        self.all.iter().rev().find(fits)
    }

    /// A string.
    pub fn text_setting(&self, path: &[&str]) -> Option<&str> {
        match &self.get(path)?.value {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The strings of a list, of all files together: lists add up across imports.
    pub fn list(&self, key: &str) -> Vec<&Setting> {
        let named = |setting: &&Setting| matches!(setting.path.as_slice(), [only] if only == key);
        self.all.iter().filter(named).collect()
    }

    /// The ids of the tables below `plugins`.
    pub fn plugins(&self) -> impl Iterator<Item = (&Setting, &str)> {
        self.all
            .iter()
            .filter_map(|setting| match setting.path.as_slice() {
                [plugins, id] if plugins == "plugins" => Some((setting, id.as_str())),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_counts() {
        let mut settings = Settings::default();
        let first = "root = '/a'\ndisabled_plugins = ['cri']\n[plugins.'io.x'.deep]\nkey = 1\n";
        settings.add(&"a".into(), &first.parse().unwrap(), &Lines::new());
        settings.add(
            &"b".into(),
            &"root = '/b'\n".parse().unwrap(),
            &Lines::new(),
        );
        assert_eq!(settings.text_setting(&["root"]), Some("/b"));
        let key = settings.get(&["plugins", "io.x", "deep", "key"]).unwrap();
        assert_eq!(key.value, Scalar::Integer(1));
        assert_eq!(
            settings.plugins().map(|(_, id)| id).collect::<Vec<_>>(),
            ["io.x"]
        );
        assert_eq!(settings.list("disabled_plugins").len(), 1);
    }
}
