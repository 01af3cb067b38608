//! Which stretches of a value are hidden, by what its name is and by what it looks like itself.

use crate::harmless::{is_atom, is_fact, is_harmless, is_hex, rows};
use crate::known;
use crate::shape::{self, Range, merged, runs};
use crate::words::{self, Form, Name};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A secret: nothing of it is kept.
    Secret,
    /// A secret, or the path of the file that holds it.
    File,
    /// Somebody's: nothing of it is kept but numbers.
    Personal,
    /// Nobody knows: kept if it is harmless as a whole.
    Unknown,
    /// A known field: kept if it is made of what such values are made of, but for what has the
    /// shape of a secret.
    Known,
    /// A known field whose values are choices, numbers, times, versions, digests: kept if it is one.
    Choice,
    /// The same, whose numbers are no sizes and no times: a mode, an id, a port.
    Short,
    /// The same, or the id of a container.
    Container,
    /// A known field that holds an address: kept if it is one.
    Address,
    /// A known field that holds a path.
    Place,
    /// What a program or the kernel wrote, and nobody chose: kept but for what has the shape of a
    /// secret.
    Line,
    /// What a program said: words that daemons say are kept.
    Text,
    /// `NAME=value`.
    Variable,
    /// An argument of a program.
    Argument(Place),
}

/// Where an argument stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The program itself.
    Program,
    /// After a flag that announces a secret.
    Secret,
    /// After a flag of a runtime that takes an id or a path.
    Known,
    /// After one that takes an address.
    Address,
    /// After one that takes a choice.
    Choice,
    /// Anywhere else.
    Other,
}

impl Kind {
    /// Whether it is that of a known field.
    pub(crate) const fn is_known(self) -> bool {
        matches!(
            self,
            Self::Known
                | Self::Choice
                | Self::Short
                | Self::Container
                | Self::Address
                | Self::Place
        )
    }
}

impl From<Name> for Kind {
    fn from(name: Name) -> Self {
        match name {
            Name::Secret => Self::Secret,
            Name::Personal => Self::Personal,
            Name::Known => Self::Known,
            Name::Unknown => Self::Unknown,
        }
    }
}

/// What the value of `name` is.
pub(crate) fn of_name(name: &[u8]) -> Kind {
    match words::classify_name(name) {
        // `key_file = "/etc/…"` is no key.
        Name::Secret if words::is_of_path(name) => Kind::File,
        // A program, or a cgroup, may have a bare name.
        Name::Known if words::is_of_path(name) && !may_be_bare(name) => Kind::Place,
        Name::Known if words::is_place(name) => Kind::Place,
        Name::Known if words::is_of_container(name) => Kind::Container,
        Name::Known if words::is_of_short(name) => Kind::Short,
        Name::Known => match words::form(name) {
            Form::Name => Kind::Known,
            Form::Choice => Kind::Choice,
            Form::Address => Kind::Address,
        },
        name => name.into(),
    }
}

/// Whether what is under a name that says `path` may be no path.
fn may_be_bare(name: &[u8]) -> bool {
    words::plain(name).starts_with("cgroup")
}

/// Whether a value is nothing but a path of plain components.
pub(crate) fn is_path(value: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+~".contains(byte);
    value.starts_with(b"/") && value.iter().all(is_plain) && !shape::has_secret(value)
}

