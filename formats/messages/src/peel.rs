//! A line is peeled to what a program said: prefixes of the journal and of syslog, klog's head,
//! logfmt, JSON, terminal colours.

use std::sync::LazyLock;

use regex::Regex;

use crate::prefix;

/// The longest line that is looked at; what comes after is cut.
pub const LINE_LIMIT: usize = 64 << 10;
/// So many layers are peeled.
const LAYERS: usize = 6;

/// What is left of a line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Peeled {
    /// What was said, outermost first: the message, then its error.
    pub(crate) said: Vec<String>,
    /// The program that the journal or syslog names.
    pub(crate) program: Option<String>,
    /// The file of the source that klog names.
    pub(crate) file: Option<String>,
    /// The level that the program gave.
    pub(crate) level: Option<String>,
    /// When, as the line has it.
    pub(crate) time: Option<String>,
    /// Fields beside the message: id, namespace, pod.
    pub(crate) fields: Vec<(String, String)>,
}

macro_rules! regex {
    ($name:ident, $source:literal) => {
        static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($source).ok());
    };
}

regex!(
    KLOG,
    r"^\s*([IWEF]?)(\d{4} \d\d:\d\d:\d\d\.\d+)\s+\d+ ([\w./-]+):\d+\] "
);
regex!(
    TERMINAL,
    r"^\s*(TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[([^\]]*)\]\s*"
);
regex!(LOGFMT, r"(?:^|\s)(?:time|level|msg|error|err)=");

/// Peels `line`.
pub(crate) fn peel(line: &str) -> Peeled {
    let mut peeled = Peeled::default();
    let mut text = tidy(line);
    for _ in 0..LAYERS {
        let Some(next) = layer(&text, &mut peeled) else {
            break;
        };
        text = next;
    }
    if peeled.said.is_empty() || !text.trim().is_empty() {
        peeled.said.insert(0, text.trim().to_owned());
    }
    // A message that is a line itself: k0s, and dockerd that relays containerd.
    let first = peeled.said.first().cloned().unwrap_or_default();
    if is_logfmt(&first) && first != line.trim() {
        let inner = peel_once(&first);
        peeled.said.splice(0..1, inner.said);
        peeled.level = inner.level.or(peeled.level);
        peeled.time = inner.time.or(peeled.time);
        peeled.fields.extend(inner.fields);
    }
    // What a program that was called wrote to its standard error, and gave as an error: it is the innermost.
    let quoted = peeled.said.iter().rev().find_map(|said| error_inside(said));
    peeled.said.extend(quoted);
    peeled.said.retain(|said| !said.is_empty());
    for said in &mut peeled.said {
        *said = unescape_to_the_first_quote(said);
    }
    peeled
}

/// The message of a line of logfmt in the middle of `text`, if its program gave it as an error.
fn error_inside(text: &str) -> Option<String> {
    const STARTS: [&str; 4] = [
        "level=fatal msg=",
        "level=error msg=",
        "level=fatal msg=\\",
        "level=error msg=\\",
    ];
    let found = STARTS
        .iter()
        .rev()
        .find_map(|start| text.rfind(start).map(|at| at.saturating_add(start.len())))?;
    let rest = text.get(found..)?;
    let rest = if rest.starts_with('"') && text.get(..found)?.ends_with('\\') {
        unquote(rest)
    } else {
        rest.to_owned()
    };
    let (said, _) = value(&rest);
    (said.contains(' ')).then_some(said)
}

fn peel_once(text: &str) -> Peeled {
    let mut peeled = Peeled::default();
    if let Some(rest) = logfmt(text, &mut peeled)
        && !rest.trim().is_empty()
    {
        peeled.said.insert(0, rest);
    }
    peeled
}

