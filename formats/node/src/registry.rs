//! Registries: hosts.toml below config_path, parsed as the daemon parses it at every pull.
//!
//! 1.x: `remotes/docker/config/hosts.go`; 2.x: `core/remotes/docker/config/hosts.go`. A file that does
//! not parse is told in the log alone; the pull then goes to the registry itself, without its mirrors.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::{Text, Unread};
use toml::{Table, Value};

use crate::config::Config;
use crate::registry_files::BadFile;
use crate::{Scalar, path_text};

/// A hosts.toml that the daemon does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadHosts {
    /// The file.
    pub file: Text,
    /// The registry that it is about.
    pub registry: Text,
    /// What is wrong with it.
    pub why: String,
}

/// What pulls are told about registries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registries {
    /// Files that are not taken.
    pub bad: Vec<BadHosts>,
    /// Files that say something and have no table `host`, which 1.x do not take: file and registry.
    pub hostless: Vec<(Text, Text)>,
    /// `dial_timeout` of files that are taken, which 2.1 and later parse: file, registry, and the text, if
    /// it is one.
    pub timeouts: Vec<(Text, Text, Option<String>)>,
    /// Files that a pull reads, and fails at.
    pub bad_files: Vec<BadFile>,
    /// Files that could not be read.
    pub unread: Vec<(Text, Unread)>,
}

/// No hosts.toml is larger, and no node has more of them.
const LIMIT: u64 = 1 << 20;
const MOST: usize = 500;

impl Registries {
    /// Reads every hosts.toml below the folders that config.toml names.
    pub(crate) fn read_registries(evidence: &Evidence, config: Option<&Config>) -> Self {
        let mut all = Self::default();
        let mut seen = 0_usize;
        if let Some(config) = config {
            all.configured_files(evidence, config);
        }
        for root in roots(config) {
            all.root_folder(evidence, &root);
            let list = evidence.list(&root);
            for entry in list.read().into_iter().flatten() {
                if entry.stat.kind == FileKind::File {
                    continue;
                }
                seen = seen.saturating_add(1);
                let folder = root.join(OsStr::from_bytes(entry.name.bytes()));
                if seen > MOST {
                    let why = format!("there are more than {MOST} folders of registries");
                    all.unread.push((path_text(&folder), Unread::Io(why)));
                    return all;
                }
                all.file(evidence, &folder, &entry.name);
            }
        }
        all
    }

    fn file(&mut self, evidence: &Evidence, folder: &Path, registry: &Text) {
        let path = folder.join("hosts.toml");
        let file = path_text(&path);
        let source = match evidence.source(&path, LIMIT) {
            Ok(source) => source,
            Err(unread) if unread.is_absent() => {
                return self.lying_files(evidence, folder, registry);
            }
            Err(Unread::NotCollected) => return,
            Err(Unread::Special(kind)) => {
                return self.bad_files.push(BadFile {
                    file: file.clone(),
                    by: file,
                    registry: (*registry != *"_default").then(|| registry.clone()),
                    why: format!("it is a {kind}"),
                });
            }
            Err(unread) => return self.unread.push((file, unread)),
        };
        let why = match core::str::from_utf8(source.bytes()) {
            // Certificates may lie beside it.
            Ok("") => {
                self.lying_files(evidence, folder, registry);
                None
            }
            Ok(text) => match text.parse::<Table>() {
                Ok(table) => {
                    let why = wrong(&table);
                    if why.is_none() {
                        if !table.is_empty() && !table.contains_key("host") {
                            self.hostless.push((file.clone(), registry.clone()));
                        }
                        let found = timeouts(&table);
                        let told = found.map(|text| (file.clone(), registry.clone(), text));
                        self.timeouts.extend(told);
                        self.named_files(evidence, folder, registry, &table);
                    }
                    why
                }
                Err(error) => Some(format!("it is not TOML: {}", error.message())),
            },
            Err(_) => Some("it is not UTF-8".to_owned()),
        };
        if let Some(why) = why {
            let registry = registry.clone();
            self.bad.push(BadHosts {
                file,
                registry,
                why,
            });
        }
    }
}

/// The folders of `registry.config_path`, in whichever table it stands.
fn roots(config: Option<&Config>) -> Vec<PathBuf> {
    let all = config.map_or(&[][..], |config| config.settings.all());
    let paths = all.iter().filter_map(|setting| {
        let is_it = setting
            .path
            .ends_with(&["registry".to_owned(), "config_path".to_owned()]);
        match &setting.value {
            Scalar::Text(text) if is_it => Some(text),
            _ => None,
        }
    });
    let folders = paths.flat_map(|text| text.split(':'));
    let absolute = folders.filter(|folder| folder.starts_with('/'));
    let mut folders: Vec<PathBuf> = absolute.map(PathBuf::from).collect();
    folders.dedup();
    folders
}

/// How long each host is waited for.
fn timeouts(table: &Table) -> impl Iterator<Item = Option<String>> + '_ {
    let hosts = table.get("host").and_then(Value::as_table);
    let hosts = hosts.into_iter().flatten();
    let hosts = hosts.filter_map(|(_, of)| of.as_table());
    let all = hosts.chain([table]);
    let all = all.filter_map(|of| of.get("dial_timeout"));
    all.map(|value| value.as_str().map(str::to_owned))
}

/// What the daemon refuses of a file that is TOML.
fn wrong(table: &Table) -> Option<String> {
    let hosts = match table.get("host") {
        None => None,
        Some(Value::Table(hosts)) => Some(hosts),
        Some(_) => return Some("host is not a table".to_owned()),
    };
    for (host, of) in hosts.into_iter().flatten() {
        let Value::Table(of) = of else {
            return Some(format!("host {host} is not a table"));
        };
        if let Some(why) = bad_server(host).or_else(|| bad_fields(of)) {
            return Some(why);
        }
    }
    match table.get("server") {
        None => {}
        Some(Value::String(server)) => {
            if let Some(why) = bad_server(server) {
                return Some(why);
            }
        }
        Some(_) => return Some("server is not a string".to_owned()),
    }
    bad_fields(table)
}

