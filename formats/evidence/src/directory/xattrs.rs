//! Extended attributes, of any kind of file, without opening what must not be opened.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::Arc;

use finding::{Known, Text, Unknown};
use nix::errno::Errno;
use xattr::FileExt;

use super::Directory;
use super::open::own_fd;
use super::walk::Handle;
use crate::{FileKind, path};

/// Names and values of extended attributes.
pub type Xattrs = BTreeMap<Text, Arc<[u8]>>;

impl Directory {
    /// The extended attributes of `path`; a link in the last place is not followed.
    pub(crate) fn xattrs(&self, path: &Path) -> Known<Xattrs> {
        let what = format!("extended attributes of {}", path::shown(path));
        let handle = match self.hold(path) {
            Ok(handle) => handle,
            Err(unread) => return Known::lost(what, unread.to_string()),
        };
        let mut unknown = Vec::new();
        let (names, get) = match self.names(&handle) {
            Ok(found) => found,
            Err(error) if is_unsupported(&error) => return Known::Whole(Xattrs::new()),
            Err(error) => return Known::lost(what, error.to_string()),
        };
        let mut found = Xattrs::new();
        for name in names {
            match get(&name) {
                Ok(Some(value)) => {
                    found.insert(Text::from(name.into_vec()), value.into());
                }
                // Gone since it was listed.
                Ok(None) => {}
                Err(error) => {
                    let name = Text::from(name.into_vec());
                    unknown.push(Unknown::new(format!("{name} of {what}"), error.to_string()));
                }
            }
        }
        self.add_untold(&mut unknown, &|| what.clone());
        Known::with(found, unknown)
    }

    /// What of the attributes is hidden from us.
    pub(super) fn add_untold(&self, unknown: &mut Vec<Unknown>, what: &dyn Fn() -> String) {
        if !self.trusted {
            let what = format!("trusted.* {}", what());
            unknown.push(Unknown::new(what, "reading them needs CAP_SYS_ADMIN"));
        }
    }

    /// The names, and a way to the values.
    #[expect(clippy::type_complexity, reason = "named once, used once")]
    fn names(
        &self,
        handle: &Handle,
    ) -> io::Result<(
        Vec<OsString>,
        Box<dyn Fn(&OsString) -> io::Result<Option<Vec<u8>>>>,
    )> {
        if self.has_proc {
            // The magic link leads to the very inode that is held, be it a link or a FIFO, and
            // nothing is opened.
            let own = own_fd(&handle.fd);
            let names = xattr::list_deref(&own)?.collect();
            // The handle stays open as long as its name is used: it outlives the caller's loop.
            return Ok((names, Box::new(move |name| xattr::get_deref(&own, name))));
        }
        if !matches!(handle.stat.kind, FileKind::File | FileKind::Dir) {
            return Err(io::Error::other(
                "cannot be read of this kind of file without /proc",
            ));
        }
        let file = self.reopen(handle).map_err(io::Error::other)?;
        let names = file.list_xattr()?.collect();
        Ok((names, Box::new(move |name| file.get_xattr(name))))
    }
}

/// Whether the file system has no extended attributes at all.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(Errno::EOPNOTSUPP | Errno::ENOSYS)
    )
}
