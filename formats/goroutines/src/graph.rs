//! Who waits for whom, drawn: goroutines that wait at the same place for the same thing are one box.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

use crate::{Deadlocks, Goroutine, Grade};

/// Boxes that are drawn; what is more is said.
const BOXES: usize = 300;
/// Width and height of a box, and the room between two.
const BOX: (usize, usize) = (300, 58);
const ROOM: (usize, usize) = (150, 22);
/// Letters of a line in a box.
const LETTERS: usize = 44;

/// A box: goroutines that do the same.
#[derive(Debug, Clone)]
struct Box {
    ids: Vec<u64>,
    lines: Vec<String>,
    in_ring: bool,
}

/// An arrow from who waits to who holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: usize,
    to: usize,
    label: String,
    grade: Grade,
}

/// What makes two goroutines one box: a holder's id, where they wait, and for whom.
type Key = (Option<u64>, String, Vec<(u64, u64)>);

/// A graph of waits.
#[derive(Debug, Clone)]
pub struct Graph {
    boxes: Vec<Box>,
    arrows: Vec<Arrow>,
    left_out: usize,
}

impl Graph {
    /// Of goroutines, and what was found among them.
    pub fn new(goroutines: &[Goroutine], found: &Deadlocks) -> Self {
        let in_ring: BTreeSet<u64> = found.cycles.iter().flatten().copied().collect();
        let holds: BTreeSet<u64> = found.edges.iter().map(|edge| edge.to).collect();
        let mut waits: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        for edge in &found.edges {
            let all = waits.entry(edge.from).or_default();
            all.push((edge.to, edge.object));
        }
        let mut boxes: Vec<Box> = Vec::new();
        let mut places: BTreeMap<Key, usize> = BTreeMap::new();
        let mut of: BTreeMap<u64, usize> = BTreeMap::new();
        let mut left_out = 0_usize;
        for one in goroutines {
            let edges = waits.get(&one.id).cloned().unwrap_or_default();
            if edges.is_empty() && !holds.contains(&one.id) {
                continue;
            }
            let at = one.place().map(|frame| frame.site.short());
            let at = at.unwrap_or_default();
            // Who holds something is told alone.
            let alone = holds.contains(&one.id).then_some(one.id);
            let key = (alone, at.clone(), edges);
            if let Some(index) = places.get(&key) {
                if let Some(same) = boxes.get_mut(*index) {
                    same.ids.push(one.id);
                    of.insert(one.id, *index);
                }
                continue;
            }
            if boxes.len() == BOXES {
                left_out = left_out.saturating_add(1);
                continue;
            }
            of.insert(one.id, boxes.len());
            places.insert(key, boxes.len());
            boxes.push(Box {
                ids: vec![one.id],
                lines: vec![at, one.state()],
                in_ring: in_ring.contains(&one.id),
            });
        }
        let mut names: BTreeMap<u64, String> = BTreeMap::new();
        for thing in &found.objects {
            names.insert(thing.object.address, thing.object.to_string());
        }
        let arrows: BTreeSet<Arrow> = found
            .edges
            .iter()
            .filter_map(|edge| {
                Some(Arrow {
                    from: *of.get(&edge.from)?,
                    to: *of.get(&edge.to)?,
                    label: names.get(&edge.object).cloned().unwrap_or_default(),
                    grade: edge.grade,
                })
            })
            .collect();
        Self {
            boxes,
            arrows: arrows.into_iter().collect(),
            left_out,
        }
    }

    /// Goroutines that found no room.
    pub const fn left_out(&self) -> usize {
        self.left_out
    }

    /// In Graphviz's language.
    pub fn dot(&self) -> String {
        let mut text = String::from(
            "digraph waits {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n",
        );
        // Writing to a string cannot fail.
        for (index, one) in self.boxes.iter().enumerate() {
            let colour = if one.in_ring { ", color=red" } else { "" };
            let label = quoted(&one.all().join("\n"));
            let _ = writeln!(text, "  g{index} [label={label}{colour}];");
        }
        for arrow in &self.arrows {
            let style = match arrow.grade {
                Grade::Proven => "solid",
                _ => "dashed",
            };
            let label = quoted(&format!("{}\n{}", arrow.label, arrow.grade));
            let (from, to) = (arrow.from, arrow.to);
            let _ = writeln!(text, "  g{from} -> g{to} [label={label}, style={style}];");
        }
        text.push_str("}\n");
        text
    }

