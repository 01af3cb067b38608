//! The DWARF of a real program with bytes of it changed, after it was unpacked: units, entries, expressions, lists of
//! locations, types; and the variables of every frame of its core.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::sync::OnceLock;

use elfcore::{Auxv, Core, Elf, Image};
use goruntime::{DebugLink, Dwarf, Go, Library, Outline, Threads, Variables};

struct Base {
    core: Vec<u8>,
    exe: Vec<u8>,
    /// Where the unpacked sections begin in it.
    from: usize,
}

fn word(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight"))).expect("small")
}

/// The program with its packed sections unpacked behind its end: what is changed in a packed one is noticed by zlib.
fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let read = |packed: &[u8]| zstd::decode_all(packed).expect("testdata");
        let mut exe = read(include_bytes!("../../testdata/cores/variables/exe.zst"));
        let from = exe.len();
        let table = word(&exe, 40);
        let count = usize::from(u16::from_le_bytes([exe[60], exe[61]]));
        for header in (0..count).map(|index| table + index * 64) {
            let packed = 1 << 11;
            let (flags, at, len) = (word(&exe, header + 8), word(&exe, header + 24), word(&exe, header + 32));
            if flags & packed == 0 {
                continue;
            }
            let mut unpacked = Vec::new();
            let mut stream = flate2::read::ZlibDecoder::new(&exe[at + 24..at + len]);
            std::io::Read::read_to_end(&mut stream, &mut unpacked).expect("testdata");
            let start = exe.len();
            for (place, value) in [(8, flags & !packed), (24, start), (32, unpacked.len())] {
                exe[header + place..header + place + 8].copy_from_slice(&(value as u64).to_le_bytes());
            }
            exe.extend(unpacked);
        }
        Base { core: read(include_bytes!("../../testdata/cores/variables/core.zst")), exe, from }
    })
}

// Each group of 12: where, and eight bytes.
bounded_target!(|data: &[u8]| {
    let Base { core, exe, from } = base();
    let mut exe = exe.clone();
    for patch in data.chunks_exact(12).take(64) {
        let at = u32::from_le_bytes([patch[0], patch[1], patch[2], patch[3]]) as usize;
        let at = from + at % (exe.len() - from);
        for (into, byte) in exe[at..].iter_mut().zip(&patch[4..]) {
            *into = *byte;
        }
    }
    let headers = Core::read_core(core).expect("testdata");
    let elf = Elf::read_elf(&exe).expect("its headers are as they were");
    let slide = elf.slide(&headers.auxv);
    assert!(headers.auxv.get(Auxv::PHDR).is_some());
    let mut image = Image::new(core, &headers.segments);
    image.add(&exe, &elf, slide);
    let go = Go::find(&image, &Outline::of_file(&exe, &elf, slide), headers.arch).expect("its code is as it was");
    let _ = DebugLink::of_file(&exe, &elf);
    let _ = Library::read_library("exe".into(), &exe, &elf, (0, u64::MAX), slide);
    let Some(dwarf) = Dwarf::of_file(&exe, &elf) else {
        return;
    };
    let _ = go.differs_from(&dwarf);
    let variables = Variables::new(&dwarf);
    for one in go.goroutines(&Threads::default(), None).iter().take(8) {
        for frame in &one.frames {
            let _ = variables.variables_at(&image, frame.pc.saturating_sub(1), frame.fp, slide);
        }
    }
});
