//! JSON as it stands on disk: every value with its place, and whatever stands before a damage.
//!
//! A `state.json` that was cut in the middle still tells the pid and the start time in most cases,
//! so this reader keeps what it has read when it meets a damage, and says where that is. It needs
//! no recursion, keeps numbers as they are written (a start time in clock ticks does not fit a
//! double), and bounds depth and number of values.

use finding::Text;
use view::{Span, View};

/// How deep arrays and objects may stand in each other. runc's own documents need ten.
pub const DEPTH: usize = 64;

/// How many values one document may have. A large seccomp profile needs about 5,000.
pub const VALUES: usize = 1 << 18;

/// A value and the bytes that it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands in its source.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A string, its escapes resolved. Not UTF-8 where the file is not.
    String(Text),
    /// An array.
    Array(Vec<Node>),
    /// An object, its members in their order; a name may come twice.
    Object(Vec<Member>),
}

/// A name and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub key: Text,
    /// Offset of the name's opening quote in its source.
    pub at: u64,
    /// The value.
    pub node: Node,
}

impl Value {
    /// What kind of value it is, for people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// What is wrong with a document as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is nothing in it, or only white space.
    Empty,
    /// It ends inside a value.
    Ends {
        /// Offset of its end.
        at: u64,
    },
    /// Something stands where it may not.
    Syntax {
        /// Offset of the byte.
        at: u64,
        /// What may stand there.
        want: &'static str,
        /// The byte that stands there.
        found: u8,
    },
    /// Deeper than [`DEPTH`]; what is deeper was not read.
    Deep {
        /// Offset of the bracket that is one too many.
        at: u64,
    },
    /// More than [`VALUES`] values; the rest was not read.
    Many {
        /// Offset of the first value that was not read.
        at: u64,
    },
    /// A name comes twice in one object. Go takes the last.
    Twice {
        /// Offset of the second.
        at: u64,
        /// The name.
        key: Text,
    },
}

/// What was read of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The value, or what stands before the damage. Nothing if not even the first value began.
    pub root: Option<Node>,
    /// What is wrong with it, in order.
    pub flaws: Vec<Flaw>,
    /// Offset after the last byte that was read: where the next document of a stream may begin.
    pub end: u64,
}

impl Document {
    /// Reads one document that fills the whole window but for white space.
    pub fn parse(view: View<'_>) -> Self {
        let mut cursor = Cursor::new(view);
        let (root, mut flaws) = cursor.value();
        if flaws.iter().all(|flaw| matches!(flaw, Flaw::Twice { .. })) {
            cursor.skip_space();
            if let Some(found) = cursor.peek() {
                flaws.push(Flaw::Syntax {
                    at: cursor.absolute(),
                    want: "the end of the document",
                    found,
                });
            }
        }
        Self {
            root,
            flaws,
            end: cursor.absolute(),
        }
    }
}

/// An array or object that is not closed yet.
struct Open {
    at: usize,
    kind: Kind,
}

enum Kind {
    Array(Vec<Node>),
    Object(Vec<Member>, Option<(Text, u64)>),
}

/// Where the reader stands.
struct Cursor<'s> {
    view: View<'s>,
    bytes: &'s [u8],
    at: usize,
}

/// A flaw after which nothing more is read.
type Step<T> = Result<T, Flaw>;

impl<'s> Cursor<'s> {
    const fn new(view: View<'s>) -> Self {
        Self {
            view,
            bytes: view.bytes(),
            at: 0,
        }
    }

    fn offset(&self, at: usize) -> u64 {
        self.view.absolute(u64::try_from(at).unwrap_or(u64::MAX))
    }

    fn absolute(&self) -> u64 {
        self.offset(self.at)
    }

