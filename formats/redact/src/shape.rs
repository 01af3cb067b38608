//! Secrets that are told by their shape, whatever stands around them.

mod pairs;
mod password;
mod random;

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use self::pairs::{pairs, query, userinfo};
use self::password::{is_grouped, is_mixed, is_of_password, is_password, parts_words};
use self::random::{is_base64, is_random, is_replaced, is_unspeakable};
use crate::names::is_odd;

/// A stretch of bytes: where it begins, and where it ends.
pub(crate) type Range = (usize, usize);

/// How tokens of known providers begin, and how many bytes follow at least.
const PREFIXES: &[(&str, usize)] = &[
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 10),
    ("gldt-", 10),
    ("glrt-", 10),
    ("glcbt-", 10),
    ("glsa_", 10),
    ("AKIA", 12),
    ("ASIA", 12),
    ("AIza", 20),
    ("ya29.", 10),
    ("GOCSPX-", 10),
    ("xoxb-", 8),
    ("xoxp-", 8),
    ("xoxa-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xapp-", 8),
    ("sk-", 12),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("pk_live_", 8),
    ("whsec_", 8),
    ("hvs.", 8),
    ("hvb.", 8),
    ("hvr.", 8),
    ("npm_", 16),
    ("pypi-", 10),
    ("dckr_pat_", 8),
    ("dckr_oat_", 8),
    ("SG.", 12),
    ("shpat_", 8),
    ("shpss_", 8),
    ("tskey-", 6),
    ("dop_v1_", 8),
    ("doo_v1_", 8),
    ("AGE-SECRET-KEY-", 8),
    ("nvapi-", 8),
    ("hf_", 12),
    ("eyJ", 12),
    ("$2a$", 8),
    ("$2b$", 8),
    ("$2y$", 8),
    ("$1$", 8),
    ("$5$", 8),
    ("$6$", 8),
    ("$y$", 8),
    ("$argon2", 8),
    ("$apr1$", 8),
    ("{SSHA}", 8),
    ("{SHA}", 8),
    ("K10", 24),
    ("lsv2_", 8),
    ("sq0", 8),
    ("dp.pt.", 8),
    ("dapi", 16),
    ("PMAK-", 8),
    ("rubygems_", 8),
    ("cmVmdGtu", 8),
    ("AKCp", 12),
    ("lin_api_", 8),
    ("sntrys_", 8),
    ("phc_", 8),
    ("r8_", 12),
    ("gsk_", 12),
    ("ATATT", 8),
    ("LS0tLS1CRUdJTi", 0),
];

/// All of these prefixes at once.
#[expect(
    clippy::expect_used,
    reason = "the prefixes are fixed; without them nothing may be shown"
)]
static STARTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let prefixes = PREFIXES.iter().map(|(prefix, _)| prefix);
    AhoCorasick::new(prefixes).expect("prefixes that are fixed")
});

/// Bytes of the shortest token: a prefix and what follows it at least.
const SHORTEST: usize = 11;

/// Letters of a token: what stands between two others is looked at as one.
const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b'+' | b'/' | b'=' | b'~' | b'$' | b'{' | b'}'
        )
        || byte >= 0x80
}

/// The stretches of `text` that have the shape of a secret, in order.
pub(crate) fn secrets(text: &[u8]) -> Vec<Range> {
    shapes(text, Ends::AtBlank)
}

/// The same in the name of a field. An id may be one, in a map of containers; 32 hexadecimal digits are none.
pub(crate) fn of_field(name: &[u8]) -> Vec<Range> {
    let is_hex = core::str::from_utf8(name).is_ok_and(crate::harmless::is_hex);
    if is_hex && (16..64).contains(&name.len()) {
        return vec![(0, name.len())];
    }
    // Who names a field takes letters, digits and a few signs.
    let is_odd = |byte: &u8| is_odd(*byte) || *byte == b'#';
    if name.iter().any(is_odd) && !crate::harmless::is_harmless(name) {
        return vec![(0, name.len())];
    }
    secrets(name)
}

/// The same in a text that is one value: what begins as a secret in it goes on over blanks.
pub(crate) fn of_value(text: &[u8]) -> Vec<Range> {
    shapes(text, Ends::AtSign)
}

