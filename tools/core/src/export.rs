//! `coroner core export`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen};
use finding::{Text, Unknown};
use goroutines::{Goroutine, traceback};
use serde::Serialize;

use crate::goroutines::Origin;
use crate::taken::{FromArgs, read_taken};

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core export core.4711 -o goroutines.txt      all goroutines, all frames, as Go itself writes them
  coroner core export --pid 4711 -o goroutines.txt
  coroner core deadlocks --dump goroutines.txt         what was written is read again

The text holds no strings of the process's memory: names of functions, files and lines, and in front the file,
the pid, the container and the program. Read it before you give it to another person.";

/// Arguments of `core export`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    from: FromArgs,
}

impl ExportArgs {
    /// Whether a process is read.
    pub(crate) const fn is_live(&self) -> bool {
        self.from.is_live()
    }
}

#[derive(Serialize)]
struct Export {
    #[serde(flatten)]
    origin: Origin,
    pid: Option<u32>,
    namespace: Option<Text>,
    container: Option<Text>,
    #[serde(serialize_with = "dump")]
    #[serde(rename = "dump")]
    goroutines: Vec<Goroutine>,
    unknown: Vec<Unknown>,
}

/// All goroutines as one text.
fn dump<S: serde::Serializer>(all: &[Goroutine], serializer: S) -> Result<S::Ok, S::Error> {
    let mut text = Vec::new();
    traceback::write(&mut text, all, true).map_err(serde::ser::Error::custom)?;
    serializer.serialize_str(&String::from_utf8_lossy(&text))
}

pub(crate) fn run(args: &ExportArgs, out: &mut Out) -> Outcome {
    let taken = read_taken(&args.from)?;
    let mut unknown = taken.unknown;
    unknown.extend(crate::goroutines::cut(&taken.goroutines));
    let (namespace, container) = taken.owner.container.unzip();
    out.answer(&Export {
        origin: taken.origin,
        pid: taken.owner.pid,
        namespace,
        container,
        goroutines: taken.goroutines,
        unknown,
    })
}

impl Answer for Export {
    const SCHEMA: &'static str = "core-export/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let origin = &self.origin;
        pen.verbatim(format_args!("# source: {}", origin.source))?;
        if let Some(pid) = self.pid {
            pen.verbatim(format_args!("# pid: {pid}"))?;
        }
        if let (Some(namespace), Some(id)) = (&self.namespace, &self.container) {
            pen.verbatim(format_args!("# container: {namespace}/{id}"))?;
        }
        if let Some(go) = &origin.go {
            let package = origin.package.as_deref().unwrap_or("unknown package");
            pen.verbatim(format_args!("# program: {package}, built with {go}"))?;
        }
        for unknown in &self.unknown {
            pen.verbatim(format_args!("# unknown: {}: {}", unknown.what, unknown.why))?;
        }
        let mut text = Vec::new();
        for one in &self.goroutines {
            pen.verbatim("")?;
            text.clear();
            traceback::write_one(&mut text, one, true)?;
            for line in String::from_utf8_lossy(&text).lines() {
                pen.verbatim(line)?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
