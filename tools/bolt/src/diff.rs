//! `coroner bolt diff`

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;

use bolt::{Bucket, Contents, Db, Differs, Value};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style};
use finding::Text;
use serde::Serialize;

use crate::{
    file::{FileArgs, key},
    open::db,
    page::shorten,
};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    file: FileArgs,
    /// The newer database; without it, the file is compared with its own transaction before
    #[arg(value_name = "NEWER")]
    newer: Option<PathBuf>,
}

#[derive(Serialize)]
struct Difference {
    old_txid: u64,
    new_txid: u64,
    changes: Vec<Line>,
    old_faults: Vec<String>,
    new_faults: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    differs: Differs,
    /// Damage of the other tree may hide the key: then it is neither added nor removed for certain.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    unknown: bool,
    path: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<Side>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Side {
    Value(Text),
    Bucket { sequence: u64 },
}

fn side(value: &Value<'_>) -> Side {
    match value {
        Value::Bytes(bytes) => Side::Value((*bytes).into()),
        Value::Bucket(bucket) => Side::Bucket {
            sequence: bucket.sequence(),
        },
    }
}

pub(crate) fn run(args: &DiffArgs, out: &mut Out) -> Outcome {
    let newer = args.newer.clone().map(|path| args.file.beside(path));
    let source = args.file.whole()?;
    let other = newer.as_ref().map(FileArgs::whole).transpose()?;
    let first = db(&source, &args.file.shown(), false)?;
    let (old, new) = if let (Some(other), Some(newer)) = (&other, &newer) {
        (first, db(other, &newer.shown(), false)?)
    } else {
        let older = first.previous().ok_or_else(|| {
            Failure::unread("there is no valid meta of the transaction before")
                .hint("name a second file to compare with")
        })?;
        (older, first)
    };
    let (mut in_old, mut in_new) = (Hiding::hiding_in(&old), Hiding::hiding_in(&new));
    let mut diff = new.changes_since(&old);
    let changes = diff
        .by_ref()
        .map(|change| Line {
            differs: change.differs,
            unknown: match change.differs {
                Differs::Added => in_old.may_hold(&change.bucket, change.key),
                Differs::Removed => in_new.may_hold(&change.bucket, change.key),
                Differs::Changed => false,
            },
            path: change
                .bucket
                .iter()
                .map(|key| Text::from(*key))
                .chain([change.key.into()])
                .collect(),
            old: change.old.map(|entry| side(&entry.value)),
            new: change.new.map(|entry| side(&entry.value)),
        })
        .collect();
    let text = |faults: &[bolt::Fault]| faults.iter().map(ToString::to_string).collect();
    let (old_faults, new_faults) = diff.faults();
    out.answer(&Difference {
        old_txid: old.meta().txid,
        new_txid: new.meta().txid,
        changes,
        old_faults: text(old_faults),
        new_faults: text(new_faults),
    })
}

/// What damage of one tree may hide.
struct Hiding<'s> {
    root: Bucket<'s>,
    /// Buckets that were asked for; none: it is not there.
    known: HashMap<Vec<Vec<u8>>, Option<Contents<'s>>>,
}

impl<'s> Hiding<'s> {
    fn hiding_in(db: &Db<'s>) -> Self {
        Self {
            root: db.root(),
            known: HashMap::new(),
        }
    }

    /// Whether the tree may have held `key` in the bucket at `path`: because the bucket's pages,
    /// or those of a bucket around it, are damaged.
    fn may_hold(&mut self, path: &[&[u8]], key: &[u8]) -> bool {
        let mut above: Vec<Vec<u8>> = Vec::new();
        let mut bucket = Some(self.root.clone());
        for part in path.iter().copied().chain([key]) {
            let contents = self
                .known
                .entry(above.clone())
                .or_insert_with(|| bucket.as_ref().map(Bucket::contents));
            let Some(contents) = contents else {
                return false;
            };
            let entry = contents.get(part);
            if entry.is_none() && contents.may_have_held(part) {
                return true;
            }
            bucket = entry.and_then(|entry| entry.value.bucket()).cloned();
            above.push(part.to_vec());
        }
        false
    }
}

impl Side {
    fn show(side: Option<&Self>) -> String {
        match side {
            Some(Self::Value(value)) => format!(" = {}", shorten(value.bytes())),
            Some(Self::Bucket { sequence }) => format!(" (bucket, sequence {sequence})"),
            None => String::new(),
        }
    }
}

impl Answer for Difference {
    const SCHEMA: &'static str = "bolt-diff/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.line(format_args!(
            "transaction {} -> {}",
            self.old_txid, self.new_txid
        ))?;
        for line in &self.changes {
            let path: Vec<String> = line.path.iter().map(|part| key(part.bytes())).collect();
            let path = path.join(" > ");
            let (old, new) = (line.old.as_ref(), line.new.as_ref());
            let (mark, style, what) = match line.differs {
                Differs::Added if line.unknown => {
                    let what = format!("{} (the older tree is damaged there)", Side::show(new));
                    ("?", Style::Warning, what)
                }
                Differs::Removed if line.unknown => {
                    let what = format!("{} (the newer tree is damaged there)", Side::show(old));
                    ("?", Style::Warning, what)
                }
                Differs::Added => ("+", Style::Good, Side::show(new)),
                Differs::Removed => ("-", Style::Bad, Side::show(old)),
                Differs::Changed => {
                    let what = format!("{} ->{}", Side::show(old), Side::show(new));
                    ("~", Style::Warning, what)
                }
            };
            let text = pen
                .styled(style, format!("{mark} {path}{what}"))
                .to_string();
            pen.line(text)?;
        }
        if self.changes.is_empty() {
            pen.line("no difference")?;
        }
        for (which, faults) in [("old", &self.old_faults), ("new", &self.new_faults)] {
            for fault in faults {
                pen.line(format_args!("! in the {which} tree: {fault}"))?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.old_faults.is_empty() && self.new_faults.is_empty() {
            Exit::CLEAN
        } else {
            Exit::FINDINGS | Exit::UNREAD
        }
    }
}
