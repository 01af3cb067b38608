//! What `coroner content verify` answers.

use std::collections::BTreeSet;
use std::io;

use cli::{Answer, Exit, Pen, Style, size};
use content::{Blob, Digest};
use finding::{Finding, Object, Text, Unknown, size_number, size_option};
use measure::Tally;
use serde::Serialize;

use crate::sample::Percent;

/// A blob whose bytes are not what its name promises.
#[derive(Serialize)]
pub(super) struct Bad {
    pub(super) path: Text,
    pub(super) claimed: Digest,
    pub(super) computed: Digest,
    #[serde(serialize_with = "size_number")]
    pub(super) size: u64,
    pub(super) used_by: Vec<Object>,
}

/// A blob of which that is not known.
#[derive(Serialize)]
pub(super) struct Unchecked {
    pub(super) digest: Digest,
    pub(super) why: String,
}

/// Blobs that were picked, and those that were not.
#[derive(Serialize)]
pub(super) struct Sample {
    percent: String,
    seed: u64,
    /// Blobs that were not picked: nothing is known of their bytes.
    left: Vec<Digest>,
    #[serde(serialize_with = "size_number")]
    left_bytes: u64,
}

impl Sample {
    pub(super) fn of(
        percent: Percent,
        seed: u64,
        all: &[&Blob],
        picked: &BTreeSet<&Digest>,
    ) -> Self {
        let left = all.iter().filter(|blob| !picked.contains(&blob.digest));
        let left_bytes = left
            .clone()
            .fold(0_u64, |sum, blob| sum.saturating_add(blob.stat.size));
        Self {
            percent: percent.to_string(),
            seed,
            left: left.map(|blob| blob.digest.clone()).collect(),
            left_bytes,
        }
    }
}

/// A layer that was inflated.
#[derive(Serialize)]
pub(super) struct LayerLine {
    pub(super) digest: Digest,
    /// The digest of its tar; nothing where it could not be inflated to its end.
    pub(super) diff_id: Option<Digest>,
    pub(super) compression: Option<String>,
    #[serde(serialize_with = "size_option")]
    pub(super) packed: Option<u64>,
    #[serde(serialize_with = "size_option")]
    pub(super) unpacked: Option<u64>,
    pub(super) entries: u64,
    /// Whether every entry was seen.
    pub(super) whole: bool,
    pub(super) chains: Vec<Chain>,
}

/// A chainID that a layer is the top of.
#[derive(Serialize)]
pub(super) struct Chain {
    pub(super) chain_id: Digest,
    /// Snapshotters that have it.
    pub(super) unpacked: Vec<Text>,
}

#[derive(Serialize)]
pub(super) struct Verified {
    pub(super) tally: Tally,
    /// Blobs that an earlier run has verified.
    pub(super) resumed: usize,
    pub(super) sample: Option<Sample>,
    /// Whether the time was up before all was read.
    pub(super) late: bool,
    /// Whether one job alone read, since the store lies on a rotational disk.
    pub(super) one_job: bool,
    /// With `--layers`.
    pub(super) layers: Option<Vec<LayerLine>>,
    pub(super) bad: Vec<Bad>,
    pub(super) unchecked: Vec<Unchecked>,
    /// What else is wrong with the store: blobs that are missing, of another size, or no blobs;
    /// layers that do not inflate to what they should.
    pub(super) findings: Vec<Finding>,
    pub(super) unknown: Vec<Unknown>,
    /// Why what was verified could not be kept.
    pub(super) state: Option<String>,
}

/// Blobs that are told one by one as not checked.
const SHOWN: usize = 20;

impl Verified {
    fn head(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Tally {
            good,
            bad,
            unread,
            cut,
            bytes,
        } = self.tally;
        let all = [good, bad, unread, cut]
            .iter()
            .fold(0_u64, |sum, count| sum.saturating_add(*count));
        let style = if good == all && self.exit() == Exit::CLEAN {
            Style::Good
        } else {
            Style::Bad
        };
        let line = format!(
            "{good} of {all} blobs are what their names promise ({} hashed).",
            size(bytes)
        );
        pen.line(pen.styled(style, line).to_string())?;
        if self.resumed > 0 {
            let resumed = self.resumed;
            pen.line(format_args!(
                "{resumed} more were found to be so before, and have not changed since."
            ))?;
        }
        if let Some(sample) = &self.sample {
            pen.line(format_args!(
                "A sample of {} (seed {}): {} blobs, {}, were not read, and nothing is known of \
                 their bytes.",
                sample.percent,
                sample.seed,
                sample.left.len(),
                size(sample.left_bytes)
            ))?;
        }
        if self.late {
            let line = "The time was up before all was read.";
            pen.line(pen.styled(Style::Warning, line).to_string())?;
        }
        if self.one_job {
            pen.line("One blob at a time: the store lies on a rotational disk.")?;
        }
        if let Some(layers) = &self.layers {
            let whole = layers.iter().filter(|layer| layer.whole).count();
            let unpacked = layers.iter().filter_map(|layer| layer.unpacked);
            let chains = layers.iter().flat_map(|layer| &layer.chains);
            let there = chains.clone().filter(|chain| !chain.unpacked.is_empty());
            pen.line(format_args!(
                "{whole} of {} layers can be unpacked ({} of tars); {} of their {} chainIDs are \
                 snapshots.",
                layers.len(),
                size(unpacked.fold(0_u64, u64::saturating_add)),
                there.count(),
                chains.count()
            ))?;
        }
        if let Some(why) = &self.state {
            pen.line(pen.styled(Style::Warning, why).to_string())?;
        }
        Ok(())
    }
}

impl Answer for Verified {
    const SCHEMA: &'static str = "content-verify/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.head(pen)?;
        for bad in &self.bad {
            pen.gap()?;
            pen.line(
                pen.styled(Style::Bad, format!("{} is altered", bad.path))
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
        if !self.unchecked.is_empty() {
            pen.gap()?;
            pen.heading("Not checked")?;
            for Unchecked { digest, why } in self.unchecked.iter().take(SHOWN) {
                pen.line(format_args!("  {digest} {why}"))?;
            }
            if let Some(more) = self
                .unchecked
                .len()
                .checked_sub(SHOWN)
                .filter(|more| *more > 0)
            {
                pen.line(format_args!("  and {more} more"))?;
            }
        }
        if !self.findings.is_empty() {
            pen.gap()?;
            pen.heading("Also")?;
            for finding in &self.findings {
                let code = pen
                    .styled(finding.severity.into(), finding.code.name)
                    .to_string();
                pen.line(format_args!("  {code}  {}", finding.message))?;
                if let Some(file) = &finding.location.file {
                    pen.line(format_args!("    {file}"))?;
                }
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.bad.is_empty() || !self.findings.is_empty() {
            exit |= Exit::FINDINGS;
        }
        if !self.unchecked.is_empty() || !self.unknown.is_empty() || self.state.is_some() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