/// Cut to its bound, without escapes of a terminal and of rsyslog.
fn tidy(line: &str) -> String {
    let mut end = line.len().min(LINE_LIMIT);
    while !line.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let line = prefix::without_quoting(line.get(..end).unwrap_or_default());
    let line = line.replace("#011", "\t").replace("#012", "\n");
    let line = line.replace("#033[", "\u{1b}[");
    let mut clean = String::with_capacity(line.len());
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.peek() == Some(&'[') => {
                // A control sequence ends with a letter.
                for letter in letters.by_ref().skip(1).take(32) {
                    if letter.is_ascii_alphabetic() {
                        break;
                    }
                }
            }
            '\t' | '\n' => clean.push(letter),
            '\u{201c}' | '\u{201d}' => clean.push('"'),
            // Go's protobuf writes one of two spaces at random, so that nobody compares its words.
            '\u{a0}' => clean.push(' '),
            letter if letter.is_control() => {}
            letter => clean.push(letter),
        }
    }
    clean.trim().to_owned()
}

/// What is under the outermost layer, if there is one that is known.
fn layer(text: &str, peeled: &mut Peeled) -> Option<String> {
    if let Some(found) = KLOG.as_ref()?.captures(text) {
        let level = found.get(1).map(|level| level.as_str().to_owned());
        peeled.level = level.filter(|level| !level.is_empty());
        peeled.time = found.get(2).map(|time| time.as_str().to_owned());
        peeled.file = found.get(3).map(|file| file.as_str().to_owned());
        let rest = text.get(found.get(0)?.end()..)?;
        if rest.starts_with('"') {
            klog(rest, peeled);
            return Some(String::new());
        }
        return Some(rest.to_owned());
    }
    if let Some(found) = TERMINAL.as_ref()?.captures(text) {
        peeled.level = found.get(1).map(|level| level.as_str().to_owned());
        let rest = text.get(found.get(0)?.end()..)?;
        let at = first_field(rest);
        let (said, tail) = rest.split_at_checked(at)?;
        peeled.said.push(said.trim().to_owned());
        // What a program that was called wrote: its line is inside of this one.
        if said.trim_end().ends_with(':') {
            let inner = peel_once(tail);
            peeled.said.extend(inner.said);
            return Some(String::new());
        }
        take_fields(tail, peeled);
        return Some(String::new());
    }
    if text.starts_with('{')
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
    {
        return json(&value, peeled);
    }
    if text.starts_with('"') && peeled.said.is_empty() && text.contains(" err=") {
        klog(text, peeled);
        return Some(String::new());
    }
    // Before logfmt: what stands before its first field is a message.
    if let Some(rest) = prefix::peel(text, peeled) {
        return Some(rest);
    }
    if is_logfmt(text) {
        return logfmt(text, peeled);
    }
    None
}

fn is_logfmt(text: &str) -> bool {
    let is_there =
        |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(text));
    is_there(&LOGFMT)
        && ["msg=", "level=", " error=\"", " err=\""]
            .iter()
            .any(|field| text.contains(field))
}

/// `"message" key="value" err="error"`
fn klog(text: &str, peeled: &mut Peeled) {
    let (said, end) = value(text);
    peeled.said.push(said);
    take_fields(text.get(end..).unwrap_or_default(), peeled);
}

/// Fields of one line of JSON.
fn json(value: &serde_json::Value, peeled: &mut Peeled) -> Option<String> {
    let object = value.as_object()?;
    let mut rest = None;
    // What collectors wrap an entry of the journal into.
    let object = match object
        .get("jsonPayload")
        .and_then(|inner| inner.as_object())
    {
        Some(inner) => inner,
        None => object,
    };
    for (key, value) in object {
        let Some(text) = value.as_str() else {
            continue;
        };
        match key.as_str() {
            "log" | "content" | "MESSAGE" | "textPayload" => rest = Some(text.trim().to_owned()),
            _ => take_field(key, text.to_owned(), peeled),
        }
    }
    if rest.is_none() && peeled.said.is_empty() {
        return None;
    }
    Some(rest.unwrap_or_default())
}

