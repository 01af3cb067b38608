//! `coroner repair backup`: the last copies of the databases, to be run by a timer.
//!
//! A lost meta.db takes the names of images and the records of containers with it, and nothing
//! under containerd's root repeats them. A copy is a few MB, is made without a lock while the daemon runs.
//! `coroner repair plan --names-from` takes both out of it.
//!
//! ```text
//! DIR/2026-11-28T18-00-00Z/meta.db
//!                          overlayfs.metadata.db
//!                          node.txt                 whose they are
//! ```
//!
//! Copies of several nodes may lie in one folder: each node's are counted for themselves.

use std::io;
use std::path::{Path, PathBuf};

use cli::{Answer, EvidenceArgs, Exit, Failure, Out, Outcome, Pen};
use finding::{Count, Severity, Text};
use node::{Copied, steady};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

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
    /// Copies that do not say which node they are of.
    unsaid: usize,
    /// What looks like a loss since an older copy, which is kept then.
    lost: Option<String>,
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
        if let Some(lost) = &self.lost {
            pen.paragraph(
                "",
                &format!(
                    "An older copy has more: {lost}. Older copies that have much more than this one are \
                     kept: look at the node with `coroner triage` before containerd is started again. \
                     Delete them by hand if the node was emptied on purpose."
                ),
            )?;
        }
        if self.unsaid > 0 {
            let copies = Count(self.unsaid, "older copy");
            pen.paragraph(
                "",
                &format!(
                    "{copies} in this folder: not known of which node. Nothing of them is deleted."
                ),
            )?;
        }
        for folder in &self.deleted {
            pen.line(format_args!(
                "Deleted the older copy {}",
                cli::shown(folder)
            ))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.lost.is_none() && self.copies.iter().all(|copy| copy.why_not.is_none()) {
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
    let all = crate::request::installations(&evidence, &args.places)?;
    let failed = |what: &Path, error: &io::Error| {
        Failure::unread(format!("{} cannot be written: {error}", cli::shown(what)))
    };
    let owner = owner(&evidence, &all);
    // Two nodes may write here at the same time.
    let id = owner.split_whitespace().next().unwrap_or_default();
    let staged = output.join(format!(".{name}.{id}.new"));
    make(&staged).map_err(|error| failed(&staged, &error))?;
    let mut copies = Vec::new();
    for (number, roots) in all.iter().enumerate() {
        // The first one's lie at the top, as one alone has them.
        let within = match number {
            0 => staged.clone(),
            _ => staged.join(format!(
                "{number}-{}",
                roots.whose.replace([' ', '(', ')'], "")
            )),
        };
        make_folder(&within).map_err(|error| failed(&within, &error))?;
        for (path, name) in databases(&evidence, roots) {
            let mut copy = Copy {
                path: node::path_text(&path),
                bytes: None,
                why_not: None,
            };
            match sound(&evidence, &path) {
                Ok(bytes) => {
                    let file = within.join(name);
                    write(&file, &bytes).map_err(|error| failed(&file, &error))?;
                    copy.bytes = u64::try_from(bytes.len()).ok();
                }
                Err(why) => copy.why_not = Some(why),
            }
            copies.push(copy);
        }
    }
    let file = staged.join(OWNER);
    write(&file, owner.as_bytes()).map_err(|error| failed(&file, &error))?;
    let there = copies_in(output).map_err(|error| failed(output, &error))?;
    let unsaid = there.iter().filter(|copy| owner_of(copy).is_none()).count();
    let before: Vec<PathBuf> = there
        .into_iter()
        .filter(|copy| owner_of(copy).is_some_and(|of| is_same(&of, &owner)))
        .collect();
    let missed = before
        .iter()
        .rev()
        .find_map(|copy| lost_since(copy, &staged));
    if std::fs::symlink_metadata(&folder).is_ok() {
        return Err(Failure::usage(format!(
            "{} is there already",
            cli::shown(&folder)
        )));
    }
    std::fs::rename(&staged, &folder).map_err(|error| failed(&folder, &error))?;
    // One that is not whole pushes out only others without a meta.db.
    let is_whole = copies.iter().all(|copy| copy.why_not.is_none());
    let may_go = before
        .into_iter()
        .filter(|copy| is_whole || std::fs::symlink_metadata(copy.join("meta.db")).is_err());
    let may_go: Vec<PathBuf> = may_go.collect();
    let deleted = prune(&may_go, &folder, last).map_err(|error| failed(output, &error))?;
    out.answer(&Backed {
        folder,
        copies,
        deleted,
        unsaid,
        lost: missed,
    })
}

/// The file of a copy that says whose it is.
const OWNER: &str = "node.txt";

/// Whose copies these are: a name for people, and what tells one node from another.
fn owner(evidence: &evidence::Evidence, all: &[node::Roots]) -> String {
    let text = |path: &str| {
        let source = evidence.document(Path::new(path), 4096).ok()?;
        let text = String::from_utf8_lossy(source.bytes()).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let host = text("/etc/hostname");
    let machine = text("/etc/machine-id")
        .or_else(|| host.clone())
        .unwrap_or_else(|| evidence.name().to_string());
    // systemd wants the machine's id to be hashed before it is stored elsewhere.
    let mut hash = Sha256::new();
    hash.update(b"coroner repair backup\0");
    hash.update(machine.as_bytes());
    for roots in all {
        hash.update(b"\0");
        hash.update(node::path_text(&roots.root).bytes());
    }
    let id = hex::encode(hash.finalize());
    let host = host.unwrap_or_else(|| "-".to_owned());
    let host = finding::Escaped(host.as_bytes());
    format!("{} {host}\n", id.get(..16).unwrap_or(&id))
}

/// Whose a copy is, if it says so.
fn owner_of(copy: &Path) -> Option<String> {
    let bytes = crate::request::bytes(&copy.join(OWNER)).ok()?;
    String::from_utf8(bytes).ok()
}

/// Whether copies of more than one node are among them, as far as they say it.
pub(crate) fn are_of_several(copies: &[PathBuf]) -> bool {
    let mut owners = copies.iter().filter_map(|copy| owner_of(copy));
    let first = owners.next();
    first.is_some_and(|first| owners.any(|other| !is_same(&first, &other)))
}

/// A node may get another name.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().next() == other.split_whitespace().next()
}

/// The version of the schema of a copy's meta.db.
fn schema_of(copy: &Path) -> Option<i64> {
    let bytes = crate::request::bytes(&copy.join("meta.db")).ok()?;
    let opened = bolt::Db::open(view::View::new(&bytes));
    metadb::MetaDb::read_meta(&opened.db?).version
}

/// The databases of an installation, and what their copies are called.
fn databases(evidence: &evidence::Evidence, roots: &node::Roots) -> Vec<(PathBuf, String)> {
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
    databases
}

/// Records that a meta.db has: images, containers, snapshots.
fn records_of(meta: &Path) -> Option<[usize; 3]> {
    let bytes = crate::request::bytes(meta).ok()?;
    let opened = bolt::Db::open(view::View::new(&bytes));
    let rows = metadb::MetaDb::read_meta(&opened.db?);
    let mut found = [0_usize; 3];
    for namespace in rows.namespaces() {
        let snapshots = namespace.snapshots.read().into_iter().flatten();
        let counts = [
            namespace.images.read().map_or(0, Vec::len),
            namespace.containers.read().map_or(0, Vec::len),
            snapshots
                .map(|all| all.rows.read().map_or(0, Vec::len))
                .sum(),
        ];
        for (sum, count) in found.iter_mut().zip(counts) {
            *sum = sum.saturating_add(count);
        }
    }
    Some(found)
}

/// What the newest copy before this one has and this one lacks, where that looks like a loss: a whole
/// database, or more than half of the records of a kind.
fn lost_since(before: &Path, now: &Path) -> Option<String> {
    let kept = files_of(before)?;
    let is_gone = |name: &&PathBuf| std::fs::symlink_metadata(now.join(name)).is_err();
    if let Some(gone) = kept.iter().find(is_gone) {
        return Some(format!("{} is not in this one", gone.display()));
    }
    for name in kept.iter().filter(|name| name.ends_with("meta.db")) {
        let (Some(old), Some(new)) = (records_of(&before.join(name)), records_of(&now.join(name)))
        else {
            continue;
        };
        let kinds = ["images", "containers", "snapshots"];
        for ((kind, old), new) in kinds.iter().zip(old).zip(new) {
            // Two or three come and go.
            if old > 3 && new.saturating_mul(2) < old {
                return Some(format!(
                    "{} has {new} {kind} now, and had {old}",
                    name.display()
                ));
            }
        }
    }
    None
}

fn make(folder: &Path) -> io::Result<()> {
    if std::fs::symlink_metadata(folder).is_ok() {
        std::fs::remove_dir_all(folder)?;
    }
    make_folder(folder)
}

fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
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

/// Files of a copy, as paths below it; nothing where something else lies in it.
fn files_of(copy: &Path) -> Option<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(copy).ok()? {
        let entry = entry.ok()?;
        let name = entry.file_name();
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            for inner in std::fs::read_dir(entry.path()).ok()? {
                let inner = inner.ok()?;
                let is_file = inner.file_type().ok()?.is_file();
                files.push((Path::new(&name).join(inner.file_name()), is_file));
            }
        } else {
            files.push((PathBuf::from(name), kind.is_file()));
        }
    }
    let is_ours = |(path, is_file): &(PathBuf, bool)| {
        let name = path.file_name().and_then(|name| name.to_str());
        *is_file
            && name.is_some_and(|name| {
                name == "meta.db" || name == OWNER || name.ends_with(crate::given::BACKEND)
            })
    };
    let all = files.iter().all(is_ours);
    let files = files.into_iter().map(|(path, _)| path);
    all.then(|| files.filter(|path| *path != Path::new(OWNER)).collect())
}

