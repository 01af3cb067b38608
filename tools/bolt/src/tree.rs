//! `coroner bolt tree`

use std::io;

use bolt::{Value, Visit};
use cli::{Answer, Exit, Out, Outcome, Pen, Style};
use finding::Text;
use serde::Serialize;

use crate::{
    file::{FileArgs, key},
    open,
    page::fit,
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Only what is in this bucket: its keys from the root bucket on
    #[arg(value_name = "BUCKET")]
    bucket: Vec<String>,
    /// Only buckets
    #[arg(short, long)]
    directories: bool,
    /// No deeper than this
    #[arg(short = 'L', long, value_name = "N")]
    level: Option<usize>,
    /// The tree of the transaction before
    #[arg(long)]
    previous: bool,
}

#[derive(Serialize)]
struct Tree {
    file: Text,
    txid: u64,
    lines: Vec<Line>,
    damaged: bool,
}

#[derive(Serialize)]
struct Line {
    path: Vec<Text>,
    #[serde(flatten)]
    what: Content,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Content {
    Bucket {
        page: Option<bolt::PageId>,
        sequence: u64,
    },
    Value(Text),
    Fault(String),
}

pub(crate) fn run(args: &TreeArgs, out: &mut Out) -> Outcome {
    let source = args.file.whole()?;
    let db = open::db(&source, &args.file.shown(), args.previous)?;
    let bucket = open::bucket(&db, &args.bucket)?;
    let mut lines = Vec::new();
    let mut damaged = false;
    for step in bucket.walk() {
        let depth = step.bucket.len();
        if args.level.is_some_and(|level| depth >= level) {
            continue;
        }
        let mut path: Vec<Text> = step.bucket.iter().map(|key| Text::from(*key)).collect();
        let what = match &step.what {
            Visit::Fault(fault) => {
                damaged = true;
                Content::Fault(fault.to_string())
            }
            Visit::Entry(entry) => {
                path.push(entry.key.into());
                match &entry.value {
                    Value::Bytes(_) if args.directories => continue,
                    Value::Bytes(bytes) => Content::Value((*bytes).into()),
                    Value::Bucket(bucket) => Content::Bucket {
                        page: bucket.page(),
                        sequence: bucket.sequence(),
                    },
                }
            }
        };
        lines.push(Line { path, what });
    }
    out.answer(&Tree {
        file: args.file.shown(),
        txid: db.meta().txid,
        lines,
        damaged,
    })
}

impl Answer for Tree {
    const SCHEMA: &'static str = "bolt-tree/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for line in &self.lines {
            let depth = line.path.len();
            let name = line
                .path
                .last()
                .map_or(String::new(), |name| key(name.bytes()));
            match &line.what {
                Content::Bucket { page, sequence } => {
                    let indent = "  ".repeat(depth.saturating_sub(1));
                    let place = match page {
                        Some(page) => format!("page {page}"),
                        None => "inline".to_owned(),
                    };
                    let name = pen.styled(Style::Heading, name).to_string();
                    let faint = format!("({place}, sequence {sequence})");
                    let faint = pen.styled(Style::Faint, faint).to_string();
                    pen.line(format_args!("{indent}{name} {faint}"))?;
                }
                Content::Value(value) => {
                    let indent = "  ".repeat(depth.saturating_sub(1));
                    let head = format!("{indent}{name} = ");
                    let taken = head.chars().count();
                    let room = pen.width().map(|width| width.saturating_sub(taken));
                    let value = fit(value.bytes(), room);
                    pen.line(format_args!("{head}{value}"))?;
                }
                Content::Fault(fault) => {
                    let indent = "  ".repeat(depth);
                    let fault = pen.styled(Style::Bad, fault).to_string();
                    pen.line(format_args!("{indent}! {fault}"))?;
                }
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.damaged {
            Exit::FINDINGS | Exit::UNREAD
        } else {
            Exit::CLEAN
        }
    }
}
