//! A Debian package of a binary: with man pages, completions where each shell looks for them, the
//! licence, and what changed. It has no script: nothing happens at an installation but that files appear.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::{Compression, GzBuilder};

use super::{Architecture, VERSION, folder, run_to_end};
use crate::docs::{self, Manuals};
use crate::{Done, root};

/// Where a shell looks for the completions of coroner.
pub(super) const COMPLETIONS: &[(&str, &str)] = &[
    (
        "coroner.bash",
        "usr/share/bash-completion/completions/coroner",
    ),
    ("coroner.zsh", "usr/share/zsh/vendor-completions/_coroner"),
    (
        "coroner.fish",
        "usr/share/fish/vendor_completions.d/coroner.fish",
    ),
];

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
    Upstream-Name: coroner\n\n\
    Files: *\n\
    Copyright: the authors of coroner\n\
    License: Apache-2.0\n \
    The text of the licence is in /usr/share/common-licenses/Apache-2.0.\n";

/// The folder that becomes the package.
struct Tree(PathBuf);

impl Tree {
    /// Writes a file with its mode, whatever the umask is.
    fn write(&self, to: &str, bytes: &[u8], mode: u32) -> Done {
        let to = self.0.join(to);
        let written = to.parent().map_or(Ok(()), folder).and_then(|()| {
            std::fs::write(&to, bytes).map_err(|error| format!("{}: {error}", to.display()))
        });
        written?;
        let set = std::fs::set_permissions(&to, PermissionsExt::from_mode(mode));
        set.map_err(|error| format!("{}: {error}", to.display()))
    }

    /// The same, packed with gzip as Debian wants it: without a name and a time.
    fn packed(&self, to: &str, bytes: &[u8]) -> Done {
        let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
        let packed = gzip.write_all(bytes).and_then(|()| gzip.finish());
        self.write(
            to,
            &packed.map_err(|error| format!("{to}: {error}"))?,
            0o644,
        )
    }
}

/// The bytes of a file of ours.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "what was just built, not evidence"
    )]
    let read = std::fs::read(path);
    read.map_err(|error| format!("{}: {error}", path.display()))
}

/// Packs a binary.
pub(super) fn package(
    architecture: &Architecture,
    binary: &Path,
    output: &Path,
) -> Result<PathBuf, String> {
    let tree = Tree(output.join(format!("tree-{}", architecture.debian)));
    if tree.0.read_dir().is_ok() {
        std::fs::remove_dir_all(&tree.0).map_err(|error| error.to_string())?;
    }
    tree.write("usr/bin/coroner", &bytes(binary)?, 0o755)?;
    let doc = "usr/share/doc/coroner";
    tree.write(&format!("{doc}/copyright"), COPYRIGHT.as_bytes(), 0o644)?;
    let changes = bytes(&root().join("CHANGELOG.md"))?;
    tree.packed(&format!("{doc}/changelog.gz"), &changes)?;
    let manuals = output.join("manuals");
    docs::manuals(&Manuals::into(manuals.clone()))?;
    let pages = manuals.join("man");
    let entries = std::fs::read_dir(&pages);
    let entries = entries.map_err(|error| format!("{}: {error}", pages.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let to = format!("usr/share/man/man1/{name}.gz");
        tree.packed(&to, &bytes(&entry.path())?)?;
    }
    for (from, to) in COMPLETIONS {
        let completion = bytes(&manuals.join("completions").join(from))?;
        tree.write(to, &completion, 0o644)?;
    }
    control(architecture, &tree)?;
    let deb = output.join(format!("coroner_{VERSION}_{}.deb", architecture.debian));
    let mut command = Command::new("dpkg-deb");
    command
        .args(["--build", "--root-owner-group"])
        .arg(&tree.0)
        .arg(&deb);
    run_to_end(&mut command)?;
    for made in [&tree.0, &manuals] {
        std::fs::remove_dir_all(made).map_err(|error| error.to_string())?;
    }
    Ok(deb)
}

/// What dpkg is to know: the package, its size, and the hashes with which `dpkg --verify` checks it.
fn control(architecture: &Architecture, tree: &Tree) -> Done {
    let mut command = Command::new("du");
    let size = run_to_end(command.args(["-sk", "--apparent-size"]).arg(&tree.0))?;
    let size = size.split_whitespace().next().unwrap_or("0");
    let control = format!(
        "Package: coroner\nVersion: {VERSION}\nArchitecture: {}\nInstalled-Size: {size}\n\
         Section: admin\nPriority: optional\n\
         Maintainer: The coroner project <coroner@localhost>\n\
         Description: offline forensics and recovery for containerd nodes\n \
         Reads what containerd and runc left on a disk, without a daemon: what is broken,\n \
         what a start of containerd would do, and what is safe to do.\n",
        architecture.debian
    );
    let mut command = Command::new("sh");
    let list = "find usr -type f | LC_ALL=C sort | xargs -d '\\n' md5sum";
    let hashes = run_to_end(command.current_dir(&tree.0).args(["-c", list]))?;
    tree.write("DEBIAN/control", control.as_bytes(), 0o644)?;
    tree.write("DEBIAN/md5sums", hashes.as_bytes(), 0o644)?;
    // Folders that the umask of the builder would close.
    let mut open = Command::new("find");
    open.arg(&tree.0)
        .args(["-type", "d", "-exec", "chmod", "0755", "{}", "+"]);
    run_to_end(&mut open).map(drop)
}
