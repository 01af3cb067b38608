//! What overlayfs writes into a layer: whiteouts, opaque directories, redirects and the like.
//!
//! Kernel: `fs/overlayfs/overlayfs.h` and `Documentation/filesystems/overlayfs.rst`. With
//! `userxattr` (rootless) the prefix is `user.overlay.` instead of `trusted.overlay.`.
//!
//! ```text
//! a whiteout              c 0:0, or a regular file of no bytes with xattr whiteout, in a
//!                         directory with opaque = "x"
//! opaque = "y"            nothing of the layers below is seen through this directory
//! redirect = name | /path the directory was renamed; below it has another name
//! metacopy = "" | digest  only metadata were copied up; the data lie below
//! origin = file handle    what it was copied up from: 00 fb len flags type uuid[16] handle
//! impure = "y"            the directory may hold entries that were copied up
//! nlink = U+n | L-n       hard links, counted against the layer above or below
//! ```
//!
//! A layer that is itself inside an overlay carries escaped names, `trusted.overlay.overlay.*`:
//! the inner mount sees them without the second `overlay.`.

use evidence::{FileKind, Stat, Xattrs};
use finding::Text;

/// Which prefix an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prefix {
    /// `trusted.overlay.`: mounted by root; reading it needs CAP_SYS_ADMIN.
    Trusted,
    /// `user.overlay.`: mounted with `userxattr`, as rootless does.
    User,
}

impl Prefix {
    /// The prefix itself.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Trusted => b"trusted.overlay.",
            Self::User => b"user.overlay.",
        }
    }
}

/// Whether a directory hides what lies below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opaque {
    /// `y`: nothing below is seen.
    Yes,
    /// `x`: what lies below is seen, and some entries are whiteouts made of xattrs.
    Xwhiteouts,
    /// Another value, which the kernel takes for no.
    Other,
}

/// What a file was copied up from, as `origin` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// UUID of the file system that holds it; all zero if that has none.
    pub uuid: [u8; 16],
    /// The type of the file handle, as in `name_to_handle_at(2)`.
    pub kind: u8,
    /// The handle.
    pub handle: Vec<u8>,
}

/// The overlay attributes of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// `opaque`
    pub opaque: Option<Opaque>,
    /// `whiteout`: in a directory with `opaque = "x"`, a regular file with it is a whiteout.
    pub whiteout: bool,
    /// `redirect`: a name in the same directory below, or an absolute path below.
    pub redirect: Option<Text>,
    /// `metacopy`: the data lie below; the value may hold an fs-verity digest.
    pub metacopy: Option<Vec<u8>>,
    /// `origin`; the inner nothing is an origin that is not known (of no bytes, or not readable).
    pub origin: Option<Option<Origin>>,
    /// `impure`
    pub impure: bool,
    /// `nlink`
    pub nlink: Option<Text>,
    /// Attributes of the prefix that are not among these, without it; escaped ones, too.
    pub others: Vec<(Text, Vec<u8>)>,
}

