//! A real core and its program with bytes of both changed: pclntab, moduledata, type descriptors,
//! goroutines, lists of waiters, stacks.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::sync::OnceLock;

use elfcore::{Auxv, Core, Elf, Image};
use goroutines::{Graph, deadlocks, groups, signatures};
use goruntime::{Go, Outline, Threads};

type Pair = (Vec<u8>, Vec<u8>);

/// The core and the program, of a release with old tables and of one with new ones.
fn bases() -> &'static [Pair; 2] {
    static BASES: OnceLock<[Pair; 2]> = OnceLock::new();
    BASES.get_or_init(|| {
        let read = |packed: &[u8]| zstd::decode_all(packed).expect("testdata");
        [
            (
                read(include_bytes!("../../testdata/cores/go1.21-pie/core.zst")),
                read(include_bytes!("../../testdata/cores/go1.21-pie/exe.zst")),
            ),
            (
                read(include_bytes!("../../testdata/cores/go1.27/core.zst")),
                read(include_bytes!("../../testdata/cores/go1.27/exe.zst")),
            ),
        ]
    })
}

// The first byte chooses the base; each group of 13: which file, where, and eight bytes.
bounded_target!(|data: &[u8]| {
    let Some((first, patches)) = data.split_first() else {
        return;
    };
    let (mut core, mut exe) = bases()[usize::from(first & 1)].clone();
    for patch in patches.chunks_exact(13).take(64) {
        let file = if patch[0] & 1 == 0 { &mut core } else { &mut exe };
        let at = u32::from_le_bytes([patch[1], patch[2], patch[3], patch[4]]);
        let at = at as usize % file.len().max(1);
        for (into, byte) in file[at..].iter_mut().zip(&patch[5..]) {
            *into = *byte;
        }
    }
    let (Ok(headers), Ok(elf)) = (Core::read_core(&core), Elf::read_elf(&exe)) else {
        return;
    };
    let entry = headers.auxv.get(Auxv::ENTRY).unwrap_or(0);
    let slide = if elf.is_pie { entry.wrapping_sub(elf.entry) } else { 0 };
    let mut image = Image::new(&core, &headers.segments);
    image.add(&exe, &elf, slide);
    let outline = Outline::of_file(&exe, &elf, slide);
    let Ok(go) = Go::find(&image, &outline, headers.arch) else {
        return;
    };
    let all = go.goroutines(&Threads::default(), None);
    let found = deadlocks(&all);
    let _ = signatures(&all, &found);
    let _ = groups(&all, true).len();
    let graph = Graph::new(&all, &found);
    assert!(graph.svg().len() + graph.dot().len() < 64 << 20);
});
