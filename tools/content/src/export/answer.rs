//! What `coroner content export` answers.

use std::io;

use cli::{Answer, Exit, Pen, Style, size};
use export::Exported;
use finding::Text;
use serde::Serialize;

/// What `coroner content export` answers.
#[derive(Serialize)]
pub(super) struct Answered(pub(super) Exported);

impl Answer for Answered {
    const SCHEMA: &'static str = "content-export/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let Self(exported) = self;
        let style = if self.exit() == Exit::CLEAN {
            Style::Good
        } else {
            Style::Warning
        };
        let platforms = exported.platforms.join(", ");
        let line = format!("{} ({platforms}) is in {}.", exported.what, exported.output);
        pen.line(pen.styled(style, line).to_string())?;
        let bytes = exported.files.iter().map(|file| file.size);
        let bytes = bytes.fold(0_u64, u64::saturating_add);
        pen.line(format_args!(
            "  {}, {} files, {}; all of it was read again and is as it was written",
            exported.form,
            exported.files.len(),
            size(bytes)
        ))?;
        pen.line(format_args!("  root    {}", exported.root))?;
        if let Some(sha256) = &exported.sha256 {
            pen.line(format_args!("  sha256  {sha256}"))?;
        }
        if !exported.rebuilt.is_empty() {
            pen.gap()?;
            pen.heading("Rebuilt from snapshots")?;
            for one in &exported.rebuilt {
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
        if !exported.left_out.is_empty() {
            pen.gap()?;
            pen.heading("Left out")?;
            for left in &exported.left_out {
                let platform = left.platform.as_deref().unwrap_or("-");
                let first = format!("  {} {}  ", left.digest.short(), Text::from(platform));
                pen.paragraph(&first, &left.why.join("; "))?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let lacks = self.0.rebuilt.iter().any(|one| !one.lacks.is_empty());
        let damaged = self.0.left_out.iter().any(|left| left.damaged);
        if lacks || damaged {
            Exit::UNREAD
        } else {
            Exit::CLEAN
        }
    }
}
