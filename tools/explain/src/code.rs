//! What a finding means and what to do.

use std::io;

use cli::{Answer, Out, Outcome, Pen, Table};
use finding::Code;
use serde::Serialize;

use crate::reference::Reference;

#[derive(Serialize)]
struct Explained {
    /// The rule or the issue that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    about: Vec<String>,
    codes: Vec<WithLines>,
    #[serde(skip)]
    full: bool,
}

/// A code, and what daemons say when they meet it.
#[derive(Serialize)]
struct WithLines {
    #[serde(flatten)]
    code: &'static Code,
    messages: Vec<String>,
    /// Kinds of findings that it may follow from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    because: Vec<&'static str>,
}

impl WithLines {
    fn explain_code(code: &'static Code) -> Self {
        Self {
            code,
            messages: messages::of_code(code.name)
                .filter_map(|message| message.shown().next())
                .collect(),
            because: checks::causes_of(code.name).collect(),
        }
    }
}

/// Every code, by name.
pub(crate) fn all(out: &mut Out) -> Outcome {
    let codes = checks::codes()
        .into_iter()
        .map(WithLines::explain_code)
        .collect();
    out.answer(&Explained {
        about: Vec::new(),
        codes,
        full: false,
    })
}

/// The codes that are meant by `wanted`: one by its name, or some by a part of theirs.
pub(crate) fn named(wanted: &str) -> Option<Vec<&'static Code>> {
    let codes = checks::codes();
    let exact: Vec<_> = codes
        .iter()
        .copied()
        .filter(|code| code.name == wanted)
        .collect();
    // A part of a name has no spaces.
    let lower = wanted.to_lowercase();
    let similar: Vec<_> = codes
        .iter()
        .copied()
        .filter(|code| !lower.is_empty() && code.name.contains(&lower))
        .collect();
    [exact, similar].into_iter().find(|found| !found.is_empty())
}

/// Some codes, in full where they are few.
pub(crate) fn answer(codes: Vec<&'static Code>, out: &mut Out) -> Outcome {
    let about = Vec::new();
    referred(Reference { about, codes }, out)
}

/// The codes that belong to a rule or an issue.
pub(crate) fn referred(reference: Reference, out: &mut Out) -> Outcome {
    let Reference { about, codes } = reference;
    let full = codes.len() <= 5;
    let codes = codes.into_iter().map(WithLines::explain_code).collect();
    out.answer(&Explained { about, codes, full })
}

impl Answer for Explained {
    const SCHEMA: &'static str = "explain/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for about in &self.about {
            pen.paragraph("", about)?;
        }
        if !self.about.is_empty() && !self.codes.is_empty() {
            pen.gap()?;
        }
        if !self.full {
            let mut table = Table::new(&["!code", "severity", "~rule", "!title"]);
            for WithLines { code, .. } in &self.codes {
                table.row([&code.name, &code.severity, &code.rule, &code.headline()]);
            }
            return pen.table(&table);
        }
        for (number, explained) in self.codes.iter().enumerate() {
            let WithLines {
                code,
                messages,
                because,
            } = explained;
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
            if !because.is_empty() {
                let line = format!("{}. Then only that is listed.", because.join(", "));
                pen.paragraph("  May be because of: ", &line)?;
                pen.gap()?;
            }
            if messages.is_empty() {
                pen.paragraph("  ", finding::SILENT)?;
            } else {
                pen.line("  The daemon may say:")?;
                for message in messages {
                    pen.line(format_args!("    {message}"))?;
                }
            }
        }
        Ok(())
    }
}