/// Where the value of `name=value` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// In running text: at a blank, too.
    AtBlank,
    /// At a sign that parts one option from another.
    AtSign,
}

fn shapes(text: &[u8], ends: Ends) -> Vec<Range> {
    let mut found = Vec::new();
    userinfo(text, &mut found);
    query(text, &mut found);
    pairs(text, ends, &mut found);
    if text.windows(11).any(|part| part == b"PRIVATE KEY") {
        found.push((0, text.len()));
    }
    for (from, until) in runs(text, is_of_token) {
        token(text, from, until, &mut found);
    }
    let words = runs(text, |byte| byte.is_ascii_alphanumeric() || byte == b'-');
    found.extend(words.into_iter().filter(|(from, until)| {
        let word = text.get(*from..*until).unwrap_or_default();
        is_grouped(word) || is_mixed(word)
    }));
    // Most values have none of the signs.
    if text.iter().any(|byte| is_of_password(*byte)) {
        found.extend(
            runs(text, |byte| !parts_words(byte))
                .into_iter()
                .filter(|(from, until)| is_password(text.get(*from..*until).unwrap_or_default())),
        );
    }
    merged(found)
}

/// Whether any stretch of it is a secret by its shape.
pub(crate) fn has_secret(text: &[u8]) -> bool {
    !secrets(text).is_empty()
}

/// Stretches in order, none of which touches another.
pub(crate) fn merged(mut found: Vec<Range>) -> Vec<Range> {
    found.retain(|(from, until)| from < until);
    found.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for (from, until) in found {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged
}

/// How many bytes of `name` tell it from each of the `others`.
pub(crate) fn told_apart<'o>(name: &[u8], others: impl Iterator<Item = &'o Vec<u8>>) -> usize {
    let common = |other: &Vec<u8>| {
        let pairs = name.iter().zip(other);
        pairs.take_while(|(one, other)| one == other).count()
    };
    let most = others.map(common).max();
    most.map_or(0, |len| len.saturating_add(1))
}

/// The stretches of bytes that `keeps`.
pub(crate) fn runs(text: &[u8], keeps: impl Fn(u8) -> bool) -> Vec<Range> {
    let mut found = Vec::new();
    let mut from = None;
    for (at, byte) in text.iter().enumerate() {
        match (keeps(*byte), from) {
            (true, None) => from = Some(at),
            (false, Some(begin)) => {
                found.push((begin, at));
                from = None;
            }
            _ => {}
        }
    }
    if let Some(begin) = from {
        found.push((begin, text.len()));
    }
    found
}

