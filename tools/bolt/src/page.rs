//! `coroner bolt page`

use std::io;

use bolt::{Body, HEADER, Header, Meta, Node, Page, PageId, PageSource, metas_of};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style, Table};
use finding::{Text, hex_number};
use serde::Serialize;
use view::View;

use crate::file::{FileArgs, key};

/// Longest run of pages that is shown.
const LONGEST: u64 = 1 << 26;
/// Bytes of the start of a page that are shown: a header with a meta.
const HEAD: usize = 80;
/// Bytes of a value that are shown.
const SHOWN: usize = 64;

/// And so many at least, however narrow the terminal is.
const FEWEST: usize = 8;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PageArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Which page
    #[arg(value_name = "N")]
    number: u64,
    /// Bytes of a page, if not what the metas say
    #[arg(long, value_name = "BYTES")]
    page_size: Option<u64>,
}

#[derive(Serialize)]
struct Shown {
    page: PageId,
    #[serde(serialize_with = "hex_number")]
    offset: u64,
    length: u64,
    /// Whether its header names it.
    own_number: bool,
    /// Whether the file has all of its overflow.
    complete: bool,
    kind: Option<bolt::Kind>,
    header: Header,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    /// How many elements the place of the first key says there are, where all of them fit that.
    packed_count: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    elements: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    free_pages: Option<Vec<PageId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claimed_free: Option<u64>,
    #[serde(serialize_with = "as_hex")]
    head: Vec<u8>,
}

/// One element, as it stands; its key and value only where they are inside the page.
#[derive(Serialize)]
struct Row {
    index: u64,
    #[serde(serialize_with = "hex_number")]
    offset: u64,
    /// Its 16 bytes.
    #[serde(serialize_with = "as_hex")]
    bytes: Vec<u8>,
    flags: u32,
    position: u32,
    key_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<PageId>,
    value_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Text>,
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

pub(crate) fn run(args: &PageArgs, out: &mut Out) -> Outcome {
    let file = args.file.open()?;
    let found = metas_of(&file).map_err(|why| args.file.unread(&why))?;
    let page_size = args.page_size.or(found.page_size);
    let page_size = page_size
        .filter(|size| size.is_power_of_two())
        .ok_or_else(|| {
            Failure::unread(format!("the page size of {} is unknown", args.file.shown()))
                .hint("give it with --page-size; 4096 is the most common")
        })?;
    let id = PageId(args.number);
    let at = id.at(page_size);
    let unread = |why| args.file.unread(&why);
    let first = bytes(&file, at, page_size).map_err(unread)?;
    let header = Header::read_page_header(View::based(&first, at)).map_err(|_| {
        Failure::unread(format!(
            "{} ends before page {id}, which would be at {at:#x}",
            args.file.shown()
        ))
    })?;
    let want = header.pages().saturating_mul(page_size);
    // Overflow that leads out of the file is no overflow: what stands behind belongs to others.
    let is_there = at.saturating_add(want) <= file.len();
    let taken = if is_there { want } else { page_size };
    let run = bytes(&file, at, taken.min(LONGEST)).map_err(unread)?;
    let view = View::based(&run, at);
    let page = Page::decode(view, id).map_err(|short| Failure::unread(short.to_string()))?;
    out.answer(&Shown {
        page: id,
        offset: at,
        length: view.len(),
        own_number: page.header.id == id,
        complete: view.len() == want,
        kind: page.header.kind(),
        header: page.header,
        meta: match &page.body {
            Body::Meta(meta) => Some(*meta),
            _ => None,
        },
        packed_count: match &page.body {
            Body::Node(node) => node.packed_count(),
            _ => None,
        },
        elements: match &page.body {
            Body::Node(node) => rows(node),
            _ => Vec::new(),
        },
        claimed_free: match &page.body {
            Body::Freelist(_, count) => Some(*count),
            _ => None,
        },
        free_pages: match page.body {
            Body::Freelist(ids, _) => Some(ids),
            _ => None,
        },
        head: run.iter().copied().take(HEAD).collect(),
    })
}

fn bytes(file: &dyn PageSource, at: u64, len: u64) -> Result<Vec<u8>, finding::Unread> {
    let len = len.min(file.len().saturating_sub(at));
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    file.read_at(at, &mut bytes)?;
    Ok(bytes)
}

/// The elements: as many as the header says, or as the place of the first key says if that fits all
/// of them. Key and value are shown only where they are inside the page.
fn rows(node: &Node<'_>) -> Vec<Row> {
    let count = node.packed_count().unwrap_or_else(|| node.count());
    (0..count.min(node.room()))
        .filter_map(|index| {
            let raw = node.raw(index).ok()?;
            let view = node.view();
            let own = view.slice(raw.at, 16, "element").ok()?;
            let key = view.slice(raw.key_at(), u64::from(raw.ksize), "key").ok();
            let value = view
                .slice(raw.value_at(), u64::from(raw.vsize), "value")
                .ok();
            Some(Row {
                index,
                offset: own.base(),
                bytes: own.bytes().to_vec(),
                flags: raw.flags,
                position: raw.pos,
                key_size: raw.ksize,
                child: raw.pgid,
                value_size: raw.vsize,
                key: key.map(|key| key.bytes().into()),
                value: value
                    .filter(|_| raw.pgid.is_none())
                    .map(|value| value.bytes().into()),
            })
        })
        .collect()
}

impl Answer for Shown {
    const SCHEMA: &'static str = "bolt-page/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let kind = self
            .kind
            .map_or("unknown kind".to_owned(), |kind| kind.to_string());
        pen.heading(format_args!(
            "Page {}: {kind}, {} bytes at {:#x}",
            self.page, self.length, self.offset
        ))?;
        let field = |pen: &mut Pen<'_>, offset: u64, name: &str, value: String, len: u64| {
            let from = usize::try_from(offset).unwrap_or(0);
            let to = usize::try_from(offset.saturating_add(len)).unwrap_or(0);
            let bytes = hex::encode(self.head.get(from..to).unwrap_or_default());
            let at = self.offset.saturating_add(offset);
            pen.line(format_args!("  {at:#010x}  {bytes:16}  {name:10} {value}"))
        };
        let Header {
            id,
            flags,
            count,
            overflow,
        } = self.header;
        let own = if self.own_number {
            ""
        } else {
            "  (not this page)"
        };
        field(pen, 0, "id", format!("{id}{own}"), 8)?;
        field(pen, 8, "flags", format!("{flags:#x} {kind}"), 2)?;
        let other = self
            .packed_count
            .filter(|packed| *packed != u64::from(count));
        let other = other.map_or(String::new(), |packed| {
            format!("  (the place of the first key says {packed}: so many are shown)")
        });
        field(pen, 10, "count", format!("{count}{other}"), 2)?;
        let cut = if self.complete {
            ""
        } else {
            "  (past the end of the file: only the page itself is shown)"
        };
        field(pen, 12, "overflow", format!("{overflow}{cut}"), 4)?;
        if let Some(meta) = &self.meta {
            let verdict = match meta.validate(self.offset) {
                Ok(()) => "valid".to_owned(),
                Err(fault) => fault.to_string(),
            };
            field(pen, HEADER, "magic", format!("{:#010x}", meta.magic), 4)?;
            field(pen, 20, "version", meta.version.to_string(), 4)?;
            field(pen, 24, "page size", meta.page_size.to_string(), 4)?;
            field(pen, 28, "flags", meta.flags.to_string(), 4)?;
            field(pen, 32, "root", meta.root.to_string(), 8)?;
            field(pen, 40, "sequence", meta.sequence.to_string(), 8)?;
            field(pen, 48, "freelist", meta.freelist.to_string(), 8)?;
            field(pen, 56, "high-water", meta.high_water.to_string(), 8)?;
            field(pen, 64, "txid", meta.txid.to_string(), 8)?;
            let sum = format!("{:#018x}, computed {:#018x}", meta.checksum, meta.computed);
            field(pen, 72, "checksum", sum, 8)?;
            pen.line(format_args!("  {verdict}"))?;
        }
        if let Some(ids) = &self.free_pages {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let claimed = self.claimed_free.unwrap_or(0);
            pen.line(format_args!("  {claimed} ids, {} are there", ids.len()))?;
            pen.paragraph("  ", &ids.join(" "))?;
        }
        if !self.elements.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&[
                ">#", ">offset", "bytes", ">flags", ">pos", ">key", ">value", "content",
            ]);
            for row in &self.elements {
                table.cells(vec![
                    row.index.to_string(),
                    format!("{:#x}", row.offset),
                    hex::encode(&row.bytes),
                    row.flags.to_string(),
                    row.position.to_string(),
                    row.key_size.to_string(),
                    row.value_size.to_string(),
                    row.content(),
                ]);
            }
            pen.table(&table)?;
        }
        if !self.own_number || !self.complete {
            let text = "This page is not in order: `coroner bolt check` says what that means.";
            let line = pen.styled(Style::Warning, text).to_string();
            pen.line(line)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        Exit::CLEAN
    }
}

