//! Carved records, key by key.

use std::io;

use bolt::{Bounds, Carve, Carved, Confidence, Named, Origin, PageId, Record, Status, Top};
use cli::{Pen, Table};
use finding::Text;
use serde::Serialize;

use super::{SHOWN, bounds, objects::style, word};
use crate::{file::key, page::shorten};

/// What stands under a carved key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Held {
    /// The bytes; their start, if they are long.
    Value(Text),
    BucketAt {
        root: PageId,
        sequence: u64,
        carved: bool,
    },
    InlineBucket {
        sequence: u64,
    },
}

/// One record.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) status: Status,
    /// Of a bucket without a name: the page on which it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    unnamed: Option<PageId>,
    bucket: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guess: Option<Vec<Text>>,
    key: Text,
    #[serde(flatten)]
    held: Held,
    #[serde(serialize_with = "finding::size_number")]
    value_size: u64,
    page: PageId,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    origin: Origin,
    copies: u64,
    named: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    contested: Option<Text>,
    confidence: Confidence,
    bounds: Bounds,
}

/// All records.
pub(super) fn rows(carve: &Carve<'_>, raw: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = carve
        .records
        .iter()
        .map(|record| row(carve, record, raw))
        .collect();
    rows.sort_by(|a, b| {
        let order = |row: &Row| (row.unnamed, row.status);
        order(a)
            .cmp(&order(b))
            .then_with(|| a.bucket.cmp(&b.bucket))
            .then_with(|| a.key.cmp(&b.key))
            .then_with(|| a.offset.cmp(&b.offset))
    });
    rows
}

fn row(carve: &Carve<'_>, record: &Record<'_>, raw: bool) -> Row {
    let (top, bucket) = carve.bucket_of(record);
    let texts = |keys: Vec<&[u8]>| keys.into_iter().map(Text::from).collect();
    let key = u64::try_from(record.key.len()).unwrap_or(u64::MAX);
    let held = match record.value {
        Carved::Bytes(bytes) => {
            let len = if raw {
                bytes.len()
            } else {
                bytes.len().min(SHOWN)
            };
            Held::Value(Text::from(bytes.get(..len).unwrap_or_default()))
        }
        Carved::Bucket {
            root,
            sequence,
            is_there,
        } => Held::BucketAt {
            root,
            sequence,
            carved: is_there,
        },
        Carved::Inline { sequence } => Held::InlineBucket { sequence },
    };
    Row {
        status: record.status,
        unnamed: match top {
            Top::Root => None,
            Top::Page(page) => Some(page),
        },
        bucket: texts(bucket),
        guess: carve.guess_of(record).map(texts),
        key: Text::from(record.key),
        held,
        value_size: record.at.span.len.saturating_sub(key),
        page: record.at.page,
        offset: record.at.span.start,
        origin: record.origin,
        copies: record.copies,
        named: record.named,
        contested: record.contested.map(Text::from),
        confidence: record.confidence,
        bounds: record.bounds,
    }
}

/// Whether a record is below a bucket.
pub(super) fn is_below(row: &Row, bucket: &[Vec<u8>]) -> bool {
    let keys = row.bucket.iter().chain([&row.key]);
    bucket.is_empty()
        || (row.unnamed.is_none()
            && row.bucket.len() >= bucket.len()
            && keys
                .zip(bucket)
                .all(|(key, wanted)| key.bytes() == wanted.as_slice()))
}

fn path(row: &Row) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (row.unnamed, &row.guess) {
        (Some(_), Some(guess)) => {
            parts.extend(guess.iter().map(|part| key(part.bytes())));
            parts.push("?".to_owned());
        }
        (Some(page), None) => parts.push(format!("? (page {page})")),
        (None, _) => {}
    }
    parts.extend(row.bucket.iter().map(|part| key(part.bytes())));
    if parts.is_empty() {
        "(root)".to_owned()
    } else {
        parts.join(" > ")
    }
}

fn value(row: &Row) -> String {
    match &row.held {
        Held::Value(value) => shorten(value.bytes()),
        Held::BucketAt {
            root, carved: true, ..
        } => format!("bucket at page {root}"),
        Held::BucketAt { root, .. } => format!("bucket at page {root}, used again"),
        Held::InlineBucket { .. } => "inline bucket".to_owned(),
    }
}

pub(super) fn write_records(
    rows: &[Row],
    details: bool,
    raw: bool,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    let mut table = Table::new(&[
        "status",
        "bucket",
        "key",
        "value",
        ">freed",
        ">page",
        ">offset",
        "confidence",
    ]);
    for row in rows {
        table.cells(vec![
            word(row.status).to_owned(),
            path(row),
            shorten(row.key.bytes()),
            value(row),
            bounds::between(row.bounds.freed_from, row.bounds.freed_until),
            row.page.to_string(),
            format!("{:#x}", row.offset),
            bounds::confidence(row.confidence).to_owned(),
        ]);
    }
    if !table.is_empty() {
        pen.table(&table)?;
        pen.gap()?;
    }
    for row in rows.iter().filter(|_| details || raw) {
        one(row, raw, pen)?;
    }
    Ok(())
}

fn one(row: &Row, raw: bool, pen: &mut Pen<'_>) -> io::Result<()> {
    let heading = format!(
        "{} {} > {}",
        word(row.status),
        path(row),
        shorten(row.key.bytes())
    );
    let heading = pen.styled(style(row.status), heading).to_string();
    pen.line(heading)?;
    pen.line(format_args!(
        "  page {} at {:#x}, {}; {} copies; value of {} bytes",
        row.page,
        row.offset,
        bounds::origin(row.origin),
        row.copies,
        row.value_size
    ))?;
    let named = match row.named {
        Named::Meta => "the meta of the transaction before".to_owned(),
        Named::Page => "the page in use that holds it".to_owned(),
        Named::RootKeys => "the keys of the root bucket, which its page has".to_owned(),
        Named::Relic { page } => format!("page {page}"),
        Named::Content => "what its page holds: the same as a bucket with that name".to_owned(),
        Named::Guess => "a guess: the keys of its page are those of that bucket".to_owned(),
        Named::Nothing => "nothing".to_owned(),
    };
    pen.line(format_args!(
        "  bucket named by {named}; confidence {}",
        bounds::confidence(row.confidence)
    ))?;
    if let Some(other) = &row.contested {
        pen.line(format_args!("  another page knows its page as {other}"))?;
    }
    for line in bounds::lines(&row.bounds) {
        pen.line(format_args!("  {line}"))?;
    }
    match &row.held {
        Held::Value(value) if raw => pen.line(format_args!("  {}", key(value.bytes()))),
        held => {
            let _ = held;
            Ok(())
        }
    }
}
