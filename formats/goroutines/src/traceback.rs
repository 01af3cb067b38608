//! Goroutines as Go itself writes them (`runtime/traceback.go`), so that whatever reads its dumps
//! reads these, too.
//!
//! ```text
//! goroutine 7 [chan receive, 5 minutes]:
//! main.wait(...)
//!     /src/main.go:12 +0x1a
//! created by main.main in goroutine 1
//!     /src/main.go:30 +0x45
//! ```
//!
//! Arguments are not known from a core: each is written as `...`, as Go writes those of inlined
//! functions.

use std::io::{self, Write};

use crate::{End, Goroutine, Site, Status};

/// Writes goroutines, with a blank line between two; with `all`, frames that Go hides, too.
pub fn write<'g>(
    writer: &mut dyn Write,
    goroutines: impl IntoIterator<Item = &'g Goroutine>,
    all: bool,
) -> io::Result<()> {
    for (number, one) in goroutines.into_iter().enumerate() {
        if number > 0 {
            writeln!(writer)?;
        }
        write_one(writer, one, all)?;
    }
    Ok(())
}

/// Writes one goroutine.
pub fn write_one(writer: &mut dyn Write, one: &Goroutine, all: bool) -> io::Result<()> {
    writeln!(writer, "{one}:")?;
    let frames = one
        .frames
        .iter()
        .filter(|frame| all || one.system || !frame.site.hidden);
    for frame in frames {
        let arguments = frame
            .arguments
            .as_ref()
            .map_or_else(|| "...".to_owned(), ToString::to_string);
        writeln!(writer, "{}({arguments})", frame.site.printed())?;
        line(writer, &frame.site)?;
    }
    match (&one.end, one.status) {
        (End::None(_) | End::Moving, Status::Running) => {
            writeln!(
                writer,
                "\tgoroutine running on other thread; stack unavailable"
            )?;
        }
        (End::None(why), _) => writeln!(writer, "\tstack unavailable: {why}")?,
        (End::Moving, _) => writeln!(writer, "\tstack unavailable: it changed while it was read")?,
        (End::Cut(why), _) => writeln!(writer, "\t...stack cut: {why}")?,
        (End::Top | End::Unknown, _) => {}
    }
    if let Some(creator) = &one.creator {
        write!(writer, "created by {}", creator.site.printed())?;
        if let Some(parent) = creator.parent {
            write!(writer, " in goroutine {parent}")?;
        }
        writeln!(writer)?;
        line(writer, &creator.site)?;
    }
    Ok(())
}

fn line(writer: &mut dyn Write, site: &Site) -> io::Result<()> {
    write!(writer, "\t{}:{}", site.file, site.line)?;
    match site.offset {
        Some(offset) if offset > 0 && !site.inlined => writeln!(writer, " +{offset:#x}"),
        _ => writeln!(writer),
    }
}