fn bad_server(server: &str) -> Option<String> {
    let whole = if server.starts_with("http") {
        server.to_owned()
    } else {
        format!("https://{server}")
    };
    (!server.is_empty() && !is_url(&whole)).then(|| format!("{server} is no address of a server"))
}

fn bad_fields(of: &Table) -> Option<String> {
    if let Some(capabilities) = of.get("capabilities") {
        let Value::Array(list) = capabilities else {
            return Some("capabilities is not a list".to_owned());
        };
        let known =
            |text: &str| ["pull", "resolve", "push"].contains(&text.to_lowercase().as_str());
        let bad = list.iter().find(|each| !each.as_str().is_some_and(known));
        if let Some(bad) = bad {
            let bad = bad.as_str().unwrap_or("of another type");
            return Some(format!("there is no capability {bad}"));
        }
    }
    for key in ["skip_verify", "override_path"] {
        if of.get(key).is_some_and(|value| value.as_bool().is_none()) {
            return Some(format!("{key} is not a boolean"));
        }
    }
    let is_texts = |list: &[Value]| list.iter().all(Value::is_str);
    let fits = match of.get("ca") {
        None | Some(Value::String(_)) => true,
        Some(Value::Array(list)) => is_texts(list),
        Some(_) => false,
    };
    if !fits {
        return Some("ca is neither a string nor a list of strings".to_owned());
    }
    let is_pair = |value: &Value| match value {
        Value::String(_) => true,
        Value::Array(pair) => pair.len() == 2 && is_texts(pair),
        _ => false,
    };
    let fits = match of.get("client") {
        None | Some(Value::String(_)) => true,
        Some(Value::Array(list)) => list.iter().all(is_pair),
        Some(_) => false,
    };
    if !fits {
        return Some("client is neither a string nor a list of strings or pairs".to_owned());
    }
    bad_header(of)
}

/// A header is a string, or a list of them.
fn bad_header(of: &Table) -> Option<String> {
    let headers = match of.get("header") {
        None => return None,
        Some(Value::Table(headers)) => headers,
        Some(_) => return Some("header is not a table".to_owned()),
    };
    let fits = |value: &Value| match value {
        Value::String(_) => true,
        Value::Array(list) => list.iter().all(Value::is_str),
        _ => false,
    };
    let bad = headers.iter().find(|(_, value)| !fits(value));
    let name = bad.map(|(name, _)| finding::Escaped(name.as_bytes()).to_string())?;
    Some(format!(
        "the header {name} is neither a string nor a list of strings"
    ))
}

/// Whether Go takes it for a URL.
pub fn is_url(url: &str) -> bool {
    if url.bytes().any(|byte| byte < 0x20 || byte == 0x7f) || url.starts_with(':') {
        return false;
    }
    let rest = match url.split_once(':') {
        None => return true,
        Some((scheme, rest)) => {
            let mut letters = scheme.bytes();
            let is_scheme = letters
                .next()
                .is_some_and(|byte| byte.is_ascii_alphabetic())
                && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            match (is_scheme, scheme.contains('/')) {
                (true, _) => rest,
                (false, true) => return true,
                // A colon in the first segment of what has no scheme.
                (false, false) => return false,
            }
        }
    };
    let Some(host) = rest.strip_prefix("//") else {
        return true;
    };
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    if host.starts_with('[') {
        let after = host.rsplit_once(']').map(|(_, after)| after);
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        return after
            .is_some_and(|after| after.is_empty() || after.strip_prefix(':').is_some_and(is_port));
    }
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let bad = |letter: char| " <>\"\\^`{|}[]%".contains(letter) || letter.is_control();
    port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(bad) && !name.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_those_of_go() {
        for (url, want) in [
            ("https://mirror.example", true),
            ("http://10.0.0.1:5000/v2/x", true),
            ("mirror.example/path", true),
            ("https://[::1]:5000", true),
            ("[mirror](https://mirror.example)", false),
            ("https://[mirror](https://mirror.example)", false),
            ("https://a b", false),
            ("https://mirror.example:port", false),
            ("127.0.0.1:5000", false),
            (":5000", false),
        ] {
            assert_eq!(is_url(url), want, "{url}");
        }
    }

    #[test]
    fn files_are_refused_as_by_the_daemon() {
        let of = |text: &str| wrong(&text.parse().unwrap());
        assert_eq!(
            of("server = 'https://r.example'\n[host.'http://m:5000']\ncapabilities = ['pull']\n"),
            None
        );
        assert!(of("[host.'http://m:x']\n").unwrap().contains("no address"));
        assert!(
            of("[host.'http://m']\ncapabilities = ['fetch']\n")
                .unwrap()
                .contains("capability")
        );
        assert!(of("server = 3\n").is_some());
        assert!(of("host = 'm'\n").is_some());
        assert!(of("[host.'m']\nskip_verify = 'yes'\n").is_some());
        for (text, is_taken) in [
            ("ca = ['a', 'b']\n", true),
            ("ca = [3]\n", false),
            ("client = 'a'\n", true),
            ("client = [['a', 'b'], 'c']\n", true),
            ("client = [['a', 'b', 'c']]\n", false),
            ("[header]\nx = ['a']\ny = 'b'\n", true),
            ("[header]\nx = 3\n", false),
            ("[header]\nx = ['a', 3]\n", false),
        ] {
            assert_eq!(of(text).is_none(), is_taken, "{text}");
        }
    }
}
