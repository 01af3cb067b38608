//! `coroner bolt dump`: every byte of a file, in the order of the file.

use std::io;
use std::ops::ControlFlow;

use bolt::{
    AccountOptions, Area, CheckReport, Content, Kind, Line, PageId, PageSource as _, Piece,
    Stretch, account,
};
use cli::{Exit, Failure, Format, Out, Outcome};
use finding::{Escaped, Severity, Text};
use serde::Serialize;
use view::Span;

use crate::{
    checked::checked,
    file::{File, FileArgs},
    hexdump::rows,
    pages::name,
};

/// Bytes of a piece that are read at once to be shown in hex.
const STEP: u64 = 1 << 16;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DumpArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Only the bytes from FIRST to before LAST (decimal, or 0x and hex)
    #[arg(long, value_name = "FIRST..LAST", value_parser = range)]
    range: Option<(u64, u64)>,
    /// Only this page, or the pages from FIRST to LAST
    #[arg(long, value_name = "N or FIRST..LAST", value_parser = pages, conflicts_with = "range")]
    page: Option<(u64, u64)>,
    /// Decode what is left on pages that are not in use, too
    #[arg(long)]
    old: bool,
    /// Show the bytes of every piece in hex
    #[arg(long)]
    hex: bool,
}

fn number(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|why| format!("{}: {why}", Escaped(text.as_bytes())))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once("..").ok_or("a range is FIRST..LAST")?;
    let (first, last) = (number(first)?, number(last)?);
    if first < last {
        Ok((first, last))
    } else {
        Err("a range ends after it starts".to_owned())
    }
}

fn pages(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    if first <= last {
        Ok((first, last))
    } else {
        Err("the last page is not before the first".to_owned())
    }
}

#[derive(Serialize)]
struct Head {
    schema: &'static str,
    coroner: &'static str,
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    size: u64,
    page_size: Option<u64>,
    unsupported: bool,
}

#[derive(Serialize)]
struct Tail {
    exit: u8,
    stretches: u64,
    pieces: u64,
    #[serde(serialize_with = "finding::size_number")]
    bytes: u64,
}

/// A page with those that belong to it, or a row of pages.
#[derive(Serialize)]
struct StretchLine {
    page: Option<PageId>,
    #[serde(serialize_with = "finding::size_number")]
    pages: u64,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    #[serde(serialize_with = "finding::size_number")]
    length: u64,
    state: &'static str,
    kind: Option<Kind>,
}

#[derive(Serialize)]
struct PieceLine<'a> {
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    #[serde(serialize_with = "finding::size_number")]
    length: u64,
    name: &'a str,
    #[serde(flatten)]
    content: Shown,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

/// [`Content`] as JSON shows it.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Shown {
    Number(#[serde(serialize_with = "finding::size_number")] u64),
    Hexadecimal(#[serde(serialize_with = "finding::hex_number")] u64),
    Element(ElementLine),
    Zeroes(bool),
    Bytes {
        start: Text,
        #[serde(serialize_with = "finding::hex_number")]
        fnv1a: u64,
    },
    Old {
        kind: Option<Kind>,
        count: u16,
        overflow: u32,
        #[serde(serialize_with = "finding::hex_number")]
        fnv1a: u64,
    },
    Unread(bool),
}

#[derive(Serialize)]
struct ElementLine {
    flags: u32,
    position: u32,
    key_size: u32,
    value_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<PageId>,
    /// Whether key and value are inside the page.
    inside: bool,
}

/// A dump under way.
struct Dump<'a> {
    file: &'a File,
    out: &'a mut Out,
    hex: bool,
    page_size: u64,
    stretches: u64,
    pieces: u64,
    bytes: u64,
    is_unread: bool,
}

