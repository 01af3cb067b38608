//! What to do with evidence that is an image of a disk: how to come to the directory that is read.
//!
//! A disk that was in use when it was taken, or when its machine died, has changes that stand only in
//! the journal of its file system. `ro,noload` (ext4) and `ro,norecovery` (XFS) leave them out: of one
//! crashed disk 302 of 7,950 entries were missing and 42 wrong that way. So the way is a copy that may
//! be written to, whose journal the kernel replays at the mount; the image itself stays as it is.

use std::io::{IsTerminal, Write};

use evidence::Image;

/// What is waited for, where standard input is a terminal: nothing will come by itself.
const WAITING: &str = "coroner: waiting for a tar of the node on standard input, and this is a terminal. Send one \
    through a pipe:\n  ssh NODE sudo tar cz --xattrs --xattrs-include=\\'*\\' --one-file-system \\\n    /var/lib/containerd /run/containerd /etc/containerd | coroner triage -\n(Ctrl-C ends this)";

/// Says what is waited for, where nobody sends anything.
pub(crate) fn standard_input() {
    if std::io::stdin().is_terminal() {
        let _ = writeln!(std::io::stderr(), "{WAITING}");
    }
}

/// Why the journal is replayed.
const REPLAY: &str = "The kernel then replays the journal of the file system. Without that (noload, \
    norecovery) a disk that was in use shows an older tree: files are missing or wrong";

/// From a raw image to a mounted file system.
const MOUNT: &str = "`mount -o ro /dev/loopN DIR`, then name DIR";

/// What to do with one.
pub(crate) fn about(image: Image) -> String {
    match image {
        Image::Ext | Image::Xfs | Image::Btrfs | Image::F2fs => format!(
            "work on a copy: `cp --sparse=always IMAGE COPY`; `losetup --find --show COPY` (not \
             read-only: only the mount is); {MOUNT}. {REPLAY}"
        ),
        Image::Squashfs | Image::Erofs => {
            "it has no journal: `mount -o ro,loop IMAGE DIR`, then name DIR".to_owned()
        }
        Image::Ntfs => "containerd keeps nothing on such a file system; if it is a whole disk, look at its \
            partitions with `fdisk -l IMAGE`".to_owned(),
        Image::Gpt | Image::Mbr => format!(
            "work on a copy: `cp --sparse=always IMAGE COPY`; `losetup --find --show --partscan COPY` \
             makes /dev/loopNpM of each partition (`lsblk -f` says what they are; an LVM needs \
             `vgchange -ay` then); `mount -o ro /dev/loopNpM DIR`, then name DIR. {REPLAY}"
        ),
        Image::Lvm => format!(
            "work on a copy: `cp --sparse=always IMAGE COPY`; `losetup --find --show COPY`; `vgscan`, \
             `vgchange -ay VG` (if this machine has a group of that name, `vgimportclone` first); `mount -o \
             ro /dev/VG/LV DIR`, then name DIR. {REPLAY}"
        ),
        Image::Raid => format!(
            "work on copies of all members: `losetup --find --show COPY` of each; `mdadm --assemble --readonly \
             --scan`; then mount what it holds from a copy of that. {REPLAY}"
        ),
        Image::Luks => format!(
            "work on a copy: `losetup --find --show COPY`; `cryptsetup open /dev/loopN NAME`; `mount -o ro \
             /dev/mapper/NAME DIR`, then name DIR. {REPLAY}"
        ),
        Image::Qcow2 | Image::Vmdk | Image::Vhdx | Image::Vhd | Image::Vdi => format!(
            "make a layer that takes the writes: `qemu-img create -f qcow2 -F FORMAT -b IMAGE COPY.qcow2` \
             (FORMAT is qcow2, vmdk, vhdx, vpc or vdi: `qemu-img info IMAGE`); `modprobe nbd max_part=16`; \
             `qemu-nbd -c /dev/nbd0 COPY.qcow2`; `mount -o ro /dev/nbd0pM DIR`, then name DIR. Or `qemu-img \
             convert -O raw IMAGE COPY` and go on as with a raw disk. {REPLAY}"
        ),
        Image::Ewf => format!(
            "`ewfmount IMAGE.E01 EWF` shows a raw disk as EWF/ewf1; copy that (`cp --sparse=always`), and \
             go on with the copy: `losetup --find --show --partscan COPY`; `mount -o ro /dev/loopNpM DIR`, \
             then name DIR. {REPLAY}"
        ),
        Image::Zip => "unpack it into a new folder (`unzip -d DIR FILE`) and name that: also below a folder of \
            a collector (`uploads/auto/`, `[root]/`) the node is found".to_owned(),
        Image::SevenZip => "unpack it into a new folder (`7z x -oDIR FILE`) and name that".to_owned(),
    }
}

/// What to do with a device.
pub(crate) const DEVICE: &str = "mount it and name the directory. A disk that may still be needed as it is: copy \
    it first (`dd if=DEVICE of=COPY bs=4M conv=sparse,noerror,sync`), then `losetup --find --show --partscan COPY` and \
    `mount -o ro /dev/loopNpM DIR`";

/// What evidence may be.
pub(crate) const ANY: &str = "name a directory that holds a node's file system, a tar of one, or - for a tar on \
    standard input; an image of a disk is mounted first, from a copy, so that the kernel can replay its \
    journal; for a single database there is `coroner bolt check FILE`";
