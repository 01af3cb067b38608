//! `coroner core fds`

use std::io;

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Table};
use finding::{Text, Unknown};
use goruntime::{Opened, OpenedKind};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::memory::heap;
use crate::open::Files;

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core fds core.4711 --exe /usr/bin/containerd-shim-runc-v2

Files and sockets that the program opened through Go's packages os and net and has not closed, by its own
objects. Descriptors that came by system calls alone (the runtime's poller, what was inherited) are not among
them. Of a process that runs, /proc/PID/fd tells all.";

#[derive(Serialize)]
struct Fds {
    source: Text,
    open: Vec<Opened>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &CoreArgs, out: &mut Out) -> Outcome {
    let files = Files::open(args)?;
    let image = files.image();
    let go = files.go(&image)?;
    let mut unknown = files.unknown();
    let heap = heap(&files, &go, &mut unknown)?;
    let open = go.opened(&heap).ok_or_else(|| {
        Failure::unread(format!(
            "{}: the program does not tell how its notes on objects are laid out",
            files.core.name
        ))
    })?;
    out.answer(&Fds {
        source: files.core.name.clone(),
        open,
        unknown,
    })
}

impl Answer for Fds {
    const SCHEMA: &'static str = "core-fds/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&[">fd", "kind", "!what"]);
        for one in &self.open {
            let (kind, what) = match &one.what {
                OpenedKind::File { name } if name.is_empty() => {
                    ("file".to_owned(), "(opened without a name)".to_owned())
                }
                // So `os.Pipe` names its ends.
                OpenedKind::File { name } if matches!(name.bytes(), b"|0" | b"|1") => {
                    let end = if name.bytes() == b"|0" {
                        "read"
                    } else {
                        "write"
                    };
                    ("pipe".to_owned(), format!("its {end} end"))
                }
                OpenedKind::File { name } => ("file".to_owned(), name.to_string()),
                OpenedKind::Socket {
                    network,
                    local,
                    remote,
                } => (network.to_string(), ends(local.as_ref(), remote.as_ref())),
            };
            table.cells(vec![one.fd.to_string(), kind, what]);
        }
        pen.table(&table)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

fn ends(local: Option<&Text>, remote: Option<&Text>) -> String {
    match (local, remote) {
        (Some(local), Some(remote)) => format!("{local} to {remote}"),
        (Some(local), None) => local.to_string(),
        (None, Some(remote)) => format!("to {remote}"),
        (None, None) => "-".to_owned(),
    }
}
