//! Captures as trees of files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use tempfile::TempDir;

use crate::Tar;

/// Types of members: `typeflag` of a tar's header.
const TYPE: usize = 156;

impl Tar {
    /// All of it in a folder, as tar(1) unpacks it: what only root can make is left out where we are not root.
    ///
    /// # Panics
    ///
    /// Without a disk to write to, or a `tar`.
    pub fn unpacked(&self) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("node.tar");
        fs::write(&file, self.write()).expect("a file");
        let mut tar = Command::new("tar");
        let tar = tar.args(["--xattrs", "--xattrs-include=*", "-xf"]);
        let done = tar.arg(&file).arg("-C").arg(folder.path()).output();
        assert!(done.is_ok(), "tar runs: {done:?}");
        fs::remove_file(file).expect("the file");
        folder
    }

    /// What of it has one of these words in its path.
    #[must_use]
    pub fn keep(mut self, words: &[&str]) -> Self {
        self.members.retain(|member| {
            let path = String::from_utf8_lossy(&member.path);
            words.iter().any(|word| path.contains(word))
        });
        self
    }

    /// Its directories and regular files in a folder: whatever an ordinary user can make of it.
    ///
    /// # Panics
    ///
    /// Without a disk to write to.
    pub fn files(&self) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for member in &self.members {
            let path = folder.path().join(OsStr::from_bytes(&member.path));
            match member.header.get(TYPE) {
                Some(b'5') => fs::create_dir_all(path).expect("a folder"),
                Some(b'0') => {
                    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                    fs::write(path, &member.data).expect("a file");
                }
                _ => {}
            }
        }
        folder
    }
}