impl Row {
    fn content(&self) -> String {
        let Some(name) = &self.key else {
            return "(its key is outside the page)".to_owned();
        };
        let name = key(name.bytes());
        if let Some(child) = self.child {
            return format!("{name} -> page {child}");
        }
        let Some(value) = self.value.as_ref().map(Text::bytes) else {
            return format!("{name} = (its value reaches past the page)");
        };
        if self.flags & 1 == 1 {
            let number = |from: usize| {
                value
                    .get(from..)
                    .and_then(|rest| rest.first_chunk())
                    .map(|bytes| u64::from_le_bytes(*bytes))
            };
            return match (number(0), number(8)) {
                (Some(0), Some(sequence)) => format!("{name}: inline bucket, sequence {sequence}"),
                (Some(root), Some(sequence)) => {
                    format!("{name}: bucket at page {root}, sequence {sequence}")
                }
                _ => format!("{name}: bucket without a header"),
            };
        }
        format!("{name} = {}", shorten(value))
    }
}

/// The start of a value.
pub(crate) fn shorten(value: &[u8]) -> String {
    shorten_to(value, SHOWN)
}

/// As [`shorten`], in so much room on a terminal, if it is one.
pub(crate) fn fit(value: &[u8], room: Option<usize>) -> String {
    let mut shown = SHOWN;
    loop {
        let text = shorten_to(value, shown);
        if room.is_none_or(|room| text.chars().count() <= room) || shown <= FEWEST {
            return text;
        }
        shown = shown.div_euclid(2);
    }
}

fn shorten_to(value: &[u8], shown: usize) -> String {
    match value.split_at_checked(shown) {
        Some((start, rest)) if !rest.is_empty() => {
            format!("{}… ({} bytes)", key(start), value.len())
        }
        _ if value.is_empty() => "(nothing)".to_owned(),
        _ => key(value),
    }
}
