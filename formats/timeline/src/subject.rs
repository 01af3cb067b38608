//! Something that has times: an object of a database, a file, a log, a task.

use bolt::{Confidence, Status};
use evidence::Stat;
use finding::{Text, Time};
use serde::Serialize;

/// What happened at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// A record says when the object was made.
    Created,
    /// A record says when it was changed.
    Updated,
    /// It was started.
    Started,
    /// It ended.
    Finished,
    /// A log was put aside under a name that holds this time.
    Rotated,
    /// A line of a log says so.
    Said,
    /// It may be collected from then on.
    Expires,
    /// The contents of a file were changed.
    Modified,
    /// A file was read.
    Accessed,
    /// The inode of a file was changed.
    Changed,
    /// A file was made.
    Born,
}

impl What {
    /// Its word in the text.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Rotated => "rotated",
            Self::Said => "said",
            Self::Expires => "expires",
            Self::Modified => "modified",
            Self::Accessed => "accessed",
            Self::Changed => "changed",
            Self::Born => "born",
        }
    }

    /// As Plaso and Timesketch call it.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Created | Self::Born => "Creation Time",
            Self::Updated => "Update Time",
            Self::Started => "Start Time",
            Self::Finished => "End Time",
            Self::Rotated => "Rotation Time",
            Self::Said => "Event Logged",
            Self::Expires => "Expiration Time",
            Self::Modified => "Content Modification Time",
            Self::Accessed => "Last Access Time",
            Self::Changed => "Metadata Modification Time",
        }
    }
}

/// Which store says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// meta.db
    Meta,
    /// metadata.db of a snapshotter
    Snapshotter,
    /// The content store
    Content,
    /// Files of containers
    Files,
    /// The CRI plugin's status files
    Cri,
    /// Logs of containers, and what the daemons said
    Logs,
    /// runc's state, bundles and sockets of shims
    Runtime,
    /// Results and addresses of CNI plugins
    Network,
    /// Configuration
    Config,
    /// The files of the databases
    Databases,
}

impl Store {
    /// Every store, in the order in which they are named.
    pub const ALL: [Self; 10] = [
        Self::Meta,
        Self::Snapshotter,
        Self::Content,
        Self::Files,
        Self::Cri,
        Self::Logs,
        Self::Runtime,
        Self::Network,
        Self::Config,
        Self::Databases,
    ];

    /// Its word in the text and in filters.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Snapshotter => "snapshotter",
            Self::Content => "content",
            Self::Files => "files",
            Self::Cri => "cri",
            Self::Logs => "logs",
            Self::Runtime => "runtime",
            Self::Network => "network",
            Self::Config => "config",
            Self::Databases => "databases",
        }
    }
}

/// How something is known that the tree in use does not have.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// `previous-tree`: the tree of the transaction before; `carved`: pages that no tree has.
    pub from: &'static str,
    /// What became of it.
    pub status: Status,
    /// How much can be said for name and contents together.
    pub confidence: Confidence,
    /// The page that holds its key.
    pub page: u64,
    /// Where that stands in the file.
    #[serde(serialize_with = "finding::hex_number")]
    pub offset: u64,
    /// Its page was not freed before this transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freed_from: Option<u64>,
    /// Its page was freed by this transaction at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freed_until: Option<u64>,
}

impl Recovered {
    /// What became of it, in a word.
    pub const fn word(&self) -> &'static str {
        match self.status {
            Status::Deleted => "deleted",
            Status::Older => "older",
            Status::Uncommitted => "uncommitted",
            Status::Unplaced => "deleted or older",
            Status::Unknown => "unknown whether deleted",
            Status::Live => "live",
        }
    }

    /// How sure that is, in a word.
    pub const fn confidence_word(&self) -> &'static str {
        match self.confidence {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
            Confidence::Exact => "exact",
        }
    }
}

