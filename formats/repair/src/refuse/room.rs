//! How much of a file system stays free: below that, the kubelet deletes images.

use std::ffi::OsStr;
use std::path::Path;

use crate::disk::Folder;

/// Where nothing else is said: the kubelet collects images from 85 % on.
const PERCENT: u64 = 15;

/// The most bytes of a configuration.
const LIMIT: u64 = 1 << 20;

/// Where a kubelet's thresholds stand.
const FILES: &[&str] = &[
    "var/lib/kubelet/config.yaml",
    "var/lib/kubelet/kubeadm-flags.env",
    "etc/default/kubelet",
    "etc/sysconfig/kubelet",
    "etc/rancher/k3s/config.yaml",
    "etc/rancher/rke2/config.yaml",
];

/// What must stay free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Floor {
    percent: u64,
    bytes: u64,
    /// The file that says so.
    from: Option<&'static str>,
}

impl Floor {
    /// The kubelet's of this node, else the usual one.
    pub(super) fn from_folder(node: &Folder) -> Self {
        let mut found: Option<Self> = None;
        for file in FILES {
            let path = Path::new(file);
            let above = Folder::inside(node, path.parent().unwrap_or(Path::new("")));
            let name = path.file_name().unwrap_or(OsStr::new(""));
            let text = above.and_then(|above| above.read_file(name, LIMIT));
            if let Ok(text) = text
                && let Some(said) = said(&String::from_utf8_lossy(&text))
            {
                let said = Self {
                    from: Some(file),
                    ..said
                };
                found = Some(found.map_or(said, |found| found.larger(said)));
            }
        }
        found.unwrap_or(Self {
            percent: PERCENT,
            bytes: 0,
            from: None,
        })
    }

    fn larger(self, other: Self) -> Self {
        let is_other = other.percent > self.percent || other.bytes > self.bytes;
        Self {
            percent: self.percent.max(other.percent),
            bytes: self.bytes.max(other.bytes),
            from: if is_other { other.from } else { self.from },
        }
    }

    /// Who says so, for people.
    pub(super) fn said_by(self) -> String {
        match self.from {
            Some(file) => format!("the kubelet's threshold in /{file}"),
            None => format!("{PERCENT} %: no kubelet of the node says another threshold"),
        }
    }

    /// Of a file system of this size.
    pub(super) fn bytes(self, size: u64) -> u64 {
        let share = size.saturating_mul(self.percent).checked_div(100);
        share.unwrap_or(0).max(self.bytes)
    }
}

/// The thresholds of a kubelet's configuration, or of its flags: of the file systems that it looks at the
/// larger one, as it cannot be told from here which of them this is.
fn said(text: &str) -> Option<Floor> {
    let mut found: Option<Floor> = None;
    let mut add = |value: &str| {
        if let Some(one) = amount(value) {
            found = Some(found.map_or(one, |found| found.larger(one)));
        }
    };
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    for line in lines {
        for signal in ["imagefs.available", "nodefs.available"] {
            for (at, _) in line.match_indices(signal) {
                let rest = line.get(at.saturating_add(signal.len())..).unwrap_or("");
                let rest = rest.trim_start_matches(['"', '\'']).trim_start();
                if let Some(value) = rest.strip_prefix([':', '<']) {
                    add(value);
                }
            }
        }
        let high = ["imageGCHighThresholdPercent:", "image-gc-high-threshold="];
        let high = high.iter().find_map(|key| Some(line.split_once(key)?.1));
        let high = high.and_then(|value| digits(value).parse::<u64>().ok());
        if let Some(free) = high.and_then(|high| 100_u64.checked_sub(high)) {
            add(&format!("{free}%"));
        }
    }
    found
}

fn digits(text: &str) -> &str {
    let text = text.trim_start_matches([' ', '"', '\'']);
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    text.get(..end.unwrap_or(text.len())).unwrap_or("")
}

/// `15%`, `1Gi`, `500M`, `1073741824`.
fn amount(text: &str) -> Option<Floor> {
    let text = text.trim_start_matches([' ', '"', '\'']);
    let number = digits(text);
    let unit = text.get(number.len()..)?;
    let number: u64 = number.parse().ok()?;
    // `7.5%`: the next whole one.
    let (number, unit) = match unit.strip_prefix('.') {
        Some(rest) => (
            number.saturating_add(1),
            rest.trim_start_matches(|letter: char| letter.is_ascii_digit()),
        ),
        None => (number, unit),
    };
    if unit.starts_with('%') {
        let percent = number.min(100);
        return Some(Floor {
            percent,
            bytes: 0,
            from: None,
        });
    }
    let factors: [(&str, u64); 8] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
    ];
    let factor = factors.iter().find(|(name, _)| unit.starts_with(name));
    let bytes = number.saturating_mul(factor.map_or(1, |(_, factor)| *factor));
    Some(Floor {
        percent: 0,
        bytes,
        from: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_kubelet() {
        let floor = |percent, bytes| {
            Some(Floor {
                percent,
                bytes,
                from: None,
            })
        };
        for (text, want) in [
            (
                "evictionHard:\n  imagefs.available: 10%\n  nodefs.available: \"5%\"\n",
                floor(10, 0),
            ),
            (
                "evictionHard:\n  nodefs.available: 2Gi\n",
                floor(0, 2 << 30),
            ),
            (
                "evictionHard: {\"imagefs.available\": \"7.5%\"}",
                floor(8, 0),
            ),
            (
                "KUBELET_EXTRA_ARGS=--eviction-hard=memory.available<1Gi,nodefs.available<12%",
                floor(12, 0),
            ),
            ("imageGCHighThresholdPercent: 90", floor(10, 0)),
            ("#  imagefs.available: 10%", None),
            ("  memory.available: 100Mi", None),
            ("", None),
        ] {
            assert_eq!(said(text), want, "{text}");
        }
        let mixed = Floor {
            percent: 10,
            bytes: 1 << 30,
            from: None,
        };
        assert_eq!(mixed.bytes(100 << 30), 10 << 30);
        assert_eq!(mixed.bytes(1 << 30), 1 << 30);
    }
}
