//! Which buckets damage is in, in words.

use std::io;

use bolt::Affected;
use cli::{Pen, Style};

use crate::file::key;

pub(crate) fn write_affected(affected: &Affected, pen: &mut Pen<'_>) -> io::Result<()> {
    for hit in &affected.buckets {
        let path: Vec<String> = hit.bucket.iter().map(|part| key(part.bytes())).collect();
        let name = if path.is_empty() {
            "the root bucket".to_owned()
        } else {
            path.join(" > ")
        };
        let mut ranges: Vec<&str> = hit.unknown.iter().map(|range| &*range.shown).collect();
        let more = format!("{} more ranges", hit.more_ranges);
        if hit.more_ranges > 0 {
            ranges.push(&more);
        }
        let before = match hit.before {
            None | Some(0) => String::new(),
            Some(1) => {
                "; the transaction before has 1 key there that cannot be read now".to_owned()
            }
            Some(keys) => {
                format!("; the transaction before has {keys} keys there that cannot be read now")
            }
        };
        let name = pen.styled(Style::Heading, name).to_string();
        pen.line(format_args!("Affected  {name}"))?;
        pen.paragraph(
            "          ",
            &format!("unknown: {}{before}", ranges.join(", ")),
        )?;
    }
    if affected.more > 0 {
        pen.line(format_args!("and {} more buckets", affected.more))?;
    }
    if !affected.buckets.is_empty() {
        let whole = match affected.whole {
            1 => "1 other bucket that can be reached is whole".to_owned(),
            count => format!("{count} other buckets that can be reached are whole"),
        };
        pen.line(whole)?;
    }
    Ok(())
}
