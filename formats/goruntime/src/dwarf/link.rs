//! `.gnu_debuglink`: the name of the file that a program's DWARF was moved to, and the sum of its bytes.

use elfcore::{Bytes, Elf};
use finding::Text;
use flate2::Crc;

/// Bytes of a name.
const NAME: usize = 4096;
/// Bytes that are summed at once.
const CHUNK: usize = 1 << 20;
/// Bytes of a file that are summed.
const LIMIT: u64 = 16 << 30;

/// What a program says of its debug file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugLink {
    /// Its name, without a folder.
    pub name: Text,
    sum: u32,
}

impl DebugLink {
    /// That of a program.
    pub fn of_file(bytes: &(impl Bytes + ?Sized), elf: &Elf) -> Option<Self> {
        let sections = elf.sections(bytes);
        let link = |section: &&elfcore::Section| section.name == b".gnu_debuglink";
        let section = sections.iter().find(link)?;
        let held = bytes.some(section.offset, section.size, NAME);
        let end = held.iter().position(|byte| *byte == 0)?;
        // The sum is aligned to four bytes, behind the NUL.
        let at = end.checked_add(4)? & !3;
        let sum = u32::from_le_bytes(*held.get(at..)?.first_chunk()?);
        let name = held.get(..end)?;
        let is_name = !name.is_empty() && !name.contains(&b'/') && name != b"." && name != b"..";
        is_name.then(|| Self {
            name: Text::from(name),
            sum,
        })
    }

    /// Whether a file is the one that is meant.
    pub fn is(&self, bytes: &(impl Bytes + ?Sized)) -> bool {
        if bytes.len() > LIMIT {
            return false;
        }
        let mut crc = Crc::new();
        let mut chunk = vec![0; CHUNK];
        let mut at = 0_u64;
        loop {
            let read = bytes.read_at(at, &mut chunk);
            if read == 0 {
                return at == bytes.len() && crc.sum() == self.sum;
            }
            crc.update(chunk.get(..read).unwrap_or_default());
            at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DebugLink;
    use finding::Text;

    #[test]
    fn the_file_with_the_sum_is_meant_and_no_other() {
        let link = DebugLink {
            name: Text::from("containerd.debug"),
            sum: 0xcbf4_3926,
        };
        assert!(link.is(&b"123456789".to_vec()));
        assert!(!link.is(&b"123456780".to_vec()));
        assert!(!link.is(&Vec::new()));
    }
}
