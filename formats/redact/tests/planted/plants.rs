//! Secrets in all forms, where they are put, and whether one is left.

#![expect(
    clippy::panic,
    clippy::format_collect,
    clippy::assigning_clones,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeMap;

use bolt::{CheckOptions, Layout, PageState, Value, Visit, Writer, check};
use view::View;

/// Files as they are on nodes, with holes for secrets.
pub(crate) const FILES: &str = include_str!("files.txt");

/// The same, put together from configurations that people published, after the rules were written.
pub(crate) const PUBLISHED: &str = include_str!("published.txt");

/// A third list: fields and files that are known, with something else in them than they hold, written down by
/// somebody who had not read the rules.
pub(crate) const UNREAD: &str = include_str!("unread.txt");

/// A fourth: programs around containerd, whose files no rule was written for.
pub(crate) const OTHERS: &str = include_str!("others.txt");

/// A fifth: places that nobody thought of, written down before its author read the rules, of which something
/// was left at first.
#[allow(dead_code, reason = "not every test has all lists")]
pub(crate) const FIFTH: &str = include_str!("fifth.txt");

/// A sixth: names that a person may say, and hexadecimal digits, where a known field holds something else.
#[allow(dead_code, reason = "not every test has all lists")]
pub(crate) const SIXTH: &str = include_str!("sixth.txt");

/// The files of a list: their paths, and what is in them.
pub(crate) fn samples(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let samples = list
        .split("\n== ")
        .map(|sample| sample.trim_start_matches("== "));
    samples.filter_map(|sample| sample.split_once('\n'))
}

/// Secrets in all forms, each another one.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) all: Vec<(String, String)>,
    pub(crate) seed: u64,
}

impl Secrets {
    fn number(&mut self) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    fn letters(&mut self, of: &[u8], len: usize) -> String {
        (0..len)
            .map(|_| char::from(of[usize::try_from(self.number()).unwrap() % of.len()]))
            .collect()
    }

    pub(crate) fn next(&mut self, place: &str) -> String {
        const SMALL: &[u8] = b"bcdfghjkmnpqrtvwxz";
        const HEX: &[u8] = b"0123456789abcdef";
        const MIXED: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let count = self.all.len();
        let random = self.letters(SMALL, 8);
        let secret = match count % 12 {
            0 => format!("hunter{count}{random}"),
            1 => self.letters(MIXED, 24),
            2 => self.letters(HEX, 32),
            3 => self.letters(HEX, 64),
            4 => format!(
                "{}-{}-4{}-a{}-{}",
                self.letters(HEX, 8),
                self.letters(HEX, 4),
                self.letters(HEX, 3),
                self.letters(HEX, 3),
                self.letters(HEX, 12)
            ),
            5 => format!(
                "{}+{}/{}=",
                self.letters(MIXED, 14),
                self.letters(MIXED, 14),
                self.letters(MIXED, 13)
            ),
            6 => format!("ghp_{}", self.letters(MIXED, 36)),
            7 => format!(
                "{}-{}-{}",
                self.letters(SMALL, 6),
                self.letters(SMALL, 5),
                random
            ),
            8 => format!("p\u{e4}ss{random}\u{fc}"),
            9 => format!("P!ss.w0rd~{}", self.letters(MIXED, 6)),
            10 => self.letters(b"123456789", 11),
            _ => format!("hvs.{}", self.letters(MIXED, 28)),
        };
        self.all.push((place.to_owned(), secret.clone()));
        secret
    }

    /// As generators of passwords make them: all kinds of letters, and signs.
    fn generated(&mut self, place: &str) -> String {
        const MIXED: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let secret = format!(
            "{}Xq7{}{}4b{}{}",
            self.letters(MIXED, 2),
            self.letters(b"!$&*", 1),
            self.letters(MIXED, 4),
            self.letters(b"#=?~^", 1),
            self.letters(MIXED, 3)
        );
        self.all.push((place.to_owned(), secret.clone()));
        secret
    }

    /// As people make passwords: words, with a number behind them or without.
    fn spoken(&mut self, place: &str) -> String {
        const WORDS: [&str; 8] = [
            "violet", "otter", "lantern", "walnut", "falcon", "pepper", "marble", "willow",
        ];
        let mut word = || WORDS[usize::try_from(self.number()).unwrap() % WORDS.len()];
        let (one, other) = (word(), word());
        let count = self.all.len();
        let secret = match count % 3 {
            0 => format!("{one}-{other}-{count}"),
            1 => format!("{one}_{other}_q{count}"),
            _ => format!("V{one}{other}{count}"),
        };
        self.all.push((place.to_owned(), secret.clone()));
        secret
    }

