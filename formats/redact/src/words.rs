//! Words: those that name a secret, those that any node has, and names of known fields.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// A name in which one of these stands, wherever, is that of a secret.
const PARTS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "accountkey",
    "authkey",
    "privkey",
    "privatekey",
    "sshkey",
    "signingkey",
    "encryptionkey",
    "sharedkey",
    "masterkey",
    "clientkey",
    "serverkey",
    "keydata",
    "keymaterial",
    "keystring",
    "cryptkey",
    "sessionkey",
    "sessionid",
    "authoriz",
    "bearer",
    "cookie",
    "oauth",
    "webhook",
    "connectionstring",
    "connstr",
    "mnemonic",
    "licensekey",
    "licencekey",
    "activation",
    "userinfo",
    "userpass",
    "basicauth",
    "registryauth",
    "dockerauth",
    "dockercfg",
    "dockerconfig",
    "joincode",
    "unlock",
    "hmac",
];

/// All of these parts at once.
#[expect(
    clippy::expect_used,
    reason = "the parts are fixed; without them nothing may be shown"
)]
static IN_PARTS: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(PARTS).expect("parts that are fixed"));

/// A name of which one of these is a word is that of a secret.
const WHOLE: &[&str] = &[
    "pass",
    "pw",
    "auth",
    "auths",
    "key",
    "keys",
    "jwt",
    "psk",
    "dsn",
    "pin",
    "otp",
    "totp",
    "mfa",
    "seed",
    "sas",
    "sig",
    "signature",
    "salt",
    "wpa",
    "creds",
    "cred",
    "community",
    "nonce",
    "cert",
    "pem",
    "identity",
    "apitoken",
    "pat",
    "passwds",
];

/// Names that are none although one of those stands in them: what they hold is no secret.
const NOT: &[&str] = &[
    "snapshotkey",
    "nonewkeyring",
    "keymodel",
    "keylabel",
    "authors",
    "automountserviceaccounttoken",
    "certificateauthority",
    "publickey",
];

/// A name of which one of these is a word holds what is nobody's business, unless it is a number.
const PERSONAL: &[&str] = &[
    "user", "users", "username", "login", "header", "headers", "email", "account", "mail",
];

/// Words that any node has, in small letters.
static VOCABULARY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut words: HashSet<String> = HashSet::new();
    let lists = [include_str!("words.txt"), NAMES, CHOICES, ADDRESSES];
    let lines = lists.iter().flat_map(|list| list.lines());
    for line in lines.filter(|line| !line.starts_with(['#', '='])) {
        add(&mut words, line);
        // Those with digits in them, too: `k8s`.
        words.extend(line.split_whitespace().map(str::to_ascii_lowercase));
    }
    // What daemons say is public, and what is not in it may be anything.
    for message in messages::messages() {
        for text in message.says {
            add(&mut words, text);
        }
    }
    for text in messages::texts() {
        add(&mut words, text.says);
    }
    words
});

fn add(words: &mut HashSet<String>, text: &str) {
    for word in text.split(|letter: char| !letter.is_ascii_alphabetic()) {
        if word.len() > 1 {
            words.insert(word.to_ascii_lowercase());
        }
    }
}

const NAMES: &str = include_str!("known.txt");
const CHOICES: &str = include_str!("choices.txt");
const ADDRESSES: &str = include_str!("addresses.txt");

/// What the value of a known field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A name, an id, a path.
    Name,
    /// A choice, a number, a time, a version, a digest.
    Choice,
    /// An address.
    Address,
}

static KNOWN: LazyLock<HashMap<String, Form>> = LazyLock::new(|| {
    let lists = [
        (NAMES, Form::Name),
        (CHOICES, Form::Choice),
        (ADDRESSES, Form::Address),
    ];
    let fields = lists.iter().flat_map(|(list, form)| {
        let lines = list.lines().filter(|line| !line.starts_with(['#', '=']));
        lines
            .flat_map(str::split_whitespace)
            .map(|name| (name.to_ascii_lowercase(), *form))
    });
    fields.collect()
});

/// What the value of a known field is by the name of the field.
pub(crate) fn form(name: &[u8]) -> Form {
    KNOWN.get(&plain(name)).copied().unwrap_or(Form::Name)
}

/// Words of choices that are not common by themselves.
static OF_CHOICES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = CHOICES.lines().filter_map(|line| line.strip_prefix('='));
    lines.flat_map(str::split_whitespace).collect()
});

/// Whether a word, in small letters, may stand in a choice.
pub(crate) fn is_of_choice(word: &str) -> bool {
    OF_CHOICES.contains(word) || is_common(word)
}

/// Whether a word, in small letters, is one that any node has.
pub(crate) fn is_common(word: &str) -> bool {
    VOCABULARY.contains(word)
}

/// What a name says of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// It is a secret, whatever it looks like.
    Secret,
    /// It is somebody's: masked, unless it is a number.
    Personal,
    /// It is kept, but for what has the shape of a secret.
    Known,
    /// Nothing: it is kept if it is harmless by itself.
    Unknown,
}

