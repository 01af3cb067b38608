//! What `core deadlocks` says, in words.

use std::io;

use cli::{Pen, Style};
use finding::Severity;
use goroutines::{Access, Basis, Contended, Grade, Hit, ObjectKind, Waited};

use crate::deadlocks::{LongWait, Report};
use crate::join::Joined;

impl Report<'_> {
    fn place(&self, id: u64) -> String {
        let one = self.all.iter().find(|one| one.id == id);
        let Some(one) = one else {
            return String::new();
        };
        let at = one.place().map(|frame| {
            let site = &frame.site;
            format!(" at {} {}:{}", site.short(), site.file, site.line)
        });
        format!("[{}]{}", one.state(), at.unwrap_or_default())
    }

    /// Where all of them are, if that is one place.
    fn common(&self, ids: &[u64]) -> String {
        let mut places = ids.iter().map(|id| self.place(*id));
        let first = places.next().unwrap_or_default();
        let same = !first.is_empty() && places.all(|place| place == first);
        if same {
            format!(" {first}")
        } else {
            String::new()
        }
    }

    fn thing(&self, thing: &Contended, pen: &mut Pen<'_>) -> io::Result<()> {
        let ids: Vec<u64> = thing.waiters.iter().map(|waiter| waiter.id).collect();
        pen.line(format_args!(
            "  {}: goroutine{} {} wait{}{}",
            thing.object,
            if ids.len() == 1 { "" } else { "s" },
            crate::goroutines::ids(&ids, 8),
            if ids.len() == 1 { "s" } else { "" },
            self.common(&ids)
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

    /// The whole answer.
    pub(crate) fn write(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let found = &self.found;
        if found.cycles.is_empty() {
            pen.line(format_args!(
                "No ring of waits was found among {} goroutines.",
                self.goroutines
            ))?;
        }
        let mut is_first = !found.cycles.is_empty();
        let mut between = |pen: &mut Pen<'_>| {
            if is_first {
                is_first = false;
                return Ok(());
            }
            pen.gap()
        };
        for hit in &self.signatures {
            between(pen)?;
            known(hit, pen)?;
        }
        for one in self.node.iter().flatten() {
            between(pen)?;
            joined(one, pen)?;
        }
        if !found.cycles.is_empty() {
            between(pen)?;
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
            // A healthy process has many channels from which one goroutine would receive.
            let (alone, told): (Vec<&Contended>, Vec<&Contended>) =
                free.into_iter().partition(|thing| is_idle(thing));
            if !told.is_empty() {
                pen.heading("Waited for; who will end the wait is not known")?;
            }
            for thing in told.iter().take(40) {
                self.thing(thing, pen)?;
            }
            if told.len() > 40 {
                pen.line(format_args!(
                    "  … {} more (--format json)",
                    told.len().saturating_sub(40)
                ))?;
            }
            match alone.len() {
                0 => {}
                1 => pen.line("One goroutine waits to receive from a channel of its own.")?,
                many => pen.line(format_args!(
                    "From {many} channels one goroutine each waits to receive (`core goroutines` shows where)."
                ))?,
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
            pen.heading(format_args!(
                "Waiting for at least {} minutes",
                self.minutes
            ))?;
            self.long(pen)?;
        }
        pen.incomplete(&self.unknown)
    }

    /// Long waits; those at the same place in one line.
    fn long(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut groups: Vec<(&LongWait, Vec<u64>)> = Vec::new();
        for one in &self.long_waits {
            let same = |group: &&mut (&LongWait, Vec<u64>)| {
                group.0.at == one.at
                    && group.0.state == one.state
                    && group.0.waited.map(Waited::minutes) == one.waited.map(Waited::minutes)
            };
            match groups.iter_mut().find(same) {
                Some(group) => group.1.push(one.id),
                None => groups.push((one, vec![one.id])),
            }
        }
        for (one, all) in groups {
            let how = one.waited.map(how_long).unwrap_or_default();
            let at = one.at.as_ref().map(|at| format!(" at {at}"));
            pen.line(format_args!(
                "  {} [{}] {how}{}",
                crate::goroutines::ids(&all, 8),
                one.state,
                at.unwrap_or_default()
            ))?;
        }
        Ok(())
    }
}

/// Whether one goroutine alone waits to receive from it.
fn is_idle(thing: &Contended) -> bool {
    let [waiter] = thing.waiters.as_slice() else {
        return false;
    };
    waiter.access == Access::Receive && matches!(thing.object.kind, ObjectKind::Channel { .. })
}

/// How long it has waited, with what is not known of it.
fn how_long(waited: Waited) -> String {
    let least = waited.minutes();
    match waited.most.map(|most| most.div_ceil(60)) {
        Some(most) => format!("{least} to {most} minutes"),
        None => format!("{least} minutes or more"),
    }
}

/// A container of the node.
fn joined(one: &Joined, pen: &mut Pen<'_>) -> io::Result<()> {
    pen.heading(format_args!("Container {}: {}", one.container, one.state))?;
    pen.paragraph("  ", &one.why)?;
    if !one.goroutines.is_empty() {
        pen.line(format_args!(
            "  goroutines {}: {}",
            crate::goroutines::ids(&one.goroutines, 8),
            one.they
        ))?;
    }
    for waiter in &one.waits_for {
        pen.line(format_args!(
            "  pid {} ({}) waits for {}",
            waiter.pid, waiter.who, waiter.waits_for
        ))?;
    }
    Ok(())
}

/// A deadlock that is known.
fn known(hit: &Hit, pen: &mut Pen<'_>) -> io::Result<()> {
    let how = match hit.basis {
        Basis::Graph => "it is proven who waits for whom",
        Basis::Stacks => "by stacks and waits",
    };
    let style = match hit.severity {
        Severity::Note => Style::Heading,
        _ => Style::Bad,
    };
    let line = pen.styled(style, hit.code).to_string();
    pen.line(format_args!("{line}: {} ({how})", hit.title))?;
    for role in &hit.roles {
        let one = role.goroutines.len() == 1;
        pen.line(format_args!(
            "  goroutine{} {}: {}",
            if one { "" } else { "s" },
            crate::goroutines::ids(&role.goroutines, 12),
            role.does
        ))?;
    }
    if let Some(minutes) = hit.minutes {
        pen.line(format_args!("  for       {minutes} minutes or more"))?;
    }
    pen.paragraph("  upstream  ", &hit.upstream.join(", "))?;
    pen.paragraph("  fixed in  ", hit.fixed)?;
    pen.paragraph("  fix       ", hit.remedy)
}
