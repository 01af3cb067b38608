//! What containerd never does in one transaction: where it seems to, a page is of an older one.

mod objects;
mod shape;

use bolt::{Change, Db, Found, Rule, Stale};

/// An object that the tree before did not have is older than the newest one it had.
static RESURRECTED: Rule = Rule {
    text: "new, and yet not younger than the newest object before",
    is_of_page: true,
};
/// The time when an object was made changed.
static REMADE: Rule = Rule {
    text: "the time when the object was made is another one now",
    is_of_page: true,
};
/// The time of an object's last change went back.
static REVERTED: Rule = Rule {
    text: "the time of the last change went back",
    is_of_page: true,
};
/// An object came together with others, or in the place of others.
static EXCHANGED: Rule = Rule {
    text: "it came with others or in their place, and one transaction does one thing",
    is_of_page: false,
};
/// The object that was made last went, and nothing else happened.
static UNDONE: Rule = Rule {
    text: "the newest is gone and nothing else changed: it was removed, or this is the page from before it was made",
    is_of_page: false,
};
/// A lease lost what it holds while something was added.
static UNLEASED: Rule = Rule {
    text: "a lease names content no more, and was not removed itself",
    is_of_page: false,
};
/// A lease that held an unfinished blob does not hold what it became.
static UNHELD: Rule = Rule {
    text: "a lease lost the ingest that was committed, and does not hold the blob",
    is_of_page: false,
};
/// An object has not what every object of its kind has.
static SHAPELESS: Rule = Rule {
    text: "it lacks what every object of its kind has, or its collection is gone",
    is_of_page: true,
};
/// The transaction wrote a name, and not what it names.
static DANGLING: Rule = Rule {
    text: "a new name of something that is not there",
    is_of_page: false,
};
/// A number was given and no snapshot has it, or the other way round.
static UNCOUNTED: Rule = Rule {
    text: "the sequence of the bucket does not go with what changed",
    is_of_page: true,
};

/// The findings of one transaction, from `old` to `new`.
pub(super) fn stale<'s>(old: &Db<'s>, new: &Db<'s>, changes: &[Change<'s>]) -> Vec<Found> {
    let mut found = objects::stale(old, changes);
    found.extend(shape::stale(new, changes));
    found
}

fn found(entry: &bolt::Entry<'_>, path: &[&[u8]], rule: &'static Rule) -> Found {
    Found::lost_write(entry, path, Stale::Rule(rule))
}
