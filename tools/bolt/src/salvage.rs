//! `coroner bolt salvage`

use std::io::{self, Cursor};

use bolt::{CheckOptions, Choice, Kept, Layout, Salvage, check};
use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style};
use finding::Text;
use serde::Serialize;
use view::View;

use crate::file::{FileArgs, key};

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SalvageArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Write a freelist (containerd up to 1.6), or none (1.7 and later); as the file has it if not
    /// given
    #[arg(long, value_name = "YES|NO", value_parser = clap::builder::BoolishValueParser::new())]
    freelist: Option<bool>,
    /// Bytes of a page of the new file, if not those of the old one
    #[arg(long, value_name = "BYTES")]
    page_size: Option<u64>,
}

#[derive(Serialize)]
struct Saved {
    file: Text,
    choice: Option<Choice>,
    kept: Kept,
    gaps: Vec<Line>,
    written: bool,
    whole: bool,
}

#[derive(Serialize)]
struct Line {
    bucket: Vec<Text>,
    code: &'static str,
    #[serde(serialize_with = "finding::hex_number")]
    offset: u64,
    what: String,
    from_transaction_before: u64,
    transaction_before_is_whole: bool,
}

pub(crate) fn run(args: &SalvageArgs, out: &mut Out) -> Outcome {
    let source = args.file.whole()?;
    let salvage = Salvage::of(source.view());
    let layout = Layout {
        freelist: args.freelist.unwrap_or(salvage.layout().freelist),
        page_size: args.page_size.unwrap_or(salvage.layout().page_size),
        ..salvage.layout()
    };
    let written = out.options().output.is_some();
    let answer = Saved {
        file: args.file.shown(),
        choice: salvage.choice,
        kept: salvage.kept,
        gaps: salvage
            .gaps
            .iter()
            .map(|gap| Line {
                bucket: gap.path.iter().map(|key| Text::new(key.clone())).collect(),
                code: gap.fault.what.code().name,
                offset: gap.fault.span.start,
                what: gap.fault.to_string(),
                from_transaction_before: gap.filled,
                transaction_before_is_whole: gap.older_is_whole,
            })
            .collect(),
        written,
        whole: salvage.is_whole(),
    };
    if salvage.choice.is_none() {
        return Err(
            Failure::unread(format!("{}: no tree was found", args.file.shown()))
                .hint("`coroner bolt info` says what is wrong with the file"),
        );
    }
    if !written {
        return out.answer(&answer);
    }
    // Only a database that passes our own check is handed out.
    let new = salvage
        .write(Cursor::new(Vec::new()), layout)
        .map_err(|error| Failure::usage(error.to_string()))?
        .into_inner();
    let report = check(&View::new(&new), &CheckOptions::default());
    if report.is_ok_and(|report| !report.faults.is_empty()) {
        return Err(Failure::unread(
            "the new database is not in order: this is a bug of coroner",
        ));
    }
    out.writer().write_all(&new)?;
    out.writer().flush()?;
    let mut stderr = io::stderr().lock();
    answer.text(&mut Pen::new(&mut stderr, false, None))?;
    Ok(answer.exit() | Exit::REPAIRED)
}

impl Answer for Saved {
    const SCHEMA: &'static str = "bolt-salvage/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let from = match self.choice {
            Some(Choice::Newest { txid }) => format!("the newest tree (transaction {txid})"),
            Some(Choice::Meta { slot }) => {
                format!("the tree of meta {slot}, whose checksum does not hold")
            }
            Some(Choice::Root { page, tried }) => {
                format!("the tree at page {page}, the best of {tried}; no meta names it")
            }
            None => "nothing".to_owned(),
        };
        pen.line(format_args!("From     {from}"))?;
        let Kept {
            values,
            buckets,
            older,
        } = self.kept;
        pen.line(format_args!(
            "Kept     {values} values in {buckets} buckets"
        ))?;
        if older > 0 {
            pen.line(format_args!("Of them  {older} from the transaction before"))?;
        }
        for gap in &self.gaps {
            let path: Vec<String> = gap.bucket.iter().map(|part| key(part.bytes())).collect();
            let place = if path.is_empty() {
                "the root bucket".to_owned()
            } else {
                path.join(" > ")
            };
            pen.line(format_args!(
                "Gap      {} at {:#x} in {place}",
                gap.code, gap.offset
            ))?;
            pen.paragraph("         ", &gap.what)?;
            let after = if gap.transaction_before_is_whole {
                format!(
                    "{} keys from the transaction before, which is whole there: only what the last \
                     one changed is lost",
                    gap.from_transaction_before
                )
            } else {
                format!(
                    "{} keys from the transaction before, which is not whole there: keys are lost",
                    gap.from_transaction_before
                )
            };
            pen.paragraph("         ", &after)?;
        }
        let verdict = match (self.whole, self.written) {
            (true, _) => pen.styled(Style::Good, "Nothing is lost."),
            (false, true) => pen.styled(Style::Warning, "Written; see the gaps above."),
            (false, false) => pen.styled(Style::Warning, "Nothing was written: -o NEW does it."),
        }
        .to_string();
        pen.line(verdict)
    }

    fn exit(&self) -> Exit {
        if self.whole {
            Exit::CLEAN
        } else {
            Exit::FINDINGS
        }
    }
}
