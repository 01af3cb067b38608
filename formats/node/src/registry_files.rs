//! Certificates and keys that pulls read: named by hosts.toml or config.toml, or lying beside hosts.toml.
//!
//! 1.x: `remotes/docker/config/hosts.go`, `pkg/cri/server/image_pull.go`; 2.x: the same below `core` and
//! `internal`. They are read at every pull, for every host of the registry, also for one that is asked
//! without TLS: one of them that cannot be read or parsed fails the pull. Seen with 1.6.20, 1.7.24, 2.1.9.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind, Kind};
use finding::{Text, Unread};
use toml::{Table, Value};

use crate::config::Config;
use crate::registry::Registries;
use crate::{Scalar, path_text};

/// A file that a pull reads, and cannot use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadFile {
    /// The file.
    pub file: Text,
    /// Who names it.
    pub by: Text,
    /// The registry whose pulls fail; nothing where all do.
    pub registry: Option<Text>,
    /// What is wrong with it.
    pub why: String,
}

/// No certificate is larger.
const LIMIT: u64 = 1 << 20;

/// What a file has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A certificate.
    Certificate,
    /// A private key.
    Key,
    /// Both.
    Pair,
    /// Anything: it must be readable.
    Anything,
}

/// Who names a file.
struct Named<'a> {
    by: &'a Text,
    registry: Option<&'a Text>,
    folder: &'a Path,
}

impl Registries {
    /// What a hosts.toml that is taken names.
    pub(crate) fn named_files(
        &mut self,
        evidence: &Evidence,
        folder: &Path,
        registry: &Text,
        table: &Table,
    ) {
        let by = path_text(&folder.join("hosts.toml"));
        let named = Named {
            by: &by,
            registry: (*registry != *"_default").then_some(registry),
            folder,
        };
        let hosts = table.get("host").and_then(Value::as_table);
        let hosts = hosts.into_iter().flatten();
        let hosts = hosts.filter_map(|(_, of)| of.as_table());
        // What stands at the top is about the registry itself, which is asked last.
        for of in hosts.chain([table]) {
            for file in strings(of.get("ca")) {
                self.look(evidence, &named, file, Holds::Certificate);
            }
            for pair in pairs(of.get("client")) {
                match pair.as_slice() {
                    [one] => self.look(evidence, &named, one, Holds::Pair),
                    [cert, ""] => self.look(evidence, &named, cert, Holds::Pair),
                    [cert, key] => {
                        self.look(evidence, &named, cert, Holds::Certificate);
                        self.look(evidence, &named, key, Holds::Key);
                    }
                    _ => {}
                }
            }
        }
    }

    /// The certificates beside a hosts.toml that is not there: Docker's layout.
    pub(crate) fn lying_files(&mut self, evidence: &Evidence, folder: &Path, registry: &Text) {
        let list = evidence.list(folder);
        let by = path_text(folder);
        let named = Named {
            by: &by,
            registry: (*registry != *"_default").then_some(registry),
            folder,
        };
        let entries: Vec<&[u8]> = list
            .read()
            .into_iter()
            .flatten()
            .filter(|entry| entry.stat.kind != FileKind::Dir)
            .map(|entry| entry.name.bytes())
            .collect();
        for name in &entries {
            let Ok(text) = core::str::from_utf8(name) else {
                continue;
            };
            if text.strip_suffix(".crt").is_some() {
                self.look(evidence, &named, text, Holds::Certificate);
            } else if let Some(stem) = text.strip_suffix(".cert") {
                let key = format!("{stem}.key");
                if entries.contains(&key.as_bytes()) {
                    self.look(evidence, &named, text, Holds::Certificate);
                    self.look(evidence, &named, &key, Holds::Key);
                } else {
                    self.look(evidence, &named, text, Holds::Pair);
                }
            }
        }
    }

