//! Mode, owner, times, attributes, targets, devices: all of a file but its bytes.

use std::path::Path;

use evidence::{Evidence, FileKind, Stat, Xattrs};
use finding::{Text, Unknown};
use layer::{Entry, Kind};
use snapshots::{Marks, Opaque, Prefix};

use super::{Departure, LayerJob};

/// A departure, what the tar says and what is there.
pub(super) type Departed = (Departure, Option<Text>, Option<Text>);

pub(super) fn departed(how: Departure, want: impl Into<Text>, found: impl Into<Text>) -> Departed {
    (how, Some(want.into()), Some(found.into()))
}

/// What `lstat` tells to be different.
pub(super) fn stat(job: &LayerJob, entry: &Entry, stat: &Stat, into: &mut Vec<Departed>) {
    if matches!(entry.kind, Kind::Char | Kind::Block) && entry.rdev != stat.rdev {
        let shown = |device: Option<(u32, u32)>| {
            device.map_or("unknown".to_owned(), |(major, minor)| {
                format!("{major}:{minor}")
            })
        };
        into.push(departed(
            Departure::Device,
            shown(entry.rdev),
            shown(stat.rdev),
        ));
    }
    // A link has no mode of its own.
    if entry.kind != Kind::Symlink {
        const BITS: u32 = 0o6000;
        let (want, found) = (entry.mode, stat.mode);
        let shown = |mode: u32| format!("{mode:04o}");
        if want & BITS != found & BITS {
            into.push(departed(Departure::Setuid, shown(want), shown(found)));
        }
        if want & !BITS != found & !BITS {
            into.push(departed(Departure::Mode, shown(want), shown(found)));
        }
    }
    if job.owners && (entry.uid, entry.gid) != (stat.uid, stat.gid) {
        let shown = |uid: u32, gid: u32| format!("{uid}:{gid}");
        into.push(departed(
            Departure::Owner,
            shown(entry.uid, entry.gid),
            shown(stat.uid, stat.gid),
        ));
    }
    // Whatever is made in a directory moves its time, and so does an unpacking.
    if entry.kind != Kind::Dir && !same_time(entry, stat) {
        into.push(departed(
            Departure::Mtime,
            entry.mtime.to_string(),
            stat.mtime.to_string(),
        ));
    }
}

/// Times before 1970 become 1970 (`boundTime`); a tar of somebody's making may have cut off the
/// fraction of what lies there.
fn same_time(entry: &Entry, stat: &Stat) -> bool {
    let want = entry.mtime;
    let (seconds, nanos) = if want.seconds < 0 {
        (0, 0)
    } else {
        (want.seconds, want.nanos)
    };
    let cut = stat.ctime.is_none() && stat.mtime.nanos == 0;
    stat.mtime.seconds == seconds && (stat.mtime.nanos == nanos || cut)
}

/// Where a symbolic link leads.
pub(super) fn target(
    evidence: &Evidence,
    entry: &Entry,
    place: &Path,
    into: &mut Vec<Departed>,
) -> Option<Unknown> {
    match evidence.read_link(place) {
        Ok(found) => {
            let want = entry.link.clone().unwrap_or_default();
            if want != found {
                into.push((Departure::Target, Some(want), Some(found)));
            }
            None
        }
        Err(why) => Some(Unknown::new(
            crate::walk::shown(place).to_string(),
            why.to_string(),
        )),
    }
}

const CAPABILITY: &[u8] = b"security.capability";

/// Attributes that a file's own tar does not decide.
const NOT_OURS: [&[u8]; 7] = [
    b"trusted.overlay.",
    b"user.overlay.",
    b"security.selinux",
    b"security.ima",
    b"security.evm",
    b"security.apparmor",
    b"system.",
];

fn is_ours(name: &Text) -> bool {
    !NOT_OURS.iter().any(|other| name.bytes().starts_with(other))
}

/// Extended attributes, and marks of overlayfs on something that is no directory.
pub(super) fn xattrs(entry: &Entry, found: &Xattrs, into: &mut Vec<Departed>) {
    let capability = Text::from(CAPABILITY);
    let shown = |value: Option<&std::sync::Arc<[u8]>>| match value {
        Some(value) => hex(value),
        None => "none".to_owned(),
    };
    let (want, there) = (entry.xattrs.get(&capability), found.get(&capability));
    if want != there {
        into.push(departed(Departure::Capability, shown(want), shown(there)));
    }
    let names = entry.xattrs.keys().chain(found.keys());
    let names: std::collections::BTreeSet<&Text> = names
        .filter(|name| **name != capability && is_ours(name))
        .collect();
    for name in names {
        let (want, there) = (entry.xattrs.get(name), found.get(name));
        if want != there {
            let told = |value: Option<&std::sync::Arc<[u8]>>| format!("{name} = {}", shown(value));
            into.push(departed(Departure::Xattrs, told(want), told(there)));
        }
    }
}

/// Marks in a directory that make overlayfs show something else than the layer says.
pub(super) fn marks(found: &Xattrs, kind: FileKind, is_opaque: bool, into: &mut Vec<Departed>) {
    let marks = [Prefix::Trusted, Prefix::User].map(|prefix| Marks::decode(found, prefix));
    let opaque = marks.iter().any(|marks| marks.opaque == Some(Opaque::Yes));
    let shown = |opaque: bool| if opaque { "opaque" } else { "not opaque" };
    if kind == FileKind::Dir && opaque != is_opaque {
        into.push(departed(Departure::Mark, shown(is_opaque), shown(opaque)));
    }
    for marks in &marks {
        if let Some(to) = &marks.redirect {
            into.push(departed(
                Departure::Mark,
                "no redirect",
                format!("redirect to {to}"),
            ));
        }
        if marks.metacopy.is_some() {
            into.push(departed(Departure::Mark, "its own bytes", "metacopy"));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("0x");
    for byte in bytes.iter().take(64) {
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > 64 {
        text.push('…');
    }
    text
}
