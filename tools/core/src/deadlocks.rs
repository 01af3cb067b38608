//! `coroner core deadlocks`

use std::io;
use std::path::PathBuf;

use cli::{Answer, Exit, Out, Outcome, Pen};
use finding::{Severity, Unknown};
use goroutines::{Deadlocks, Goroutine, Graph, Hit, Waited, deadlocks, has_waited, signatures};
use serde::Serialize;

use crate::goroutines::Origin;
use crate::join::{Joined, join};
use crate::taken::{FromArgs, read_taken};

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core deadlocks core.4711 --exe /usr/bin/containerd
  coroner core deadlocks --pid 4711               a process that runs, without stopping it
  coroner core deadlocks --pid 4711 --node /      joined with what `runtime stuck` says
  coroner core deadlocks --dump containerd.log    a dump as text: SIGUSR1, SIGQUIT, a panic
  coroner core deadlocks core.4711 --svg -o waits.svg
  coroner core deadlocks core.4711 --dot | dot -Tpng -o waits.png

Exit: 0 nothing was found, 4 goroutines wait for each other, or as in a deadlock that is known, 8 something could not be read";

/// Arguments of `core deadlocks`.
#[derive(Debug, clap::Args)]
pub(crate) struct DeadlocksArgs {
    #[command(flatten)]
    from: FromArgs,
    /// The state of the node where it ran: `/` for this machine, or a bundle. What goroutines wait for
    /// is then joined with the containers that hang there
    #[arg(long = "node", value_name = "NODE", conflicts_with_all = ["dot", "svg"])]
    joined_with: Option<PathBuf>,
    /// Write the graph of waits in Graphviz's language
    #[arg(long, conflicts_with = "svg")]
    dot: bool,
    /// Write the graph of waits as a picture
    #[arg(long)]
    svg: bool,
    /// List goroutines that have waited at least so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    minutes: u64,
}

impl DeadlocksArgs {
    /// Whether a process is read.
    pub(crate) const fn is_live(&self) -> bool {
        self.from.is_live()
    }

    /// Whether a node is read, too.
    pub(crate) const fn has_node(&self) -> bool {
        self.joined_with.is_some()
    }
}

/// One that waits for long.
#[derive(Serialize)]
pub(crate) struct LongWait {
    pub(crate) id: u64,
    pub(crate) state: String,
    #[serde(flatten)]
    pub(crate) waited: Option<Waited>,
    pub(crate) at: Option<String>,
}

impl LongWait {
    fn from_goroutine(one: &Goroutine) -> Self {
        Self {
            id: one.id,
            state: one.state(),
            waited: one.waited,
            at: one.place().map(|frame| {
                let site = &frame.site;
                format!("{} {}:{}", site.short(), site.file, site.line)
            }),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Report<'g> {
    #[serde(flatten)]
    pub(crate) origin: Origin,
    pub(crate) goroutines: usize,
    #[serde(flatten)]
    pub(crate) found: Deadlocks,
    pub(crate) signatures: Vec<Hit>,
    pub(crate) long_waits: Vec<LongWait>,
    /// Containers of the node that hang, and whose goroutines these are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<Vec<Joined>>,
    pub(crate) unknown: Vec<Unknown>,
    #[serde(skip)]
    pub(crate) all: &'g [Goroutine],
    #[serde(skip)]
    pub(crate) minutes: u64,
}

pub(crate) fn run(args: &DeadlocksArgs, out: &mut Out) -> Outcome {
    let taken = read_taken(&args.from)?;
    let found = deadlocks(&taken.goroutines);
    if args.dot || args.svg {
        let graph = Graph::new(&taken.goroutines, &found);
        let text = if args.svg { graph.svg() } else { graph.dot() };
        out.writer().write_all(text.as_bytes())?;
        out.writer().flush()?;
        let mut unknown = taken.unknown;
        if graph.left_out() > 0 {
            unknown.push(Unknown::new(
                format!("{} goroutines", graph.left_out()),
                "the graph has no room for them",
            ));
        }
        return Ok(Exit::of_unknown(&unknown));
    }
    let mut unknown = taken.unknown;
    let node = match &args.joined_with {
        None => None,
        Some(node) => Some(join(node, &taken.owner, &taken.goroutines, &mut unknown)?),
    };
    let long = taken
        .goroutines
        .iter()
        .filter(|one| !one.system && has_waited(one, args.minutes));
    let mut signatures = signatures(&taken.goroutines, &found);
    signatures.extend(taken.lost_end);
    out.answer(&Report {
        goroutines: taken.goroutines.len(),
        long_waits: long.map(LongWait::from_goroutine).collect(),
        signatures,
        found,
        origin: taken.origin,
        node,
        unknown,
        all: &taken.goroutines,
        minutes: args.minutes,
    })
}

impl Answer for Report<'_> {
    const SCHEMA: &'static str = "core-deadlocks/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        self.write(pen)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        let known = self
            .signatures
            .iter()
            .any(|hit| hit.severity > Severity::Note);
        if known || !self.found.cycles.is_empty() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}
