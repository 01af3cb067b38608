//! `coroner core memory`

use std::collections::BTreeMap;
use std::io;

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Table, size};
use finding::{Text, Unknown, hex_number, size_number};
use goruntime::{Go, Heap, SpanUse};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::Files;

/// Classes and large objects that are shown as text.
const SHOWN: usize = 12;
/// Large objects that are listed.
const LARGE: usize = 1000;

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core memory core.4711 --exe /usr/bin/containerd
  coroner core memory core.4711 --format json      every class, and the 1,000 largest objects

Garbage that was not swept yet counts as allocated. Memory that is no span of the heap (the program, mapped
files, C libraries) is not counted here. A core of `coroner core take` does not hold the heap.";

/// Objects of one size.
#[derive(Serialize)]
struct Class {
    /// Bytes of an object.
    object: u64,
    /// Whether they may hold pointers.
    pointers: bool,
    spans: u64,
    objects: u64,
    /// Bytes of the objects.
    used: u64,
    /// Bytes of the spans.
    held: u64,
}

/// An object too large for any class.
#[derive(Serialize)]
struct Large {
    #[serde(serialize_with = "hex_number")]
    address: u64,
    #[serde(serialize_with = "size_number")]
    bytes: u64,
    pointers: bool,
}

#[derive(Serialize)]
struct Memory {
    source: Text,
    /// Bytes of objects.
    #[serde(serialize_with = "size_number")]
    allocated: u64,
    objects: u64,
    /// Bytes of the spans that hold objects.
    #[serde(serialize_with = "size_number")]
    in_use: u64,
    spans: usize,
    /// Bytes of stacks, and of what the runtime itself asked for.
    #[serde(serialize_with = "size_number")]
    stacks: u64,
    classes: Vec<Class>,
    large: Vec<Large>,
    /// How many objects are too large for any class.
    large_count: usize,
    unknown: Vec<Unknown>,
}

/// The heap of a core, and what cannot be said of it.
pub(crate) fn heap(
    files: &Files,
    go: &Go<'_>,
    unknown: &mut Vec<Unknown>,
) -> Result<Heap, Failure> {
    let heap = go.heap().ok_or_else(|| {
        Failure::unread(format!(
            "{}: the list of the heap's spans is not in the core",
            files.core.name
        ))
        .hint("a core of `coroner core take` holds stacks only; a core of the kernel or of gcore holds the heap")
    })?;
    let (all, listed) = heap.cached;
    if listed < all {
        unknown.push(Unknown::new(
            "some spans of the heap",
            format!(
                "the program allocates from {all} spans, and {} of them are not in the list of all",
                all.saturating_sub(listed)
            ),
        ));
    }
    if heap.caches == 0 {
        unknown.push(Unknown::new(
            "whether the list of spans is whole",
            "the caches that would prove it are not in the core",
        ));
    }
    if heap.damaged > 0 {
        unknown.push(Unknown::new(
            format!("{} spans of the heap", heap.damaged),
            "they are damaged or not in the core",
        ));
    }
    Ok(heap)
}

pub(crate) fn run(args: &CoreArgs, out: &mut Out) -> Outcome {
    let files = Files::open(args)?;
    let image = files.image();
    let go = files.go(&image)?;
    let mut unknown = files.unknown();
    let heap = heap(&files, &go, &mut unknown)?;
    out.answer(&summed(files.core.name.clone(), &heap, unknown))
}

fn summed(source: Text, heap: &Heap, unknown: Vec<Unknown>) -> Memory {
    let mut classes: BTreeMap<(u64, bool), Class> = BTreeMap::new();
    let mut large = Vec::new();
    let mut sum = Memory {
        source,
        allocated: 0,
        objects: 0,
        in_use: 0,
        spans: heap.spans.len(),
        stacks: 0,
        classes: Vec::new(),
        large: Vec::new(),
        large_count: 0,
        unknown,
    };
    for span in &heap.spans {
        if span.used_for == SpanUse::Stacks {
            sum.stacks = sum.stacks.saturating_add(span.bytes);
            continue;
        }
        let used = span.objects.saturating_mul(span.size);
        sum.in_use = sum.in_use.saturating_add(span.bytes);
        sum.allocated = sum.allocated.saturating_add(used);
        sum.objects = sum.objects.saturating_add(span.objects);
        if span.large {
            if span.objects > 0 {
                large.push(Large {
                    address: span.start,
                    bytes: span.size,
                    pointers: span.pointers,
                });
            }
            continue;
        }
        let class = classes.entry((span.size, span.pointers)).or_insert(Class {
            object: span.size,
            pointers: span.pointers,
            spans: 0,
            objects: 0,
            used: 0,
            held: 0,
        });
        class.spans = class.spans.saturating_add(1);
        class.objects = class.objects.saturating_add(span.objects);
        class.used = class.used.saturating_add(used);
        class.held = class.held.saturating_add(span.bytes);
    }
    sum.classes = classes.into_values().collect();
    sum.classes
        .sort_by_key(|class| core::cmp::Reverse(class.held));
    large.sort_by_key(|one| core::cmp::Reverse(one.bytes));
    sum.large_count = large.len();
    large.truncate(LARGE);
    sum.large = large;
    sum
}

impl Answer for Memory {
    const SCHEMA: &'static str = "core-memory/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.line(format_args!(
            "Go heap: {} objects of {} in {} of spans; stacks {}",
            self.objects,
            size(self.allocated),
            size(self.in_use),
            size(self.stacks)
        ))?;
        pen.gap()?;
        let word = |pointers: bool| if pointers { "yes" } else { "no" }.to_owned();
        let mut table = Table::new(&[
            ">object size",
            "pointers",
            ">objects",
            ">allocated",
            ">spans",
            ">held",
        ]);
        for class in self.classes.iter().take(SHOWN) {
            table.cells(vec![
                class.object.to_string(),
                word(class.pointers),
                class.objects.to_string(),
                size(class.used),
                class.spans.to_string(),
                size(class.held),
            ]);
        }
        pen.table(&table)?;
        let more = self.classes.len().saturating_sub(SHOWN);
        if more > 0 {
            pen.line(format_args!(
                "and {more} more sizes (--format json lists all)"
            ))?;
        }
        if !self.large.is_empty() {
            pen.gap()?;
            let mut table = Table::new(&["large object", "pointers", ">size"]);
            for one in self.large.iter().take(SHOWN) {
                table.cells(vec![
                    format!("{:#x}", one.address),
                    word(one.pointers),
                    size(one.bytes),
                ]);
            }
            pen.table(&table)?;
            let more = self.large_count.saturating_sub(SHOWN);
            if more > 0 {
                pen.line(format_args!("and {more} more large objects"))?;
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
