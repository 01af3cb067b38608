//! Goroutines that do the same, told once.

use std::collections::HashMap;
use std::sync::Arc;

use finding::Text;
use serde::Serialize;

use crate::{Creator, Frame, Goroutine, Site, Status, Waited};

/// Goroutines with the same state and the same stack.
#[derive(Debug, Clone, Serialize)]
pub struct Group<'g> {
    /// Their state, in Go's words.
    pub state: String,
    /// How many.
    pub count: usize,
    /// Their ids, ascending.
    pub ids: Vec<u64>,
    /// The shortest wait.
    pub shortest: Option<Waited>,
    /// The longest wait.
    pub longest: Option<Waited>,
    /// Whether they are the runtime's own.
    pub system: bool,
    /// Where they were started.
    pub created_by: Option<&'g Creator>,
    /// Their stack.
    pub frames: Vec<&'g Frame>,
    /// One of them.
    #[serde(skip)]
    pub sample: &'g Goroutine,
}

/// What makes two goroutines the same.
type Key<'g> = (
    Status,
    Option<&'g Text>,
    bool,
    Vec<(&'g Text, &'g Text, u32)>,
    Option<(&'g Text, u32)>,
);

/// What makes two goroutines the same without a look at a text: whoever reads a process keeps each site
/// once, so of many goroutines most have the very same ones.
type Same<'g> = (
    Status,
    Option<&'g Text>,
    bool,
    Vec<*const Site>,
    Option<*const Site>,
);

fn same_as(one: &Goroutine) -> Same<'_> {
    let sites = one.frames.iter().map(|frame| Arc::as_ptr(&frame.site));
    let creator = one.creator.as_ref();
    (
        one.status,
        one.reason.as_ref(),
        one.system,
        sites.collect(),
        creator.map(|creator| Arc::as_ptr(&creator.site)),
    )
}

impl Group<'_> {
    fn add(&mut self, one: &Goroutine) {
        self.count = self.count.saturating_add(1);
        self.ids.push(one.id);
        self.shortest = self.shortest.min(one.waited);
        self.longest = self.longest.max(one.waited);
    }
}

/// Groups of goroutines with identical stacks: the largest first, the runtime's own last. With
/// `all`, frames that Go's own dumps hide tell apart and are shown, too.
pub fn groups(goroutines: &[Goroutine], all: bool) -> Vec<Group<'_>> {
    let mut found: Vec<Group<'_>> = Vec::new();
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut same: HashMap<Same<'_>, usize> = HashMap::new();
    for one in goroutines {
        let by_site = same_as(one);
        if let Some(group) = same.get(&by_site).and_then(|at| found.get_mut(*at)) {
            group.add(one);
            continue;
        }
        let frames: Vec<&Frame> = one
            .frames
            .iter()
            .filter(|frame| all || one.system || !frame.site.hidden)
            .collect();
        let lines = frames.iter().map(|frame| {
            let site = &frame.site;
            (&site.function, &site.file, site.line)
        });
        let creator = one.creator.as_ref();
        let key = (
            one.status,
            one.reason.as_ref(),
            one.system,
            lines.collect::<Vec<_>>(),
            creator.map(|creator| (&creator.site.function, creator.site.line)),
        );
        if let Some(at) = places.get(&key) {
            same.insert(by_site, *at);
            if let Some(group) = found.get_mut(*at) {
                group.add(one);
            }
            continue;
        }
        same.insert(by_site, found.len());
        places.insert(key, found.len());
        found.push(Group {
            state: one.state(),
            count: 1,
            ids: vec![one.id],
            shortest: one.waited,
            longest: one.waited,
            system: one.system,
            created_by: creator,
            frames,
            sample: one,
        });
    }
    for group in &mut found {
        group.ids.sort_unstable();
    }
    found.sort_by_key(|group| {
        let first = group.ids.first().copied();
        (group.system, core::cmp::Reverse(group.count), first)
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(id: u64, line: u32, seconds: u64) -> Goroutine {
        let site = Site {
            function: Text::from("main.wait"),
            file: Text::from("/main.go"),
            line,
            offset: None,
            inlined: false,
            hidden: false,
        };
        let mut one = Goroutine::new(id, Status::Waiting);
        one.reason = Some(Text::from("chan receive"));
        one.waited = Some(Waited {
            least: seconds,
            most: None,
        });
        one.frames.push(Frame {
            site: Arc::new(site),
            pc: 0,
            fp: 0,
            arguments: None,
        });
        one
    }

    #[test]
    fn the_same_stack_is_told_once() {
        let all = [waiting(9, 1, 60), waiting(3, 2, 0), waiting(7, 1, 600)];
        let found = groups(&all, false);
        let ids: Vec<&[u64]> = found.iter().map(|group| group.ids.as_slice()).collect();
        assert_eq!(ids, [&[7, 9][..], &[3]]);
        assert_eq!(found[0].longest.map(Waited::minutes), Some(10));
        assert_eq!(found[0].shortest.map(Waited::minutes), Some(1));
        assert_eq!(found[0].state, "chan receive");
    }
}
