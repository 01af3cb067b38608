//! What the user gives beside the node: lists of names, and older copies of the databases.
//!
//! ```text
//! FILE                    JSON of kubectl or crictl, lines of `NAME DIGEST`
//! DIR/meta.db             a copy; with it, DIR/<snapshotter>.metadata.db as `backup --into` writes them
//! DIR                     one of those folders, the folder that they are in, or a directory that is a node
//! FILE                    a bundle, a tar of a node
//! FILE, DIR               an archive of `docker save`, an OCI layout
//! ```

use std::path::{Path, PathBuf};

use cli::{Failure, PlaceArgs};
use evidence::{Evidence, Options};
use repair::Copied;
use repair::names::{self, Named};

use crate::{backup, request};

/// The most bytes of a database.
const LIMIT: u64 = 1 << 30;
/// What `backup --into` calls a copy of a snapshotter's database.
pub(crate) const BACKEND: &str = ".metadata.db";

/// What was given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) names: Vec<Named>,
    pub(crate) copy: Option<Copied>,
}

/// Reads what is at `path`.
pub(crate) fn read_given(path: &Path) -> Result<Given, Failure> {
    let shown = cli::shown(path);
    let inside = path.join("meta.db");
    let is_copy = std::fs::symlink_metadata(&inside).is_ok_and(|meta| meta.is_file());
    let file = if is_copy { inside } else { path.to_owned() };
    let is_dir = std::fs::metadata(&file).is_ok_and(|meta| meta.is_dir());
    // The folder of all copies: the newest that can be read.
    let copies = backup::copies_in(&file).unwrap_or_default();
    if backup::are_of_several(&copies) {
        return Err(
            Failure::usage(format!("{shown}: copies of more than one node are in it"))
                .hint("name one of its folders: its node.txt says whose it is"),
        );
    }
    let mut newest = copies.iter().rev();
    if let Some(given) = newest.find_map(|copy| read_given(copy).ok()) {
        return Ok(given);
    }
    let error = if is_dir {
        "it is a folder without a copy".to_owned()
    } else if is_packed(&file) {
        // Images are large: nothing of them is read but their lists.
        "it is an archive of neither a node nor images".to_owned()
    } else {
        let bytes = request::bytes(&file)?;
        match names::read_names(&bytes, &shown) {
            Ok(names) => {
                let copy = Copied::read_copy(&bytes, &beside(&file), &whole(path));
                if !names.is_empty() || copy.is_some() {
                    return Ok(Given { names, copy });
                }
                "no name of an image with its digest is in it".to_owned()
            }
            Err(error) => error.to_string(),
        }
    };
    if let Some(given) = of_node(path, &shown) {
        return Ok(given);
    }
    Err(Failure::usage(format!("{shown}: {error}")).hint(
        "give JSON of kubectl or crictl, a copy of meta.db, a bundle, an archive of images, or lines of `NAME DIGEST`",
    ))
}

/// Whether it is a tar, or packed as one may be.
fn is_packed(file: &Path) -> bool {
    use std::io::Read as _;
    let mut first = Vec::new();
    let read = evidence::open_archive(file).map(|file| file.take(512).read_to_end(&mut first));
    let is_tar = first.get(257..262) == Some(b"ustar");
    let packed: [&[u8]; 2] = [&[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]];
    matches!(read, Ok(Ok(_))) && (is_tar || packed.iter().any(|magic| first.starts_with(magic)))
}

/// The path as a plan can find it again.
fn whole(path: &Path) -> String {
    let whole = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole.display().to_string()
}

/// Copies of metadata.db in the folder of a copy of meta.db.
fn beside(meta: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = meta.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(BACKEND))
            && let Ok(bytes) = request::bytes(&entry.path())
        {
            found.push((name.to_owned(), bytes));
        }
    }
    found.sort();
    found
}

/// The databases of a node: a bundle, a tar, a directory; else what an archive of images says.
fn of_node(path: &Path, shown: &str) -> Option<Given> {
    let evidence = Evidence::open(path, &Options::default()).ok()?;
    let names = names::of_archive(&evidence, shown);
    if !names.is_empty() {
        return Some(Given { names, copy: None });
    }
    let roots = request::roots(&evidence, &PlaceArgs::default()).ok()?;
    let meta: PathBuf = roots.root.join(node::META_DIR).join("meta.db");
    let node = node::Node::open(&evidence, roots, node::Options::default());
    let names = names::of_meta(node.meta.rows.as_ref()?, shown);
    let bytes = |path: &Path| {
        let source = evidence.source(path, LIMIT).ok()?;
        Some(source.bytes().to_vec())
    };
    let backends: Vec<(String, Vec<u8>)> = node
        .snapshotters
        .iter()
        .filter_map(|one| {
            let bytes = bytes(&one.root.join("metadata.db"))?;
            Some((one.name.to_string(), bytes))
        })
        .collect();
    let copy = bytes(&meta).and_then(|meta| Copied::read_copy(&meta, &backends, &whole(path)));
    Some(Given { names, copy })
}

/// The copies of a plan, as they were when it was made.
pub(crate) fn again(copies: &[(String, String)]) -> Result<Vec<Copied>, Failure> {
    let one = |(from, sha256): &(String, String)| {
        let copy = read_given(Path::new(from))?.copy;
        copy.filter(|copy| copy.sha256 == *sha256).ok_or_else(|| {
            Failure::unread(format!(
                "the copy {} is not what it was when the plan was made; nothing has been done",
                cli::shown(Path::new(from))
            ))
            .hint("plan again")
        })
    };
    copies.iter().map(one).collect()
}
