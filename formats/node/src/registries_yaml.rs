//! registries.yaml of k3s and rke2, which they read before they write config.toml and start containerd.
//!
//! ```text
//! /etc/rancher/k3s/registries.yaml     private-registry of config.yaml, --private-registry
//! mirrors:
//!   docker.io:
//!     endpoint:
//!       - "https://mirror.example"
//! ```
//!
//! No file is fine; one that cannot be read, or is no YAML, ends them (`getPrivateRegistries`). Of YAML
//! only the plain blocks are read that such files have: whatever else a line may be is not known.

use std::path::{Path, PathBuf};

use evidence::Evidence;
use finding::{Text, Unread};

use crate::{Roots, Unit, path_text};

/// What k3s makes of such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yaml {
    /// It takes it.
    Taken,
    /// It refuses it.
    Refused(String),
    /// It is not known.
    Unknown(String),
}

/// The file of registries of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistriesYaml {
    /// `k3s` or `rke2`.
    pub whose: &'static str,
    /// Its path.
    pub file: Text,
    /// What comes of it.
    pub found: Yaml,
}

/// No such file is larger.
const LIMIT: u64 = 1 << 20;

impl RegistriesYaml {
    /// Reads it; nothing where the node is another's, or has no such file.
    pub(crate) fn read_registries_yaml(evidence: &Evidence, roots: &Roots) -> Option<Self> {
        let whose = ["k3s", "rke2"].into_iter().find(|it| *it == roots.whose)?;
        let path = named(evidence, whose)
            .unwrap_or_else(|| PathBuf::from(format!("/etc/rancher/{whose}/registries.yaml")));
        let found = match evidence.source(&path, LIMIT) {
            Ok(source) => match std::str::from_utf8(source.bytes()) {
                Ok(text) => judge_yaml(text),
                Err(_) => Yaml::Unknown("it is not UTF-8".to_owned()),
            },
            Err(Unread::Absent | Unread::Dangling(_) | Unread::NotCollected) => return None,
            Err(Unread::Special("directory")) => Yaml::Refused("it is a directory".to_owned()),
            Err(why) => Yaml::Unknown(why.to_string()),
        };
        let file = path_text(&path);
        Some(Self { whose, file, found })
    }
}

/// The file that the unit or config.yaml names.
fn named(evidence: &Evidence, whose: &str) -> Option<PathBuf> {
    let units = ["", "-agent", "-server"].map(|role| format!("{whose}{role}.service"));
    let mut units = units.iter().filter_map(|name| Unit::named(evidence, name));
    let of_unit = units.find_map(|unit| unit.flag("--private-registry").map(PathBuf::from));
    of_unit.or_else(|| {
        let config = PathBuf::from(format!("/etc/rancher/{whose}/config.yaml"));
        let source = evidence.source_if_there(&config, LIMIT)?;
        let text = std::str::from_utf8(source.bytes()).ok()?;
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix("private-registry:"))?;
        let value = value.trim().trim_matches(['"', '\'']);
        Path::new(value).is_absolute().then(|| PathBuf::from(value))
    })
}

/// What stands on a line behind its indentation.
enum Line {
    /// `key:`, `key: value`
    Key { has_value: bool },
    /// `- value`
    Item,
    /// A word alone.
    Plain,
    /// Something else.
    Other,
}

/// Whether a value is written whole on its line: in quotes, in brackets, or a plain word.
fn is_whole(value: &str) -> bool {
    let value = value.split(" #").next().unwrap_or_default().trim();
    let inner = |open: char, close: char| {
        let rest = value.strip_prefix(open)?.strip_suffix(close)?;
        Some(rest)
    };
    if let Some(text) = inner('"', '"') {
        return !text.contains(['"', '\\']);
    }
    if let Some(text) = inner('\'', '\'') {
        return !text.contains('\'');
    }
    if let Some(list) = inner('[', ']') {
        let mut items = list.split(',').map(str::trim);
        return items.all(|item| !item.contains(['[', ']', '{', '}']) && is_whole(item));
    }
    if value == "{}" {
        return true;
    }
    is_plain(value)
}

/// Whether a word needs no quotes.
fn is_plain(word: &str) -> bool {
    let first = word.chars().next();
    first.is_some_and(|first| !"-?:,[]{}#&*!|>'\"%@`~".contains(first))
        && !word.contains(": ")
        && !word.contains(" #")
        && !word.ends_with(':')
        && !word.chars().any(char::is_control)
}

fn line_kind(text: &str) -> Line {
    if text.contains('\t') {
        return Line::Other;
    }
    if let Some(item) = text.strip_prefix("- ") {
        return if is_whole(item) {
            Line::Item
        } else {
            Line::Other
        };
    }
    let quoted = ['"', '\''].iter().find_map(|quote| {
        let (key, rest) = text.strip_prefix(*quote)?.split_once(*quote)?;
        let rest = rest.strip_prefix(':')?;
        let is_key = !key.contains('\\') && (rest.is_empty() || rest.starts_with(' '));
        is_key.then_some(rest)
    });
    let plain = || {
        let (key, rest) = text
            .split_once(": ")
            .or_else(|| Some((text.strip_suffix(':')?, "")))?;
        is_plain(key).then_some(rest)
    };
    match quoted.or_else(plain) {
        Some(rest) => {
            let rest = rest.trim();
            let is_empty = rest.is_empty() || rest.starts_with('#');
            if is_empty || is_whole(rest) {
                Line::Key {
                    has_value: !is_empty,
                }
            } else {
                Line::Other
            }
        }
        None if is_plain(text) => Line::Plain,
        None => Line::Other,
    }
}

