//! Names of images, from wherever they survive.
//!
//! A lost meta.db takes the names with it, and nothing under containerd's root repeats them. What
//! has them: the cluster (`kubectl get nodes -o json`, `kubectl get pods -A -o json`), an earlier
//! `crictl images -o json` or `coroner meta ls NODE images --format json`, a copy of meta.db, a list that
//! somebody wrote, an archive that images were loaded from:
//!
//! ```text
//! manifest.json   docker save     [{"Config": "<hex>.json" | "blobs/sha256/<hex>", "RepoTags": [NAME]}]
//! index.json      an OCI layout   {"manifests": [{"digest", "annotations": {"io.containerd.image.name": NAME}}]}
//! ```

use std::collections::BTreeSet;

use std::path::Path;

use bolt::Db;
use content::{DOCUMENT_LIMIT, Digest};
use evidence::Evidence;
use metadb::MetaDb;
use serde_json::Value;
use view::View;

/// A name and the image that it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// The whole name: `docker.io/library/app:1`.
    pub name: String,
    /// The digest of the image's manifest or index, or of its configuration.
    pub digest: Digest,
    /// The namespace that the name belongs to, where the source says it.
    pub namespace: Option<String>,
    /// Where it was found.
    pub from: String,
}

/// A list of names that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamesError {
    /// The line, where it is one.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

impl core::fmt::Display for NamesError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.why),
            None => write!(f, "{}", self.why),
        }
    }
}

impl core::error::Error for NamesError {}

/// Reads a list of names: a copy of meta.db, JSON, or lines of `NAME DIGEST`.
///
/// # Errors
/// A line that is neither empty, a comment, nor a name and a digest; bytes that are nothing of all
/// this. Names that JSON pairs with no digest are left out: they stand for nothing.
pub fn read_names(bytes: &[u8], from: &str) -> Result<Vec<Named>, NamesError> {
    if let Some(db) = Db::open(View::new(bytes)).db {
        return Ok(of_meta(&MetaDb::read_meta(&db), from));
    }
    if let Ok(json) = serde_json::from_slice::<Value>(bytes) {
        return Ok(of_json(&json, from));
    }
    let Ok(text) = core::str::from_utf8(bytes) else {
        let why = "it is no copy of meta.db, no JSON and no text".to_owned();
        return Err(NamesError { line: None, why });
    };
    of_lines(text, from)
}

/// The images of a meta.db.
pub fn of_meta(meta: &MetaDb, from: &str) -> Vec<Named> {
    let mut found = BTreeSet::new();
    for namespace in meta.namespaces() {
        for image in namespace.images.read().into_iter().flatten() {
            let digest = image.target.as_ref().map(|target| target.digest.bytes());
            let digest = digest.and_then(|digest| Digest::parse_bytes(digest).ok());
            let (Some(name), Some(digest)) = (image.key.utf8(), digest) else {
                continue;
            };
            // Names by digest are made anew.
            if let Some(name) = whole_name(name) {
                found.insert(Named {
                    name,
                    digest,
                    namespace: namespace.name.utf8().map(str::to_owned),
                    from: from.to_owned(),
                });
            }
        }
    }
    found.into_iter().collect()
}

/// Annotations of an index that hold a whole name; the second holds a tag alone at times.
const NAMES: &[&str] = &[
    "io.containerd.image.name",
    "org.opencontainers.image.ref.name",
];

/// The images of an archive of `docker save`, or of an OCI layout.
pub fn of_archive(evidence: &Evidence, from: &str) -> Vec<Named> {
    let json = |path: &str| {
        let source = evidence.source(Path::new(path), DOCUMENT_LIMIT).ok()?;
        serde_json::from_slice::<Value>(source.bytes()).ok()
    };
    let named = |name: &str, digest: Digest| {
        Some(Named {
            name: whole_name(name)?,
            digest,
            namespace: None,
            from: from.to_owned(),
        })
    };
    let mut found = BTreeSet::new();
    let saved = json("/manifest.json");
    for image in saved.iter().filter_map(Value::as_array).flatten() {
        let config = image.get("Config").and_then(Value::as_str);
        let Some(config) = config.and_then(digest_of_file) else {
            continue;
        };
        let tags = image.get("RepoTags").and_then(Value::as_array);
        let tags = tags.into_iter().flatten().filter_map(Value::as_str);
        found.extend(tags.filter_map(|name| named(name, config.clone())));
    }
    let index = json("/index.json");
    let manifests = index.as_ref().and_then(|index| index.get("manifests"));
    for manifest in manifests.and_then(Value::as_array).into_iter().flatten() {
        let digest = manifest.get("digest").and_then(Value::as_str);
        let Some(digest) = digest.and_then(|it| Digest::parse(it).ok()) else {
            continue;
        };
        let annotations = manifest.get("annotations");
        let name = |key: &&str| annotations.and_then(|all| all.get(key)?.as_str());
        // A tag alone is no name.
        let name = NAMES
            .iter()
            .filter_map(name)
            .find(|name| name.contains(['/', ':']));
        found.extend(name.and_then(|name| named(name, digest)));
    }
    found.into_iter().collect()
}

