//! Carved objects of containerd, as text.

use std::io;

use bolt::Status;
use cli::{Pen, Style, Table, value_lines};
use finding::{Text, Time};
use metadb::{CarvedObject, NamedBy, ObjectKind};

use super::{bounds, word};

/// Whether an object passes the filters.
pub(super) fn matches(
    object: &CarvedObject,
    kind: Option<ObjectKind>,
    since: Option<Time>,
    until: Option<Time>,
    bucket: &[Vec<u8>],
) -> bool {
    // One without a time cannot be left out on account of it.
    let is_since = since.is_none_or(|since| object.time().is_none_or(|time| time >= since));
    let is_until = until.is_none_or(|until| object.time().is_none_or(|time| time <= until));
    kind.is_none_or(|kind| kind == object.kind)
        && is_since
        && is_until
        && is_below(&path(object), bucket)
}

fn is_below(path: &[Text], bucket: &[Vec<u8>]) -> bool {
    path.len() >= bucket.len()
        && path
            .iter()
            .zip(bucket)
            .all(|(key, wanted)| key.bytes() == wanted.as_slice())
}

/// The keys from the root bucket to an object, as far as they are known.
fn path(object: &CarvedObject) -> Vec<Text> {
    let namespace = || object.namespace.clone().unwrap_or_default();
    let mut path = vec![Text::from("v1")];
    let mut below = |names: &[&str]| path.extend(names.iter().map(|name| Text::from(*name)));
    match object.kind {
        ObjectKind::Namespace => {}
        ObjectKind::Backend => below(&["snapshots"]),
        ObjectKind::Blob | ObjectKind::Ingest => {
            path.push(namespace());
            path.push(Text::from("content"));
            path.push(Text::from(match object.kind {
                ObjectKind::Blob => "blob",
                _ => "ingests",
            }));
        }
        kind => {
            path.push(namespace());
            path.push(Text::from(
                format!("{kind}s").replace("boxs", "boxes").as_str(),
            ));
            path.extend(object.snapshotter.clone());
        }
    }
    path.extend(object.name.clone());
    path
}

pub(super) fn style(status: Status) -> Style {
    match status {
        Status::Deleted | Status::Uncommitted => Style::Warning,
        Status::Live => Style::Faint,
        Status::Older | Status::Unplaced | Status::Unknown => Style::Plain,
    }
}

fn name(object: &CarvedObject) -> String {
    let name = match &object.name {
        Some(name) => name.to_string(),
        None => format!("(no name; page {})", object.page),
    };
    let snapshotter = object.snapshotter.as_ref();
    let name = snapshotter.map_or_else(
        || name.clone(),
        |snapshotter| format!("{snapshotter}/{name}"),
    );
    if object.whole {
        name
    } else {
        format!("{name} (in part)")
    }
}

fn when(time: Option<Time>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

pub(super) fn write_objects(
    objects: &[CarvedObject],
    details: bool,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    let mut table = Table::new(&[
        "status",
        "kind",
        "namespace",
        "name",
        "created",
        "updated",
        ">freed",
        ">page",
        "confidence",
    ]);
    for object in objects {
        let bounds = &object.bounds;
        table.cells(vec![
            word(object.status).to_owned(),
            object.kind.to_string(),
            object
                .namespace
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string),
            name(object),
            when(object.created),
            when(object.updated),
            bounds::between(bounds.freed_from, bounds.freed_until),
            object.page.to_string(),
            bounds::confidence(object.confidence).to_owned(),
        ]);
    }
    if !table.is_empty() {
        pen.table(&table)?;
        pen.gap()?;
    }
    for object in objects.iter().filter(|_| details) {
        one(object, pen)?;
    }
    Ok(())
}

fn one(object: &CarvedObject, pen: &mut Pen<'_>) -> io::Result<()> {
    let heading = format!("{} {} {}", word(object.status), object.kind, name(object));
    let heading = pen.styled(style(object.status), heading).to_string();
    pen.line(heading)?;
    let root = object
        .root
        .map_or_else(String::new, |root| format!("; its entries on page {root}"));
    pen.line(format_args!(
        "  page {} at {:#x}, {}{root}; {} copies",
        object.page,
        object.offset,
        bounds::origin(object.origin),
        object.copies
    ))?;
    let named = match object.named_by {
        NamedBy::Key => "its key on that page",
        NamedBy::Itself => "what it says of itself",
        NamedBy::Nothing => "nothing",
    };
    pen.line(format_args!(
        "  named by {named}, confidence {}",
        bounds::confidence(object.confidence)
    ))?;
    if let Some(other) = &object.contested {
        pen.line(format_args!("  another page knows its page as {other}"))?;
    }
    for line in bounds::lines(&object.bounds) {
        pen.line(format_args!("  {line}"))?;
    }
    value_lines(&object.record, 1, pen)
}
