//! What `coroner content export` answers.

use std::io;

use cli::{Answer, Exit, Pen, Style, size};
use content::Digest;
use finding::{Text, size_option};
use serde::Serialize;

use super::output::Wrote;
use super::plan::{LeftOut, Rebuilt};

#[derive(Serialize)]
pub(super) struct Exported {
    pub(super) what: String,
    pub(super) target: Digest,
    /// `oci-archive`, `oci-layout`, `docker-archive`.
    pub(super) form: &'static str,
    pub(super) output: Text,
    /// Of an archive.
    #[serde(serialize_with = "size_option")]
    pub(super) size: Option<u64>,
    pub(super) sha256: Option<String>,
    /// What stands in index.json, or the configuration of a docker archive.
    pub(super) root: Digest,
    pub(super) platforms: Vec<String>,
    /// Every file of it, read again from the disk and found to be as it was written.
    pub(super) files: Vec<Wrote>,
    pub(super) rebuilt: Vec<Rebuilt>,
    pub(super) left_out: Vec<LeftOut>,
}

impl Answer for Exported {
    const SCHEMA: &'static str = "content-export/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let style = if self.exit() == Exit::CLEAN {
            Style::Good
        } else {
            Style::Warning
        };
        let platforms = self.platforms.join(", ");
        let line = format!("{} ({platforms}) is in {}.", self.what, self.output);
        pen.line(pen.styled(style, line).to_string())?;
        let bytes = self.files.iter().map(|file| file.size);
        let bytes = bytes.fold(0_u64, u64::saturating_add);
        pen.line(format_args!(
            "  {}, {} files, {}; all of it was read again and is as it was written",
            self.form,
            self.files.len(),
            size(bytes)
        ))?;
        pen.line(format_args!("  root    {}", self.root))?;
        if let Some(sha256) = &self.sha256 {
            pen.line(format_args!("  sha256  {sha256}"))?;
        }
        if !self.rebuilt.is_empty() {
            pen.gap()?;
            pen.heading("Rebuilt from snapshots")?;
            for one in &self.rebuilt {
                pen.line(format_args!(
                    "  layer {} of {}",
                    one.layer,
                    one.manifest.short()
                ))?;
                pen.paragraph("    wanted   ", &format!("{} {}", one.wanted, one.why))?;
                pen.line(format_args!(
                    "    written  {} ({}, {} entries, {} deleted) from {}/{}",
                    one.digest,
                    size(one.size),
                    one.entries,
                    one.deleted,
                    one.snapshotter,
                    one.id
                ))?;
                let same = if one.digest == one.wanted_diff_id {
                    "the same bytes as the layer of the build"
                } else {
                    "the same files in other bytes: a new digest, in a new configuration and manifest"
                };
                pen.paragraph("             ", same)?;
                for lack in &one.lacks {
                    pen.paragraph("    lacks    ", lack)?;
                }
                if one.more_lacks > 0 {
                    pen.line(format_args!("    lacks    {} more", one.more_lacks))?;
                }
            }
        }
        if !self.left_out.is_empty() {
            pen.gap()?;
            pen.heading("Left out")?;
            for left in &self.left_out {
                let platform = left.platform.as_deref().unwrap_or("-");
                let first = format!("  {} {}  ", left.digest.short(), Text::from(platform));
                pen.paragraph(&first, &left.why.join("; "))?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let lacks = self.rebuilt.iter().any(|one| !one.lacks.is_empty());
        let damaged = self.left_out.iter().any(|left| left.damaged);
        if lacks || damaged {
            Exit::UNREAD
        } else {
            Exit::CLEAN
        }
    }
}