/// What yaml.v2 makes of a text.
fn judge_yaml(text: &str) -> Yaml {
    // The open blocks: their indentation, and whether they are of items; whether a line may open a deeper one.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut may_deepen = true;
    // Where a word stands alone, and its indentation: it is a value, or a key without its colon.
    let mut alone: Option<(usize, usize)> = None;
    let mut in_items = false;
    for (number, line) in text.lines().enumerate() {
        let number = number.saturating_add(1);
        let content = line.trim_start_matches(' ');
        let indent = line.len().saturating_sub(content.len());
        let content = content.trim_end();
        let is_first = open.is_empty() && alone.is_none();
        if content.is_empty() || content.starts_with('#') || content == "---" && is_first {
            continue;
        }
        if content.starts_with('\t') {
            if content.trim().is_empty() || alone.is_some() || !may_deepen {
                return Yaml::Unknown(format!("line {number} begins with a tab"));
            }
            return Yaml::Refused(format!("line {number} is indented with a tab"));
        }
        if content.starts_with("*:") || content.starts_with("* :") {
            return Yaml::Refused(format!("the key * of line {number} is not in quotes"));
        }
        let kind = line_kind(content);
        if let (Some((at, column)), Line::Key { .. }) = (alone, &kind)
            && indent >= column
        {
            return Yaml::Refused(format!(
                "line {at} is a word alone, and line {number} a key: the colon of line {at} is missing"
            ));
        }
        if alone.is_some() {
            return Yaml::Unknown(format!("line {number} follows a word alone"));
        }
        if let Line::Other = kind {
            return Yaml::Unknown(format!("line {number} is more than coroner reads of YAML"));
        }
        let is_item = matches!(kind, Line::Item);
        let blocks = open.len();
        open.retain(|(column, _)| *column <= indent);
        let has_closed = open.len() < blocks;
        match open.last().copied() {
            Some((last, _)) if indent > last && !has_closed && !may_deepen => {
                return Yaml::Unknown(format!("line {number} is indented below a value"));
            }
            // Keys and items of one block; items may also stand below their key at its own indentation.
            Some((last, items)) if indent == last => {
                let is_below_key = may_deepen || in_items;
                let fits = items == is_item || is_item && is_below_key && !has_closed;
                if !fits {
                    return Yaml::Unknown(format!("line {number} is among others of another kind"));
                }
            }
            _ if has_closed => {
                return Yaml::Refused(format!("line {number} is indented as no block above it is"));
            }
            None if is_item => return Yaml::Unknown(format!("line {number} is a list")),
            _ => open.push((indent, is_item)),
        }
        match kind {
            Line::Plain => alone = Some((number, indent)),
            Line::Key { has_value } => may_deepen = !has_value,
            _ => may_deepen = false,
        }
        in_items = is_item;
    }
    match alone {
        Some((number, _)) if open.len() <= 1 => Yaml::Refused(format!(
            "line {number} is a word alone, not a table of keys"
        )),
        Some((number, _)) => Yaml::Unknown(format!("line {number} is a word alone")),
        None => Yaml::Taken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_as_the_manuals_have_them_are_taken() {
        for text in [
            "",
            "# nothing\n",
            "mirrors:\n  docker.io:\n    endpoint:\n      - \"https://mirror.example\"\n",
            "---\nmirrors:\n  \"*\":\n    endpoint:\n    - https://a.example:5000/v2 # ours\n    - 'http://b'\n    rewrite:\n      \
             \"^rancher/(.*)\": \"mirror/$1\"\nconfigs:\n  \"registry.example:5000\":\n    auth:\n      username: a\n      \
             password: b:c\n    tls:\n      insecure_skip_verify: true\n",
            "mirrors:\n  docker.io:\n  quay.io: {}\n  gcr.io:\n    endpoint: [\"https://a\", https://b]\n",
            "mirrors:\r\n  docker.io:\r\n    endpoint:\r\n      - https://a\r\n",
        ] {
            assert_eq!(judge_yaml(text), Yaml::Taken, "{text}");
        }
    }

    #[test]
    fn what_no_yaml_reader_takes_is_refused() {
        for (text, why) in [
            (
                "mirrors:\n  docker.io\n    endpoint:\n      - a\n",
                "the colon of line 2",
            ),
            ("mirrors\n  docker.io:\n", "the colon of line 1"),
            ("mirrors:\n\tdocker.io:\n", "line 2 is indented with a tab"),
            ("mirrors:\n  *:\n    endpoint:\n", "not in quotes"),
            (
                "mirrors:\n    docker.io:\n        endpoint:\n   quay.io:\n",
                "line 4 is indented",
            ),
        ] {
            match judge_yaml(text) {
                Yaml::Refused(said) => assert!(said.contains(why), "{text}: {said}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_read_is_not_known() {
        for text in [
            "mirrors: &a\n  b: *a\n",
            "a: |\n  text: x: y\n",
            "a: \"b\n  c\"\n",
            "a: b\n  c\n",
            "a: {b: c}\n",
            "a:\n  b:\n    c:\n  - d\n",
            "a:\n  - \t\"b\"\n",
            "a:\n  \"b\":\"c\"\n",
        ] {
            assert!(matches!(judge_yaml(text), Yaml::Unknown(_)), "{text}");
        }
    }
}