    /// A token of so many letters and digits, which a name may be.
    #[allow(dead_code, reason = "not every test has names")]
    pub(crate) fn token(&mut self, len: usize) -> String {
        let letters = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let kinds = ["ghp_", "", "hunter", "web-"];
        let kind = kinds[usize::try_from(self.number()).unwrap() % kinds.len()];
        format!("{kind}{}", self.letters(letters, len - kind.len()))
    }

    /// Words with blanks between them, none of which may be left.
    fn phrase(&mut self, place: &str) -> String {
        let words: Vec<String> = (0..3)
            .map(|_| self.letters(b"bcdfghjkmnpqrtvwxz", 8))
            .collect();
        let of_place = |word: &String| (place.to_owned(), word.clone());
        self.all.extend(words.iter().map(of_place));
        format!("{} 17", words.join(" "))
    }

    /// A text with its holes filled: `{S}` a secret, `{P}` one of several words, `{U}` one in escapes
    /// of JSON, `{G}` a generated password, `{W}` one of words, `{H}` hexadecimal digits, `{N}` a number, `{B}` a configuration in base64.
    pub(crate) fn fill(&mut self, place: &str, text: &str) -> Vec<u8> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            filled.push_str(&rest[..at]);
            let hole = rest.get(at..at + 3).unwrap_or_default();
            match hole {
                "{S}" => filled.push_str(&self.next(place)),
                "{G}" => filled.push_str(&self.generated(place)),
                "{W}" => filled.push_str(&self.spoken(place)),
                "{H}" => {
                    let digits = self.letters(b"0123456789abcdef", 32);
                    self.all.push((place.to_owned(), digits.clone()));
                    filled.push_str(&digits);
                }
                "{N}" => {
                    let number = self.letters(b"123456789", 12);
                    self.all.push((place.to_owned(), number.clone()));
                    filled.push_str(&number);
                }
                "{P}" => filled.push_str(&self.phrase(place)),
                "{U}" => {
                    for unit in self.next(place).encode_utf16() {
                        filled.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                "{B}" => {
                    let inner = format!(
                        r#"{{"name":"pods","plugins":[{{"type":"x","token":"{}"}}]}}"#,
                        self.next(place)
                    );
                    filled.push_str(&base64(inner.as_bytes()));
                }
                _ => {
                    filled.push('{');
                    rest = &rest[at + 1..];
                    continue;
                }
            }
            rest = &rest[at + 3..];
        }
        filled.push_str(rest);
        let mut bytes = filled
            .replace("%00", "\0")
            .replace("%0d", "\r")
            .into_bytes();
        if let Some(at) = bytes.windows(3).position(|part| part == b"%7f") {
            bytes.splice(at..at + 3, [0x7f]);
        }
        bytes
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut held = 0_u32;
        for at in 0..3 {
            held = held << 8 | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            if at <= chunk.len() {
                text.push(char::from(LETTERS[(held >> (18 - 6 * at) & 63) as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// All forms in which a secret might stand.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut forms = vec![bytes.to_vec()];
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    forms.push(hex.to_uppercase().into_bytes());
    forms.push(hex.into_bytes());
    for shift in 0..3 {
        let padded = [&b"\0\0"[..shift], bytes].concat();
        let text = base64(&padded);
        let skip = [0, 2, 3][shift];
        let whole = padded.len() / 3 * 4;
        let middle = text.get(skip..whole).unwrap_or_default();
        if middle.len() >= 8 {
            forms.push(middle.replace('+', "-").replace('/', "_").into_bytes());
            forms.push(middle.as_bytes().to_vec());
        }
    }
    let percent: String = bytes
        .iter()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    forms.push(percent.into_bytes());
    forms.push(
        bytes
            .iter()
            .map(|byte| format!("%{byte:02x}"))
            .collect::<String>()
            .into_bytes(),
    );
    let units = |upper: bool| {
        secret
            .encode_utf16()
            .map(|unit| {
                if upper {
                    format!("\\u{unit:04X}")
                } else {
                    format!("\\u{unit:04x}")
                }
            })
            .collect::<String>()
            .into_bytes()
    };
    forms.extend([units(false), units(true)]);
    let ascii: String = secret
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    forms.push(ascii.into_bytes());
    forms.push(secret.encode_utf16().flat_map(u16::to_le_bytes).collect());
    forms.sort();
    forms.dedup();
    forms
}

/// Which secrets stand anywhere in the bytes, in any form.
pub(crate) fn found<'s>(
    secrets: &'s [(String, String)],
    pieces: &[(String, Vec<u8>)],
) -> Vec<(&'s str, &'s str, String)> {
    let mut needles = Vec::new();
    let mut owners = Vec::new();
    for (at, (_, secret)) in secrets.iter().enumerate() {
        for form in forms(secret) {
            needles.push(form);
            owners.push(at);
        }
    }
    let search = aho_corasick::AhoCorasick::builder()
        .build(&needles)
        .unwrap();
    let mut left = BTreeMap::new();
    for (name, bytes) in pieces {
        for hit in search.find_overlapping_iter(bytes) {
            let from = hit.start().saturating_sub(30);
            let around = bytes
                .get(from..(hit.end() + 20).min(bytes.len()))
                .unwrap_or_default();
            left.entry(owners[hit.pattern().as_usize()])
                .or_insert_with(|| format!("{name}: {}", around.escape_ascii()));
        }
    }
    left.into_iter()
        .map(|(at, place)| (secrets[at].0.as_str(), secrets[at].1.as_str(), place))
        .collect()
}

/// What a bucket holds.
enum Row {
    Value(Vec<u8>),
    Bucket(BTreeMap<Vec<u8>, Self>),
}

fn rows(bytes: &[u8]) -> BTreeMap<Vec<u8>, Row> {
    let mut root = BTreeMap::new();
    for step in bolt::Db::open(View::new(bytes)).db.unwrap().walk() {
        let Visit::Entry(entry) = step.what else {
            panic!("damaged")
        };
        let mut at = &mut root;
        for name in step.bucket.iter() {
            match at.get_mut(*name) {
                Some(Row::Bucket(inner)) => at = inner,
                _ => panic!("no bucket"),
            }
        }
        let row = match entry.value {
            Value::Bytes(bytes) => Row::Value(bytes.to_vec()),
            Value::Bucket(_) => Row::Bucket(BTreeMap::new()),
        };
        at.insert(entry.key.to_vec(), row);
    }
    root
}

fn write(rows: &BTreeMap<Vec<u8>, Row>, to: &mut Writer<std::io::Cursor<Vec<u8>>>) {
    for (key, row) in rows {
        match row {
            Row::Value(value) => to.put(key, value).unwrap(),
            Row::Bucket(inner) => {
                to.open_bucket(key, 0).unwrap();
                write(inner, to);
                to.close_bucket().unwrap();
            }
        }
    }
}

fn put(rows: &mut BTreeMap<Vec<u8>, Row>, path: &[&str], value: Vec<u8>) {
    let (last, above) = path.split_last().unwrap();
    let mut at = rows;
    for name in above {
        let row = at
            .entry(name.as_bytes().to_vec())
            .or_insert_with(|| Row::Bucket(BTreeMap::new()));
        match row {
            Row::Bucket(inner) => at = inner,
            Row::Value(_) => panic!("{name}"),
        }
    }
    at.insert(last.as_bytes().to_vec(), Row::Value(value));
}

/// An Any of protocol buffers.
fn any(kind: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, piece) in [(1_u8, kind.as_bytes()), (2, bytes)] {
        out.push(number << 3 | 2);
        let mut len = piece.len();
        while len > 127 {
            out.push((len & 127) as u8 | 128);
            len >>= 7;
        }
        out.push(len as u8);
        out.extend(piece);
    }
    out
}

pub(crate) fn plant_database(bytes: &[u8], secrets: &mut Secrets) -> Vec<u8> {
    let mut all = rows(bytes);
    let place = "meta.db";
    let container = ["v1", "default", "containers", "planted"];
    let mut set =
        |path: &[&str], value: Vec<u8>| put(&mut all, &[&container[..], path].concat(), value);
    for label in [
        "team",
        "a.b/token",
        "io.kubernetes.zork",
        "org.opencontainers.image.description",
        "name",
        "image",
        "x",
    ] {
        let secret = secrets.next(place);
        set(&["labels", label], secret.into_bytes());
    }
    let spec = secrets.fill(place, r#"{"process":{"args":["a","--token","{S}"],"env":["A={S}","\u0042={U}"]},"annotations":{"zork":"{S}"},"zork":"{S}"}"#);
    set(
        &["spec"],
        any(
            "types.containerd.io/opencontainers/runtime-spec/1/Spec",
            &spec,
        ),
    );
    let options = any(&secrets.next(place), secrets.next(place).as_bytes());
    set(
        &["runtime", "options"],
        any("containerd.runc.v1.Options", &options),
    );
    set(&["runtime", "name"], b"io.containerd.runc.v2".to_vec());
    let record = secrets.fill(place, r#"{"Version":"v1","Metadata":{"Config":{"envs":[{"key":"K","value":"{S}"}],"annotations":{"a":"{S}"},"labels":{"b":"{S}"},"command":["x","-p{S}"]}}}"#);
    set(
        &["extensions", "io.cri-containerd.container.metadata"],
        any(
            "github.com/containerd/cri/pkg/store/container/Metadata",
            &record,
        ),
    );
    let secret = secrets.next(place);
    set(&["extensions", "zork"], any("zork", secret.as_bytes()));
    let image = format!("https://me:{}@r.example/app:1", secrets.next(place));
    set(&["image"], image.clone().into_bytes());
    put(
        &mut all,
        &["v1", "default", "images", &image, "labels", "zork"],
        secrets.next(place).into_bytes(),
    );
    put(
        &mut all,
        &["v1", "default", "leases", "planted", "labels", "zork"],
        secrets.next(place).into_bytes(),
    );
    put(
        &mut all,
        &["v1", "default", "zork", "fluff"],
        secrets.next(place).into_bytes(),
    );
    put(
        &mut all,
        &["v1", "default", "labels", "zork"],
        secrets.next(place).into_bytes(),
    );
    // A value of several pages.
    let long = format!("{}{}", secrets.next(place), "x".repeat(9000));
    put(
        &mut all,
        &["v1", "default", "zork", "long"],
        long.into_bytes(),
    );
    let mut to = Writer::new(std::io::Cursor::new(Vec::new()), Layout::default()).unwrap();
    write(&all, &mut to);
    to.finish().unwrap().into_inner()
}

/// The same database with other names in its keys and values, each as long as before.
#[allow(dead_code, reason = "not every test has names")]
pub(crate) fn rename_database(bytes: &[u8], names: &[(String, String)]) -> Vec<u8> {
    fn renamed(bytes: &[u8], names: &[(String, String)]) -> Vec<u8> {
        let mut all = bytes.to_vec();
        for (old, new) in names {
            while let Some(at) = all
                .windows(old.len())
                .position(|part| part == old.as_bytes())
            {
                all[at..at + old.len()].copy_from_slice(new.as_bytes());
            }
        }
        all
    }
    fn inside(rows: BTreeMap<Vec<u8>, Row>, names: &[(String, String)]) -> BTreeMap<Vec<u8>, Row> {
        let each = rows.into_iter().map(|(key, row)| {
            let row = match row {
                Row::Value(value) => Row::Value(renamed(&value, names)),
                Row::Bucket(inner) => Row::Bucket(inside(inner, names)),
            };
            (renamed(&key, names), row)
        });
        each.collect()
    }
    let mut to = Writer::new(std::io::Cursor::new(Vec::new()), Layout::default()).unwrap();
    write(&inside(rows(bytes), names), &mut to);
    to.finish().unwrap().into_inner()
}

/// Secrets on free pages, in what pages do not use, and past the end of what is in use.
pub(crate) fn plant_leftovers(mut bytes: Vec<u8>, secrets: &mut Secrets) -> Vec<u8> {
    let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
    let size = usize::try_from(report.page_size.unwrap()).unwrap();
    let free: Vec<usize> = report
        .pages()
        .filter(|row| row.state == PageState::Free)
        .map(|row| usize::try_from(row.id.0).unwrap())
        .collect();
    assert!(!free.is_empty());
    for page in free.iter().take(12) {
        for offset in [0, 100, size - 80] {
            let secret = secrets.next("a free page");
            // The first sixteen bytes hold as much.
            let secret = if offset == 0 {
                let short: String = secret.chars().filter(char::is_ascii).take(14).collect();
                secrets.all.last_mut().unwrap().1 = short.clone();
                short
            } else {
                secret
            };
            let at = page * size + offset;
            bytes[at..at + secret.len()].copy_from_slice(secret.as_bytes());
        }
    }
    for row in report
        .pages()
        .filter(|row| row.state == PageState::Used && row.overflow == 0)
    {
        let at = (usize::try_from(row.id.0).unwrap() + 1) * size;
        if bytes[at - 100..at].iter().all(|byte| *byte == 0) {
            let secret = secrets.next("slack");
            bytes[at - 90..at - 90 + secret.len()].copy_from_slice(secret.as_bytes());
        }
    }
    let end = usize::try_from(report.end().0).unwrap() * size;
    bytes.resize(bytes.len().max(end + size), 0);
    let secret = secrets.next("past the mark");
    bytes[end + 50..end + 50 + secret.len()].copy_from_slice(secret.as_bytes());
    bytes
}
