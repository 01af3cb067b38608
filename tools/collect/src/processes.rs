//! What was taken of `/proc` and of cgroups, as entries of a bundle at the same paths.

use std::collections::BTreeSet;

use cli::Case;
use evidence::bundle::write::Taken;
use finding::{Text, Time};
use process::{Item, Tree};

/// Everything that was taken of a machine that runs. Of evidence that holds it already: the same.
pub(crate) fn taken(case: &Case, at: Time) -> Vec<Taken> {
    let Some(processes) = &case.processes else {
        return Vec::new();
    };
    entries(&processes.tree, at)
}

fn entries(tree: &Tree, at: Time) -> Vec<Taken> {
    let mut listed: BTreeSet<&str> = tree.folders().collect();
    let mut taken = Vec::new();
    let mut folders: BTreeSet<Vec<u8>> = BTreeSet::new();
    for (path, item) in tree.entries() {
        let mut above = path.bytes();
        while let Some(slash) = above.iter().rposition(|byte| *byte == b'/') {
            above = above.get(..slash).unwrap_or_default();
            if above.is_empty() || !folders.insert(above.to_vec()) {
                break;
            }
        }
        taken.push(match item {
            Item::File(bytes) => Taken::file(path, bytes.clone(), at),
            Item::Link(target) => Taken::link(path, target.clone(), at),
            Item::Unread(unread) => Taken::unread(path, unread, at),
        });
    }
    for folder in folders {
        let path = Text::from(folder);
        let whole = path.utf8().is_some_and(|path| listed.remove(path));
        taken.push(Taken::directory(path, whole, at));
    }
    // Those in which nothing was found.
    for folder in listed {
        taken.push(Taken::directory(Text::from(folder), true, at));
    }
    taken
}
