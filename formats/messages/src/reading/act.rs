//! In what a line says that it failed, in its own words: the innermost piece that names something that was done.

/// How a piece begins that says what was being done.
const STARTS: &[&str] = &[
    "failed to ",
    "failed ",
    "unable to ",
    "could not ",
    "couldn't ",
    "cannot ",
    "can't ",
    "can not ",
    "error ",
    "error while ",
    "not able to ",
    "timed out waiting ",
    "timeout waiting ",
    "fail to ",
    "failure ",
    "problem ",
];

/// Calls that a piece names with what they were made on: `open /a/b`, `dial tcp 1.2.3.4:5`.
const CALLS: &[&str] = &[
    "open ",
    "mkdir ",
    "stat ",
    "lstat ",
    "read ",
    "write ",
    "unlinkat ",
    "remove ",
    "rename ",
    "link ",
    "symlink ",
    "readlink ",
    "chmod ",
    "chown ",
    "lchown ",
    "chdir ",
    "mount ",
    "umount ",
    "unmount ",
    "dial ",
    "lookup ",
    "listen ",
    "bind ",
    "connect ",
    "get \"",
    "post \"",
    "head \"",
    "put \"",
    "patch \"",
    "delete \"",
    "fork/exec ",
    "exec ",
    "exec:",
    "fsync ",
    "mknod ",
    "statfs ",
    "readdirent ",
    "rmdir ",
    "fallocate ",
    "fdatasync ",
    "creat ",
    "execve ",
    "clone ",
    "setns ",
    "ioctl ",
    "setsockopt ",
    "pull ",
    "restart ",
];

/// Words in the middle of a piece that say the same.
const MIDDLES: &[&str] = &[
    " failed to ",
    " failed for ",
    " failed",
    " could not ",
    " cannot ",
    " unable to ",
    " can't ",
    " was not able to ",
    " didn't ",
    " did not ",
];

/// Frames that every line of their kind has.
const FRAMES: &[&str] = &[
    "rpc error",
    "error response from daemon",
    "failed to create shim task",
    "failed to create containerd task",
    "oci runtime create failed",
    "runc create failed",
    "error syncing pod",
    "unable to start container process",
    // Words of the system that begin as an act does.
    "cannot allocate memory",
    "cannot assign requested address",
    "cannot send after",
];

/// What was being done, of `pieces` as the line has them, outermost first: the innermost that says so.
pub(crate) fn of_pieces<'p>(
    pieces: impl DoubleEndedIterator<Item = &'p str> + Clone,
) -> Option<String> {
    let is_of = |piece: &str, words: &[&str]| {
        let lower = piece.to_ascii_lowercase();
        words.iter().any(|word| lower.starts_with(word))
            && !FRAMES.iter().any(|frame| lower.starts_with(frame))
    };
    let has = |piece: &str| {
        let lower = piece.to_ascii_lowercase();
        MIDDLES.iter().any(|word| lower.contains(word))
            && !FRAMES.iter().any(|frame| lower.starts_with(frame))
    };
    let pieces = pieces.map(clean).filter(|piece| piece.contains(' '));
    let act = pieces
        .clone()
        .rev()
        .find(|piece| is_of(piece, STARTS) || has(piece));
    let call = pieces.clone().rev().find(|piece| is_of(piece, CALLS));
    match (act, call) {
        (Some(act), Some(call)) if act != call => Some(format!("{}: {}", short(act), short(call))),
        (Some(one), _) | (None, Some(one)) => Some(short(one)),
        (None, None) => None,
    }
}

/// A piece without what stands around it; a quote that was opened in it is closed in it.
fn clean(piece: &str) -> &str {
    let around = [' ', '"', '[', ']', '(', ')', '\'', '`', '.', ','];
    let bare = piece.trim_matches(around);
    let rest = piece.trim_start_matches(around);
    let is_open = bare.matches('"').count() % 2 == 1;
    match rest.strip_prefix(bare) {
        Some(end) if is_open && end.starts_with('"') => rest.get(..=bare.len()).unwrap_or(bare),
        _ => bare,
    }
}

/// As much of a piece as a sentence holds.
fn short(piece: &str) -> String {
    const MOST: usize = 140;
    if piece.chars().count() <= MOST {
        return piece.to_owned();
    }
    let cut: String = piece.chars().take(MOST).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_act_and_its_call() {
        for (line, right) in [
            (
                "rpc error: failed to do request: Head \"https://a/v2/\": EOF",
                Some("failed to do request: Head \"https://a/v2/\""),
            ),
            (
                "runc create failed: unable to start container process: error during init: unable to apply caps: not permitted",
                Some("unable to apply caps"),
            ),
            ("mkdir /a/b: permission denied", Some("mkdir /a/b")),
            (
                "MountVolume.SetUp failed for volume \"a\"",
                Some("MountVolume.SetUp failed for volume \"a\""),
            ),
            ("Started a unit", None),
            ("ok", None),
        ] {
            let pieces: Vec<&str> = line.split(": ").collect();
            let act = of_pieces(pieces.into_iter());
            assert_eq!(act.as_deref(), right, "{line}");
        }
    }
}
