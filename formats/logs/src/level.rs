//! How bad a program calls what it says.

use serde::Serialize;

/// How bad a program calls what it says. Ordered: what is worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For those who look for a defect.
    Debug,
    /// What happens.
    Info,
    /// It does not say: last words of a process, lines of systemd and of the kernel.
    Unknown,
    /// A warning.
    Warning,
    /// An error.
    Error,
    /// The process ends.
    Fatal,
}

impl Level {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Unknown => "-",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level that a line gives: logrus' text and JSON, klog's letter; a panic is fatal.
    pub(crate) fn from_text(text: &[u8]) -> Self {
        for (key, end) in [(b"level=".as_slice(), b' '), (b"\"level\":\"", b'"')] {
            if let Some(at) = find(text, key) {
                let word = text.get(at.saturating_add(key.len())..).unwrap_or_default();
                let word = word.split(|byte| *byte == end).next().unwrap_or_default();
                return Self::word(word);
            }
        }
        if is_klog(text) {
            return match text.first() {
                Some(b'W') => Self::Warning,
                Some(b'E') => Self::Error,
                Some(b'F') => Self::Fatal,
                _ => Self::Info,
            };
        }
        let terminal = text.get(..5).unwrap_or_default();
        match terminal {
            b"TRAC[" | b"DEBU[" => return Self::Debug,
            b"INFO[" => return Self::Info,
            b"WARN[" => return Self::Warning,
            b"ERRO[" => return Self::Error,
            b"FATA[" | b"PANI[" => return Self::Fatal,
            _ => {}
        }
        if begins_a_panic(text) {
            return Self::Fatal;
        }
        Self::Unknown
    }

    fn word(word: &[u8]) -> Self {
        match word {
            b"trace" | b"debug" => Self::Debug,
            b"info" => Self::Info,
            b"warning" | b"warn" => Self::Warning,
            b"error" => Self::Error,
            b"fatal" | b"panic" => Self::Fatal,
            _ => Self::Unknown,
        }
    }
}

/// Whether Go's runtime begins to die with this line.
pub(crate) fn begins_a_panic(text: &[u8]) -> bool {
    const BEGINS: [&[u8]; 7] = [
        b"panic: ",
        b"fatal error: ",
        b"SIGQUIT: ",
        b"SIGABRT: ",
        b"SIGSEGV: ",
        b"unexpected fault address ",
        b"runtime: ",
    ];
    BEGINS.iter().any(|begin| text.starts_with(begin))
}

/// klog's head: `E1128 12:00:00.123456    1234 file.go:72] `.
pub(crate) fn is_klog(text: &[u8]) -> bool {
    let digits = |from: usize, to: usize| {
        text.get(from..to)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    matches!(text.first(), Some(b'I' | b'W' | b'E' | b'F'))
        && digits(1, 5)
        && text.get(5) == Some(&b' ')
        && digits(6, 8)
        && text.get(8) == Some(&b':')
}

/// Where `needle` is in `text`.
pub(crate) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    text.windows(needle.len().max(1))
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_that_of_the_speaker() {
        let of = |text: &str| Level::from_text(text.as_bytes());
        assert_eq!(of(r#"time="t" level=warning msg="m""#), Level::Warning);
        assert_eq!(
            of(r#"{"error":"x","level":"error","msg":"m"}"#),
            Level::Error
        );
        assert_eq!(
            of("E1128 12:00:00.123456    1234 a.go:72] \"m\""),
            Level::Error
        );
        assert_eq!(of("I1128 12:00:00.123456    1234 a.go:72] m"), Level::Info);
        assert_eq!(of("panic: assertion failed"), Level::Fatal);
        assert_eq!(of("containerd: failed to load TOML"), Level::Unknown);
        assert_eq!(of("FATA[0000] x"), Level::Fatal);
        assert!(Level::Unknown > Level::Info && Level::Unknown < Level::Warning);
    }
}
