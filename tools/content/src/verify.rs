//! `coroner content verify`

use std::io;

use checks::judge_with;
use cli::{
    Answer, Case, EvidenceArgs, Exit, Measure, Out, Outcome, Pen, Style, measure_with, size,
};
use content::Digest;
use finding::{Finding, Object, Severity, Text, Unknown, size_number};
use measure::{Hashed, Hashes, Tally};
use node::{Index, path_text};
use serde::Serialize;

use crate::ls::store;

/// A blob whose bytes are not what its name promises.
#[derive(Serialize)]
struct Bad {
    path: Text,
    claimed: Digest,
    computed: Digest,
    #[serde(serialize_with = "size_number")]
    size: u64,
    used_by: Vec<Object>,
}

/// A blob of which that is not known.
#[derive(Serialize)]
struct Unchecked {
    digest: Digest,
    why: String,
}

#[derive(Serialize)]
struct Verified {
    tally: Tally,
    bad: Vec<Bad>,
    unchecked: Vec<Unchecked>,
    /// What else is wrong with the store: blobs that are missing, of another size, or no blobs.
    findings: Vec<Finding>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &EvidenceArgs, jobs: usize, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let store = store(&node)?;
    let wanted = Measure {
        hash: true,
        usage: false,
        layers: false,
        jobs,
    };
    let measured = measure_with(&case, &node, wanted, None, out);
    let report = judge_with(&node, &measured, |check| {
        check.code.name.starts_with("blob/")
    });
    // A blob's digest is told in full here.
    let findings = report.findings.into_iter().filter(|finding| {
        finding.code.name.starts_with("blob/")
            && finding.code.name != "blob/altered"
            && finding.severity > Severity::Note
    });
    let index = Index::new(&node);
    let blobs = measured.hashes.unwrap_or_default();
    let bytes = blobs
        .values()
        .fold(0_u64, |sum, blob| sum.saturating_add(blob.size));
    let hashes = Hashes { blobs, bytes };
    let mut verified = Verified {
        tally: hashes.tally(),
        bad: Vec::new(),
        unchecked: Vec::new(),
        findings: findings.collect(),
        unknown: node.content.unknown().to_vec(),
    };
    for (digest, blob) in hashes.blobs {
        let why = match blob.outcome {
            Hashed::Match => continue,
            Hashed::Mismatch { computed } => {
                verified.bad.push(Bad {
                    path: store
                        .blob(&digest)
                        .map(|blob| path_text(&blob.path))
                        .unwrap_or_default(),
                    used_by: index.users_of_blob(&digest).to_vec(),
                    claimed: digest,
                    computed,
                    size: blob.size,
                });
                continue;
            }
            Hashed::Unread(unread) => unread.to_string(),
            Hashed::Cut(cut) => cut.to_string(),
        };
        verified.unchecked.push(Unchecked { digest, why });
    }
    out.answer(&verified)
}

impl Answer for Verified {
    const SCHEMA: &'static str = "content-verify/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
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
            for Unchecked { digest, why } in &self.unchecked {
                pen.line(format_args!("  {digest} {why}"))?;
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
        if !self.unchecked.is_empty() || !self.unknown.is_empty() {
            exit |= Exit::UNREAD;
        }
        exit
    }
}
