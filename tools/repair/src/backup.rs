//! `coroner repair backup`: the last copies of the databases, to be run by a timer.
//!
//! A lost meta.db takes the names of images and the records of containers with it, and nothing
//! under containerd's root repeats them. A copy is a few MB, is made without a lock while the daemon runs.
//! `coroner repair plan --names-from` takes both out of it.
//!
//! ```text
//! DIR/2026-11-28T18-00-00Z/meta.db
//!                          overlayfs.metadata.db
//! ```

use std::io;
use std::path::{Path, PathBuf};

use cli::{Answer, EvidenceArgs, Exit, Failure, Out, Outcome, Pen};
use finding::{Severity, Text};
use node::{Copied, steady};
use serde::Serialize;

/// The largest database that is copied.
pub(crate) const LIMIT: u64 = 1 << 30;
/// How often a database is copied anew that was written to meanwhile.
const TRIES: usize = 5;

/// A database that was copied, or was not.
#[derive(Serialize)]
struct Copy {
    path: Text,
    bytes: Option<u64>,
    why_not: Option<String>,
}

/// What `backup` answers.
#[derive(Serialize)]
struct Backed {
    folder: PathBuf,
    copies: Vec<Copy>,
    deleted: Vec<PathBuf>,
    /// Older copies that would have been deleted, and have far more records than the new one.
    kept: Vec<PathBuf>,
    /// Roots of other installations, which were not copied.
    others: Vec<Text>,
}

impl Answer for Backed {
    const SCHEMA: &'static str = "repair-backup/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        pen.line(format_args!("Copied to {}:", cli::shown(&self.folder)))?;
        for copy in &self.copies {
            match (&copy.bytes, &copy.why_not) {
                (Some(bytes), None) => pen.line(format_args!("  {} ({bytes} bytes)", copy.path))?,
                (_, why) => pen.line(format_args!(
                    "  {} was not copied: {}",
                    copy.path,
                    why.as_deref().unwrap_or("it was not read")
                ))?,
            }
        }
        for folder in &self.deleted {
            pen.line(format_args!(
                "Deleted the older copy {}",
                cli::shown(folder)
            ))?;
        }
        for folder in &self.kept {
            pen.paragraph(
                "",
                &format!(
                    "Kept the older copy {}: it has more than twice as many images and containers as the new one. Delete it yourself once they are not needed any more.",
                    cli::shown(folder)
                ),
            )?;
        }
        for root in &self.others {
            pen.line(format_args!(
                "Not copied: the store at {root} (--root names it)"
            ))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.copies.iter().all(|copy| copy.why_not.is_none()) {
            Exit::CLEAN
        } else {
            Exit::FINDINGS
        }
    }
}

/// A copy of a database that is whole and sound, or why there is none.
pub(crate) fn sound(evidence: &evidence::Evidence, path: &Path) -> Result<Vec<u8>, String> {
    let mut why = String::new();
    for _ in 0..TRIES {
        let (source, copied) = steady(evidence, path, LIMIT).map_err(|why| why.to_string())?;
        if copied == Copied::Torn {
            "it was written to faster than it could be read".clone_into(&mut why);
            continue;
        }
        let bytes = source.bytes().to_vec();
        let opened = bolt::Db::open(view::View::new(&bytes));
        let Some(db) = opened.db else {
            return Err("it cannot be opened".to_owned());
        };
        let report = db.check();
        let damage = report.faults.iter().find(|found| {
            use finding::Fault as _;
            found.fault.severity() >= Severity::Damage
        });
        match damage {
            None => return Ok(bytes),
            Some(found) => why = format!("it is damaged: {}", found.fault),
        }
    }
    Err(why)
}

pub(crate) fn run(args: &EvidenceArgs, output: &Path, last: usize, out: &mut Out) -> Outcome {
    let now = cli::now().ok_or_else(|| Failure::usage("this machine's clock cannot be read"))?;
    let name = now
        .to_string()
        .chars()
        .map(|c| if c == ':' { '-' } else { c })
        .take(19)
        .collect::<String>();
    let folder = output.join(format!("{name}Z"));
    let evidence = evidence::Evidence::open(&args.evidence, &evidence::Options::default())
        .map_err(|error| Failure::unread(format!("{} {}", error.path, error.why)))?;
    let roots = crate::request::roots(&evidence, &args.places)?;
    let is_said = args.places.root.is_some();
    let others = node::discover(&evidence, &node::Said::default());
    let others = others
        .iter()
        .filter(|other| other.root != roots.root && !is_said);
    let others = others.map(|other| node::path_text(&other.root)).collect();
    let failed = |what: &Path, error: &io::Error| {
        Failure::unread(format!("{} cannot be written: {error}", cli::shown(what)))
    };
    let mut databases = vec![(
        roots.root.join(node::META_DIR).join("meta.db"),
        "meta.db".to_owned(),
    )];
    let entries = evidence.list(&roots.root);
    for entry in entries.read().into_iter().flatten() {
        if let Some(name) = entry
            .name
            .utf8()
            .and_then(|name| name.strip_prefix("io.containerd.snapshotter.v1."))
        {
            let path = roots
                .root
                .join(format!("io.containerd.snapshotter.v1.{name}/metadata.db"));
            if !evidence.stat(&path).is_err_and(|why| why.is_absent()) {
                databases.push((path, format!("{name}{}", crate::given::BACKEND)));
            }
        }
    }
    let staged = output.join(format!(".{name}.new"));
    make(&staged).map_err(|error| failed(&staged, &error))?;
    let mut copies = Vec::new();
    for (path, name) in databases {
        let mut copy = Copy {
            path: node::path_text(&path),
            bytes: None,
            why_not: None,
        };
        match sound(&evidence, &path) {
            Ok(bytes) => {
                write(&staged.join(name), &bytes).map_err(|error| failed(&staged, &error))?;
                copy.bytes = u64::try_from(bytes.len()).ok();
            }
            Err(why) => copy.why_not = Some(why),
        }
        copies.push(copy);
    }
    std::fs::rename(&staged, &folder).map_err(|error| failed(&folder, &error))?;
    // A copy that is not whole pushes no whole one out.
    let is_whole = copies.iter().all(|copy| copy.why_not.is_none());
    let Pruned { deleted, kept } =
        prune(output, last, is_whole).map_err(|error| failed(output, &error))?;
    out.answer(&Backed {
        folder,
        copies,
        deleted,
        kept,
        others,
    })
}

fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    if std::fs::symlink_metadata(folder).is_ok() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A name that `backup` gives: `2026-11-28T18-00-00Z`.
fn is_copy(name: &str) -> bool {
    let shape = b"0000-00-00T00-00-00Z";
    name.len() == shape.len()
        && name.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        })
}

/// What became of older copies.
#[derive(Debug, Default, PartialEq, Eq)]
struct Pruned {
    deleted: Vec<PathBuf>,
    kept: Vec<PathBuf>,
}

/// Deletes all copies but the last ones; nothing that has another name. Copies without a meta.db count for
/// themselves, and are all that goes where the new copy is not whole. A copy that has far more records than the new
/// one stays: a node that was emptied by a mistake is copied, too.
fn prune(output: &Path, last: usize, is_whole: bool) -> io::Result<Pruned> {
    let (mut whole, mut partial) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(output)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(is_copy);
        if is_ours && entry.file_type()?.is_dir() {
            let meta = std::fs::symlink_metadata(entry.path().join("meta.db"));
            let kind = if meta.is_ok() {
                &mut whole
            } else {
                &mut partial
            };
            kind.push(entry.path());
        }
    }
    whole.sort();
    partial.sort();
    let newest = whole.last().map_or(0, |folder| weight(folder));
    let older = |found: &mut Vec<PathBuf>| {
        found.truncate(found.len().saturating_sub(last.max(1)));
    };
    older(&mut whole);
    older(&mut partial);
    let mut pruned = Pruned::default();
    if is_whole {
        for folder in whole {
            let is_richer = weight(&folder) > newest.saturating_mul(2);
            if is_richer {
                pruned.kept.push(folder);
            } else {
                pruned.deleted.push(folder);
            }
        }
    }
    pruned.deleted.extend(partial);
    for folder in &pruned.deleted {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(pruned)
}

/// How many images and containers a copy has.
fn weight(folder: &Path) -> usize {
    let tree = crate::request::bytes(&folder.join("meta.db"));
    let tree = tree.ok().and_then(|bytes| repair::Tree::of_bytes(&bytes));
    let spaces = tree.as_ref().and_then(|tree| tree.at(&["v1"]));
    let mut count = 0_usize;
    for (_, space) in spaces.into_iter().flat_map(repair::Tree::buckets) {
        for kind in ["images", "containers"] {
            let all = space
                .at(&[kind])
                .into_iter()
                .flat_map(repair::Tree::buckets);
            count = count.saturating_add(all.count());
        }
    }
    count
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "tests look at files of their own"
)]
mod tests {
    use super::*;

    #[test]
    fn only_copies_are_deleted_and_the_last_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |day: usize| folder.path().join(format!("2026-01-0{day}T00-00-00Z"));
        let copy = |day: usize, images: usize| {
            make(&at(day)).unwrap();
            let mut tree = repair::Tree::default();
            for number in 0..images {
                tree.make(&["v1", "default", "images", &format!("i{number}")]);
            }
            let bytes = tree.write(bolt::Layout::default()).unwrap();
            write(&at(day).join("meta.db"), &bytes).unwrap();
        };
        make(&folder.path().join("notes")).unwrap();
        copy(1, 5);
        copy(2, 4);
        // Without a meta.db, which was damaged on those days.
        for day in 3..6 {
            make(&at(day)).unwrap();
        }
        let only_partial = prune(folder.path(), 2, false).unwrap();
        assert_eq!(only_partial.deleted, [at(3)]);
        copy(6, 4);
        let pruned = prune(folder.path(), 2, true).unwrap();
        assert_eq!((pruned.deleted, pruned.kept), (vec![at(1)], vec![]));
        // The node was emptied: what it was before stays.
        copy(7, 1);
        copy(8, 1);
        let pruned = prune(folder.path(), 2, true).unwrap();
        assert_eq!((pruned.deleted, pruned.kept), (vec![], vec![at(2), at(6)]));
        assert!(folder.path().join("notes").is_dir());
    }
}