/// Something that has times.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which store says it.
    pub store: Store,
    /// What it is: `container`, `image`, `file`, `directory`, `whiteout`, `log`, …
    pub kind: &'static str,
    /// containerd's namespace.
    pub namespace: Option<Text>,
    /// Its name: an id, a key, a digest, a path.
    pub name: Text,
    /// Whether that is not known.
    pub is_nameless: bool,
    /// The snapshotter, where there is one.
    pub snapshotter: Option<Text>,
    /// The container that it belongs to.
    pub container: Option<Text>,
    /// The image that it is of, by name.
    pub image: Option<Text>,
    /// The digest that it names.
    pub digest: Option<Text>,
    /// Where it lies in the evidence.
    pub place: Option<Text>,
    /// Of a link, where it leads.
    pub target: Option<Text>,
    /// What `lstat` says of it, if it is a file.
    pub stat: Option<Stat>,
    /// What more there is to say, for people.
    pub more: String,
    /// How it is known, if the tree in use does not have it.
    pub recovered: Option<Recovered>,
    /// Its times.
    pub times: Vec<(What, Time)>,
}

impl Subject {
    /// Something without any times yet.
    pub fn new(store: Store, kind: &'static str, name: impl Into<Text>) -> Self {
        Self {
            store,
            kind,
            namespace: None,
            name: name.into(),
            is_nameless: false,
            snapshotter: None,
            container: None,
            image: None,
            digest: None,
            place: None,
            target: None,
            stat: None,
            more: String::new(),
            recovered: None,
            times: Vec::new(),
        }
    }

    /// A file of the evidence, with the times that are known of it.
    pub fn file(store: Store, kind: &'static str, place: &Text, stat: &Stat) -> Self {
        let mut subject = Self::new(store, kind, place.clone());
        subject.place = Some(place.clone());
        subject.stat(stat);
        subject
    }

    /// Takes the times of a file.
    pub fn stat(&mut self, stat: &Stat) {
        if !stat.only_kind {
            let times = [
                (What::Modified, Some(stat.mtime)),
                (What::Accessed, stat.atime),
                (What::Changed, stat.ctime),
                (What::Born, stat.btime),
            ];
            let known = times
                .into_iter()
                .filter_map(|(what, time)| Some((what, time?)));
            self.times.extend(known);
        }
        self.stat = Some(stat.clone());
    }

    /// Adds a time, if there is one that says something: Go's zero time does not.
    pub fn at(&mut self, what: What, time: Option<Time>) {
        const YEAR_1: i64 = -62_135_596_800;
        self.times.extend(
            time.filter(|time| time.seconds > YEAR_1)
                .map(|time| (what, time)),
        );
    }

    /// What it is, in one line.
    pub fn message(&self) -> String {
        let space = self
            .namespace
            .as_ref()
            .filter(|_| !matches!(self.store, Store::Files | Store::Logs))
            .map_or_else(String::new, |space| format!("{space}/"));
        let owner = match (&self.container, self.store) {
            (Some(container), Store::Files) => {
                let space = self.namespace.as_ref();
                let space = space.map_or_else(String::new, |space| format!("{space}/"));
                format!(" of container {space}{container}")
            }
            _ => String::new(),
        };
        let target = self
            .target
            .as_ref()
            .map_or_else(String::new, |target| format!(" -> {target}"));
        let more = if self.more.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.more)
        };
        let name = &self.name;
        let said = format!("{} {space}{name}{target}{owner}{more}", self.kind);
        match &self.recovered {
            None => said,
            Some(found) => format!("{said} [{}]", found.said()),
        }
    }

    /// The times that are the same, each with all that happened then.
    pub fn moments(&self) -> Vec<(Time, Vec<What>)> {
        let mut times = self.times.clone();
        times.sort_unstable_by_key(|(what, time)| (*time, *what));
        times.dedup();
        let mut moments: Vec<(Time, Vec<What>)> = Vec::new();
        for (what, time) in times {
            match moments.last_mut() {
                Some((last, whats)) if *last == time => whats.push(what),
                _ => moments.push((time, vec![what])),
            }
        }
        moments
    }
}

impl Recovered {
    fn said(&self) -> String {
        let freed = match (self.freed_from, self.freed_until) {
            (Some(from), Some(until)) if from == until => format!(", freed by transaction {until}"),
            (_, Some(until)) => format!(", freed by transaction {until} or before"),
            _ => String::new(),
        };
        let from = match self.from {
            "carved" => "carved from",
            _ => "in the tree before, on",
        };
        format!(
            "{}: {from} page {} at {:#x}{freed}; confidence {}",
            self.word(),
            self.page,
            self.offset,
            self.confidence_word()
        )
    }
}
