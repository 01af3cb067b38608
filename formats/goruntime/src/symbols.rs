//! Names of C functions: `.symtab` and `.dynsym`.

use elfcore::{Bytes, Section};
use finding::Text;
use view::View;

/// Bytes of a table, and of its names.
const TABLE: usize = 64 << 20;
/// Bytes of one symbol: name 4, info 1, other 1, section 2, address 8, size 8.
const ENTRY: usize = 24;
/// Bytes of a name.
const NAME: usize = 1024;

/// Functions by their addresses.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// First address, size, and where the name is.
    all: Vec<(u64, u64, usize)>,
    names: Vec<u8>,
}

impl Symbols {
    /// Those of a file: the whole table, else that of what is exported.
    pub(crate) fn read_symbols(bytes: &(impl Bytes + ?Sized), sections: &[Section]) -> Self {
        let held = |name: &[u8]| {
            let mut all = sections.iter();
            let section = all.find(|section| section.name == name && section.has_bytes)?;
            Some(bytes.some(section.offset, section.size, TABLE))
        };
        for (table, names) in [
            (b".symtab".as_slice(), b".strtab".as_slice()),
            (b".dynsym", b".dynstr"),
        ] {
            let Some((table, names)) = held(table).zip(held(names)) else {
                continue;
            };
            let mut all: Vec<(u64, u64, usize)> = table
                .chunks_exact(ENTRY)
                .filter_map(|entry| {
                    let view = View::new(entry);
                    let kind = view.u8(4, "symbol").ok()? & 15;
                    let defined = view.u16_le(6, "symbol").ok()? != 0;
                    let name = usize::try_from(view.u32_le(0, "symbol").ok()?).ok()?;
                    let address = view.u64_le(8, "symbol").ok()?;
                    // STT_FUNC and STT_GNU_IFUNC.
                    ((kind == 2 || kind == 10) && defined).then_some((
                        address,
                        view.u64_le(16, "symbol").ok()?,
                        name,
                    ))
                })
                .collect();
            if !all.is_empty() {
                all.sort_unstable();
                return Self { all, names };
            }
        }
        Self::default()
    }

    /// The function that holds an address, and where it begins.
    pub(crate) fn at(&self, address: u64) -> Option<(Text, u64)> {
        let after = self.all.partition_point(|one| one.0 <= address);
        let (start, size, name) = self.all.get(after.checked_sub(1)?)?;
        if address.checked_sub(*start)? >= *size {
            return None;
        }
        let rest = self.names.get(*name..)?;
        let end = rest.iter().take(NAME).position(|byte| *byte == 0)?;
        Some((Text::from(rest.get(..end)?), *start))
    }
}
