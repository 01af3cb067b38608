//! Any bytes as a core: headers, notes, mapped files, arguments, and whatever of Go may be in it.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use elfcore::{Arguments, Auxv, Bytes, Core, Elf, Image, of_memory};
use goruntime::{Go, Outline};

bounded_target!(|data: &[u8]| {
    let data = data.to_vec();
    for note in elfcore::notes(&data, 0, data.len() as u64).take(1 << 16) {
        assert!(note.at + note.len <= Bytes::len(&data));
    }
    if let Ok(elf) = Elf::read_elf(&data) {
        let _ = elf.sections(&data).len();
    }
    let Ok(core) = Core::read_core(&data) else { return };
    let image = Image::new(&data, &core.segments);
    let _ = Arguments::find(&image, &core.auxv);
    if let (Some(at), Some(count)) = (core.auxv.get(Auxv::PHDR), core.auxv.get(Auxv::PHNUM)) {
        let _ = of_memory(&image, at, count, None);
    }
    let outline = Outline::of_memory(&image, &core.auxv)
        .unwrap_or_else(|| Outline::of_segments(&core.segments));
    let _ = Go::find(&image, &outline, core.arch).map(|go| go.listed());
});