/// `<hex>.json`, `blobs/sha256/<hex>`.
fn digest_of_file(path: &str) -> Option<Digest> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let hex = name.strip_suffix(".json").unwrap_or(name);
    Digest::parse(&format!("sha256:{hex}")).ok()
}

fn of_lines(text: &str, from: &str) -> Result<Vec<Named>, NamesError> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (name, digest) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let digest = Digest::parse(digest);
        match (whole_name(name), digest, words.next()) {
            (Some(name), Ok(digest), None) => found.push(Named {
                name,
                digest,
                namespace: None,
                from: from.to_owned(),
            }),
            _ => {
                return Err(NamesError {
                    line: number.checked_add(1),
                    why: "wanted NAME and DIGEST, such as `docker.io/library/app:1 sha256:…`"
                        .to_owned(),
                });
            }
        }
    }
    Ok(found)
}

/// Every object of the document that has names and digests side by side: a node's
/// `{"names": [...]}`, a container's `{"image", "imageID"}`, `{"repoTags", "repoDigests", "id"}`,
/// and our own `{"key", "target": {"digest"}}`.
fn of_json(json: &Value, from: &str) -> Vec<Named> {
    let mut found = BTreeSet::new();
    // Our own `{"namespace", "name", "record": {"key", "target"}}` says the namespace one level above.
    let mut queue: Vec<(&Value, Option<&str>)> = vec![(json, None)];
    while let Some((value, above)) = queue.pop() {
        match value {
            Value::Array(items) => queue.extend(items.iter().map(|item| (item, None))),
            Value::Object(members) => {
                let mut words: Vec<&str> = Vec::new();
                for key in ["names", "repoTags", "repoDigests"] {
                    let listed = members.get(key).and_then(Value::as_array);
                    words.extend(listed.into_iter().flatten().filter_map(Value::as_str));
                }
                for key in ["image", "imageID", "key", "name"] {
                    words.extend(members.get(key).and_then(Value::as_str));
                }
                let mut digests: Vec<Digest> =
                    words.iter().filter_map(|word| digest_in(word)).collect();
                let id = members.get("id").and_then(Value::as_str);
                let target = value.pointer("/target/digest").and_then(Value::as_str);
                digests.extend([id, target].into_iter().flatten().filter_map(digest_in));
                let said = members.get("namespace").and_then(Value::as_str).or(above);
                let namespace = said.filter(|_| target.is_some()).map(str::to_owned);
                for name in words.iter().filter_map(|word| whole_name(word)) {
                    found.extend(digests.iter().map(|digest| Named {
                        name: name.clone(),
                        digest: digest.clone(),
                        namespace: namespace.clone(),
                        from: from.to_owned(),
                    }));
                }
                queue.extend(
                    members
                        .iter()
                        .map(|(key, value)| (value, said.filter(|_| key == "record"))),
                );
            }
            _ => {}
        }
    }
    found.into_iter().collect()
}

/// The digest of `repository@sha256:…`, `sha256:…`, `docker-pullable://…@sha256:…`.
fn digest_in(word: &str) -> Option<Digest> {
    let digest = word.rsplit_once('@').map_or(word, |(_, digest)| digest);
    Digest::parse(digest).ok()
}