/// The stretches of `value` that are hidden, in order.
#[expect(clippy::match_same_arms, reason = "a path is one more case of a file")]
pub(crate) fn hidden(kind: Kind, value: &[u8]) -> Vec<Range> {
    let all = || merged(vec![(0, value.len())]);
    // Nobody's secret is as short, and there may be millions of them.
    let is_short = value.len() <= 2;
    match kind {
        Kind::Known
        | Kind::Choice
        | Kind::Short
        | Kind::Container
        | Kind::Address
        | Kind::Place
        | Kind::Line
        | Kind::Unknown
        | Kind::Text
        | Kind::Argument(
            Place::Program | Place::Known | Place::Address | Place::Choice | Place::Other,
        ) if is_short => Vec::new(),
        Kind::Secret | Kind::Personal | Kind::Argument(Place::Secret) => all(),
        Kind::File if is_path(value) => Vec::new(),
        Kind::File => all(),
        Kind::Unknown => {
            if is_harmless(value) && !shape::has_secret(value) {
                Vec::new()
            } else {
                all()
            }
        }
        // No program has this sign in its name: somebody's address.
        Kind::Argument(Place::Program) if value.contains(&b'@') => all(),
        Kind::Known | Kind::Argument(Place::Program | Place::Known) => known::hidden(value),
        Kind::Container if is_container(value) => Vec::new(),
        Kind::Choice | Kind::Short | Kind::Container | Kind::Argument(Place::Choice) => {
            known::of_choice(value)
        }
        Kind::Address | Kind::Argument(Place::Address) => known::of_address(value),
        // `LimitNOFILE=1024` says how many.
        Kind::Place if known::is_place(value) || value.iter().all(u8::is_ascii_digit) => {
            known::hidden(value)
        }
        Kind::Place => known::of_choice(value),
        Kind::Line => shape::secrets(value),
        Kind::Text => secrets_in_text(value),
        Kind::Variable => variable(value),
        Kind::Argument(Place::Other) => argument(value),
    }
}

/// Digits of the longest number that is no size and no time: one of 32 bits.
const MOST_DIGITS: usize = 10;

/// Whether a number of this kind is masked.
pub(crate) fn hides_number(kind: Kind, digits: usize) -> bool {
    match kind {
        Kind::Short | Kind::Container => digits > MOST_DIGITS,
        Kind::Secret | Kind::File | Kind::Argument(Place::Secret) => true,
        Kind::Unknown | Kind::Variable => digits > 3,
        _ => false,
    }
}

/// `NAME=value`: the value. What has no sign may be the rest of a value that was cut.
fn variable(value: &[u8]) -> Vec<Range> {
    let Some(at) = value.iter().position(|byte| *byte == b'=') else {
        return if value.len() <= 3 || is_harmless(value) {
            Vec::new()
        } else {
            vec![(0, value.len())]
        };
    };
    let name = value.get(..at).unwrap_or_default();
    let is_name = name
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    let from = if is_name && !shape::has_secret(name) {
        at.saturating_add(1)
    } else {
        0
    };
    merged(vec![(from, value.len())])
}

/// `--flag=value`, `-xvalue`, a word.
fn argument(value: &[u8]) -> Vec<Range> {
    let all = vec![(0, value.len())];
    if value.is_empty() {
        return Vec::new();
    }
    if !value.starts_with(b"-") {
        let is_kept = is_harmless(value) || (is_path(value) && is_common_path(value));
        return if is_kept && !shape::has_secret(value) {
            Vec::new()
        } else {
            all
        };
    }
    let sign = value
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(value.len());
    let flag = value.get(..sign).unwrap_or_default();
    let after = value.get(sign.saturating_add(1)..).unwrap_or_default();
    let is_plain =
        flag.len() <= 2 || (flag.starts_with(b"--") && is_flag(flag)) || is_harmless(flag);
    if !is_plain {
        return all;
    }
    let kind = of_name(flag);
    let base = sign.saturating_add(1);
    hidden(if kind.is_known() { Kind::Unknown } else { kind }, after)
        .into_iter()
        .map(|(from, until)| (base.saturating_add(from), base.saturating_add(until)))
        .collect()
}

/// A long flag is a name that somebody wrote down: words, and no more than one number.
fn is_flag(flag: &[u8]) -> bool {
    let digits = flag.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_plain = flag
        .iter()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(byte));
    digits <= 2 && is_plain && flag.len() <= 48 && !shape::has_secret(flag)
}

/// Whether each component of a path is an id or made of common words.
fn is_common_path(value: &[u8]) -> bool {
    let text = core::str::from_utf8(value).unwrap_or_default();
    !text.is_empty() && text.split('/').all(is_common_component)
}

