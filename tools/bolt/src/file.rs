//! The file that a verb looks at.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use bolt::PageSource;
use cli::Failure;
use evidence::{Evidence, Kind, Lock, Options, Pages, Source};
use finding::{Draft, Escaped, Text, Unread};
use view::Span;

/// Which file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FileArgs {
    /// The database: a file, or with --in its path inside a node
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The node that holds it: a directory, a bundle, a tar
    #[arg(long = "in", value_name = "NODE")]
    node: Option<PathBuf>,
}

/// A database file, read in pieces.
pub(crate) struct File {
    pages: Pages,
    data: Vec<Span>,
}

impl FileArgs {
    /// The evidence that holds the file, and the path inside it.
    fn evidence(&self) -> Result<(Evidence, PathBuf), Failure> {
        let (root, path) = match (&self.node, self.file.parent(), self.file.file_name()) {
            (Some(node), ..) => (node.clone(), self.file.clone()),
            (None, Some(parent), Some(name)) => {
                let here = parent.as_os_str().is_empty();
                let parent = if here { Path::new(".") } else { parent };
                (parent.to_path_buf(), Path::new("/").join(name))
            }
            _ => return Err(Failure::usage(format!("{} is not a file", self.shown()))),
        };
        let opened = Evidence::open(&root, &Options::default());
        let evidence = opened.map_err(|error| {
            Failure::unread(format!("{} {}", error.path, error.why)).hint("name a database file")
        })?;
        Ok((evidence, path))
    }

    /// A command that works on it.
    pub(crate) fn named(&self, draft: Draft) -> Draft {
        let draft = match &self.node {
            Some(node) => draft.value("--in", node.as_os_str().as_bytes()),
            None => draft,
        };
        draft.operand(self.file.as_os_str().as_bytes())
    }

    /// The last part of its path.
    fn name(&self) -> Option<&std::ffi::OsStr> {
        self.file.file_name()
    }

    /// Whether it is called as containerd calls its databases.
    pub(crate) fn is_named_as_containerd_does(&self) -> bool {
        let name = self.name();
        name.is_some_and(|name| name == "meta.db" || name == "metadata.db")
    }

    /// The node that holds it, as `preflight` takes it: what was given, or what is above the usual
    /// place of containerd's root.
    pub(crate) fn node(&self) -> Option<PathBuf> {
        if let Some(node) = &self.node {
            return Some(node.clone());
        }
        let root = self.file.parent()?.parent()?;
        let node = root.ancestors().nth(3)?;
        let is_usual = root.ends_with("var/lib/containerd") && !node.as_os_str().is_empty();
        let node = if is_usual { node } else { root };
        Some(node.to_path_buf()).filter(|_| !root.as_os_str().is_empty())
    }

    /// Locks on the file, if it is one of this machine: a capture's are not known.
    pub(crate) fn locks(&self) -> Option<Vec<Lock>> {
        let (evidence, path) = self.evidence().ok()?;
        if evidence.kind() != Kind::Directory {
            return None;
        }
        let pages = evidence.pages(&path).ok()?;
        evidence::locks(&pages.stat)
    }

    /// Another file of the same kind.
    pub(crate) fn beside(&self, file: PathBuf) -> Self {
        let node = self.node.clone();
        Self { file, node }
    }

    /// Opens it for reading in pieces.
    pub(crate) fn open(&self) -> Result<File, Failure> {
        let pages = self.pages()?;
        let data = pages.data().collect();
        Ok(File { pages, data })
    }

    /// The file, to be read in pieces.
    pub(crate) fn pages(&self) -> Result<Pages, Failure> {
        let (evidence, path) = self.evidence()?;
        evidence.pages(&path).map_err(|why| self.unread(&why))
    }

    /// Reads all that trees can use of it, for verbs that go from key to key.
    pub(crate) fn whole(&self) -> Result<Source, Failure> {
        let (evidence, path) = self.evidence()?;
        let file = self.open()?;
        let whole = || evidence.source_as_is(&path, TREES);
        let source = match file.reach() {
            // One that is written to meanwhile is read again, which only a whole one is.
            Some(reach) if reach < file.len() => file.start(reach).or_else(|_| whole()),
            _ => whole(),
        };
        source.map_err(|why| self.unread(&why))
    }

    /// What to say where it cannot be read.
    pub(crate) fn unread(&self, why: &Unread) -> Failure {
        Failure::unread(format!("{} {why}", self.shown()))
    }

    /// Its path, harmless to show.
    pub(crate) fn shown(&self) -> Text {
        Text::from(self.file.as_os_str().as_encoded_bytes())
    }
}

/// The largest trees that are gone through from key to key.
const TREES: u64 = 1 << 30;
/// By so much the library lets a file grow at a time.
const GROWTH: u64 = 16 << 20;

/// How much of a file is worth reading: behind its last data there is nothing but a hole.
pub(crate) fn used(len: u64, data: impl Iterator<Item = Span>) -> u64 {
    let end = data.map(Span::end).max().unwrap_or(0).max(1);
    end.checked_next_multiple_of(GROWTH).unwrap_or(len).min(len)
}

impl File {
    /// How much of it trees can use, if a meta says so.
    fn reach(&self) -> Option<u64> {
        bolt::metas_of(self).ok()?.reach()
    }

    /// Its first `len` bytes.
    fn start(&self, len: u64) -> Result<Source, Unread> {
        if len > TREES {
            let (size, limit) = (len, TREES);
            return Err(Unread::TooLarge { size, limit });
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.read_at(0, &mut bytes)?;
        self.unchanged()?;
        Ok(Source::from_bytes(self.pages.path.clone(), bytes))
    }

    /// How much of it is worth reading.
    pub(crate) fn used(&self) -> u64 {
        used(self.len(), self.data.iter().copied())
    }

    /// Permission bits of the file.
    pub(crate) const fn mode(&self) -> u32 {
        self.pages.stat.mode
    }

    /// Whether it is still as it was when it was opened.
    pub(crate) fn unchanged(&self) -> Result<(), Unread> {
        self.pages.unchanged()
    }
}

impl PageSource for File {
    fn len(&self) -> u64 {
        self.pages.len()
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), Unread> {
        let count = self.pages.read_at(at, into)?;
        if count == into.len() {
            Ok(())
        } else {
            Err(Unread::Changed)
        }
    }

    fn data(&self, from: u64) -> Option<Span> {
        let after = self.data.partition_point(|data| data.end() <= from);
        let data = self.data.get(after)?;
        let start = data.start.max(from);
        Some(Span::new(start, data.end().saturating_sub(start)))
    }
}

/// Bytes as a key is shown: as text if they are, else in hex.
pub(crate) fn key(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.contains('\0') => Escaped(bytes).to_string(),
        _ => format!("0x{}", hex::encode(bytes)),
    }
}