/// A name in small letters, without what separates its words.
pub(crate) fn plain(name: &[u8]) -> String {
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    letters
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// The words of a name: `accessKeySecret`, `access_key_secret`, `access-key.secret`.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = b' ';
    for byte in name {
        let begins = byte.is_ascii_uppercase() && before.is_ascii_lowercase();
        if (begins || !byte.is_ascii_alphabetic())
            && words.last().is_some_and(|last| !last.is_empty())
        {
            words.push(String::new());
        }
        if byte.is_ascii_alphabetic()
            && let Some(last) = words.last_mut()
        {
            last.push(char::from(byte.to_ascii_lowercase()));
        }
        before = *byte;
    }
    words
}

/// What a name says of its value.
pub(crate) fn classify_name(name: &[u8]) -> Name {
    let plain = plain(name);
    if NOT.contains(&plain.as_str()) {
        return Name::Known;
    }
    if IN_PARTS.is_match(&plain) {
        return Name::Secret;
    }
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(WHOLE) {
        Name::Secret
    } else if has(PERSONAL) {
        Name::Personal
    } else if KNOWN.contains_key(&plain) {
        Name::Known
    } else {
        Name::Unknown
    }
}

/// Whether a name says that its value is a path, whatever else it says.
pub(crate) fn is_of_path(name: &[u8]) -> bool {
    let plain = plain(name);
    ["file", "path", "dir", "folder", "files"]
        .iter()
        .any(|end| plain.ends_with(end))
}

/// Known fields that hold a path, or another text with a slash, although their names do not say so.
const PLACES: [&str; 13] = [
    "source",
    "destination",
    "cwd",
    "bundle",
    "rootfs",
    "root",
    "state",
    "temp",
    "runtimeroot",
    "netns",
    "socket",
    "mediatype",
    "artifacttype",
];

/// Whether a known field holds a path, although its name does not say so.
pub(crate) fn is_place(name: &[u8]) -> bool {
    PLACES.contains(&plain(name).as_str())
}

/// Fields whose numbers are no sizes and no times.
const SHORT: [&str; 32] = [
    "umask",
    "mode",
    "filemode",
    "uid",
    "gid",
    "pid",
    "hostid",
    "major",
    "minor",
    "port",
    "hostport",
    "containerport",
    "initprocesspid",
    "podinitpid",
    "initpid",
    "iouid",
    "iogid",
    "exitcode",
    "exitstatus",
    "attempt",
    "mtu",
    "vlan",
    "weight",
    "leafweight",
    "priority",
    "oomscore",
    "oomscoreadj",
    "height",
    "width",
    "parentdeathsignal",
    "socketmode",
    "schemaversion",
];

/// Whether a known field holds the id of a container; of a mapping of users, such a name holds a number.
pub(crate) fn is_of_container(name: &[u8]) -> bool {
    matches!(plain(name).as_str(), "containerid" | "targetid")
}

/// Whether the numbers of a known field are short: those of modes, processes, users, ports.
pub(crate) fn is_of_short(name: &[u8]) -> bool {
    SHORT.contains(&plain(name).as_str())
}

/// Pairs of letters that stand in some word of the vocabulary.
static PAIRS: LazyLock<HashSet<[u8; 2]>> = LazyLock::new(|| {
    let pairs = VOCABULARY.iter().flat_map(|word| {
        let pairs = word.as_bytes().windows(2);
        pairs
            .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
            .collect::<Vec<_>>()
    });
    pairs.collect()
});

/// How many pairs of letters beside each other stand in no word that any node has.
pub(crate) fn odd_pairs(atom: &str) -> usize {
    let lower = atom.to_ascii_lowercase();
    let pairs = lower.as_bytes().windows(2);
    pairs
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
        .filter(|pair| pair.iter().all(u8::is_ascii_lowercase) && !PAIRS.contains(pair))
        .count()
}

/// Whether a word of running text announces a secret: `password`, `api-key`, `Bearer`.
pub(crate) fn announces(word: &[u8]) -> bool {
    let plain = plain(word);
    plain == "basic" || (plain.len() > 2 && classify_name(word) == Name::Secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_in_any_spelling() {
        for name in [
            "password",
            "k8s_auth_token",
            "etcd_key",
            "secret_access_key",
            "accessKeySecret",
            "api-key",
            "apiKey",
            "API_KEY",
            "credentials",
            "Authorization",
            "X-Vault-Token",
            "client-key-data",
            "registry.auth",
            "WEAVE_PASSWORD",
            "PrivateKey",
            "PresharedKey",
            "identitytoken",
            "aws_session_token",
            "dbPassword",
            "PGPASSWORD",
            "slackWebhookUrl",
            "psk",
            "auths",
        ] {
            assert_eq!(classify_name(name.as_bytes()), Name::Secret, "{name}");
        }
        for name in [
            "snapshotKey",
            "path",
            "cniVersion",
            "ociVersion",
            "sandbox_image",
            "SystemdCgroup",
        ] {
            assert_eq!(classify_name(name.as_bytes()), Name::Known, "{name}");
        }
        for name in ["compass", "monkey", "greeting", "keyboard"] {
            assert_eq!(classify_name(name.as_bytes()), Name::Unknown, "{name}");
        }
    }
}
