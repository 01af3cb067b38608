//! The reader: one pass, no recursion.

use finding::Text;
use view::{Span, View};

use crate::{DEPTH, Flaw, Member, Node, VALUES, Value};

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
        let mut first = Self::parse_first(view);
        let rest = view.bytes().get(first.read_len(view)..).unwrap_or_default();
        if let (Some(found), true) = (rest.first(), first.flaws.iter().all(Flaw::is_harmless)) {
            first.flaws.push(Flaw::Syntax {
                at: first.end,
                want: "the end of the document",
                found: *found,
            });
        }
        first
    }

    /// Reads the first document of a stream, and the white space after it.
    pub fn parse_first(view: View<'_>) -> Self {
        let mut cursor = Cursor::new(view);
        let (root, flaws) = cursor.value();
        if flaws.iter().all(Flaw::is_harmless) {
            cursor.skip_space();
        }
        Self {
            root,
            flaws,
            end: cursor.absolute(),
        }
    }

    /// Bytes of its window that were read.
    pub fn read_len(&self, view: View<'_>) -> usize {
        let read = self.end.saturating_sub(view.absolute(0));
        usize::try_from(read).unwrap_or(usize::MAX)
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
    fn new(view: View<'s>) -> Self {
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
            Some(b'-' | b'0'..=b'9') => self.number(!open.is_empty())?,
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

    /// A number, which may stand `inside` of something.
    fn number(&mut self, inside: bool) -> Step<Value> {
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
        // A number at the very end of what is cut may have had more digits.
        if self.peek().is_none() && inside {
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
