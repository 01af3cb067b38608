//! `coroner core deadlocks`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen, Style};
use finding::Unknown;
use goroutines::{Contended, Deadlocks, Goroutine, Grade, deadlocks, dot, has_waited};
use serde::Serialize;

use crate::goroutines::Origin;
use crate::taken::{FromArgs, read};

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core deadlocks core.4711 --exe /usr/bin/containerd
  coroner core deadlocks --pid 4711               a process that runs, without stopping it
  coroner core deadlocks --dump containerd.log    a dump as text: SIGUSR1, SIGQUIT, a panic
  coroner core deadlocks core.4711 --dot | dot -Tsvg -o waits.svg

Exit: 0 no ring was found, 4 goroutines wait for each other, 8 something could not be read";

/// Arguments of `core deadlocks`.
#[derive(Debug, clap::Args)]
pub(crate) struct DeadlocksArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Write the graph of waits in Graphviz's language
    #[arg(long)]
    dot: bool,
    /// List goroutines that have waited at least so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 10)]
    minutes: u64,
}

#[derive(Serialize)]
struct Report<'g> {
    #[serde(flatten)]
    origin: Origin,
    goroutines: usize,
    #[serde(flatten)]
    found: Deadlocks,
    long_waits: Vec<u64>,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    all: &'g [Goroutine],
    #[serde(skip)]
    minutes: u64,
}

pub(crate) fn run(args: &DeadlocksArgs, out: &mut Out) -> Outcome {
    let taken = read(&args.from)?;
    let found = deadlocks(&taken.goroutines);
    if args.dot {
        let text = dot(&taken.goroutines, &found);
        out.writer().write_all(text.as_bytes())?;
        out.writer().flush()?;
        return Ok(Exit::of_unknown(&taken.unknown));
    }
    let long = taken
        .goroutines
        .iter()
        .filter(|one| !one.system && has_waited(one, args.minutes));
    out.answer(&Report {
        goroutines: taken.goroutines.len(),
        long_waits: long.map(|one| one.id).collect(),
        found,
        origin: taken.origin,
        unknown: taken.unknown,
        all: &taken.goroutines,
        minutes: args.minutes,
    })
}

impl Report<'_> {
    fn place(&self, id: u64) -> String {
        let one = self.all.iter().find(|one| one.id == id);
        let Some(one) = one else {
            return String::new();
        };
        let frame = one.shown().find(|frame| {
            let name = frame.site.function.bytes();
            !name.starts_with(b"sync.") && !name.starts_with(b"internal/")
        });
        let at = frame.map(|frame| {
            let site = &frame.site;
            format!(" at {} {}:{}", site.short(), site.file, site.line)
        });
        format!("[{}]{}", one.state(), at.unwrap_or_default())
    }

    fn thing(&self, thing: &Contended, pen: &mut Pen<'_>) -> io::Result<()> {
        let ids: Vec<u64> = thing.waiters.iter().map(|waiter| waiter.id).collect();
        pen.line(format_args!(
            "  {}: {} wait{} ({})",
            thing.object,
            ids.len(),
            if ids.len() == 1 { "s" } else { "" },
            crate::goroutines::ids(&ids, 8)
        ))?;
        for holder in thing.holders.iter().take(8) {
            pen.line(format_args!(
                "    held by goroutine {} ({}: {}, in {}) {}",
                holder.id,
                holder.grade,
                holder.by,
                holder.function,
                self.place(holder.id)
            ))?;
        }
        Ok(())
    }
}

impl Answer for Report<'_> {
    const SCHEMA: &'static str = "core-deadlocks/1";

    fn text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let found = &self.found;
        if found.cycles.is_empty() {
            pen.line(format_args!(
                "No ring of waits was found among {} goroutines.",
                self.goroutines
            ))?;
        }
        for ring in &found.cycles {
            let text = match ring.as_slice() {
                [one] => format!("Deadlock: goroutine {one} waits for a lock that it holds itself"),
                many => format!(
                    "Deadlock: goroutines {} wait for each other",
                    crate::goroutines::ids(many, 16)
                ),
            };
            let line = pen.styled(Style::Bad, text).to_string();
            pen.line(line)?;
            for edge in &found.edges {
                if !ring.contains(&edge.from) || !ring.contains(&edge.to) {
                    continue;
                }
                let thing = found
                    .objects
                    .iter()
                    .find(|thing| thing.object.address == edge.object);
                let thing = thing
                    .map(|thing| thing.object.to_string())
                    .unwrap_or_default();
                pen.line(format_args!(
                    "  {} waits for {thing}, held by {} ({})",
                    edge.from, edge.to, edge.grade
                ))?;
                pen.line(format_args!("    {} {}", edge.from, self.place(edge.from)))?;
            }
        }
        if !found.roots.is_empty() {
            pen.gap()?;
            pen.heading("Others wait for these")?;
            for root in &found.roots {
                pen.line(format_args!(
                    "  goroutine {} [{}] blocks {}{}",
                    root.id,
                    root.state,
                    root.blocks,
                    root.at
                        .as_ref()
                        .map(|at| format!(": {at}"))
                        .unwrap_or_default()
                ))?;
                for wait in &root.awaits {
                    pen.line(format_args!("    waits for {wait}"))?;
                }
            }
        }
        let (held, free): (Vec<&Contended>, Vec<&Contended>) =
            found.objects.iter().partition(|thing| {
                thing
                    .holders
                    .iter()
                    .any(|holder| holder.grade > Grade::Weak)
            });
        if !held.is_empty() {
            pen.gap()?;
            pen.heading("Held and waited for")?;
            for thing in held {
                self.thing(thing, pen)?;
            }
        }
        if !free.is_empty() {
            pen.gap()?;
            pen.heading("Waited for; who will end the wait is not known")?;
            for thing in free.iter().take(40) {
                self.thing(thing, pen)?;
            }
            if free.len() > 40 {
                pen.line(format_args!(
                    "  … {} more (--format json)",
                    free.len().saturating_sub(40)
                ))?;
            }
        }
        if !found.forever.is_empty() {
            pen.gap()?;
            pen.line(format_args!(
                "Nothing can wake: {} (a nil channel, or a select without cases)",
                crate::goroutines::ids(&found.forever, 16)
            ))?;
        }
        if !self.long_waits.is_empty() {
            pen.gap()?;
            pen.line(format_args!(
                "Waiting for at least {} minutes: {}",
                self.minutes,
                crate::goroutines::ids(&self.long_waits, 32)
            ))?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::of_unknown(&self.unknown);
        if !self.found.cycles.is_empty() {
            exit |= Exit::FINDINGS;
        }
        exit
    }
}
