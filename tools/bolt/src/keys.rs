//! `coroner bolt keys`, `get`, `buckets`: one bucket, one value.

use std::io;

use bolt::{Contents, PageId, Value};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Table};
use finding::Text;
use serde::Serialize;

use crate::{
    file::{FileArgs, key},
    open::{bucket, bytes, db, hidden},
    page::shorten,
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeysArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The bucket: its keys from the root bucket on (0x and hex for bytes); the root bucket if none
    #[arg(value_name = "BUCKET")]
    bucket: Vec<String>,
    /// In the tree of the transaction before
    #[arg(long)]
    previous: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The buckets from the root bucket on, and the key last (0x and hex for bytes)
    #[arg(value_name = "KEY", required = true)]
    path: Vec<String>,
    /// In the tree of the transaction before
    #[arg(long)]
    previous: bool,
    /// Write the value as it is
    #[arg(long)]
    raw: bool,
}

#[derive(Serialize)]
struct Listing {
    bucket: Vec<Text>,
    sequence: u64,
    entries: Vec<Row>,
    faults: Vec<String>,
    whole: bool,
}

#[derive(Serialize)]
struct Row {
    key: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<Below>,
    page: PageId,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
}

#[derive(Serialize)]
struct Below {
    page: Option<PageId>,
    sequence: u64,
    entries: u64,
}

fn list(args: &KeysArgs, only_buckets: bool, out: &mut Out) -> Outcome {
    let source = args.file.whole()?;
    let db = db(&source, &args.file.shown(), args.previous)?;
    let bucket = bucket(&db, &args.bucket)?;
    let contents = bucket.contents();
    let Contents { entries, faults } = &contents;
    let rows = entries.iter().filter_map(|entry| {
        let (value, below) = match &entry.value {
            Value::Bytes(_) if only_buckets => return None,
            Value::Bytes(bytes) => (Some(Text::from(*bytes)), None),
            Value::Bucket(bucket) => {
                let entries = bucket.contents().entries.len();
                let below = Below {
                    page: bucket.page(),
                    sequence: bucket.sequence(),
                    entries: u64::try_from(entries).unwrap_or(u64::MAX),
                };
                (None, Some(below))
            }
        };
        Some(Row {
            key: entry.key.into(),
            value,
            bucket: below,
            page: entry.page,
            offset: entry.key_span.start,
        })
    });
    out.answer(&Listing {
        bucket: args
            .bucket
            .iter()
            .map(|name| Text::new(bytes(name)))
            .collect(),
        sequence: bucket.sequence(),
        entries: rows.collect(),
        faults: faults.iter().map(ToString::to_string).collect(),
        whole: contents.is_whole(),
    })
}

pub(crate) fn keys(args: &KeysArgs, out: &mut Out) -> Outcome {
    list(args, false, out)
}

pub(crate) fn buckets(args: &KeysArgs, out: &mut Out) -> Outcome {
    list(args, true, out)
}

impl Answer for Listing {
    const SCHEMA: &'static str = "bolt-keys/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["~>page", "~>offset", "!key", "value"]);
        for row in &self.entries {
            let value = match (&row.value, &row.bucket) {
                (Some(value), _) => shorten(value.bytes()),
                (None, Some(below)) => {
                    let place = below
                        .page
                        .map_or("inline".to_owned(), |page| format!("page {page}"));
                    format!(
                        "bucket ({place}, {} entries, sequence {})",
                        below.entries, below.sequence
                    )
                }
                (None, None) => String::new(),
            };
            table.cells(vec![
                row.page.to_string(),
                format!("{:#x}", row.offset),
                key(row.key.bytes()),
                value,
            ]);
        }
        pen.table(&table)?;
        for fault in &self.faults {
            pen.line(format_args!("! {fault}"))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.faults.is_empty() {
            exit |= Exit::FINDINGS;
        }
        if !self.whole {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

#[derive(Serialize)]
struct Got {
    key: Text,
    value: Text,
    page: PageId,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
}

pub(crate) fn get(args: &GetArgs, out: &mut Out) -> Outcome {
    let source = args.file.whole()?;
    let db = db(&source, &args.file.shown(), args.previous)?;
    let (name, path) = args
        .path
        .split_last()
        .ok_or_else(|| Failure::usage("no key was named"))?;
    let contents = bucket(&db, path)?.contents();
    let name = bytes(name);
    let entry = contents.get(&name).ok_or_else(|| {
        let why = hidden(&contents, &name);
        Failure::unread(format!("there is no key {}{why}", key(&name)))
    })?;
    let value = entry.value.bytes().ok_or_else(|| {
        Failure::usage(format!("{} is a bucket", key(&name))).hint("`coroner bolt keys` lists it")
    })?;
    if args.raw {
        out.writer().write_all(value)?;
        out.writer().flush()?;
        return Ok(Exit::CLEAN);
    }
    out.answer(&Got {
        key: entry.key.into(),
        value: value.into(),
        page: entry.page,
        offset: entry.value_span.start,
    })
}

impl Answer for Got {
    const SCHEMA: &'static str = "bolt-get/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.verbatim(key(self.value.bytes()))
    }
}
