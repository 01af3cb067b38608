//! Paths in a line of `/proc/PID/mountinfo`, of `/proc/mounts`, or in mount options.

use finding::Text;

/// One path of a mount.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// `upper`, `work`, `lower`, `source`.
    pub(super) role: &'static str,
    pub(super) path: Vec<u8>,
}

/// The paths of a mount: the upper directory first, then the lower ones from the top down; none if
/// this is no mount of layers.
pub(super) fn parts(line: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    let words: Vec<&[u8]> = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .collect();
    let has = |word: &&&[u8]| {
        let keys: [&[u8]; 3] = [b"lowerdir=", b"upperdir=", b"lowerdir+="];
        keys.iter().any(|key| {
            word.starts_with(key) || {
                let key = [b",", *key].concat();
                word.windows(key.len()).any(|part| part == key)
            }
        })
    };
    if let Some(options) = words.iter().find(has) {
        let options = Text::from_octal(options).into_bytes();
        for (key, role) in [(&b"upperdir="[..], "upper"), (b"workdir=", "work")] {
            let value = split(&options, b',')
                .into_iter()
                .find_map(|option| Some(unescape(option.strip_prefix(key)?)));
            parts.extend(value.map(|path| Part { role, path }));
        }
        // The work directory tells nothing that the upper one does not.
        parts.retain(|part| part.role != "work");
        for option in split(&options, b',') {
            if let Some(list) = option.strip_prefix(b"lowerdir=") {
                let all = split(list, b':')
                    .into_iter()
                    .filter(|path| !path.is_empty());
                parts.extend(all.map(|path| Part {
                    role: "lower",
                    path: unescape(path),
                }));
            } else if let Some(one) = option.strip_prefix(b"lowerdir+=") {
                parts.push(Part {
                    role: "lower",
                    path: unescape(one),
                });
            }
        }
        return parts;
    }
    // mountinfo of a bind mount: "36 35 98:0 /root /mount/point rw,noatime - ext3 /dev/root rw".
    if words.len() >= 9
        && words.contains(&&b"-"[..])
        && let Some(source) = words.get(3).filter(|word| word.starts_with(b"/"))
    {
        parts.push(Part {
            role: "source",
            path: Text::from_octal(source).into_bytes(),
        });
    }
    parts
}

/// Splits at `at` where no backslash stands before it.
fn split(bytes: &[u8], at: u8) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut start = 0_usize;
    let mut escaped = false;
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == at && !escaped {
            parts.extend(bytes.get(start..index));
            start = index.saturating_add(1);
        }
        escaped = *byte == b'\\' && !escaped;
    }
    parts.extend(bytes.get(start..));
    parts
}

/// Takes the backslash from what overlayfs escapes.
fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut escaped = false;
    for byte in bytes {
        if *byte == b'\\' && !escaped {
            escaped = true;
            continue;
        }
        escaped = false;
        plain.push(*byte);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Vec<String> {
        let parts = parts(line.as_bytes()).into_iter();
        parts
            .map(|part| format!("{} {}", part.role, String::from_utf8_lossy(&part.path)))
            .collect()
    }

    #[test]
    fn layers_come_in_their_order() {
        let line = "451 450 0:50 / /run/rootfs rw,relatime - overlay overlay rw,lowerdir=/s/3/fs:/s/2/fs:/s/1/fs,upperdir=/s/9/fs,workdir=/s/9/work,xino=off";
        let want = [
            "upper /s/9/fs",
            "lower /s/3/fs",
            "lower /s/2/fs",
            "lower /s/1/fs",
        ];
        assert_eq!(shown(line), want);
        assert_eq!(shown("lowerdir=/a:/b"), ["lower /a", "lower /b"]);
        assert_eq!(
            shown("overlay /m overlay rw,lowerdir+=/a,lowerdir+=/b 0 0"),
            ["lower /a", "lower /b"]
        );
    }

    #[test]
    fn escapes_are_those_of_the_kernel_and_of_overlayfs() {
        let line = r"overlay /m overlay rw,lowerdir=/a\134:b\040c:/d,upperdir=/u\134,x 0 0";
        assert_eq!(shown(line), ["upper /u,x", "lower /a:b c", "lower /d"]);
    }

    #[test]
    fn a_bind_mount_has_a_source_and_a_path_has_no_parts() {
        let line = r"36 35 98:0 /snapshots/1/fs /mnt rw,noatime master:1 - ext4 /dev/root rw";
        assert_eq!(shown(line), ["source /snapshots/1/fs"]);
        for line in ["/var/lib/containerd", "", "a b c", "232", "x lowerdir"] {
            assert_eq!(parts(line.as_bytes()), [], "{line}");
        }
    }
}
