//! Our own JSON: a head, one object a moment, what is unknown, a tail.

use std::io;

use cli::{About, Exit};
use finding::{Text, Time, Unknown, size_option};
use serde::Serialize;

use timeline::Wanted;
use timeline::{Recovered, Store, Subject, What};

#[derive(Serialize)]
pub(super) struct Head<'a> {
    schema: &'static str,
    coroner: &'static str,
    #[serde(flatten)]
    about: &'a About,
    from: Option<Time>,
    to: Option<Time>,
}

impl<'a> Head<'a> {
    pub(super) const fn new(about: &'a About, wanted: &Wanted) -> Self {
        Self {
            schema: "coroner/timeline/1",
            coroner: env!("CARGO_PKG_VERSION"),
            about,
            from: wanted.from,
            to: wanted.to,
        }
    }
}

#[derive(Serialize)]
pub(super) struct UnknownRow<'a> {
    pub(super) unknown: &'a Unknown,
}

#[derive(Serialize)]
pub(super) struct Tail {
    exit: u8,
    events: u64,
    unknown: usize,
}

impl Tail {
    pub(super) const fn new(exit: Exit, events: u64, unknown: usize) -> Self {
        Self {
            exit: exit.0,
            events,
            unknown,
        }
    }
}

/// One moment of one subject.
#[derive(Serialize)]
struct Moment<'a> {
    time: Time,
    what: &'a [What],
    store: Store,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a Text>,
    /// Nothing where a carved object does not tell it.
    name: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshotter: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "size_option"
    )]
    size: Option<u64>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "size_option"
    )]
    inode: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<&'a Recovered>,
    message: &'a str,
}

/// Writes a moment, without the line's end.
pub(super) fn line(
    into: &mut Vec<u8>,
    time: Time,
    whats: &[What],
    subject: &Subject,
    message: &str,
) -> io::Result<()> {
    let stat = subject.stat.as_ref().filter(|stat| !stat.only_kind);
    let moment = Moment {
        time,
        what: whats,
        store: subject.store,
        kind: subject.kind,
        namespace: subject.namespace.as_ref(),
        name: (!subject.is_nameless).then_some(&subject.name),
        snapshotter: subject.snapshotter.as_ref(),
        container: subject.container.as_ref(),
        image: subject.image.as_ref(),
        digest: subject.digest.as_ref(),
        place: subject.place.as_ref(),
        target: subject.target.as_ref(),
        mode: stat.map(|stat| format!("{:04o}", stat.mode)),
        uid: stat.map(|stat| stat.uid),
        gid: stat.map(|stat| stat.gid),
        size: stat.map(|stat| stat.size),
        inode: stat.and_then(|stat| stat.ino),
        recovered: subject.recovered.as_ref(),
        message,
    };
    cli::json_text(into, &moment)
}
