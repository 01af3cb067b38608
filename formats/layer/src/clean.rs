//! Names as containerd cleans them.

/// A name of a tar as a path from the layer's root: no slash at either end, no `.` or `..`; empty
/// for the root itself. The flag says whether it climbed above the root, where it is held (as
/// `fs.RootPath` does).
///
/// As `filepath.Clean` on Linux, by the letters alone: a link on the way is not looked at.
pub fn clean(name: &[u8]) -> (Vec<u8>, bool) {
    let mut path: Vec<u8> = Vec::with_capacity(name.len());
    let mut climbs = false;
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                climbs |= path.is_empty();
                let above = path.iter().rposition(|byte| *byte == b'/');
                path.truncate(above.unwrap_or(0));
            }
            part => {
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(part);
            }
        }
    }
    (path, climbs)
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn names_are_cleaned_and_held() {
        for (name, path, climbs) in [
            (&b"./"[..], &b""[..], false),
            (b"", b"", false),
            (b"/", b"", false),
            (b"./usr//bin/./sh", b"usr/bin/sh", false),
            (b"/etc/", b"etc", false),
            (b"a/../b", b"b", false),
            (b"../../etc/passwd", b"etc/passwd", true),
            (b"a/../../b", b"b", true),
            (b"a\xff/\n", b"a\xff/\n", false),
            (b"..a/.b./...", b"..a/.b./...", false),
        ] {
            assert_eq!(clean(name), (path.to_vec(), climbs), "{name:?}");
        }
    }
}