fn is_common_component(part: &str) -> bool {
    is_id(part) || is_harmless(part.as_bytes())
}

/// An id of containerd or Kubernetes, or a number that the kernel gave.
fn is_id(atom: &str) -> bool {
    let is_number = atom.len() <= 10 && atom.bytes().all(|byte| byte.is_ascii_digit());
    let is_container = (atom.len() == 64 || atom.len() == 12) && is_hex(atom) && !atom.is_empty();
    is_number || is_container
}

/// The id that containerd's CRI gives a container: as long as a digest.
fn is_container(value: &[u8]) -> bool {
    value.len() == 64 && core::str::from_utf8(value).is_ok_and(is_hex)
}

/// What a program said: what has the shape of a secret, what follows a word that announces one,
/// and every word that no daemon says.
fn secrets_in_text(value: &[u8]) -> Vec<Range> {
    let mut found = shape::secrets(value);
    found.extend(rows(value));
    let is_edge = |byte: u8| byte.is_ascii_whitespace() || b"\"'()[]{},;<>|\\`".contains(&byte);
    let mut announced = false;
    for (from, until) in runs(value, |byte| !is_edge(byte)) {
        let word = value.get(from..until).unwrap_or_default();
        if announced {
            found.push((from, until));
        }
        let whole = core::str::from_utf8(word).unwrap_or_default();
        let bare = whole.trim_matches(|letter: char| ":=.!?*#".contains(letter));
        let last = bare.rsplit(['=', ':']).next().unwrap_or_default();
        announced = words::announces(last.as_bytes()) || (announced && word.len() < 3);
        let is_number = bare.len() <= 10 && bare.bytes().all(|byte| byte.is_ascii_digit());
        if bare.is_empty() && word.iter().all(u8::is_ascii_punctuation)
            || is_fact(bare)
            || is_number
        {
            continue;
        }
        // An id by itself may be anybody's; in a path, or as a digest, it is a name.
        let is_path = bare.starts_with('/') || bare.contains("://");
        // Atom by atom: a path keeps what is known of it.
        for (start, end) in runs(word, |byte| byte.is_ascii_alphanumeric() || byte >= 0x80) {
            let atom =
                core::str::from_utf8(word.get(start..end).unwrap_or_default()).unwrap_or_default();
            let letters = atom.trim_end_matches(|letter: char| letter.is_ascii_digit());
            let before = whole.get(..start).unwrap_or_default();
            let is_digest = before.ends_with("sha256:") || before.ends_with("sha256-");
            let is_kept = ((is_path || is_digest) && is_id(atom)) || is_atom(atom);
            let is_pair = words::announces(letters.as_bytes()) && letters.len() < atom.len();
            if !is_kept || is_pair {
                found.push((from.saturating_add(start), from.saturating_add(end)));
            }
        }
    }
    merged(found)
}

/// A row of arguments, one after the other: what each is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    count: usize,
    /// What the flag before says of the next one.
    next: Option<Place>,
    /// The program is one whose arguments say what it does to which container.
    is_runtime: bool,
    /// It takes the id of one as a word of its own.
    takes_id: bool,
    /// What follows are a container's own arguments.
    is_foreign: bool,
}

/// Programs whose arguments say what they do to which container.
const RUNTIMES: [&[u8]; 6] = [
    b"runc",
    b"crun",
    b"youki",
    b"containerd",
    b"containerd-shim",
    b"exe",
];

/// Flags of theirs that take an id, a path or a choice.
const TAKES: [&[u8]; 18] = [
    b"namespace",
    b"id",
    b"address",
    b"publish-binary",
    b"bundle",
    b"root",
    b"log",
    b"log-format",
    b"pid-file",
    b"console-socket",
    b"process",
    b"config",
    b"c",
    b"state",
    b"l",
    b"log-level",
    b"criu",
    b"socket",
];