/// `time=… level=… msg="…" error="…"`; what stands before it is another's.
fn logfmt(text: &str, peeled: &mut Peeled) -> Option<String> {
    let found = LOGFMT.as_ref()?.find(text)?;
    let (before, fields) = text.split_at_checked(found.start())?;
    take_fields(fields, peeled);
    Some(before.trim().trim_end_matches("output:").to_owned())
}

/// Where the first `key=` stands.
fn first_field(text: &str) -> usize {
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|later| later.find('=')) {
        let at = from.saturating_add(found);
        let before = text.get(..at).unwrap_or_default();
        let start = before
            .rfind(char::is_whitespace)
            .map_or(0, |space| space.saturating_add(1));
        let key = before.get(start..).unwrap_or_default();
        let is_key = !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.');
        if is_key && start > 0 {
            return start;
        }
        from = at.saturating_add(1);
    }
    text.len()
}

fn take_fields(text: &str, peeled: &mut Peeled) {
    let mut rest = text.trim_start();
    // Fields of a line are few; a hostile one may have thousands.
    for _ in 0..64 {
        let Some((key, after)) = rest.split_once('=') else {
            break;
        };
        let key = key.trim();
        let key = key.rsplit(char::is_whitespace).next().unwrap_or_default();
        let (text, end) = value(after);
        take_field(key, text, peeled);
        rest = after.get(end..).unwrap_or_default().trim_start();
    }
}

fn take_field(key: &str, text: String, peeled: &mut Peeled) {
    match key {
        "msg" | "message" => peeled.said.insert(0, text),
        "error" | "err" | "E" => peeled.said.push(text),
        "level" | "severity" => peeled.level = Some(text),
        "time" | "ts" => peeled.time = Some(text),
        _ if peeled.fields.len() < 64 => peeled.fields.push((key.to_owned(), text)),
        _ => {}
    }
}

/// A value, and where it ends: quoted as Go does it, or up to the next space. A quote that is not
/// escaped, though it should be, ends nothing unless a field or nothing follows.
fn value(text: &str) -> (String, usize) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return (text.get(..end).unwrap_or_default().to_owned(), end);
    };
    let mut escaped = false;
    let mut last = None;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                last = Some(at);
                let after = quoted.get(at.saturating_add(1)..).unwrap_or_default();
                if ends_a_value(after) {
                    break;
                }
            }
            _ => {}
        }
    }
    let end = last.unwrap_or(quoted.len());
    let inner = quoted.get(..end).unwrap_or_default();
    let over = end.saturating_add(2).min(text.len());
    (unquote(inner), over)
}

fn ends_a_value(after: &str) -> bool {
    let Some(next) = after.strip_prefix([' ', '\t', ',']) else {
        return after.is_empty() || after.starts_with('\n');
    };
    let next = next.trim_start();
    let word = next.split('=').next().unwrap_or_default();
    next.is_empty()
        || (word.len() < next.len()
            && !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte)))
}

/// Go's `%q`, undone.
fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push(' '),
            Some('x') => {
                // An escape of a byte that no letter is: one for two digits.
                letters.nth(1);
                plain.push('\u{fffd}');
            }
            Some('u') => plain.push(of_four_digits(&mut letters)),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

/// The letter that `\u` and four digits name.
fn of_four_digits(letters: &mut core::str::Chars<'_>) -> char {
    let digits: String = letters.clone().take(4).collect();
    let Ok(number) = u32::from_str_radix(&digits, 16) else {
        return 'u';
    };
    letters.nth(3);
    match char::from_u32(number) {
        Some('\u{a0}') => ' ',
        Some(letter) if !letter.is_control() => letter,
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// A text that was copied out of its quotes still has its quotes escaped.
fn unescape_to_the_first_quote(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let Some(at) = text.find('"') else {
            break;
        };
        if !text.get(..at).is_some_and(|before| before.ends_with('\\')) {
            break;
        }
        text = unquote(&text);
    }
    text
}
