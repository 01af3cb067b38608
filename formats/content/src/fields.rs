//! Reading the fields of a document, noting what is wrong or unknown on the way.

use std::collections::HashSet;

use finding::Text;
use json::{Member, Node, Value};

use crate::{Digest, Fault};

/// How many faults and unknown fields of one document are kept.
const MAX_NOTES: usize = 256;

pub(crate) const MANIFEST: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "subject",
    "annotations",
];

pub(crate) const INDEX: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "manifests",
    "subject",
    "annotations",
];

pub(crate) const DESCRIPTOR: &[&str] = &[
    "mediaType",
    "digest",
    "size",
    "urls",
    "annotations",
    "data",
    "platform",
    "artifactType",
];

pub(crate) const PLATFORM: &[&str] = &[
    "architecture",
    "os",
    "os.version",
    "os.features",
    "variant",
    "features",
];

/// OCI's fields of an image configuration, then those that only Docker writes.
pub(crate) const CONFIG: &[&str] = &[
    "created",
    "author",
    "architecture",
    "variant",
    "os",
    "os.version",
    "os.features",
    "config",
    "rootfs",
    "history",
    "id",
    "parent",
    "comment",
    "container",
    "container_config",
    "docker_version",
    "throwaway",
    "Size",
];

pub(crate) const ROOTFS: &[&str] = &["type", "diff_ids"];

/// What a reader of one document notes.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) faults: Vec<Fault>,
    pub(crate) unknown: Vec<Text>,
    /// Whether every field could be read; false also for faults that were not kept.
    pub(crate) whole: bool,
}

impl Fields {
    pub(crate) const fn new() -> Self {
        Self {
            faults: Vec::new(),
            unknown: Vec::new(),
            whole: true,
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        self.whole &= !matches!(
            fault,
            Fault::Missing { .. } | Fault::Type { .. } | Fault::Value { .. } | Fault::Digest { .. }
        );
        if self.faults.len() < MAX_NOTES {
            self.faults.push(fault);
        }
    }

    pub(crate) fn missing(&mut self, field: &str) {
        self.fault(Fault::Missing {
            field: field.to_owned(),
        });
    }

    pub(crate) fn value(&mut self, field: &str, want: &'static str, found: String) {
        self.fault(Fault::Value {
            field: field.to_owned(),
            want,
            found,
        });
    }

    fn wrong_type(&mut self, field: String, want: &'static str, found: &Node) {
        self.fault(Fault::Type {
            field,
            want,
            found: found.kind(),
        });
    }

    /// The text of member `name` of `raw`, which stands at JSON pointer `at`.
    pub(crate) fn text_field(&mut self, raw: &Node, at: &str, name: &str) -> Option<Text> {
        let value = raw.field(name)?;
        if value.string().is_none() {
            self.wrong_type(format!("{at}/{name}"), "a string", value);
        }
        value
            .string()
            .filter(|text| !text.is_empty())
            .map(Text::from)
    }

    /// The items of member `name`; none where it is not there.
    pub(crate) fn array<'r>(&mut self, raw: &'r Node, at: &str, name: &str) -> &'r [Node] {
        let Some(value) = raw.field(name) else {
            return &[];
        };
        value.items().unwrap_or_else(|| {
            self.wrong_type(format!("{at}/{name}"), "an array", value);
            &[]
        })
    }

    pub(crate) fn digest(&mut self, field: &str, text: &Text) -> Option<Digest> {
        Digest::parse_bytes(text.bytes())
            .map_err(|why| {
                self.fault(Fault::Digest {
                    field: field.to_owned(),
                    found: text.to_string(),
                    why,
                });
            })
            .ok()
    }

    /// Notes the members of `raw` that are not `known`, and those written in another case.
    pub(crate) fn known(&mut self, raw: &Node, at: &str, known: &[&'static str]) {
        for member in raw.members() {
            let key = member.key.utf8().unwrap_or_default();
            if known.contains(&key) {
                continue;
            }
            let field = format!("{at}/{}", pointer(key));
            match known.iter().find(|want| want.eq_ignore_ascii_case(key)) {
                Some(want) => self.fault(Fault::KeyCase { field, want }),
                None if self.unknown.len() < MAX_NOTES => self.unknown.push(field.into()),
                None => {}
            }
        }
    }

    /// Notes keys that stand twice in one object, anywhere.
    ///
    /// One path is kept for the whole walk, and one iterator a level: a document with a million
    /// values under long keys must not make a million long paths.
    pub(crate) fn duplicates(&mut self, raw: &Node) {
        let mut path = String::new();
        let mut open: Vec<(usize, Level<'_>)> = Vec::new();
        let mut next = Some(raw);
        loop {
            if let Some(value) = next.take() {
                self.duplicates_of(value.members(), &path);
                if let Some(level) = Level::from_node(value) {
                    open.push((path.len(), level));
                }
            }
            let Some((length, level)) = open.last_mut() else {
                return;
            };
            path.truncate(*length);
            match level.next() {
                Some((step, value)) => {
                    path.push('/');
                    path.push_str(&step);
                    next = Some(value);
                }
                None => {
                    open.pop();
                }
            }
        }
    }

    fn duplicates_of(&mut self, members: &[Member], at: &str) {
        let mut seen = HashSet::with_capacity(members.len());
        for member in members {
            if !seen.insert(&member.key) {
                let key = member.key.utf8().unwrap_or_default();
                let field = format!("{at}/{}", pointer(key));
                self.fault(Fault::DuplicateKey { field });
            }
        }
    }
}

/// What is left of an object or array: its members that hold more, with their steps.
enum Level<'r> {
    Members(core::slice::Iter<'r, Member>),
    Items(core::iter::Enumerate<core::slice::Iter<'r, Node>>),
}

impl<'r> Level<'r> {
    fn from_node(value: &'r Node) -> Option<Self> {
        match &value.value {
            Value::Object(members) => Some(Self::Members(members.iter())),
            Value::Array(items) => Some(Self::Items(items.iter().enumerate())),
            _ => None,
        }
    }

    fn next(&mut self) -> Option<(String, &'r Node)> {
        match self {
            Self::Members(members) => {
                let member = members.find(|member| is_deep(&member.node))?;
                let key = member.key.utf8().unwrap_or_default();
                Some((pointer(key), &member.node))
            }
            Self::Items(items) => {
                let (number, value) = items.find(|(_, value)| is_deep(value))?;
                Some((number.to_string(), value))
            }
        }
    }
}

const fn is_deep(value: &Node) -> bool {
    matches!(value.value, Value::Object(_) | Value::Array(_))
}

/// A value as a fault shows it.
pub(crate) fn shown(node: &Node) -> String {
    match &node.value {
        Value::String(text) => text.to_string(),
        Value::Number(digits) => digits.clone(),
        other => other.kind().to_owned(),
    }
}

/// A key as a step of a JSON pointer (RFC 6901).
fn pointer(key: &str) -> String {
    let key: String = key.chars().take(100).collect();
    key.replace('~', "~0").replace('/', "~1")
}
