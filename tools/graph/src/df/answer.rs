//! Space by store, image, container and namespace, as text and JSON.

use std::io;

use cli::{Answer, Exit, Pen, Table, size};
use finding::Text;
use refs::Df;

use crate::judged::{self, Answered};

fn reclaimable_text(df: &Df, pen: &mut Pen<'_>) -> io::Result<()> {
    let Some(back) = &df.reclaimable else {
        return pen.line("What can be reclaimed is not known: meta.db could not be read.");
    };
    pen.heading("Reclaimable")?;
    for (bytes, what) in [
        (back.now, "by the next collection (coroner gc --simulate)"),
        (
            back.leases,
            "also, once the leases that have an end have ended",
        ),
        (
            back.orphans,
            "leftovers that nothing names; collected when something else in the store is deleted",
        ),
        (back.forever, "never collected; delete by hand"),
        (
            back.undecided,
            "cannot be decided: what may refer to them could not be read",
        ),
        (
            back.unused_images,
            "used only by images without a container (kept while the images exist)",
        ),
    ] {
        if bytes == 0 && what.starts_with("cannot") {
            continue;
        }
        pen.line(format_args!("  {:>10}  {what}", size(bytes)))?;
    }
    Ok(())
}

const SHOWN: usize = 20;

impl Answer for Answered<Df> {
    const SCHEMA: &'static str = "df/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let df = &self.it;
        match df.total {
            Some(total) => match total.allocated {
                Some(allocated) => pen.line(format_args!(
                    "{} on disk in {} inodes; {} in files.",
                    size(allocated),
                    total.inodes,
                    size(total.apparent)
                ))?,
                None => pen.line(format_args!(
                    "{} in files, {} inodes; the evidence does not say what they take on disk.",
                    size(total.apparent),
                    total.inodes
                ))?,
            },
            None => pen.line("Recorded sizes only: no directory was measured.")?,
        }
        pen.gap()?;
        pen.heading("Stores")?;
        let mut table = Table::new(&["store", "what", ">count", ">size", ">inodes"]);
        for line in &df.stores {
            let some = if line.unmeasured == line.count {
                "-".to_owned()
            } else {
                size(line.bytes)
            };
            let mark = if line.unmeasured > 0 && line.unmeasured < line.count {
                "+?"
            } else {
                ""
            };
            let inodes = if line.inodes > 0 {
                line.inodes.to_string()
            } else {
                "-".to_owned()
            };
            table.row([
                &line.store,
                &line.what,
                &line.count,
                &format!("{some}{mark}"),
                &inodes,
            ]);
        }
        pen.table(&table)?;
        if !df.images.is_empty() {
            pen.gap()?;
            pen.heading("Images")?;
            let mut table = Table::new(&[
                "!image",
                "~namespaces",
                ">size",
                ">unique",
                ">shared",
                "~>containers",
                "~>blobs",
                "~>layers",
            ]);
            for line in df.images.iter().take(SHOWN) {
                let join = |list: &[Text]| {
                    list.iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                table.row([
                    &join(&line.names),
                    &join(&line.namespaces),
                    &size(line.bytes),
                    &size(line.unique),
                    &size(line.shared),
                    &line.containers,
                    &size(line.blobs),
                    &size(line.snapshots),
                ]);
            }
            pen.table(&table)?;
            more(df.images.len(), pen)?;
        }
        if !df.containers.is_empty() {
            pen.gap()?;
            pen.heading("What containers wrote")?;
            let mut table = Table::new(&["!container", "~namespace", "!pod", ">written", "~image"]);
            for line in df.containers.iter().take(SHOWN) {
                let pod = line
                    .pod
                    .as_ref()
                    .map_or_else(|| "-".to_owned(), ToString::to_string);
                let bytes = line.writable.map_or_else(|| "-".to_owned(), size);
                table.row([&line.id, &line.namespace, &pod, &bytes, &line.image]);
            }
            pen.table(&table)?;
            more(df.containers.len(), pen)?;
        }
        pen.gap()?;
        pen.heading("Namespaces")?;
        let mut table = Table::new(&["!namespace", ">size", ">unique", ">shared"]);
        for line in &df.namespaces {
            table.row([
                &line.namespace,
                &size(line.bytes),
                &size(line.unique),
                &size(line.shared),
            ]);
        }
        pen.table(&table)?;
        if let Some(layers) = &df.layers {
            pen.gap()?;
            pen.heading("Snapshots")?;
            let mut table = Table::new(&["/path", "kind", ">size", ">recorded", ">users"]);
            for line in layers {
                let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), size);
                let kind = line
                    .kind
                    .map_or_else(|| "?".to_owned(), |kind| kind.to_string());
                table.row([
                    &line.path,
                    &kind,
                    &bytes(line.bytes),
                    &bytes(line.recorded),
                    &line.users,
                ]);
            }
            pen.table(&table)?;
        }
        pen.gap()?;
        reclaimable_text(df, pen)?;
        pen.gap()?;
        self.about.write_about(pen)?;
        judged::write_judged(&self.judged, pen)?;
        pen.incomplete(&df.unknown)?;
        let next: [(&[&str], &str); 2] = [
            (
                &["gc", "--simulate"],
                "lists what the next collection deletes, and what is never collected",
            ),
            (
                &["snapshots", "orphans"],
                "lists snapshot directories that nothing refers to",
            ),
        ];
        self.about.again.write_next(pen, &next)
    }

    fn exit(&self) -> Exit {
        let lost = if self.it.reclaimable.is_none() {
            Exit::UNREAD
        } else {
            Exit::CLEAN
        };
        lost | Exit::of_unknown(&self.it.unknown)
    }
}

fn more(count: usize, pen: &mut Pen<'_>) -> io::Result<()> {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => pen.line(format_args!("and {more} more (--format json has them all)")),
    }
}