impl Arguments {
    /// Whether the program itself comes next.
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What the next argument is.
    pub(crate) fn next(&mut self, value: &[u8]) -> Place {
        self.count = self.count.saturating_add(1);
        if self.count == 1 {
            let name = value.rsplit(|byte| *byte == b'/').next().unwrap_or(value);
            self.is_runtime = RUNTIMES.contains(&name) || name.starts_with(b"containerd-shim-");
            self.takes_id = self.is_runtime && name != b"containerd";
            return Place::Program;
        }
        let said = self.next.take();
        if value.starts_with(b"-") {
            let bare: &[u8] = value.trim_ascii();
            let start = bare
                .iter()
                .position(|byte| *byte != b'-')
                .unwrap_or(bare.len());
            let name = bare.get(start..).unwrap_or_default();
            let takes = !name.contains(&b'=');
            // `-u me:secret`, `-p secret`, `-a secret`: short flags of clients.
            if takes && !self.is_runtime && matches!(name, b"u" | b"p" | b"a" | b"P" | b"U") {
                self.next = Some(Place::Secret);
            } else if takes && self.is_runtime && !self.is_foreign && TAKES.contains(&name) {
                self.next = Some(match name {
                    b"address" => Place::Address,
                    b"l" | b"log-level" | b"log-format" => Place::Choice,
                    _ => Place::Known,
                });
            } else if takes && matches!(words::classify_name(name), Name::Secret | Name::Personal) {
                self.next = Some(Place::Secret);
            }
            return if said == Some(Place::Secret) {
                Place::Secret
            } else {
                Place::Other
            };
        }
        if let Some(place) = said {
            return place;
        }
        if !self.takes_id || self.is_foreign {
            return Place::Other;
        }
        self.is_foreign = matches!(value, b"exec" | b"run" | b"--");
        // A name of a container is a word of its own.
        let is_name = value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
        if is_name { Place::Known } else { Place::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Kind, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for (from, until) in hidden(kind, text.as_bytes()) {
            bytes[from..until].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_daemons_say_is_kept_and_the_rest_is_not() {
        let kept = "runc create failed: unable to start container process: exec: permission denied";
        assert_eq!(shown(Kind::Text, kept), kept);
        for (text, hidden) in [
            ("dial with Bearer hunter2", "hunter2"),
            ("PASSWORD=hunter2 failed", "hunter2"),
            ("password: root", "root"),
            ("login with token admin failed", "admin"),
            ("GET https://me:hunter2@r.example/v2: 401", "hunter2"),
            ("mount /srv/hunter2/x: no such file", "hunter2"),
        ] {
            let shown = shown(Kind::Text, text);
            assert!(!shown.contains(hidden), "{text}: {shown}");
        }
        let path = "open /run/containerd/io.containerd.runtime.v2.task/k8s.io/1522f05c5e686d9514fc8faa04f857defd8447c1528649e433b1caefa70d03ae/config.json: no such file or directory";
        assert_eq!(shown(Kind::Text, path), path);
    }

    #[test]
    fn arguments_are_judged_in_their_row() {
        let row = |words: &[&str]| {
            let mut arguments = Arguments::default();
            let shown: Vec<String> = words
                .iter()
                .map(|word| shown(Kind::Argument(arguments.next(word.as_bytes())), word))
                .collect();
            shown.join(" ")
        };
        assert_eq!(
            row(&[
                "/bin/app",
                "--password",
                "root",
                "-v",
                "-phunter2",
                "--port=80",
                "--api-key=x"
            ]),
            "/bin/app --password **** -v ********* --port=80 --api-key=*"
        );
        assert_eq!(
            row(&["curl", "-u", "me:x", "-H", "Authorization: Bearer x"]),
            "curl -u **** -H ***********************"
        );
        assert_eq!(
            row(&[
                "runc",
                "--root",
                "/run/containerd/runc/default",
                "create",
                "--bundle",
                "/x/y",
                "sleeper"
            ]),
            "runc --root /run/containerd/runc/default create --bundle /x/y sleeper"
        );
        assert_eq!(
            row(&["runc", "exec", "web1", "mysql", "-phunter2", "zork"]),
            "runc exec web1 ***** ********* ****"
        );
    }
}