    fn span(&self, from: usize) -> Span {
        let len = u64::try_from(self.at.saturating_sub(from)).unwrap_or(u64::MAX);
        Span::new(self.offset(from), len)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.step();
        }
    }

    fn wrong(&self, want: &'static str) -> Flaw {
        match self.peek() {
            Some(found) => Flaw::Syntax {
                at: self.absolute(),
                want,
                found,
            },
            None => Flaw::Ends {
                at: self.absolute(),
            },
        }
    }

    /// One value with everything in it, or what stands of it before a damage.
    fn value(&mut self) -> (Option<Node>, Vec<Flaw>) {
        let mut flaws = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        self.skip_space();
        if self.peek().is_none() {
            return (None, vec![Flaw::Empty]);
        }
        let mut values = 0_usize;
        let mut done = None;
        while done.is_none() {
            match self.next(&mut open, &mut values) {
                // A value is complete: it belongs into what is open, or is all there is.
                Ok(Some(node)) => match open.last_mut() {
                    Some(parent) => parent.take(node, &mut flaws),
                    None => done = Some(node),
                },
                Ok(None) => {}
                Err(flaw) => {
                    flaws.push(flaw);
                    break;
                }
            }
        }
        // What is still open ends here; each goes into the one around it.
        while let Some(inner) = open.pop() {
            let node = self.close(inner);
            match open.last_mut() {
                Some(parent) => parent.take(node, &mut flaws),
                None => done = Some(node),
            }
        }
        (done, flaws)
    }

    /// The next step: a whole value, or a bracket opened.
    fn next(&mut self, open: &mut Vec<Open>, values: &mut usize) -> Step<Option<Node>> {
        self.skip_space();
        if let Some(current) = open.last_mut() {
            let closing = match &current.kind {
                Kind::Array(_) => b']',
                Kind::Object(..) => b'}',
            };
            let first = current.is_empty();
            match self.peek() {
                Some(byte) if byte == closing => {
                    self.step();
                    let whole = open.pop().map(|inner| self.close(inner));
                    return Ok(whole);
                }
                Some(b',') if !first => {
                    self.step();
                    self.skip_space();
                }
                _ if first => {}
                _ => {
                    return Err(self.wrong(match current.kind {
                        Kind::Array(_) => "a comma or ]",
                        Kind::Object(..) => "a comma or }",
                    }));
                }
            }
            if let Kind::Object(_, pending) = &mut current.kind {
                let at = self.absolute();
                if self.peek() != Some(b'"') {
                    return Err(self.wrong("a name in quotes"));
                }
                let key = self.string()?;
                self.skip_space();
                if self.peek() != Some(b':') {
                    return Err(self.wrong("a colon"));
                }
                self.step();
                self.skip_space();
                *pending = Some((key, at));
            }
        }
        *values = values.saturating_add(1);
        if *values > VALUES {
            return Err(Flaw::Many {
                at: self.absolute(),
            });
        }
        let from = self.at;
        let value = match self.peek() {
            Some(b'{' | b'[') if open.len() >= DEPTH => {
                return Err(Flaw::Deep {
                    at: self.absolute(),
                });
            }
            Some(bracket @ (b'{' | b'[')) => {
                self.step();
                open.push(Open {
                    at: from,
                    kind: if bracket == b'{' {
                        Kind::Object(Vec::new(), None)
                    } else {
                        Kind::Array(Vec::new())
                    },
                });
                return Ok(None);
            }
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word(b"true", Value::Bool(true))?,
            Some(b'f') => self.word(b"false", Value::Bool(false))?,
            Some(b'n') => self.word(b"null", Value::Null)?,
            _ => return Err(self.wrong("a value")),
        };
        Ok(Some(Node {
            span: self.span(from),
            value,
        }))
    }

    fn close(&self, open: Open) -> Node {
        Node {
            span: self.span(open.at),
            value: match open.kind {
                Kind::Array(nodes) => Value::Array(nodes),
                Kind::Object(members, _) => Value::Object(members),
            },
        }
    }

    fn word(&mut self, word: &'static [u8], value: Value) -> Step<Value> {
        for want in word {
            if self.peek() != Some(*want) {
                return Err(self.wrong("true, false or null"));
            }
            self.step();
        }
        Ok(value)
    }

    fn number(&mut self) -> Step<Value> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.step();
        }
        if self.peek() == Some(b'0') {
            self.step();
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.wrong("no digit after a leading 0"));
            }
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step();
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step();
            }
            self.digits()?;
        }
        // A number at the very end of the file may have had more digits.
        if self.peek().is_none() && from != 0 {
            return Err(self.wrong("a digit"));
        }
        let text = self.bytes.get(from..self.at).unwrap_or_default();
        Ok(Value::Number(String::from_utf8_lossy(text).into_owned()))
    }

    fn digits(&mut self) -> Step<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong("a digit"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step();
        }
        Ok(())
    }

    fn string(&mut self) -> Step<Text> {
        let mut out = Vec::new();
        self.step();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(Text::new(out));
                }
                Some(b'\\') => {
                    self.step();
                    self.escape(&mut out)?;
                }
                Some(0..=0x1f) | None => {
                    return Err(self.wrong("a character of a string"));
                }
                Some(byte) => {
                    out.push(byte);
                    self.step();
                }
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Step<()> {
        let plain = match self.peek() {
            Some(letter @ (b'"' | b'\\' | b'/')) => letter,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                self.step();
                let letter = self.unicode()?;
                let mut utf8 = [0; 4];
                out.extend_from_slice(letter.encode_utf8(&mut utf8).as_bytes());
                return Ok(());
            }
            _ => return Err(self.wrong("an escape")),
        };
        out.push(plain);
        self.step();
        Ok(())
    }

    /// The character of `\uXXXX`, or of two of them; half a pair becomes U+FFFD, as in Go.
    fn unicode(&mut self) -> Step<char> {
        let high = self.four_digits()?;
        if let Some(letter) = char::from_u32(high) {
            return Ok(letter);
        }
        let back = self.at;
        if (0xd800..0xdc00).contains(&high)
            && self.peek() == Some(b'\\')
            && self.bytes.get(self.at.saturating_add(1)) == Some(&b'u')
        {
            self.at = self.at.saturating_add(2);
            let low = self.four_digits()?;
            let pair = low
                .checked_sub(0xdc00)
                .filter(|low| *low < 0x400)
                .zip(high.checked_sub(0xd800))
                .and_then(|(low, high)| high.checked_shl(10)?.checked_add(low))
                .and_then(|both| char::from_u32(both.checked_add(0x1_0000)?));
            if let Some(letter) = pair {
                return Ok(letter);
            }
            self.at = back;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Step<u32> {
        let mut number = 0_u32;
        for _ in 0..4 {
            let digit = self
                .peek()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(|| self.wrong("a hexadecimal digit"))?;
            number = number.saturating_mul(16).saturating_add(digit);
            self.step();
        }
        Ok(number)
    }
}

impl Open {
    const fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Array(nodes) => nodes.is_empty(),
            Kind::Object(members, _) => members.is_empty(),
        }
    }

    /// Puts a value in; a value of an object without a name cannot come about.
    fn take(&mut self, node: Node, flaws: &mut Vec<Flaw>) {
        match &mut self.kind {
            Kind::Array(nodes) => nodes.push(node),
            Kind::Object(members, pending) => {
                let Some((key, at)) = pending.take() else {
                    return;
                };
                // Quadratic only up to where it matters: huge maps are not searched for twins.
                if members.len() < 128 && members.iter().any(|member| member.key == key) {
                    flaws.push(Flaw::Twice {
                        at,
                        key: key.clone(),
                    });
                }
                members.push(Member { key, at, node });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Document {
        Document::parse(View::new(text))
    }

    #[test]
    fn values_know_their_bytes() {
        let document = parse(br#" {"a": [1, -2.5e3, "x\u00e9\ud83d\ude00\n"], "b":null} "#);
        assert_eq!(document.flaws, []);
        let Some(Node {
            value: Value::Object(members),
            span,
        }) = document.root
        else {
            panic!("no object");
        };
        assert_eq!(span.start, 1);
        assert_eq!(members[0].key, *"a");
        assert_eq!(members[0].at, 2);
        let Value::Array(nodes) = &members[0].node.value else {
            panic!("no array");
        };
        assert_eq!(nodes[1].value, Value::Number("-2.5e3".into()));
        assert_eq!(nodes[2].value, Value::String("xé😀\n".into()));
        assert_eq!(members[1].node.value, Value::Null);
    }

    #[test]
    fn what_stands_before_a_damage_is_kept() {
        let document = parse(br#"{"id":"a","pid":12,"more":{"x":[1,2"#);
        assert!(matches!(document.flaws.as_slice(), [Flaw::Ends { at: 35 }]));
        let Some(Node {
            value: Value::Object(members),
            ..
        }) = document.root
        else {
            panic!("no object");
        };
        assert_eq!(members.len(), 3);
        // The last number may have been longer: it is not kept.
        assert_eq!(
            parse(br#"{"pid":12"#).root.map(|node| node.value),
            Some(Value::Object(vec![]))
        );
    }

    #[test]
    fn each_flaw_has_its_place() {
        assert_eq!(parse(b" \n").flaws, [Flaw::Empty]);
        assert_eq!(
            parse(b"\0\0\0").flaws,
            [Flaw::Syntax {
                at: 0,
                want: "a value",
                found: 0
            }]
        );
        assert!(matches!(
            parse(b"{\"a\":1}}").flaws.as_slice(),
            [Flaw::Syntax { at: 7, .. }]
        ));
        assert!(matches!(
            parse(b"{\"a\":1,\"a\":2}").flaws.as_slice(),
            [Flaw::Twice { at: 7, .. }]
        ));
        assert!(matches!(
            parse(&b"[".repeat(1000)).flaws.as_slice(),
            [Flaw::Deep { at: 64 }]
        ));
        let wide = [b"[1".as_slice(), &b",1".repeat(VALUES)].concat();
        assert!(matches!(parse(&wide).flaws.as_slice(), [Flaw::Many { .. }]));
        for text in [
            "[1,]",
            "{1:2}",
            "{\"a\" 1}",
            "[01]",
            "\"\\q\"",
            "tru",
            "+1",
            "[1 2]",
        ] {
            assert_eq!(parse(text.as_bytes()).flaws.len(), 1, "{text}");
        }
    }

    #[test]
    fn half_a_pair_is_replaced() {
        let document = parse(br#"["\ud800", "\ud800\u0041", "\udc00x"]"#);
        assert_eq!(document.flaws, []);
        let Some(Value::Array(nodes)) = document.root.map(|node| node.value) else {
            panic!("no array");
        };
        assert_eq!(nodes[0].value, Value::String("\u{fffd}".into()));
        assert_eq!(nodes[1].value, Value::String("\u{fffd}A".into()));
    }
}
