//! The labels of the garbage collector, in every form that some release reads.

use core::ops::ControlFlow;

use finding::Text;

use super::Kind;

/// The label that makes a blob or a snapshot a root.
pub(super) const ROOT: &[u8] = b"containerd.io/gc.root";
/// The label that says until when a lease or an image lives.
pub(super) const EXPIRE: &[u8] = b"containerd.io/gc.expire";
/// The label that makes a lease hold objects without what they refer to.
pub(super) const FLAT: &[u8] = b"containerd.io/gc.flat";
const REF: &[u8] = b"containerd.io/gc.ref.";
const BREF: &[u8] = b"containerd.io/gc.bref.";
const CONDITION: &[u8] = b"containerd.io/gc.cond.snapshot";
/// When a snapshot was used.
pub(super) const USED_AT: &[u8] = b"containerd.io/gc.cond.value-usedat";

/// What a label refers to: the kind of object, and for a snapshot its snapshotter.
pub(super) struct Target {
    pub(super) kind: Kind,
    pub(super) key: Text,
}

/// `gc.ref.content[.…|/…]`, `gc.ref.image[.…|/…]`, `gc.ref.snapshot.<snapshotter>[/…]`.
pub(super) fn reference(label: &[u8], value: &Text) -> Option<Target> {
    target(label.strip_prefix(REF)?, value)
}

/// As [`reference`], of `gc.bref.`, which may name a container, too.
pub(super) fn back_reference(label: &[u8], value: &Text) -> Option<Target> {
    let rest = label.strip_prefix(BREF)?;
    named(rest, b"container", Kind::Container, value).or_else(|| target(rest, value))
}

fn target(rest: &[u8], value: &Text) -> Option<Target> {
    if let Some(snapshotter) = rest.strip_prefix(b"snapshot.") {
        return Some(snapshot(snapshotter, value.bytes()));
    }
    named(rest, b"content", Kind::Blob, value).or_else(|| named(rest, b"image", Kind::Image, value))
}

/// `name`, alone or followed by `.` or `/` and anything.
fn named(rest: &[u8], name: &[u8], kind: Kind, value: &Text) -> Option<Target> {
    let after = rest.strip_prefix(name)?;
    matches!(after.first(), None | Some(b'.' | b'/')).then(|| Target {
        kind,
        key: value.clone(),
    })
}

fn snapshot(snapshotter: &[u8], key: &[u8]) -> Target {
    let end = snapshotter.iter().position(|byte| *byte == b'/');
    let snapshotter = end
        .and_then(|end| snapshotter.get(..end))
        .unwrap_or(snapshotter);
    Target {
        kind: Kind::Snapshot,
        key: Text::from([snapshotter, b"/", key].concat()),
    }
}

/// One condition of `gc.cond.snapshot[./]<snapshotter>[/…] = usedat<24h,usedat>1h|<key>`.
pub(super) struct Condition {
    pub(super) nanos: i128,
    pub(super) within: bool,
}

/// The snapshot that a conditional label names, and its conditions: any of them is enough.
pub(super) fn conditions(label: &[u8], value: &Text) -> Option<(Target, Vec<Condition>)> {
    let mut rest = label.strip_prefix(CONDITION)?;
    while let Some((b'.' | b'/', after)) = rest.split_first() {
        rest = after;
    }
    let bytes = value.bytes();
    let bar = bytes.iter().position(|byte| *byte == b'|')?;
    let (all, key) = bytes.split_at_checked(bar)?;
    let target = snapshot(rest, key.get(1..)?);
    let conditions = all.split(|byte| *byte == b',').filter_map(condition);
    Some((target, conditions.collect()))
}

/// `usedat<DURATION` or `usedat>DURATION`; anything else is ignored, as the daemon does.
fn condition(text: &[u8]) -> Option<Condition> {
    let operator = text.iter().position(|byte| b"!<>=".contains(byte))?;
    let (name, rest) = text.split_at_checked(operator)?;
    let (operator, duration) = rest.split_first()?;
    let within = match operator {
        b'<' => true,
        b'>' => false,
        _ => return None,
    };
    if name != b"usedat" || duration.first() == Some(&b'=') {
        return None;
    }
    let nanos = duration_nanos(core::str::from_utf8(duration).ok()?)?;
    Some(Condition { nanos, within })
}

