//! Keys of a JSON object, each asked for by name and type.
//!
//! Every key is optional: runc 1.4 leaves out what is empty, and older and newer releases have
//! keys of their own. `null` is a key that is not there, as for Go. A value of another type is a
//! fault, and the other keys are read all the same. Whoever asked for all the keys that it knows
//! can ask which others there were.

use finding::{Text, Time};
use view::Span;

use crate::fault::{Fault, File};
use json::{Document, Flaw, Member, Node, Value};

/// An object of a document, with the way to it.
#[derive(Debug)]
pub(crate) struct Record<'n, 'f> {
    file: File,
    path: String,
    members: &'n [Member],
    asked: Vec<&'static str>,
    faults: &'f mut Vec<Fault>,
}

impl<'n, 'f> Record<'n, 'f> {
    /// The document's object; its flaws become faults. Nothing, and a fault, if it is not one.
    pub(crate) fn root(
        file: File,
        document: &'n Document,
        faults: &'f mut Vec<Fault>,
    ) -> Option<Self> {
        for flaw in &document.flaws {
            faults.push(Fault::Flaw(file, flaw.clone()));
        }
        let node = document.root.as_ref()?;
        match &node.value {
            Value::Object(members) => Some(Self {
                file,
                path: String::new(),
                members,
                asked: Vec::new(),
                faults,
            }),
            other => {
                faults.push(Fault::Type {
                    file,
                    key: "the document".to_owned(),
                    span: node.span,
                    want: "an object",
                    found: other.kind(),
                });
                None
            }
        }
    }

    fn way(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The value of `key`, unless it is null; of two, the last.
    pub(crate) fn node(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.members
            .iter()
            .rev()
            .find(|member| member.key == *key)
            .map(|member| &member.node)
            .filter(|node| node.value != Value::Null)
    }

    fn wrong_type(&mut self, key: String, node: &Node, want: &'static str) {
        self.faults.push(Fault::Type {
            file: self.file,
            key,
            span: node.span,
            want,
            found: node.value.kind(),
        });
    }

    fn wrong_value(&mut self, key: String, span: Span, want: &str, found: impl Into<Text>) {
        self.faults.push(Fault::Value {
            file: self.file,
            key,
            span,
            want: want.to_owned(),
            found: found.into(),
        });
    }

    /// Notes that `key`, which every release writes, is not there.
    ///
    /// Not where the document is cut: what is missing there has its fault already.
    pub(crate) fn missing(&mut self, key: &'static str) {
        let cut = self.faults.iter().any(
            |fault| matches!(fault, Fault::Flaw(_, flaw) if !matches!(flaw, Flaw::Twice { .. })),
        );
        if !cut && !self.has(key) {
            let key = self.way(key);
            self.faults.push(Fault::Missing {
                file: self.file,
                key,
            });
        }
    }

    /// A string.
    pub(crate) fn text_field(&mut self, key: &'static str) -> Option<Text> {
        let node = self.node(key)?;
        let way = self.way(key);
        self.as_text(way, node)
    }

    fn as_text(&mut self, way: String, node: &Node) -> Option<Text> {
        if let Value::String(text) = &node.value {
            return Some(text.clone());
        }
        self.wrong_type(way, node, "a string");
        None
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let node = self.node(key)?;
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        let way = self.way(key);
        self.wrong_type(way, node, "a boolean");
        None
    }

    /// An integer in the range of `T`.
    pub(crate) fn integer<T: core::str::FromStr>(
        &mut self,
        key: &'static str,
        want: &'static str,
    ) -> Option<T> {
        let node = self.node(key)?;
        let way = self.way(key);
        let Value::Number(text) = &node.value else {
            self.wrong_type(way, node, "a number");
            return None;
        };
        let number = text.parse().ok();
        if number.is_none() {
            self.wrong_value(way, node.span, want, text.as_str());
        }
        number
    }

    /// An RFC 3339 time.
    pub(crate) fn time(&mut self, key: &'static str) -> Option<Time> {
        let node = self.node(key)?;
        let way = self.way(key);
        let text = self.as_text(way.clone(), node)?;
        let time = text.utf8().and_then(|text| Time::parse(text).ok());
        if time.is_none() {
            self.wrong_value(way, node.span, "an RFC 3339 time", text);
        }
        time
    }

    /// An object of strings.
    pub(crate) fn map(&mut self, key: &'static str) -> Vec<(Text, Text)> {
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        let way = self.way(key);
        let Value::Object(members) = &node.value else {
            self.wrong_type(way, node, "an object");
            return Vec::new();
        };
        members
            .iter()
            .filter_map(|member| {
                let value = self.as_text(format!("{way}.{}", member.key), &member.node)?;
                Some((member.key.clone(), value))
            })
            .collect()
    }

    /// An array of strings.
    pub(crate) fn texts(&mut self, key: &'static str) -> Vec<Text> {
        let way = self.way(key);
        self.nodes(key)
            .iter()
            .enumerate()
            .filter_map(|(nth, node)| self.as_text(format!("{way}[{nth}]"), node))
            .collect()
    }

    /// The values of an array.
    pub(crate) fn nodes(&mut self, key: &'static str) -> &'n [Node] {
        let Some(node) = self.node(key) else {
            return &[];
        };
        if let Value::Array(nodes) = &node.value {
            return nodes;
        }
        let way = self.way(key);
        self.wrong_type(way, node, "an array");
        &[]
    }

    /// An object inside this one.
    pub(crate) fn object(&mut self, key: &'static str) -> Option<Record<'n, '_>> {
        let node = self.node(key)?;
        let way = self.way(key);
        self.as_object(way, node)
    }

    /// The objects of an array, each shown to `each`.
    pub(crate) fn objects(&mut self, key: &'static str, mut each: impl FnMut(&mut Record<'n, '_>)) {
        let way = self.way(key);
        for (nth, node) in self.nodes(key).iter().enumerate() {
            if let Some(mut record) = self.as_object(format!("{way}[{nth}]"), node) {
                each(&mut record);
            }
        }
    }

    fn as_object(&mut self, way: String, node: &'n Node) -> Option<Record<'n, '_>> {
        let Value::Object(members) = &node.value else {
            self.wrong_type(way, node, "an object");
            return None;
        };
        Some(Record {
            file: self.file,
            path: way,
            members,
            asked: Vec::new(),
            faults: self.faults,
        })
    }

    /// Notes that `key`'s value is not what it should be.
    pub(crate) fn refuse(&mut self, key: &'static str, want: &str, found: impl Into<Text>) {
        let span = self
            .node(key)
            .map_or_else(|| Span::new(0, 0), |node| node.span);
        let way = self.way(key);
        self.wrong_value(way, span, want, found);
    }

    /// Whether `key` is there, null or not.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|member| member.key == *key)
    }

    /// The keys that nobody asked for, in their order.
    pub(crate) fn others(&self) -> Vec<Text> {
        self.members
            .iter()
            .filter(|member| !self.asked.iter().any(|asked| member.key == **asked))
            .map(|member| member.key.clone())
            .collect()
    }
}
