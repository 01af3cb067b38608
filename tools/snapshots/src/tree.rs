//! `coroner snapshots tree`

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use cli::{Answer, Case, EvidenceArgs, Exit, Out, Outcome, Pen, Style, size};
use finding::{Text, Unknown};
use serde::Serialize;

use crate::line::{Group, Line};
use crate::ls::{read_groups, strays_text};

#[derive(Serialize)]
struct Trees {
    snapshotters: Vec<Group>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open(args)?;
    let node = case.node()?;
    let (snapshotters, unknown) = read_groups(&node)?;
    out.answer(&Trees {
        snapshotters,
        unknown,
    })
}

/// One snapshot of a tree, with what is drawn before it.
struct Drawn<'g> {
    line: &'g Line,
    before: String,
    note: &'static str,
}

/// The snapshots of one snapshotter, parents before children: what has a branch before it depends on the
/// snapshot above that branch. An only child stands under its parent with a branch of its own, in the same
/// column as its own only child. Whatever no root leads to comes last: its parent is missing, or it is
/// its own ancestor.
fn draw(snapshots: &[Line]) -> Vec<Drawn<'_>> {
    let names: BTreeSet<&Text> = snapshots.iter().map(|line| &line.name).collect();
    let mut children: BTreeMap<&Text, Vec<&Line>> = BTreeMap::new();
    let mut roots = Vec::new();
    for line in snapshots {
        match &line.parent {
            None => roots.push((line, "")),
            Some(parent) if names.contains(parent) => {
                children.entry(parent).or_default().push(line);
            }
            Some(_) => roots.push((line, "ITS PARENT IS NOT KNOWN")),
        }
    }
    let mut drawn = Vec::with_capacity(snapshots.len());
    let mut seen: BTreeSet<&Text> = BTreeSet::new();
    // What no root leads to is on a cycle or stands on one: it is entered where it is met.
    let rest = snapshots
        .iter()
        .map(|line| (line, "ITS OWN ANCESTOR, OR STANDS ON ONE"));
    for (root, note) in roots.into_iter().chain(rest) {
        // Line, what is drawn before it, what is drawn before those that stand on it, note.
        let mut todo = vec![(root, String::new(), String::new(), note)];
        while let Some((line, before, below, note)) = todo.pop() {
            if !seen.insert(&line.name) {
                continue;
            }
            drawn.push(Drawn { line, before, note });
            let next = children.get(&line.name).map_or(&[][..], Vec::as_slice);
            match next {
                [] => {}
                [only] => todo.push((only, format!("{below}└ "), below, "")),
                [first @ .., last] => {
                    todo.push((last, format!("{below}└─ "), format!("{below}   "), ""));
                    for child in first.iter().rev() {
                        todo.push((child, format!("{below}├─ "), format!("{below}│  "), ""));
                    }
                }
            }
        }
    }
    drawn
}

impl Answer for Trees {
    const SCHEMA: &'static str = "snapshots-tree/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        for (number, group) in self.snapshotters.iter().enumerate() {
            if number > 0 {
                pen.gap()?;
            }
            pen.heading(format_args!("{}  {}", group.snapshotter, group.root))?;
            if group.snapshots.is_empty() {
                pen.line("  no snapshot is known")?;
            }
            for Drawn { line, before, note } in draw(&group.snapshots) {
                let id = line.id.map_or_else(|| "?".to_owned(), |id| id.to_string());
                let kind = line
                    .kind
                    .map_or_else(|| "?".to_owned(), |kind| kind.to_string());
                let key = match &line.namespace {
                    Some(namespace) => format!("{namespace}  {}", line.key),
                    None => line.name.to_string(),
                };
                let mut text = format!("  {before}{id:<3} {kind:9}  {key}");
                if let Some(bytes) = line.size {
                    text.push_str("  ");
                    text.push_str(&size(bytes));
                }
                let users = line.users();
                if !users.is_empty() && line.kind != Some(metadb::Kind::Committed) {
                    text.push_str("  ");
                    text.push_str(&users);
                }
                let remark = line.remark();
                for remark in [remark.as_str(), note]
                    .into_iter()
                    .filter(|text| !text.is_empty())
                {
                    text.push_str("  ");
                    text.push_str(&pen.styled(Style::Bad, remark).to_string());
                }
                pen.row(text)?;
            }
        }
        strays_text(&self.snapshotters, pen)?;
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Directory;

    fn line(id: u64, name: &str, parent: Option<&str>) -> Line {
        Line {
            id: Some(id),
            kind: None,
            namespace: None,
            key: Text::from(name),
            name: Text::from(name),
            parent: parent.map(Text::from),
            parent_id: None,
            size: None,
            inodes: None,
            created: None,
            directory: Directory::There,
            in_meta: None,
            used_by: Vec::new(),
            whole: true,
        }
    }

    fn drawn(lines: &[Line]) -> Vec<String> {
        let drawn = draw(lines);
        drawn
            .iter()
            .map(|drawn| format!("{}{}", drawn.before, drawn.line.name))
            .collect()
    }

    #[test]
    fn a_chain_stays_in_its_column_and_a_fork_does_not() {
        let lines = [
            line(1, "a", None),
            line(2, "b", Some("a")),
            line(3, "c", Some("b")),
            line(4, "d", Some("b")),
            line(5, "e", Some("c")),
        ];
        assert_eq!(drawn(&lines), ["a", "└ b", "├─ c", "│  └ e", "└─ d"]);
    }

    #[test]
    fn a_cycle_is_drawn_once() {
        let lines = [
            line(1, "a", Some("b")),
            line(2, "b", Some("a")),
            line(3, "c", Some("a")),
            line(4, "d", Some("gone")),
        ];
        assert_eq!(drawn(&lines), ["d", "a", "├─ b", "└─ c"]);
        assert!(draw(&lines)[0].note.contains("PARENT"));
        assert!(draw(&lines)[1].note.contains("ANCESTOR"));
    }

    #[test]
    fn ten_thousand_layers_are_a_column() {
        let mut lines = vec![line(0, "0", None)];
        for id in 1..10_000_u64 {
            lines.push(line(id, &id.to_string(), Some(&(id - 1).to_string())));
        }
        assert!(
            draw(&lines)
                .iter()
                .skip(1)
                .all(|drawn| drawn.before == "└ ")
        );
    }
}
