//! What NRI finds in its folder of plugins: the CRI starts each program there, and gives up at a name
//! that is none of a plugin's.
//!
//! Source: containerd/nri, `discoverPlugins` and `api.ParsePluginName`; each of them was tried with a
//! real 2.1.

use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind};
use finding::{Text, Unread};

use crate::surroundings::followed;
use crate::{Roots, Scalar};

/// Where plugins are, if config.toml does not say.
const PLUGINS: &str = "/opt/nri/plugins";

/// The folder of NRI's plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nri {
    /// Where it is.
    pub folder: PathBuf,
    /// What stands there, if that is no folder.
    pub instead: Option<FileKind>,
    /// Why the folder is not known, if it is there and could not be read.
    pub unread: Option<Unread>,
    /// The first name that no plugin can have, as a directory's entries are sorted; whether it is known
    /// to be a program.
    pub misnamed: Option<(Text, bool)>,
}

impl Nri {
    /// Looks into the folder that config.toml names.
    pub(crate) fn read_nri(evidence: &Evidence, roots: &Roots) -> Self {
        let config = roots.config.as_ref();
        let settings = config.map_or(&[][..], |config| config.settings.all());
        let named = settings.iter().rev().find_map(|setting| {
            let is_ours = matches!(
                setting.path.as_slice(),
                [plugins, nri, key]
                    if plugins == "plugins" && nri == "io.containerd.nri.v1.nri" && key == "plugin_path"
            );
            match &setting.value {
                Scalar::Text(path) if is_ours => Some(path.as_str()),
                _ => None,
            }
        });
        let folder = PathBuf::from(named.unwrap_or(PLUGINS));
        let instead = match followed(evidence, &folder) {
            Ok(FileKind::Dir) | Err(_) => None,
            Ok(kind) => Some(kind),
        };
        let list = evidence.list(&folder);
        let is_lacking = |unread: &Unread| {
            !matches!(
                unread,
                Unread::Absent | Unread::NotCollected | Unread::Dangling(_) | Unread::Special(_)
            )
        };
        let unread = evidence.try_list(&folder).err().filter(is_lacking);
        let entries = list.read().into_iter().flatten();
        let mut misnamed: Vec<(Text, bool)> = entries
            .filter(|entry| !entry.stat.is_dir() && !is_plugin(entry.name.bytes()))
            // What is no program is passed over.
            .filter(|entry| entry.stat.only_kind || is_program(entry.stat.kind, entry.stat.mode))
            .map(|entry| (entry.name.clone(), !entry.stat.only_kind))
            .collect();
        misnamed.sort();
        Self {
            folder,
            instead,
            unread,
            misnamed: misnamed.into_iter().next(),
        }
    }

    /// Whether something else than a folder is on the way to a socket's folder: none can be made.
    pub(crate) fn is_blocked(evidence: &Evidence, socket: &Path) -> bool {
        let above = socket.ancestors().skip(1);
        let mut kinds = above.map(|path| followed(evidence, path));
        let first = kinds.find(|kind| !matches!(kind, Err(Unread::Absent)));
        matches!(first, Some(Ok(kind)) if kind != FileKind::Dir)
    }
}

/// Whether a file's mode makes it a program to NRI: a link has all bits.
const fn is_program(kind: FileKind, mode: u32) -> bool {
    matches!(kind, FileKind::Symlink) || mode & 0o111 != 0
}

/// `NN-name`: two digits that say when it is asked, and its own name.
fn is_plugin(name: &[u8]) -> bool {
    matches!(name, [first, second, b'-', _, ..] if first.is_ascii_digit() && second.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::is_plugin;

    #[test]
    fn a_plugin_begins_with_two_digits() {
        for (name, is) in [
            ("10-logger", true),
            ("10-logger.old", true),
            ("logger", false),
            ("1-logger", false),
            ("100-logger", false),
            ("10-", false),
            ("", false),
        ] {
            assert_eq!(is_plugin(name.as_bytes()), is, "{name}");
        }
    }
}