/// `name` as the daemon would write it, if it is the name of an image: with its registry, and with a
/// tag. Names by digest are none: they are made anew.
pub(crate) fn whole_name(name: &str) -> Option<String> {
    if name.contains('@') || Digest::parse(name).is_ok() || name.is_empty() || name.len() > 500 {
        return None;
    }
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            (host, path.to_owned())
        }
        Some(_) => ("docker.io", name.to_owned()),
        None => ("docker.io", format!("library/{name}")),
    };
    let (path, tag) = match path.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path.to_owned(), tag.to_owned()),
        _ => (path, "latest".to_owned()),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    let is_part = |part: &str| {
        let inner =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        let edge = |byte: Option<&u8>| {
            byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let bytes = part.as_bytes();
        edge(bytes.first()) && edge(bytes.last()) && bytes.iter().copied().all(inner)
    };
    let is_tag = |tag: &str| {
        let first = tag.bytes().next();
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        tag.len() <= 128
            && first.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && tag.bytes().all(inner)
    };
    let is_name = !host.is_empty()
        && host.bytes().all(is_host)
        && path.split('/').all(is_part)
        && is_tag(&tag);
    is_name.then(|| format!("{host}/{path}:{tag}"))
}

/// The repository of a whole name: what stands before its tag.
pub(crate) fn repository(name: &str) -> &str {
    name.rsplit_once(':')
        .map_or(name, |(repository, _)| repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const C: &str = "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";

    #[test]
    fn a_listing_of_our_own_says_the_namespace() {
        let text = format!(
            r#"{{"answer": {{"objects": [{{"namespace": "tenant", "name": "a.b/c:1",
                "record": {{"key": "a.b/c:1", "target": {{"digest": "{D}"}}}}}}]}}}}"#
        );
        let named = read_names(text.as_bytes(), "list").unwrap();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].namespace.as_deref(), Some("tenant"));
    }

    fn pairs(text: &str) -> Vec<(String, String)> {
        let named = read_names(text.as_bytes(), "list").unwrap();
        named
            .into_iter()
            .map(|one| (one.name, one.digest.to_string()))
            .collect()
    }

    fn pair(name: &str, digest: &str) -> (String, String) {
        (name.to_owned(), digest.to_owned())
    }

    #[test]
    fn names_are_as_the_daemon_writes_them() {
        for (given, want) in [
            ("nginx", Some("docker.io/library/nginx:latest")),
            ("bitnami/redis:7", Some("docker.io/bitnami/redis:7")),
            ("localhost:5000/a/b", Some("localhost:5000/a/b:latest")),
            (
                "registry.k8s.io/pause:3.9",
                Some("registry.k8s.io/pause:3.9"),
            ),
            ("registry.k8s.io/pause@sha256:00", None),
            (D, None),
            ("Upper/case", None),
            ("a b", None),
            ("-rf", None),
            ("a/../b:1", None),
            ("", None),
        ] {
            assert_eq!(whole_name(given).as_deref(), want, "{given}");
        }
    }

    #[test]
    fn lines_json_of_kubectl_and_of_crictl_are_read() {
        let list = format!("# mine\n\nnginx:1 {D}\n");
        assert_eq!(pairs(&list), [pair("docker.io/library/nginx:1", D)]);
        let node = format!(
            r#"{{"items":[{{"status":{{"images":[{{"names":["docker.io/library/nginx@{D}","docker.io/library/nginx:1"],"sizeBytes":1}}]}}}}]}}"#
        );
        assert_eq!(pairs(&node), [pair("docker.io/library/nginx:1", D)]);
        let pods = format!(
            r#"{{"items":[{{"status":{{"containerStatuses":[{{"image":"docker.io/library/nginx:1","imageID":"docker.io/library/nginx@{D}"}}]}}}}]}}"#
        );
        assert_eq!(pairs(&pods), [pair("docker.io/library/nginx:1", D)]);
        let crictl = format!(
            r#"{{"images":[{{"id":"{C}","repoTags":["docker.io/library/nginx:1"],"repoDigests":["docker.io/library/nginx@{D}"]}}]}}"#
        );
        assert_eq!(
            pairs(&crictl),
            [
                pair("docker.io/library/nginx:1", D),
                pair("docker.io/library/nginx:1", C)
            ]
        );
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_line() {
        let error = read_names(b"nginx:1\n", "list").unwrap_err();
        assert_eq!(error.line, Some(1));
        assert!(read_names(&[0xff, 0xfe, 0x00], "list").is_err());
        assert!(read_names(format!("nginx:1 {D} --force").as_bytes(), "list").is_err());
    }
}
