//! `coroner bolt compact`

use std::io::{self, Write as _};

use bolt::{CheckReport, CopyError, Layout, compact};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen};
use finding::{Severity, Text};
use serde::Serialize;

use crate::{
    checked::checked,
    file::{File, FileArgs},
    layout::LayoutArgs,
    new_file::{NewFile, unwritten},
};

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
The new database holds the same buckets, keys, values and sequences, and no free page. It is written
beside NEW, checked, and only then put there; NEW must not exist. The file is checked first: one that
is damaged is refused, as a copy would hide the damage. One page of each level is in memory at a time.

Without -o, the answer says how much there is to gain.

Examples:
  coroner bolt compact meta.db                  how much would it gain?
  coroner bolt compact meta.db -o small.db
  coroner bolt compact --freelist unsynced --page-size 4096 meta.db -o new.db")]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    file: FileArgs,
    #[command(flatten)]
    layout: LayoutArgs,
}

#[derive(Serialize)]
struct Compacted {
    file: Text,
    #[serde(serialize_with = "finding::size_number")]
    bytes: u64,
    #[serde(serialize_with = "finding::size_number")]
    new_bytes: u64,
    buckets: u64,
    keys: u64,
    page_size: u64,
    freelist: bool,
    new: Option<Text>,
}

/// Counts bytes, and keeps none.
#[derive(Default)]
struct Counter {
    at: u64,
    len: u64,
}

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.at = self
            .at
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        self.len = self.len.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl io::Seek for Counter {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        match to {
            io::SeekFrom::Start(at) => self.at = at,
            io::SeekFrom::Current(by) => self.at = self.at.saturating_add_signed(by),
            io::SeekFrom::End(by) => self.at = self.len.saturating_add_signed(by),
        }
        Ok(self.at)
    }
}

/// Refuses a file whose copy would be less than it.
fn refuse(report: &CheckReport, args: &CompactArgs) -> Result<(), Failure> {
    let faults = report.faults.iter().map(|found| &found.fault);
    let mut bad = faults.filter(|fault| fault.what.code().severity > Severity::Odd);
    let Some(fault) = bad.next() else {
        return Ok(());
    };
    let name = args.file.shown();
    let more = bad.count();
    let rest = if more == 0 {
        String::new()
    } else {
        format!(", and {more} faults more")
    };
    Err(Failure::unread(format!(
        "{name} is damaged: {fault} ({}){rest}",
        fault.what.code().name
    ))
    .hint("`coroner bolt salvage -o NEW` makes a new database of what can be proven"))
}

fn failed(args: &CompactArgs, error: CopyError) -> Failure {
    match error {
        CopyError::Unread(why) => args.file.unread(&why),
        CopyError::Damaged(page) => Failure::unread(format!(
            "{}: page {page} is not in order",
            args.file.shown()
        ))
        .hint("`coroner bolt check` says what is wrong with it"),
        CopyError::Write(error) => unwritten(error),
    }
}

pub(crate) fn run(args: &CompactArgs, out: &mut Out) -> Outcome {
    let output = out.take_output();
    let file = args.file.open()?;
    let progress = out.progress("checking", bolt::PageSource::len(&file));
    let report = checked(&args.file, &file, 0, &progress, metadb::SCHEMAS)?;
    drop(progress);
    refuse(&report, args)?;
    let meta = report
        .meta
        .filter(|_| report.is_valid)
        .ok_or_else(|| Failure::unread(format!("{} has no valid meta", args.file.shown())))?;
    let layout = args.layout.override_layout(Layout {
        page_size: u64::from(meta.page_size),
        freelist: meta.is_freelist_synced(),
        txid: meta.txid.saturating_add(1),
        sequence: meta.sequence,
    });
    let progress = out.progress(
        "copying",
        report
            .totals
            .pages()
            .saturating_mul(u64::from(meta.page_size)),
    );
    let mut done = |bytes| progress.add(bytes);
    let mut answer = Compacted {
        file: args.file.shown(),
        bytes: report.len,
        new_bytes: 0,
        buckets: report.totals.buckets,
        keys: report.totals.keys,
        page_size: layout.page_size,
        freelist: layout.freelist,
        new: None,
    };
    let Some(place) = output else {
        let counter = compact(&file, &meta, Counter::default(), layout, &mut done);
        answer.new_bytes = counter.map_err(|error| failed(args, error))?.len;
        drop(progress);
        return out.answer(&answer);
    };
    let mut new = NewFile::at(place.clone())?;
    let written = compact(&file, &meta, new.writer(), layout, &mut done);
    let mut writer = written.map_err(|error| failed(args, error))?;
    writer.flush()?;
    drop(writer);
    drop(progress);
    verify(&new, &report, &file)?;
    answer.new_bytes = new.len();
    new.put(file.mode())?;
    answer.new = Some(Text::from(place.as_os_str().as_encoded_bytes()));
    out.answer(&answer)
}

/// Checks the new database, and that nothing was lost on the way.
fn verify(new: &NewFile, old: &CheckReport, file: &File) -> Result<(), Failure> {
    let report = new.check()?;
    let found = report.disorder().map(|found| found.fault.to_string());
    let counts = |report: &CheckReport| (report.totals.buckets, report.totals.keys);
    if found.is_some() || counts(&report) != counts(old) {
        let what = found.unwrap_or_else(|| "it does not hold as much as the old one".to_owned());
        return Err(Failure::unread(format!(
            "the new database is not in order ({what}): this is a bug of coroner"
        )));
    }
    if file.unchanged().is_err() {
        return Err(
            Failure::unread("the file changed while it was read: nothing was written")
                .hint("stop the daemon that uses it, or compact a copy"),
        );
    }
    Ok(())
}

impl Answer for Compacted {
    const SCHEMA: &'static str = "bolt-compact/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let (keys, buckets) = (self.keys, self.buckets);
        pen.line(format_args!("Copied   {keys} keys, {buckets} buckets"))?;
        let freelist = if self.freelist {
            "synced"
        } else {
            "not synced"
        };
        pen.line(format_args!(
            "Layout   pages of {} bytes, freelist {freelist}",
            self.page_size
        ))?;
        let (old, new) = (self.bytes, self.new_bytes);
        // In tenths, as bbolt prints it.
        let gain = old.saturating_mul(100).checked_div(new).unwrap_or(0);
        let (whole, rest) = (gain.div_euclid(100), gain.rem_euclid(100));
        pen.line(format_args!(
            "Gain     {old} -> {new} bytes (gain={whole}.{rest:02}x)"
        ))?;
        match &self.new {
            Some(file) => pen.line(format_args!("New      {file}; checked")),
            None => pen.line("Nothing was written: -o NEW does it."),
        }
    }

    fn exit(&self) -> Exit {
        Exit::CLEAN
    }
}