pub(crate) fn run(args: &DumpArgs, out: &mut Out) -> Outcome {
    let file = args.file.open()?;
    let progress = out.progress("reading", file.len());
    let report = checked(&args.file, &file, 0, &progress, metadb::SCHEMAS)?;
    drop(progress);
    let options = AccountOptions {
        range: span(args, &report)?,
        old: args.old,
    };
    let mut dump = Dump {
        file: &file,
        out,
        hex: args.hex,
        page_size: report.page_size.unwrap_or(4096),
        stretches: 0,
        pieces: 0,
        bytes: 0,
        is_unread: false,
    };
    dump.head(args, &report)?;
    let mut failed = None;
    let _stopped = account(&file, &report, &options, &mut |line| {
        let written = match line {
            Line::Stretch(stretch) => dump.stretch(&stretch),
            Line::Piece(piece) => dump.piece(&piece),
        };
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(why) => {
                failed = Some(why);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(why) = failed {
        return Err(why.into());
    }
    if let Err(why) = file.unchanged() {
        return Err(args.file.unread(&why));
    }
    let exit = exit(&report, dump.is_unread);
    dump.tail(exit)?;
    Ok(exit)
}

/// The bytes that are asked for.
fn span(args: &DumpArgs, report: &CheckReport) -> Result<Option<Span>, Failure> {
    let (first, last) = match (args.range, args.page, report.page_size) {
        (Some(range), ..) => range,
        (None, None, _) => return Ok(None),
        (None, Some((first, last)), Some(size)) => {
            let at = |page| PageId(page).at(size);
            (at(first), at(last).saturating_add(size))
        }
        (None, Some(_), None) => {
            return Err(Failure::unread("the page size is unknown")
                .hint("name the bytes with --range FIRST..LAST"));
        }
    };
    Ok(Some(Span::new(first, last.saturating_sub(first))))
}

fn exit(report: &CheckReport, is_unread: bool) -> Exit {
    let mut exit = Exit::CLEAN;
    let counts = |found: &bolt::Found| found.fault.what.code().severity > Severity::Note;
    if report.faults.iter().any(counts) {
        exit |= Exit::FINDINGS;
    }
    if is_unread || report.is_unsupported() {
        exit |= Exit::UNREAD;
    }
    exit
}

impl Dump<'_> {
    fn is_json(&self) -> bool {
        self.out.options().format == Format::Json
    }

    fn head(&mut self, args: &DumpArgs, report: &CheckReport) -> io::Result<()> {
        if self.is_json() {
            return self.out.json_line(&Head {
                schema: "coroner/bolt-dump/1",
                coroner: env!("CARGO_PKG_VERSION"),
                file: args.file.shown(),
                size: report.len,
                page_size: report.page_size,
                unsupported: report.is_unsupported(),
            });
        }
        let pages = match report.page_size {
            Some(_) if report.is_unsupported() => "not read here".to_owned(),
            Some(size) => format!("pages of {size} bytes"),
            None => "page size unknown".to_owned(),
        };
        let len = report.len;
        self.out
            .pen()
            .verbatim(format_args!("# bolt dump 1: {len} bytes, {pages}"))
    }

    fn tail(&mut self, exit: Exit) -> io::Result<()> {
        let (stretches, pieces, bytes) = (self.stretches, self.pieces, self.bytes);
        if self.is_json() {
            self.out.json_line(&Tail {
                exit: exit.0,
                stretches,
                pieces,
                bytes,
            })?;
        } else {
            self.out
                .pen()
                .verbatim(format_args!("# {bytes} bytes in {pieces} pieces"))?;
        }
        self.out.writer().flush()
    }

    fn stretch(&mut self, stretch: &Stretch) -> io::Result<()> {
        self.stretches = self.stretches.saturating_add(1);
        let state = match stretch.area {
            Area::Page(state) => name(state),
            Area::Past => "past",
            Area::Ragged => "ragged",
            Area::NoPages => "no-pages",
        };
        let pages = stretch.span.len.div_euclid(self.page_size.max(1));
        let has_page = !matches!(stretch.area, Area::Ragged | Area::NoPages);
        if self.is_json() {
            return self.out.json_line(&StretchLine {
                page: has_page.then_some(stretch.id),
                pages,
                offset: stretch.span.start,
                length: stretch.span.len,
                state,
                kind: stretch.kind,
            });
        }
        let first = stretch.id.0;
        let place = match (has_page, pages) {
            (false, _) => "bytes".to_owned(),
            (true, 0 | 1) => format!("page {first}"),
            (true, _) => {
                let last = first.saturating_add(pages).saturating_sub(1);
                format!("pages {first}-{last}")
            }
        };
        let kind = match stretch.kind {
            Some(kind) if kind.to_string() != state => format!(" {kind}"),
            _ => String::new(),
        };
        self.out
            .pen()
            .verbatim(format_args!("{place}: {state}{kind}"))
    }

    fn piece(&mut self, piece: &Piece<'_>) -> io::Result<()> {
        let Span { start, len } = piece.span;
        self.pieces = self.pieces.saturating_add(1);
        self.bytes = self.bytes.saturating_add(len);
        let is_unread = matches!(piece.content, Content::Unread);
        self.is_unread |= is_unread;
        let has_hex = self.hex && !is_unread && !matches!(piece.content, Content::Zeroes);
        if self.is_json() {
            let bytes = if has_hex { self.all(piece.span)? } else { None };
            return self.out.json_line(&PieceLine {
                offset: start,
                length: len,
                name: &piece.name,
                content: shown(&piece.content),
                hex: bytes.map(hex::encode),
            });
        }
        let content = piece_text(piece);
        self.out.pen().verbatim(format_args!(
            "  {start:#012x} {len:>7}  {:<12} {content}",
            piece.name
        ))?;
        if has_hex {
            self.hex_rows(piece.span)?;
        }
        Ok(())
    }

    /// All bytes of a piece, unless it is so long that a line would be too.
    fn all(&self, span: Span) -> io::Result<Option<Vec<u8>>> {
        if span.len > STEP {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(span.len).unwrap_or(0)];
        self.file
            .read_at(span.start, &mut bytes)
            .map_err(|why| io::Error::other(why.to_string()))?;
        Ok(Some(bytes))
    }

    fn hex_rows(&mut self, span: Span) -> io::Result<()> {
        let mut at = span.start;
        while at < span.end() {
            let step = STEP.min(span.end().saturating_sub(at));
            let bytes = self.all(Span::new(at, step))?.unwrap_or_default();
            for row in rows(at, &bytes) {
                self.out.pen().verbatim(format_args!("      {row}"))?;
            }
            at = at.saturating_add(step);
        }
        Ok(())
    }
}

fn shown(content: &Content<'_>) -> Shown {
    match content {
        Content::Number(number) => Shown::Number(*number),
        Content::Hex(number) => Shown::Hexadecimal(*number),
        Content::Element(raw, leads_out) => Shown::Element(ElementLine {
            flags: raw.flags,
            position: raw.pos,
            key_size: raw.ksize,
            value_size: raw.vsize,
            child: raw.pgid,
            inside: !leads_out,
        }),
        Content::Zeroes => Shown::Zeroes(true),
        Content::Bytes { start, fnv1a } => Shown::Bytes {
            start: (*start).into(),
            fnv1a: *fnv1a,
        },
        Content::Old { header, fnv1a } => Shown::Old {
            kind: header.kind(),
            count: header.count,
            overflow: header.overflow,
            fnv1a: *fnv1a,
        },
        Content::Unread => Shown::Unread(true),
    }
}

/// What stands in a piece, on one line.
fn piece_text(piece: &Piece<'_>) -> String {
    match &piece.content {
        Content::Number(u64::MAX) if piece.name == "freelist" => "none".to_owned(),
        Content::Number(number) => number.to_string(),
        Content::Hex(number) => format!("{number:#x}"),
        Content::Element(raw, leads_out) => {
            let (flags, pos, ksize, vsize) = (raw.flags, raw.pos, raw.ksize, raw.vsize);
            let out = if *leads_out { ", out of the page" } else { "" };
            match raw.pgid {
                Some(page) => format!("position {pos}, key {ksize}, page {page}{out}"),
                None => {
                    format!("flags {flags:#x}, position {pos}, key {ksize}, value {vsize}{out}")
                }
            }
        }
        Content::Zeroes => "zeroes".to_owned(),
        Content::Bytes { start, fnv1a } => {
            let all = u64::try_from(start.len()) == Ok(piece.span.len);
            let start = quoted(start);
            if all {
                start
            } else {
                format!("{start}… fnv1a {fnv1a:#018x}")
            }
        }
        Content::Old { header, fnv1a } => {
            let kind = header.kind().map_or(String::new(), |kind| kind.to_string());
            format!(
                "{kind}, count {}, overflow {}, fnv1a {fnv1a:#018x}",
                header.count, header.overflow
            )
        }
        Content::Unread => "could not be read".to_owned(),
    }
}

/// Bytes as text in quotes if they are text, else in hex.
fn quoted(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => {
            let text = Escaped(bytes).to_string();
            format!("\"{}\"", text.replace('"', "\\\""))
        }
        _ => format!("0x{}", hex::encode(bytes)),
    }
}
