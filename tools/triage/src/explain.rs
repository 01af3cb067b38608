//! `coroner explain`: what a finding means and what to do.

use std::io;

use cli::{Answer, Failure, Out, Outcome, Pen, Table, Tool};
use finding::{Code, Escaped};
use serde::Serialize;

/// Arguments of `coroner explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  coroner explain                      every code
  coroner explain snapshot/id-sequence
  coroner explain \"invalid database\"   codes whose daemon message this is")]
pub(crate) struct Args {
    /// A code, a part of one, or a piece of a log line of containerd's
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `coroner explain`
pub const EXPLAIN: Tool = cli::tool!("explain", "What a finding means and what to do", Args, run);

#[derive(Serialize)]
struct Codes {
    codes: Vec<&'static Code>,
    #[serde(skip)]
    full: bool,
}

fn run(args: Args, out: &mut Out) -> Outcome {
    let codes = checks::codes();
    let Some(wanted) = args.code else {
        return out.answer(&Codes { codes, full: false });
    };
    let lower = wanted.to_lowercase();
    // How many bytes of the line a code's message explains: the longer, the more it is about it.
    let says = |code: &'static Code| {
        let messages = code.messages.iter().map(|message| message.to_lowercase());
        let met = messages.filter(|message| {
            lower.contains(message) || (lower.len() > 5 && message.contains(&lower))
        });
        met.map(|message| message.len().min(lower.len())).max()
    };
    let exact: Vec<_> = codes
        .iter()
        .copied()
        .filter(|code| code.name == wanted)
        .collect();
    let similar: Vec<_> = codes
        .iter()
        .copied()
        .filter(|code| code.name.contains(&lower))
        .collect();
    let mut saying: Vec<_> = codes
        .iter()
        .filter_map(|code| Some((says(code)?, *code)))
        .collect();
    saying.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    let saying: Vec<_> = saying.into_iter().map(|(_, code)| code).collect();
    let found = [exact, similar, saying]
        .into_iter()
        .find(|found| !found.is_empty());
    let Some(codes) = found else {
        let wanted = Escaped(wanted.as_bytes());
        return Err(Failure::usage(format!(
            "there is no code {wanted}, and no known message like it"
        ))
        .hint("`coroner explain` without an argument lists all codes"));
    };
    let full = codes.len() <= 5;
    out.answer(&Codes { codes, full })
}

impl Answer for Codes {
    const SCHEMA: &'static str = "explain/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if !self.full {
            let mut table = Table::new(&["code", "severity", "rule", "title"]);
            for code in &self.codes {
                table.row([&code.name, &code.severity, &code.rule, &code.headline()]);
            }
            return pen.table(&table);
        }
        for (number, code) in self.codes.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            pen.heading(format_args!("{}  {}", code.name, code.headline()))?;
            let rule = if code.rule.is_empty() {
                String::new()
            } else {
                format!(", rule {}", code.rule)
            };
            pen.line(format_args!("  {}{rule}", code.severity))?;
            pen.gap()?;
            pen.paragraph("  ", code.explanation)?;
            pen.gap()?;
            pen.paragraph("  What to do: ", code.remedy)?;
            pen.gap()?;
            if code.messages.is_empty() {
                pen.paragraph("  ", finding::SILENT)?;
            } else {
                pen.line("  The daemon says:")?;
                for message in code.messages {
                    pen.line(format_args!("    {message}"))?;
                }
            }
        }
        Ok(())
    }
}
