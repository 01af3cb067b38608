//! What the line table tells, remembered by program counter: many goroutines stand at few places.

use std::collections::HashMap;
use std::sync::Arc;

use finding::Text;
use goroutines::Site;

use crate::func::{Func, Table};
use crate::names;

/// What is known of a program counter.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The function that holds it.
    pub(crate) func: Arc<Func>,
    pub(crate) name: Text,
    /// Bytes of its frame there, without the return address.
    pub(crate) size: Option<u64>,
}

/// Sites of a program counter, with the number of the special function that each is.
type Sites = Arc<[(Arc<Site>, u8)]>;

/// Remembers places and their lines.
pub(crate) struct Cache<'m> {
    pub(crate) table: Table<'m>,
    /// The number of wrappers among the special functions.
    wrapper: Option<u8>,
    places: HashMap<u64, Option<Place>>,
    funcs: HashMap<u64, (Arc<Func>, Text)>,
    sites: HashMap<(u64, u64, bool), Sites>,
}

/// Functions that are looked at for the number of wrappers.
const SAMPLE: u64 = 2048;

impl<'m> Cache<'m> {
    pub(crate) fn new(table: Table<'m>) -> Self {
        // Wrappers are the last of the special functions, and there are many of them.
        let count = table.module.head.functions;
        let step = count.checked_div(SAMPLE).unwrap_or(1).max(1);
        let mut ids = [0_u32; 256];
        let mut index = 0;
        while index < count {
            let id = table.at(index).map(|func| usize::from(func.id));
            if let Some(seen) = id.and_then(|id| ids.get_mut(id)) {
                *seen = seen.saturating_add(1);
            }
            index = index.saturating_add(step);
        }
        let last = ids.iter().rposition(|count| *count > 1);
        Self {
            table,
            wrapper: last
                .and_then(|id| u8::try_from(id).ok())
                .filter(|id| *id > 15),
            places: HashMap::new(),
            funcs: HashMap::new(),
            sites: HashMap::new(),
        }
    }

    /// What is known of a program counter.
    pub(crate) fn place(&mut self, pc: u64) -> Option<Place> {
        if let Some(place) = self.places.get(&pc) {
            return place.clone();
        }
        let place = self.table.find(pc).map(|func| {
            let table = self.table;
            let entry = self.funcs.entry(func.entry);
            let (func, name) = entry.or_insert_with(|| {
                let name = table.name(&func);
                (Arc::new(func), name)
            });
            Place {
                size: table.frame_size(func, pc),
                func: Arc::clone(func),
                name: name.clone(),
            }
        });
        if self.places.len() < 1 << 20 {
            self.places.insert(pc, place.clone());
        }
        place
    }

    /// The sites of a frame at `pc` whose lines are those of `lookup`: what is inlined there first.
    pub(crate) fn sites(
        &mut self,
        place: &Place,
        pc: u64,
        lookup: u64,
        is_innermost: bool,
    ) -> Sites {
        let key = (pc, lookup, is_innermost);
        if let Some(sites) = self.sites.get(&key) {
            return Arc::clone(sites);
        }
        let offset = pc.saturating_sub(place.func.entry);
        let lines = self.table.lines(&place.func, lookup);
        let mut first = is_innermost;
        let sites = lines.into_iter().map(|line| {
            let hidden = names::is_inner(line.function.bytes(), first);
            first = false;
            let site = Site {
                function: line.function,
                file: line.file,
                line: line.number,
                offset: Some(offset),
                inlined: line.inlined,
                hidden,
            };
            (Arc::new(site), line.id)
        });
        let sites: Arc<[_]> = sites.collect();
        if self.sites.len() < 1 << 20 {
            self.sites.insert(key, Arc::clone(&sites));
        }
        sites
    }

    /// Whether a function is a wrapper that the compiler made.
    pub(crate) fn is_wrapper(&self, id: u8) -> bool {
        self.wrapper == Some(id)
    }

    /// A function by an address in it, for "created by" and starts.
    pub(crate) fn site(&mut self, pc: u64, lookup: u64) -> Option<Arc<Site>> {
        let place = self.place(pc)?;
        let sites = self.sites(&place, pc, lookup, false);
        sites.last().map(|(site, _)| Arc::clone(site))
    }
}