    /// What `registry.configs.HOST.tls` of config.toml names.
    pub(crate) fn configured_files(&mut self, evidence: &Evidence, config: &Config) {
        for setting in config.settings.all() {
            let [.., registry, configs, host, tls, key] = setting.path.as_slice() else {
                continue;
            };
            if (registry.as_str(), configs.as_str(), tls.as_str()) != ("registry", "configs", "tls")
            {
                continue;
            }
            let Scalar::Text(file) = &setting.value else {
                continue;
            };
            let holds = match key.as_str() {
                // What it holds is not looked at by the daemon, either.
                "ca_file" => Holds::Anything,
                "cert_file" => Holds::Certificate,
                "key_file" => Holds::Key,
                _ => continue,
            };
            let host = Text::from(host.as_str());
            let named = Named {
                by: &setting.file,
                registry: Some(&host),
                folder: Path::new("/"),
            };
            if file.starts_with('/') {
                self.look(evidence, &named, file, holds);
            }
        }
    }

    /// A folder of registries that is none: every pull asks for what is below it.
    pub(crate) fn root_folder(&mut self, evidence: &Evidence, root: &Path) {
        let by = Text::from("registry.config_path");
        if crate::surroundings::followed(evidence, root).is_ok_and(|kind| kind != FileKind::Dir) {
            self.bad_files.push(BadFile {
                file: path_text(root),
                by,
                registry: None,
                why: "it is not a folder".to_owned(),
            });
        }
    }

    fn look(&mut self, evidence: &Evidence, named: &Named<'_>, file: &str, holds: Holds) {
        if file.is_empty() {
            return;
        }
        // What is relative, is so to the folder of hosts.toml.
        let path: PathBuf = named.folder.join(OsStr::from_bytes(file.as_bytes()));
        let text = path_text(&path);
        let why = match evidence.source(&path, LIMIT) {
            // Keys are masked in a bundle.
            Ok(_) if evidence.kind() == Kind::Bundle && holds != Holds::Certificate => None,
            Ok(source) => lacks(source.bytes(), holds).map(str::to_owned),
            Err(Unread::Absent) if is_told(evidence, &path) => Some("it is not there".to_owned()),
            Err(Unread::Dangling(_)) => Some("it is a link that leads nowhere".to_owned()),
            Err(Unread::Special(kind)) => Some(format!("it is a {kind}")),
            Err(unread) => return self.unread.push((text, unread)),
        };
        let is_new = !self.bad_files.iter().any(|bad| bad.file == text);
        if let Some(why) = why.filter(|_| is_new) {
            self.bad_files.push(BadFile {
                file: text,
                by: named.by.clone(),
                registry: named.registry.cloned(),
                why,
            });
        }
    }
}

/// Whether a file that is not in the evidence was not on the node, either: its folder is there, with
/// other files.
fn is_told(evidence: &Evidence, path: &Path) -> bool {
    if evidence.kind() == Kind::Bundle || evidence.is_machine() {
        return true;
    }
    let folder = path.parent().map(|folder| evidence.list(folder));
    folder.is_some_and(|list| list.whole().is_some_and(|all| !all.is_empty()))
}

/// `ca`: a string, or a list of them.
fn strings(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `client`: a string, a list of strings, or a list of pairs.
fn pairs(value: Option<&Value>) -> Vec<Vec<&str>> {
    match value {
        Some(Value::String(one)) => vec![vec![one]],
        Some(Value::Array(all)) => {
            let each = all.iter().map(|one| strings(Some(one)));
            each.filter(|pair| !pair.is_empty()).collect()
        }
        _ => Vec::new(),
    }
}

/// What a file lacks that a pull needs of it.
fn lacks(bytes: &[u8], holds: Holds) -> Option<&'static str> {
    let blocks = blocks(bytes);
    let has = |fits: fn(&str) -> bool| blocks.iter().any(|(label, _)| fits(label));
    let is_whole =
        |fits: fn(&str) -> bool| blocks.iter().any(|(label, whole)| *whole && fits(label));
    let is_certificate = |label: &str| label == "CERTIFICATE";
    let is_key = |label: &str| label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY");
    let no_certificate = !is_whole(is_certificate);
    match holds {
        Holds::Anything => None,
        _ if bytes.is_empty() => Some("it is empty"),
        Holds::Certificate | Holds::Pair if !has(is_certificate) => {
            Some("there is no certificate in it")
        }
        Holds::Certificate | Holds::Pair if no_certificate => Some("its certificate is damaged"),
        Holds::Key | Holds::Pair if !has(is_key) => Some("there is no private key in it"),
        Holds::Key | Holds::Pair if !is_whole(is_key) => Some("its private key is damaged"),
        _ => None,
    }
}