impl Marks {
    /// Decodes what a mount that uses `prefix` would read.
    pub fn decode(xattrs: &Xattrs, prefix: Prefix) -> Self {
        let mut marks = Self::default();
        for (name, value) in xattrs {
            let Some(name) = name.bytes().strip_prefix(prefix.bytes()) else {
                continue;
            };
            match name {
                b"opaque" => {
                    marks.opaque = Some(match &**value {
                        b"y" => Opaque::Yes,
                        b"x" => Opaque::Xwhiteouts,
                        _ => Opaque::Other,
                    });
                }
                b"whiteout" => marks.whiteout = true,
                b"redirect" => marks.redirect = Some(Text::from(&**value)),
                b"metacopy" => marks.metacopy = Some(value.to_vec()),
                b"origin" => marks.origin = Some(Origin::decode(value)),
                b"impure" => marks.impure = **value == *b"y",
                b"nlink" => marks.nlink = Some(Text::from(&**value)),
                other => marks.others.push((Text::from(other), value.to_vec())),
            }
        }
        marks
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Origin {
    /// `version 00, magic fb, length, flags, type, uuid[16], handle`: `struct ovl_fb`.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (header, handle) = value.split_at_checked(21)?;
        let &[0, 0xfb, length, _flags, kind, ref uuid @ ..] = header else {
            return None;
        };
        (usize::from(length) == value.len()).then_some(())?;
        Some(Self {
            uuid: uuid.try_into().ok()?,
            kind,
            handle: handle.to_vec(),
        })
    }
}

/// Whether it is a whiteout as a device: `c 0:0`. Nothing if that cannot be told.
pub fn is_whiteout_device(stat: &Stat) -> Option<bool> {
    match (stat.kind, stat.rdev) {
        (FileKind::Char, Some(device)) => Some(device == (0, 0)),
        (FileKind::Char, None) => None,
        _ => Some(false),
    }
}

/// Whether it is a whiteout as an attribute: a regular file of no bytes that carries `whiteout`.
///
/// It counts only in a directory whose `opaque` is [`Opaque::Xwhiteouts`].
pub(crate) fn is_whiteout_file(stat: &Stat, marks: &Marks) -> bool {
    stat.is_file() && stat.size == 0 && marks.whiteout
}

/// What a name in a layer's tar means, by the OCI's and aufs' convention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerName<'n> {
    /// `.wh..wh..opq`: its directory is opaque.
    Opaque,
    /// `.wh.<name>`: `name` is deleted.
    Whiteout(&'n [u8]),
    /// `.wh..wh.<something>`: aufs' own, to be ignored.
    Reserved,
    /// Anything else.
    Plain,
}

impl<'n> LayerName<'n> {
    /// What the last component of a name in a layer's tar means.
    pub fn parse_layer_name(name: &'n [u8]) -> Self {
        match name.strip_prefix(b".wh.") {
            Some(b".wh..opq") => Self::Opaque,
            Some(rest) if rest.starts_with(b".wh.") => Self::Reserved,
            Some(rest) => Self::Whiteout(rest),
            None => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattrs(pairs: &[(&str, &[u8])]) -> Xattrs {
        pairs
            .iter()
            .map(|(name, value)| (Text::from(*name), (*value).into()))
            .collect()
    }

    #[test]
    fn each_prefix_is_read_for_itself() {
        let both = xattrs(&[
            ("trusted.overlay.opaque", b"y"),
            ("user.overlay.opaque", b"x"),
            ("user.overlay.whiteout", b"y"),
            ("trusted.overlay.redirect", b"/a\xff"),
            ("trusted.overlay.metacopy", b""),
            ("trusted.overlay.impure", b"y"),
            ("trusted.overlay.overlay.opaque", b"y"),
            ("security.capability", b"\x01"),
        ]);
        let trusted = Marks::decode(&both, Prefix::Trusted);
        assert_eq!(trusted.opaque, Some(Opaque::Yes));
        assert_eq!(trusted.redirect, Some(Text::from(&b"/a\xff"[..])));
        assert_eq!(trusted.metacopy, Some(Vec::new()));
        assert!(trusted.impure && !trusted.whiteout);
        assert_eq!(
            trusted.others,
            [(Text::from("overlay.opaque"), b"y".to_vec())]
        );
        let user = Marks::decode(&both, Prefix::User);
        assert_eq!(user.opaque, Some(Opaque::Xwhiteouts));
        assert!(user.whiteout && user.redirect.is_none());
        let other = xattrs(&[("trusted.overlay.opaque", b"n")]);
        assert_eq!(
            Marks::decode(&other, Prefix::Trusted).opaque,
            Some(Opaque::Other)
        );
        assert!(Marks::decode(&Xattrs::new(), Prefix::User).is_empty());
    }

    #[test]
    fn an_origin_is_a_file_handle() {
        let mut value = vec![0, 0xfb, 29, 0, 1];
        value.extend([7; 16]);
        value.extend([1, 2, 3, 4, 5, 6, 7, 8]);
        let origin = Origin::decode(&value).unwrap();
        assert_eq!(
            (origin.kind, origin.uuid[0], origin.handle.len()),
            (1, 7, 8)
        );
        for end in 0..value.len() {
            assert_eq!(Origin::decode(&value[..end]), None);
        }
        value[1] = 0xfa;
        assert_eq!(Origin::decode(&value), None);
    }

    #[test]
    fn a_whiteout_is_a_device_of_no_number() {
        let mut stat = Stat::only(FileKind::Char);
        assert_eq!(is_whiteout_device(&stat), None);
        stat.rdev = Some((0, 0));
        assert_eq!(is_whiteout_device(&stat), Some(true));
        stat.rdev = Some((1, 5));
        assert_eq!(is_whiteout_device(&stat), Some(false));
        assert_eq!(is_whiteout_device(&Stat::only(FileKind::File)), Some(false));
    }

    #[test]
    fn names_in_layers() {
        assert_eq!(
            LayerName::parse_layer_name(b".wh..wh..opq"),
            LayerName::Opaque
        );
        assert_eq!(
            LayerName::parse_layer_name(b".wh.gone"),
            LayerName::Whiteout(b"gone")
        );
        assert_eq!(
            LayerName::parse_layer_name(b".wh..wh.plnk"),
            LayerName::Reserved
        );
        assert_eq!(LayerName::parse_layer_name(b".what"), LayerName::Plain);
        assert_eq!(
            LayerName::parse_layer_name(b".wh."),
            LayerName::Whiteout(b"")
        );
    }
}