/// The copies that lie in a folder, the oldest first by their names; nothing that holds anything else.
pub(crate) fn copies_in(output: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(output)? {
        let entry = entry?;
        let is_ours = entry.file_name().to_str().is_some_and(is_copy);
        if is_ours && entry.file_type()?.is_dir() && files_of(&entry.path()).is_some() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Deletes the oldest of the copies that were there before this run made one, so that `last` are left
/// with it. A clock that jumped may have given this run's an older name: it is not among them.
///
/// One that has much more than this run's stays: a node that was emptied by a mistake is copied, too. So does the last
/// one of an older schema.
fn prune(before: &[PathBuf], now: &Path, last: usize) -> io::Result<Vec<PathBuf>> {
    let more = before.len().saturating_add(1).saturating_sub(last.max(1));
    let mut old = before.get(..more).unwrap_or_default().to_vec();
    old.retain(|copy| lost_since(copy, now).is_none());
    // A newer release changes the schema for good: the last copy of before is the only way back.
    let newest = schema_of(now);
    let mut kept: Vec<Option<i64>> = Vec::new();
    let stay: Vec<PathBuf> = before
        .iter()
        .rev()
        .filter(|copy| {
            let schema = schema_of(copy);
            let is_last = schema < newest && schema.is_some() && !kept.contains(&schema);
            kept.push(schema);
            is_last
        })
        .cloned()
        .collect();
    old.retain(|copy| !stay.contains(copy));
    for folder in &old {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(old)
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
        let names = [
            "2026-01-01T00-00-00Z",
            "2026-01-02T00-00-00Z",
            "2026-01-03T00-00-00Z",
            "notes",
        ];
        for name in names {
            make(&folder.path().join(name)).unwrap();
        }
        // What somebody else put there is no copy of ours.
        let others = folder.path().join("2025-01-01T00-00-00Z");
        make(&others).unwrap();
        std::fs::write(others.join("mine.txt"), b"x").unwrap();
        let before = copies_in(folder.path()).unwrap();
        assert_eq!(before.len(), 3);
        let now = folder.path().join("2026-01-04T00-00-00Z");
        make(&now).unwrap();
        let deleted = prune(&before, &now, 3).unwrap();
        assert_eq!(deleted, [folder.path().join(names[0])]);
        assert!(folder.path().join("notes").is_dir() && others.join("mine.txt").is_file());
        // The last one alone: that of this run, whatever the clock named it.
        let left = [names[1], names[2]].map(|name| folder.path().join(name));
        write(&left[0].join("meta.db"), b"").unwrap();
        let deleted = prune(&left, &now, 1).unwrap();
        // The first has a database that the new one lacks.
        assert_eq!(deleted, [folder.path().join(names[2])]);
    }

    #[test]
    fn a_database_that_is_gone_is_a_loss() {
        let folder = tempfile::tempdir().unwrap();
        let (before, now) = (folder.path().join("a"), folder.path().join("b"));
        for copy in [&before, &now] {
            make(copy).unwrap();
            write(&copy.join("meta.db"), b"").unwrap();
        }
        assert_eq!(lost_since(&before, &now), None);
        write(&before.join("overlayfs.metadata.db"), b"").unwrap();
        let lost = lost_since(&before, &now).unwrap();
        assert!(lost.contains("overlayfs.metadata.db"), "{lost}");
    }
}