/// The blocks of a PEM file: what each is called, and whether its bytes are one whole DER value.
fn blocks(bytes: &[u8]) -> Vec<(String, bool)> {
    const MOST: usize = 65_536;
    let text = String::from_utf8_lossy(bytes);
    let mut found = Vec::new();
    let mut label: Option<String> = None;
    let mut body = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(name) = line
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"))
        {
            label = Some(name.to_owned());
            body.clear();
        } else if let Some(name) = line
            .strip_prefix("-----END ")
            .and_then(|rest| rest.strip_suffix("-----"))
        {
            if label.take().as_deref() == Some(name) {
                found.push((name.to_owned(), is_der(&body)));
            }
            if found.len() == MOST {
                break;
            }
        } else if label.is_some() && !line.contains(':') {
            body.extend_from_slice(line.trim().as_bytes());
        }
    }
    found
}

/// Whether base64 is one DER sequence of the length that it says.
fn is_der(base64: &[u8]) -> bool {
    let Some(bytes) = decoded(base64) else {
        return false;
    };
    let [0x30, first, rest @ ..] = bytes.as_slice() else {
        return false;
    };
    let first = usize::from(*first);
    if first < 0x80 {
        return rest.len() == first;
    }
    let count = first & 0x7f;
    if count == 0 || count > 4 {
        return false;
    }
    let (Some(head), Some(tail)) = (rest.get(..count), rest.get(count..)) else {
        return false;
    };
    let said = head
        .iter()
        .fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
    tail.len() == said
}

fn decoded(base64: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(base64.len());
    let (mut bits, mut count) = (0_u32, 0_u32);
    for letter in base64.iter().filter(|letter| **letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            b'a'..=b'z' => letter.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => letter.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
            bits &= !(u32::MAX << count);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // A sequence of three bytes.
    const CERT: &str = "-----BEGIN CERTIFICATE-----\nMAMBAgM=\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\nMAMBAgM=\n-----END EC PRIVATE KEY-----\n";

    #[test]
    fn what_is_no_certificate_is_told() {
        let of = |text: &str, holds| lacks(text.as_bytes(), holds);
        assert_eq!(of(CERT, Holds::Certificate), None);
        assert_eq!(of(KEY, Holds::Key), None);
        assert_eq!(of(&[CERT, KEY].concat(), Holds::Pair), None);
        assert_eq!(of(&CERT.replace('\n', "\r\n"), Holds::Certificate), None);
        assert_eq!(of("", Holds::Certificate), Some("it is empty"));
        assert_eq!(
            of("garbage\n", Holds::Certificate),
            Some("there is no certificate in it")
        );
        let cut = CERT.replace("MAMBAgM=", "MAMBAg==");
        assert_eq!(
            of(&cut, Holds::Certificate),
            Some("its certificate is damaged")
        );
        assert_eq!(of(CERT, Holds::Pair), Some("there is no private key in it"));
        assert_eq!(of(CERT, Holds::Key), Some("there is no private key in it"));
        assert_eq!(of("garbage", Holds::Anything), None);
    }

    #[test]
    fn base64_is_decoded() {
        assert_eq!(
            decoded(b"MAMBAgM=").as_deref(),
            Some(&[0x30, 3, 1, 2, 3][..])
        );
        assert_eq!(decoded(b"M A"), None);
    }
}
