//! `coroner logs --names`: names of images that the logs say.

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen};
use finding::{Text, Time};
use logs::{Gathered, ImageName, NameIs};
use serde::Serialize;

use crate::sources::Read;

#[derive(Serialize)]
struct Named {
    name: Text,
    digest: Option<Text>,
    is: NameIs,
    at: Option<Time>,
    times: u64,
    source: Option<String>,
}

#[derive(Serialize)]
struct Names {
    names: Vec<Named>,
    #[serde(flatten)]
    read: Read,
}

pub(crate) fn answer(gathered: &Gathered, out: &mut Out) -> Outcome {
    let named = |name: ImageName| Named {
        source: gathered
            .sources
            .get(name.source)
            .map(|source| source.path.clone()),
        name: name.name,
        digest: name.digest,
        is: name.is,
        at: name.at,
        times: name.times,
    };
    out.answer(&Names {
        names: logs::names(&gathered.lines)
            .into_iter()
            .map(named)
            .collect(),
        read: Read::from_gathered(gathered),
    })
}

impl Answer for Names {
    const SCHEMA: &'static str = "logs-names/1";

    /// Lines of `NAME DIGEST`, as `coroner repair --names-from` reads them; the rest as comments.
    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.verbatim(
            "# NAME DIGEST: of the manifest where the log says it, else of the configuration",
        )?;
        for named in &self.names {
            match &named.digest {
                Some(digest) => pen.verbatim(format_args!("{} {digest}", named.name))?,
                None => pen.verbatim(format_args!(
                    "# {}: the logs say the name alone, no digest",
                    named.name
                ))?,
            }
        }
        for source in &self.read.sources {
            for note in &source.notes {
                pen.verbatim(format_args!("# {}: {note}", source.path))?;
            }
        }
        for unknown in &self.read.unread {
            pen.verbatim(format_args!(
                "# not read: {}: {}",
                unknown.what, unknown.why
            ))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.read.unread)
    }
}
