//! Images of disks and file systems, told by their magic: what is not read, and called by its name.
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0x438 | `53 ef` | ext2, ext3, ext4 (before it, 1,024 bytes that may be zeroes) |
//! | 0 | `XFSB` | XFS |
//! | 0x10040 | `_BHRfS_M` | Btrfs |
//! | 0x400 | `10 20 f5 f2`; `e2 e1 f5 e0` | F2FS; EROFS |
//! | 0 | `hsqs` | SquashFS |
//! | 512 or 4096 | `EFI PART` | a disk with a GPT |
//! | 510 | `55 aa`, and a partition | a disk with an MBR |
//! | 0, 512, 1024 or 1536 | `LABELONE`, then `LVM2 001` | a physical volume of LVM2 |
//! | 0 | `LUKS ba be` | an encrypted volume |
//! | 4096 or 0 | `fc 4e 2b a9` | a member of an MD RAID |
//! | 0 | `QFI fb`, `KDMV`, `COWD`, `# Disk DescriptorFile`, `vhdxfile`, `conectix` | of virtual machines |
//! | 0x40 | `7f 10 da be` | VDI |
//! | 0 | `EVF …`, `EVF2 …`, `LVF …` | EnCase |
//! | 0 | `PK 03 04`, `7z bc af 27 1c` | archives that are no tars |

use core::fmt;
use std::io::{self, Read};

/// Bytes from the start that tell.
const TOLD_BY: usize = 0x1_0048;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// A file system: ext2, ext3 or ext4.
    Ext,
    /// A file system.
    Xfs,
    /// A file system.
    Btrfs,
    /// A file system.
    F2fs,
    /// A file system that is never written to.
    Squashfs,
    /// A file system that is never written to.
    Erofs,
    /// Another file system, or the start of a disk without a table that is known.
    Ntfs,
    /// A disk with partitions.
    Gpt,
    /// A disk with partitions.
    Mbr,
    /// A physical volume of LVM2.
    Lvm,
    /// A member of a RAID.
    Raid,
    /// An encrypted volume.
    Luks,
    /// A disk of a virtual machine: QEMU.
    Qcow2,
    /// A disk of a virtual machine: VMware.
    Vmdk,
    /// A disk of a virtual machine: Hyper-V.
    Vhdx,
    /// A disk of a virtual machine: Virtual PC.
    Vhd,
    /// A disk of a virtual machine: VirtualBox.
    Vdi,
    /// A forensic image: EnCase.
    Ewf,
    /// An archive.
    Zip,
    /// An archive.
    SevenZip,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ext => "an image of a file system (ext2, ext3 or ext4)",
            Self::Xfs => "an image of a file system (XFS)",
            Self::Btrfs => "an image of a file system (Btrfs)",
            Self::F2fs => "an image of a file system (F2FS)",
            Self::Squashfs => "an image of a file system (SquashFS)",
            Self::Erofs => "an image of a file system (EROFS)",
            Self::Ntfs => "an image of a file system (NTFS or FAT)",
            Self::Gpt => "an image of a disk with partitions (GPT)",
            Self::Mbr => "an image of a disk with partitions (MBR)",
            Self::Lvm => "a physical volume of LVM",
            Self::Raid => "a member of an MD RAID",
            Self::Luks => "an encrypted volume (LUKS)",
            Self::Qcow2 => "a disk of a virtual machine (qcow2)",
            Self::Vmdk => "a disk of a virtual machine (VMDK)",
            Self::Vhdx => "a disk of a virtual machine (VHDX)",
            Self::Vhd => "a disk of a virtual machine (VHD)",
            Self::Vdi => "a disk of a virtual machine (VDI)",
            Self::Ewf => "a forensic image of a disk (EnCase: E01, Ex01 or L01)",
            Self::Zip => "a zip archive",
            Self::SevenZip => "a 7z archive",
        })
    }
}