    /// As a picture: who waits is left of who is waited for.
    pub fn svg(&self) -> String {
        let columns = self.columns();
        let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
        let mut places: Vec<(usize, usize)> = Vec::new();
        for column in &columns {
            let row = rows.entry(*column).or_default();
            let step = (BOX.0.saturating_add(ROOM.0), BOX.1.saturating_add(ROOM.1));
            places.push((
                column.saturating_mul(step.0).saturating_add(20),
                row.saturating_mul(step.1).saturating_add(20),
            ));
            *row = row.saturating_add(1);
        }
        let edge = |size: usize, all: Option<usize>| {
            all.unwrap_or(20).saturating_add(size).saturating_add(20)
        };
        let width = edge(BOX.0, places.iter().map(|place| place.0).max());
        let height = edge(BOX.1, places.iter().map(|place| place.1).max());
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             font-family=\"sans-serif\" font-size=\"12\">\n<defs><marker id=\"to\" viewBox=\"0 0 10 10\" refX=\"10\" \
             refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L10 5L0 10z\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        );
        for arrow in &self.arrows {
            let (Some(from), Some(to)) = (places.get(arrow.from), places.get(arrow.to)) else {
                continue;
            };
            let half = BOX.1.div_euclid(2);
            let quarter = BOX.1.div_euclid(4);
            // One that leads back is drawn from left to right side, lower: both ways can be told apart.
            let (start, end, dy) = if arrow.from == arrow.to {
                (
                    (from.0.saturating_add(BOX.0), from.1.saturating_add(quarter)),
                    (
                        to.0.saturating_add(BOX.0),
                        to.1.saturating_add(half.saturating_add(quarter)),
                    ),
                    0,
                )
            } else if to.0 > from.0 {
                (
                    (from.0.saturating_add(BOX.0), from.1.saturating_add(quarter)),
                    (to.0, to.1.saturating_add(quarter)),
                    0,
                )
            } else {
                (
                    (from.0, from.1.saturating_add(half.saturating_add(quarter))),
                    (
                        to.0.saturating_add(BOX.0),
                        to.1.saturating_add(half.saturating_add(quarter)),
                    ),
                    14,
                )
            };
            let dash = match arrow.grade {
                Grade::Proven => "",
                _ => " stroke-dasharray=\"6 4\"",
            };
            let bend = if arrow.from == arrow.to { 60 } else { 0 };
            let _ = writeln!(
                text,
                "<path d=\"M{} {}C{} {} {} {} {} {}\" fill=\"none\" stroke=\"black\"{dash} marker-end=\"url(#to)\"/>",
                start.0,
                start.1,
                start.0.saturating_add(bend),
                start.1,
                end.0.saturating_add(bend),
                end.1,
                end.0,
                end.1
            );
            let middle = (
                start.0.saturating_add(end.0).div_euclid(2),
                start
                    .1
                    .saturating_add(end.1)
                    .div_euclid(2)
                    .saturating_add(dy),
            );
            let _ = writeln!(
                text,
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\">{} ({})</text>",
                middle.0,
                middle.1,
                escaped(&arrow.label),
                arrow.grade
            );
        }
        for (one, place) in self.boxes.iter().zip(&places) {
            let colour = if one.in_ring { "#c00" } else { "#444" };
            let _ = writeln!(
                text,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"#f7f7f7\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                place.0, place.1, BOX.0, BOX.1
            );
            for (line, shift) in one.all().iter().zip([18_usize, 34, 50]) {
                let _ = writeln!(
                    text,
                    "<text x=\"{}\" y=\"{}\">{}</text>",
                    place.0.saturating_add(8),
                    place.1.saturating_add(shift),
                    escaped(&cut(line))
                );
            }
        }
        text.push_str("</svg>\n");
        text
    }

    /// The column of each box: one behind all that wait for it; rings do not count.
    fn columns(&self) -> Vec<usize> {
        let mut columns = vec![0_usize; self.boxes.len()];
        // As many rounds as there are boxes at most: without a ring, none is longer.
        for _ in 0..self.boxes.len().min(32) {
            let mut moved = false;
            for arrow in &self.arrows {
                let both_ring = [arrow.from, arrow.to]
                    .iter()
                    .all(|at| self.boxes.get(*at).is_some_and(|one| one.in_ring));
                if arrow.from == arrow.to || both_ring && arrow.from > arrow.to {
                    continue;
                }
                let least = columns.get(arrow.from).map_or(0, |at| at.saturating_add(1));
                if let Some(column) = columns.get_mut(arrow.to)
                    && *column < least
                {
                    *column = least;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        columns
    }
}

impl Box {
    fn all(&self) -> Vec<String> {
        let ids: Vec<String> = self.ids.iter().take(6).map(ToString::to_string).collect();
        let more = if self.ids.len() > 6 { ", …" } else { "" };
        let head = match self.ids.len() {
            1 => format!("goroutine {}", ids.join("")),
            count => format!("{count} goroutines: {}{more}", ids.join(", ")),
        };
        let mut all = vec![head];
        all.extend(self.lines.iter().cloned());
        all
    }
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LETTERS {
        return line.to_owned();
    }
    let skip = line.chars().count().saturating_sub(LETTERS);
    format!("…{}", line.chars().skip(skip).collect::<String>())
}

/// A string of Graphviz's language.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

/// Text of XML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Access, Await, Held, Object, ObjectKind, Status, deadlocks};
    use finding::Text;

    fn one(id: u64, waits: u64, holds: Option<u64>) -> Goroutine {
        let mutex = |address: u64| Object {
            kind: ObjectKind::Mutex { state: None },
            address,
        };
        let mut one = Goroutine::new(id, Status::Waiting);
        one.awaits = vec![Await {
            object: mutex(waits),
            access: Access::Lock,
        }];
        one.holds = holds
            .map(|address| Held {
                object: mutex(address),
                access: Access::Lock,
                grade: Grade::Proven,
                function: Text::from("a.<b>"),
                by: String::new(),
            })
            .into_iter()
            .collect();
        one
    }

    #[test]
    fn the_same_waiters_are_one_box_and_a_ring_is_red() {
        let all = [
            one(1, 0x10, Some(0x20)),
            one(2, 0x20, Some(0x10)),
            one(3, 0x10, None),
            one(4, 0x10, None),
        ];
        let graph = Graph::new(&all, &deadlocks(&all));
        assert_eq!(graph.boxes.len(), 3);
        let dot = graph.dot();
        assert!(dot.contains("2 goroutines: 3, 4"), "{dot}");
        assert_eq!(dot.matches("color=red").count(), 2);
        let svg = graph.svg();
        assert_eq!(svg.matches("#c00").count(), 2);
        assert_eq!(svg.matches("marker-end").count(), 3);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
}