/// Go's `time.ParseDuration`: `1h30m`, `-1.5s`, `0`; in nanoseconds.
fn duration_nanos(text: &str) -> Option<i128> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at_checked(digits(rest))?;
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at_checked(digits(after))?,
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let unit = after.find(|letter: char| letter == '.' || letter.is_ascii_digit());
        let (unit, after) = after.split_at_checked(unit.unwrap_or(after.len()))?;
        let worth: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        nanos = nanos.checked_add(whole.checked_mul(worth)?)?;
        let mut part = worth;
        for digit in fraction.bytes().take(18) {
            part = part.checked_div(10)?;
            let digit = i128::from(digit.checked_sub(b'0')?);
            nanos = nanos.checked_add(digit.checked_mul(part)?)?;
        }
        if nanos > i128::from(i64::MAX) {
            return None;
        }
        rest = after;
    }
    if negative {
        nanos.checked_neg()
    } else {
        Some(nanos)
    }
}

/// The first label that begins like the label of a root, and whether the label itself is there.
pub(super) fn root<'l>(labels: impl Iterator<Item = &'l Text>) -> (bool, Option<Text>) {
    let mut like = None;
    let exact = labels.filter(|label| label.bytes().starts_with(ROOT));
    let exact = exact.into_iter().try_for_each(|label| {
        if label.bytes() == ROOT {
            return ControlFlow::Break(());
        }
        if like.is_none() {
            like = Some(label.clone());
        }
        ControlFlow::Continue(())
    });
    (exact.is_break(), like)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: Option<Target>) -> Option<String> {
        target.map(|target| format!("{} {}", target.kind, target.key))
    }

    #[test]
    fn labels_refer_as_the_daemon_reads_them() {
        let value = Text::from("v");
        for (label, want) in [
            ("containerd.io/gc.ref.content", Some("blob v")),
            ("containerd.io/gc.ref.content.l.0", Some("blob v")),
            ("containerd.io/gc.ref.content/x", Some("blob v")),
            ("containerd.io/gc.ref.contentX", None),
            (
                "containerd.io/gc.ref.snapshot.overlayfs",
                Some("snapshot overlayfs/v"),
            ),
            (
                "containerd.io/gc.ref.snapshot.overlayfs/a/b",
                Some("snapshot overlayfs/v"),
            ),
            ("containerd.io/gc.ref.snapshot", None),
            ("containerd.io/gc.ref.image", Some("image v")),
            ("containerd.io/gc.ref.image.x", Some("image v")),
            ("containerd.io/gc.ref.images", None),
            ("containerd.io/gc.ref.container", None),
            ("containerd.io/gc.bref.content", None),
            ("containerd.io/gc.ref", None),
        ] {
            let found = shown(reference(label.as_bytes(), &value));
            assert_eq!(found.as_deref(), want, "{label}");
        }
        let found = shown(back_reference(b"containerd.io/gc.bref.container.x", &value));
        assert_eq!(found.as_deref(), Some("container v"));
        let found = shown(back_reference(
            b"containerd.io/gc.bref.snapshot.native",
            &value,
        ));
        assert_eq!(found.as_deref(), Some("snapshot native/v"));
    }

    #[test]
    fn conditions_are_read_as_the_daemon_reads_them() {
        let value = Text::from("usedat<24h,usedat>1h30m,x<1s,usedat<=1s,usedat<bad|sha256:a|b");
        let label = b"containerd.io/gc.cond.snapshot.overlayfs/latest";
        let (target, conditions) = conditions(label, &value).unwrap();
        assert_eq!(target.key, "overlayfs/sha256:a|b");
        let found: Vec<(i128, bool)> = conditions.iter().map(|c| (c.nanos, c.within)).collect();
        assert_eq!(
            found,
            [(86_400_000_000_000, true), (5_400_000_000_000, false)]
        );
    }

    #[test]
    fn durations_are_gos() {
        for (text, want) in [
            ("0", Some(0)),
            ("1.5s", Some(1_500_000_000)),
            ("-1h2m", Some(-3_720_000_000_000)),
            (".5ms", Some(500_000)),
            ("3", None),
            ("", None),
            ("h", None),
            ("1d", None),
            ("9999999999h", None),
        ] {
            assert_eq!(duration_nanos(text), want, "{text}");
        }
    }

    #[test]
    fn a_root_is_one_label_or_begins_like_it() {
        let labels = |names: &[&str]| {
            names
                .iter()
                .map(|name| Text::from(*name))
                .collect::<Vec<_>>()
        };
        let exact = labels(&["a", "containerd.io/gc.root", "containerd.io/gc.root.x"]);
        assert_eq!(root(exact.iter()), (true, None));
        let like = labels(&["containerd.io/gc.root.x"]);
        assert_eq!(root(like.iter()), (false, Some(like[0].clone())));
    }
}
