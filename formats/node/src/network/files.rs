//! The files that the plugins of the loaded configurations need beside their own.

use std::collections::BTreeMap;
use std::path::Path;

use evidence::{Evidence, Kind};
use finding::{Text, Unread};

use super::{ConfFile, Folder, followed};
use crate::{Roots, left_out};

/// What stands where a plugin looks for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginFile {
    /// A file.
    Found,
    /// Nothing, or a link that leads nowhere.
    Gone,
    /// Nothing in the evidence, which may be without that part of the machine.
    Unknown,
}

/// The files of all plugins that are loaded, by path.
pub type PluginFiles = BTreeMap<Text, PluginFile>;

/// Whether a path is below what a boot empties.
pub fn is_below_run(path: &str) -> bool {
    path.starts_with("/run/") || path.starts_with("/var/run/")
}

/// Looks for all of them.
pub(super) fn read_plugin_files(
    evidence: &Evidence,
    roots: &Roots,
    folders: &[Folder],
) -> PluginFiles {
    let loaded = folders.iter().flat_map(|folder| folder.loaded().0);
    let files = loaded.flat_map(ConfFile::plugins).flat_map(|it| &it.files);
    let look = |path: &String| {
        let found = match followed(evidence, Path::new(path)) {
            Ok(_) => PluginFile::Found,
            Err(Unread::Absent | Unread::Dangling(_)) if is_taken(evidence, roots, path) => {
                PluginFile::Gone
            }
            Err(_) => PluginFile::Unknown,
        };
        (Text::from(path.as_str()), found)
    };
    files.take(1000).map(look).collect()
}

/// Whether the evidence would have the file if the node had it: its folder is there whole, or all of
/// the machine is. A disk alone has nothing of what is mounted at /run.
fn is_taken(evidence: &Evidence, roots: &Roots, path: &str) -> bool {
    let parent = Path::new(path).parent().unwrap_or(Path::new("/"));
    let is_listed = evidence.try_list(parent).is_ok_and(|list| list.is_whole());
    let has_run = || !is_below_run(path) || evidence.stat(&roots.state).is_ok();
    let is_whole = evidence.kind() == Kind::Bundle || !left_out::is_part(evidence);
    is_listed || evidence.is_machine() || is_whole && has_run()
}