/// A run of letters of a token: of a provider, or too random for a name.
fn token(text: &[u8], from: usize, until: usize, found: &mut Vec<Range>) {
    // No token is as short, and most words are.
    if until.saturating_sub(from) < SHORTEST {
        return;
    }
    let Ok(run) = core::str::from_utf8(text.get(from..until).unwrap_or_default()) else {
        return;
    };
    // What stands for a name that was replaced is no secret any more.
    if is_replaced(run) {
        return;
    }
    for hit in STARTS.find_overlapping_iter(run) {
        let at = hit.start();
        let is_start = at == 0
            || run
                .as_bytes()
                .get(at.saturating_sub(1))
                .is_some_and(|byte| !byte.is_ascii_alphanumeric());
        let least = PREFIXES.get(hit.pattern().as_usize());
        let rest = run.len().saturating_sub(hit.end());
        if is_start && least.is_some_and(|(_, least)| rest >= *least) {
            found.push((from.saturating_add(at), until));
        }
    }
    if is_base64(run) {
        found.push((from, until));
        return;
    }
    for (start, end) in runs(run.as_bytes(), |byte| {
        byte.is_ascii_alphanumeric() || b"_-+=".contains(&byte)
    }) {
        let part = run.get(start..end).unwrap_or_default();
        if is_random(part) {
            found.push((from.saturating_add(start), from.saturating_add(end)));
        }
    }
    for (start, end) in runs(run.as_bytes(), |byte| byte.is_ascii_alphanumeric()) {
        if is_unspeakable(run.get(start..end).unwrap_or_default()) {
            found.push((from.saturating_add(start), from.saturating_add(end)));
        }
    }
    // kubeadm: six and sixteen; Kubernetes' older ones.
    if let Some((left, right)) = run.split_once('.')
        && (left.len(), right.len()) == (6, 16)
        && run
            .bytes()
            .all(|byte| byte == b'.' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        found.push((from, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_groups_and_mixed_words_are_secrets() {
        for text in [
            "M70SK-ALPPW-1MJU4-ONECY-77T0D",
            "834680-309301-759881-274320-524694-517828-931063-058135",
            "zelwz982ZUSRK964",
            "EPBMEBI77UNJSE64",
        ] {
            assert!(has_secret(text.as_bytes()), "{text}");
        }
        for text in [
            "2026-11-28T18-00-00Z",
            "CAP_DAC_READ_SEARCH",
            "SCMP_ARCH_X86_64",
            "9f86d081-884c-7d65-9a2f-eaa0c55ad015",
            "web-7d4b9c6f5-x2x9z",
            "20-30-40-50",
            "ECDSA-P256-SHA256",
        ] {
            assert!(!has_secret(text.as_bytes()), "{text}");
        }
    }

    fn masked(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        for (from, until) in secrets(text.as_bytes()) {
            bytes[from..until].fill(b'*');
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn shapes_of_secrets_are_found_in_any_text() {
        for (text, hidden) in [
            ("https://me:hunter2@r.example/v2", "hunter2"),
            ("https://hunter2@r.example/v2", "hunter2"),
            ("http://u:p/hunter2@r.example", "hunter2"),
            ("https://r.example/v2?sig=hunter2&x=1", "hunter2"),
            ("postgres://u:hunter2@db/x", "hunter2"),
            ("run with --password=hunter2 now", "hunter2"),
            ("Authorization: Bearer hunter2", "hunter2"),
            (
                "ghp_0123456789abcdefABCDEF0123456789abcd",
                "0123456789abcdef",
            ),
            ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "eyJhbG"),
            ("abcdef.0123456789abcdef", "0123456789"),
            ("user = hunter; api_key = 'a b hunter2'", "hunter2"),
            ("/dev/0HmUv$G5ilQ~1b0", "G5ilQ"),
            ("pipe:5m2II*6N2WX=4ZB", "6N2WX"),
            ("name THQ6Z$i0TWa^0yG", "i0TWa"),
            ("wg-awmx72pczgeztr", "awmx"),
            ("vendor/9ntqduicujnoumbayxwh7k", "duicuj"),
        ] {
            let shown = masked(text);
            assert!(!shown.contains(hidden), "{text}: {shown}");
        }
    }

    #[test]
    fn no_token_is_shorter_than_the_shortest() {
        let least = PREFIXES.iter().map(|(prefix, least)| prefix.len() + least);
        assert_eq!(least.min(), Some(SHORTEST));
    }

    #[test]
    fn names_and_ids_are_none() {
        for text in [
            "docker.io/library/redis:7.2@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "/run/containerd/io.containerd.runtime.v2.task/k8s.io/1522f05c5e686d9514fc8faa04f857defd8447c1528649e433b1caefa70d03ae",
            "web-7d4b9c6f5-x2x9z",
            "veth01abfb29",
            "extract-857364583-Zk3d sha256:00",
            "runc.v2",
            "123e4567-e89b-12d3-a456-426614174000",
            "io.kubernetes.cri.sandbox-id",
            "CAP_NET_BIND_SERVICE",
            "2026-11-28T18:24:25.123456789Z",
            "kube-system_coredns-5d78c9869d-abcde_123e4567-e89b-12d3-a456-426614174000",
            "unix:///run/containerd/s/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "types.containerd.io/opencontainers/runtime-spec/1/Spec",
            "application/vnd.oci.image.manifest.v1+json",
            "SCMP_ACT_ERRNO",
            "clock_adjtime64",
            "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/12/fs",
            "kube-controller-manager-ip-10-0-12-34.eu-central-1.compute.internal",
            "gke-production-pool-3f2a1b4c-x1x2",
            "szczebrzeszyn-postgresql16-primary-0",
            "https%3A%2F%2Fr.example%2FV2",
            "kubelet.service.d/20-*.conf",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
