//! What `coroner content verify` answers.

use finding::Count;
use std::io;

use audit::{Unchecked, Verified};
use cli::{Again, Answer, Exit, Pen, Style, size};
use measure::Tally;
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Answered {
    #[serde(flatten)]
    pub(super) verified: Verified,
    /// The node as it was given.
    #[serde(skip)]
    pub(super) again: Again,
}

/// `1 blob`, `10 blobs`.
fn blobs(count: u64) -> String {
    format!("{count} blob{}", if count == 1 { "" } else { "s" })
}

/// Blobs that are told one by one as not checked.
const SHOWN: usize = 20;

impl Answered {
    fn head(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Tally {
            good,
            bad,
            unread,
            cut,
            bytes,
        } = self.verified.tally;
        let checked = good.saturating_add(bad);
        let all = checked.saturating_add(unread).saturating_add(cut);
        let found = match (good, bad) {
            (0, 0) => ".".to_owned(),
            (_, 0) => ": all match their digests.".to_owned(),
            (_, 1) => format!(": {good} match their digests, 1 does not."),
            _ => format!(": {good} match their digests, {bad} do not."),
        };
        let hashed = size(bytes);
        let line = format!(
            "Checked {checked} of {} ({hashed} hashed){found}",
            blobs(all)
        );
        let style = match (bad, checked == all) {
            (0, true) if self.exit() == Exit::CLEAN => Style::Good,
            (0, false) => Style::Warning,
            _ => Style::Bad,
        };
        pen.line(pen.styled(style, line).to_string())?;
        let missing = self.verified.findings.iter();
        let missing = missing
            .filter(|one| one.code.name == "blob/missing")
            .count();
        if missing > 0 {
            let line = format!(
                "{} more that meta.db has a record of {} missing.",
                Count(missing, "blob"),
                if missing == 1 { "is" } else { "are" }
            );
            pen.line(pen.styled(Style::Bad, line).to_string())?;
        }
        let not_known = "whether they match their digests is not known.";
        if cut > 0 {
            let line = format!(
                "Stopped early, before the end of {}: {not_known}",
                blobs(cut)
            );
            pen.paragraph("", &pen.styled(Style::Warning, line).to_string())?;
        }
        if unread > 0 {
            let line = format!("{} could not be read: {not_known}", blobs(unread));
            pen.paragraph("", &pen.styled(Style::Warning, line).to_string())?;
        }
        if self.verified.resumed > 0 {
            let resumed = self.verified.resumed;
            pen.line(format_args!(
                "{resumed} more matched in an earlier run, and have not changed since."
            ))?;
        }
        if let Some(sample) = &self.verified.sample {
            pen.line(format_args!(
                "This was a sample of {} (seed {}): {} other blobs ({}) were not read.",
                sample.percent,
                sample.seed,
                sample.left.len(),
                size(sample.left_bytes)
            ))?;
        }
        if self.verified.late {
            let line = "The time limit ended the run.";
            pen.line(pen.styled(Style::Warning, line).to_string())?;
        }
        if self.verified.one_job {
            pen.line("One blob was read at a time, because the store is on a rotational disk.")?;
        }
        if let Some(layers) = &self.verified.layers {
            let whole = layers.iter().filter(|layer| layer.whole).count();
            let unpacked = layers.iter().filter_map(|layer| layer.unpacked);
            let chains = layers.iter().flat_map(|layer| &layer.chains);
            let there = chains.clone().filter(|chain| !chain.unpacked.is_empty());
            pen.line(format_args!(
                "{whole} of {} can be unpacked ({} of tars); {} of {} unpacked as a snapshot.",
                Count(layers.len(), "layer"),
                size(unpacked.fold(0_u64, u64::saturating_add)),
                there.count(),
                Count(chains.count(), "chain ID")
            ))?;
        }
        if let Some(why) = &self.verified.state {
            pen.line(pen.styled(Style::Warning, why).to_string())?;
        }
        Ok(())
    }
}

impl Answer for Answered {
    const SCHEMA: &'static str = "content-verify/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.head(pen)?;
        for bad in &self.verified.bad {
            pen.gap()?;
            pen.line(
                pen.styled(
                    Style::Bad,
                    format!("{} does not match its digest", bad.path),
                )
                .to_string(),
            )?;
            pen.line(format_args!("  claimed   {}", bad.claimed))?;
            pen.line(format_args!("  computed  {}", bad.computed))?;
            pen.line(format_args!("  size      {} bytes", bad.size))?;
            if !bad.used_by.is_empty() {
                let users: Vec<String> = bad.used_by.iter().map(ToString::to_string).collect();
                pen.paragraph("  used by   ", &users.join(", "))?;
            }
        }
        if !self.verified.unchecked.is_empty() {
            pen.gap()?;
            pen.heading("Not checked")?;
            for Unchecked { digest, why } in self.verified.unchecked.iter().take(SHOWN) {
                pen.line(format_args!("  {digest} {why}"))?;
            }
            if let Some(more) = self
                .verified
                .unchecked
                .len()
                .checked_sub(SHOWN)
                .filter(|more| *more > 0)
            {
                pen.line(format_args!("  and {more} more"))?;
            }
        }
        if !self.verified.findings.is_empty() {
            pen.gap()?;
            pen.heading("Also")?;
            for finding in &self.verified.findings {
                let code = pen
                    .styled(finding.severity.into(), finding.code.name)
                    .to_string();
                pen.line(format_args!("  {code}  {}", finding.message))?;
                if let Some(file) = &finding.location.file {
                    pen.line(format_args!("    {file}"))?;
                }
            }
        }
        pen.incomplete(&self.verified.unknown)?;
        if self.verified.bad.is_empty() && self.verified.findings.is_empty() {
            return Ok(());
        }
        let triage: (&[&str], &str) = (
            &["triage", "--hash"],
            "says what each of these blobs affects, and how to fix it",
        );
        self.again.write_next(pen, &[triage])
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.verified.bad.is_empty() || !self.verified.findings.is_empty() {
            exit |= Exit::FINDINGS;
        }
        if !self.verified.unchecked.is_empty()
            || !self.verified.unknown.is_empty()
            || self.verified.state.is_some()
        {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