/// Magic at a place.
const MAGIC: &[(usize, &[u8], Image)] = &[
    (0, b"QFI\xfb", Image::Qcow2),
    (0, b"KDMV", Image::Vmdk),
    (0, b"COWD", Image::Vmdk),
    (0, b"# Disk DescriptorFile", Image::Vmdk),
    (0, b"vhdxfile", Image::Vhdx),
    (0, b"conectix", Image::Vhd),
    (0x40, b"\x7f\x10\xda\xbe", Image::Vdi),
    (0, b"EVF\x09\x0d\x0a\xff\x00", Image::Ewf),
    (0, b"EVF2\x0d\x0a\x81\x00", Image::Ewf),
    (0, b"LVF\x09\x0d\x0a\xff\x00", Image::Ewf),
    (0, b"LEF2\x0d\x0a\x81\x00", Image::Ewf),
    (0, b"PK\x03\x04", Image::Zip),
    (0, b"7z\xbc\xaf\x27\x1c", Image::SevenZip),
    (0, b"LUKS\xba\xbe", Image::Luks),
    (0, b"XFSB", Image::Xfs),
    (0, b"hsqs", Image::Squashfs),
    (0x200, b"EFI PART", Image::Gpt),
    (0x1000, b"EFI PART", Image::Gpt),
    (0x438, b"\x53\xef", Image::Ext),
    (0x1_0040, b"_BHRfS_M", Image::Btrfs),
    (0x400, b"\x10\x20\xf5\xf2", Image::F2fs),
    (0x400, b"\xe2\xe1\xf5\xe0", Image::Erofs),
    (0x1000, b"\xfc\x4e\x2b\xa9", Image::Raid),
    (0, b"\xfc\x4e\x2b\xa9", Image::Raid),
];

/// Whether `bytes` stand at `at`.
fn stands(start: &[u8], at: usize, bytes: &[u8]) -> bool {
    start.get(at..).is_some_and(|rest| rest.starts_with(bytes))
}

impl Image {
    /// What a file is that begins with these bytes, if it is one of these; a tar never is.
    pub fn from_magic(start: &[u8]) -> Option<Self> {
        if stands(start, 257, b"ustar") {
            return None;
        }
        let is_lvm = (0..4_usize).any(|sector| {
            let at = sector.saturating_mul(512);
            stands(start, at, b"LABELONE") && stands(start, at.saturating_add(24), b"LVM2 001")
        });
        if is_lvm {
            return Some(Self::Lvm);
        }
        let mut all = MAGIC
            .iter()
            .filter(|(at, bytes, _)| stands(start, *at, bytes));
        if let Some((_, _, image)) = all.next() {
            return Some(*image);
        }
        if !stands(start, 510, b"\x55\xaa") {
            return None;
        }
        if stands(start, 3, b"NTFS    ") || stands(start, 54, b"FAT") || stands(start, 82, b"FAT32")
        {
            return Some(Self::Ntfs);
        }
        let is_partition = |number: usize| {
            let at = number.saturating_mul(16).saturating_add(446);
            let entry = start.get(at..at.saturating_add(16)).unwrap_or_default();
            matches!(entry.first(), Some(0 | 0x80)) && entry.get(4).is_some_and(|kind| *kind != 0)
        };
        (0..4).any(is_partition).then_some(Self::Mbr)
    }
}

/// The error that ended the first reading, in its place.
#[derive(Debug)]
pub(crate) struct Again(Option<io::Error>);

impl Read for Again {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// A stream whose first bytes were looked at.
pub(crate) type Peeked<R> = io::Chain<io::Chain<io::Cursor<Vec<u8>>, Again>, R>;

/// What a stream is by its first bytes, and the whole of it.
pub(crate) fn peek<R: Read>(mut stream: R) -> (Option<Image>, Peeked<R>) {
    let mut start = Vec::new();
    let limit = u64::try_from(TOLD_BY).unwrap_or(u64::MAX);
    let error = stream.by_ref().take(limit).read_to_end(&mut start).err();
    let image = Image::from_magic(&start);
    (
        image,
        io::Cursor::new(start).chain(Again(error)).chain(stream),
    )
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "tests panic where something is wrong"
)]
mod tests {
    use super::*;

    fn with(pieces: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; TOLD_BY];
        for (at, piece) in pieces {
            bytes[*at..*at + piece.len()].copy_from_slice(piece);
        }
        bytes
    }

    #[test]
    fn images_are_told_by_their_magic() {
        for (at, bytes, image) in MAGIC {
            assert_eq!(
                Image::from_magic(&with(&[(*at, bytes)])),
                Some(*image),
                "{image}"
            );
        }
        let mbr = with(&[(446, b"\x80\0\0\0\x83"), (510, b"\x55\xaa")]);
        assert_eq!(Image::from_magic(&mbr), Some(Image::Mbr));
        let lvm = with(&[(512, b"LABELONE"), (536, b"LVM2 001")]);
        assert_eq!(Image::from_magic(&lvm), Some(Image::Lvm));
        let fat = with(&[(82, b"FAT32   "), (510, b"\x55\xaa")]);
        assert_eq!(Image::from_magic(&fat), Some(Image::Ntfs));
    }

    #[test]
    fn a_tar_is_none() {
        // Its first member may hold anything, also an image.
        let tar = with(&[(257, b"ustar"), (0x438, b"\x53\xef"), (510, b"\x55\xaa")]);
        assert_eq!(Image::from_magic(&tar), None);
        assert_eq!(Image::from_magic(&[0; 1024]), None);
        assert_eq!(Image::from_magic(b""), None);
    }
}
