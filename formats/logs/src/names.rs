//! Names of images that only logs still know.
//!
//! A lost meta.db takes the names of images with it. What said them, and whether it said the digest,
//! too:
//!
//! ```text
//! PullImage "X" returns image reference "sha256:…"               the image's configuration: exact
//! Pulled image "X" with image id "sha256:…", …, repo digest "R@sha256:…"   both: exact
//! ImageCreate event name:"X" …  &ImageCreate{Name:X,…            the name alone
//! ```
//!
//! Events follow each other, but a name and the digest of the next event were paired rightly in 3 of
//! 29 cases: names that stand alone stay alone.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use finding::{Text, Time};
use regex::bytes::Regex;
use serde::Serialize;

use crate::level::find;
use crate::line::{Line, Program};

/// What the digest beside a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameIs {
    /// That of the manifest or index: what the name stands for.
    Manifest,
    /// That of the image's configuration.
    Configuration,
    /// There is none: the log says the name alone.
    Alone,
}

/// A name of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageName {
    /// The name.
    pub name: Text,
    /// The digest that the same line says.
    pub digest: Option<Text>,
    /// What that digest is.
    pub is: NameIs,
    /// When it was said last.
    pub at: Option<Time>,
    /// How often it was said.
    pub times: u64,
    /// Index of the file that says it.
    #[serde(skip)]
    pub source: usize,
}

/// Words that lines with names have.
const WORDS: [&[u8]; 4] = [
    b"returns image reference",
    b"Pulled image ",
    b"ImageCreate",
    b"ImageUpdate",
];

/// Whether a line may say a name.
pub(crate) fn is_told(text: &[u8]) -> bool {
    WORDS.iter().any(|word| find(text, word).is_some())
}

macro_rules! regex {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($source).ok());
    };
}

regex!(
    RETURNS,
    r#"(?-u)PullImage "([^"\s]{1,512})" returns image reference "(sha256:[0-9a-f]{64})""#
);
regex!(
    PULLED,
    r#"(?-u)Pulled image "([^"\s]{1,512})" with image id "(sha256:[0-9a-f]{64})""#
);
regex!(
    DIGEST,
    r#"(?-u)repo digest "[^"\s@]{1,512}@(sha256:[0-9a-f]{64})""#
);
regex!(
    EVENT,
    r#"(?-u)Image(?:Create|Update)(?: event name:"|\{Name:)([^",\s]{1,512})"#
);

/// The names that the lines say, each with each digest once.
pub fn names(lines: &[Line]) -> Vec<ImageName> {
    #[expect(clippy::type_complexity, reason = "what one line says of a name")]
    let mut known: BTreeMap<(Vec<u8>, NameIs, Option<Vec<u8>>), ImageName> = BTreeMap::new();
    for line in lines {
        let speaks = matches!(
            line.program,
            Program::Containerd | Program::Distribution | Program::Dockerd
        );
        if !speaks || !is_told(line.text.bytes()) {
            continue;
        }
        let text = unquoted(line.text.bytes());
        for (name, is, digest) in said(&text) {
            let entry = known.entry((name.clone(), is, digest.clone()));
            let entry = entry.or_insert_with(|| ImageName {
                name: Text::from(name),
                digest: digest.map(Text::from),
                is,
                at: None,
                times: 0,
                source: line.source,
            });
            entry.times = entry.times.saturating_add(1);
            entry.at = entry.at.max(line.time);
        }
    }
    let mut names: Vec<_> = known.into_values().collect();
    // A name that is paired somewhere needs not stand alone as well.
    let paired: std::collections::BTreeSet<_> = names
        .iter()
        .filter(|name| name.digest.is_some())
        .map(|name| name.name.clone())
        .collect();
    names.retain(|name| name.digest.is_some() || !paired.contains(&name.name));
    names
}

/// Names and digests in one line.
fn said(text: &[u8]) -> Vec<(Vec<u8>, NameIs, Option<Vec<u8>>)> {
    let pair = |regex: &LazyLock<Option<Regex>>| {
        let found = regex.as_ref()?.captures(text)?;
        Some((
            found.get(1)?.as_bytes().to_vec(),
            found.get(2)?.as_bytes().to_vec(),
        ))
    };
    let mut all = Vec::new();
    if let Some((name, digest)) = pair(&RETURNS).or_else(|| pair(&PULLED)) {
        let manifest = DIGEST.as_ref().and_then(|regex| regex.captures(text));
        if let Some(manifest) = manifest.and_then(|found| found.get(1)) {
            all.push((
                name.clone(),
                NameIs::Manifest,
                Some(manifest.as_bytes().to_vec()),
            ));
        }
        all.push((name, NameIs::Configuration, Some(digest)));
        return all;
    }
    if let Some(found) = EVENT.as_ref().and_then(|regex| regex.captures(text))
        && let Some(name) = found.get(1)
    {
        // The CRI's alias is named after the digest itself.
        if !name.as_bytes().starts_with(b"sha256:") {
            all.push((name.as_bytes().to_vec(), NameIs::Alone, None));
        }
    }
    all
}

/// Without the backslashes that logrus puts before quotes.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.iter().peekable();
    while let Some(byte) = rest.next() {
        if *byte == b'\\' && rest.peek() == Some(&&b'"') {
            continue;
        }
        plain.push(*byte);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_digest_that_its_own_line_says() {
        let id = "sha256:".to_owned() + &"a".repeat(64);
        let manifest = "sha256:".to_owned() + &"b".repeat(64);
        let line = format!(
            r#"level=info msg="Pulled image \"r.example/app:1\" with image id \"{id}\", repo tag \"r.example/app:1\", repo digest \"r.example/app@{manifest}\", size \"3\" in 1s""#
        );
        let said_it = said(&unquoted(line.as_bytes()));
        let name = b"r.example/app:1".to_vec();
        assert_eq!(
            said_it,
            [
                (name.clone(), NameIs::Manifest, Some(manifest.into_bytes())),
                (
                    name.clone(),
                    NameIs::Configuration,
                    Some(id.clone().into_bytes())
                ),
            ]
        );
        let line =
            format!(r#"msg="PullImage \"r.example/app:1\" returns image reference \"{id}\"""#);
        let said_it = said(&unquoted(line.as_bytes()));
        assert_eq!(
            said_it,
            [(name.clone(), NameIs::Configuration, Some(id.into_bytes()))]
        );
        for line in [
            r#"msg="ImageCreate event name:\"r.example/app:1\" labels:{key:\"a\"}""#,
            r#"msg="ImageCreate event &ImageCreate{Name:r.example/app:1,Labels:map[string]string{},}""#,
        ] {
            let said_it = said(&unquoted(line.as_bytes()));
            assert_eq!(said_it, [(name.clone(), NameIs::Alone, None)], "{line}");
        }
    }
}
