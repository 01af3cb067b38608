//! Making a plan: reading the node, writing the new database in memory, judging it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bolt::{Db, Layout, Salvage, SalvageOptions};
use checks::start::predictions;
use checks::{Measured, judge};
use daemon::gc::{self, Fate};
use daemon::{Detected, Release, detect};
use evidence::{Change, Evidence};
use finding::{Text, Time, Unread};
use node::{DatabaseState, META_DIR, Node, Options, Roots, path_text};
use sha2::{Digest as _, Sha256};
use view::View;

use crate::complete::{split_key, unowned_layers};
use crate::names::Named;
use crate::plan::{Action, BringsBack, Foretold, Held, Input, Plan, PlanImage, SCHEMA, Step};
use crate::{Holds, Relics, Survivors, Tree, Wants, complete, mend, specs};

/// The largest meta.db that is rebuilt in memory.
const LIMIT: u64 = 1 << 30;

/// The newest schema that is known: what a newer release wrote is not rewritten.
const NEWEST_SCHEMA: i64 = 4;

/// Why no plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: String,
    /// What to do about it.
    pub hint: String,
}

impl Refused {
    pub(crate) fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            hint: hint.into(),
        }
    }
}

impl core::fmt::Display for Refused {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.why)
    }
}

impl core::error::Error for Refused {}

/// What a plan is made of.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where the stores are.
    pub roots: Roots,
    /// The time of the plan, which names it and which new records get.
    pub made_at: Time,
    /// Names of images.
    pub names: Vec<Named>,
    /// The release that will be started, where the user says it.
    pub release: Option<Detected>,
}

/// A plan, and the bytes of its new files by their names below the root.
#[derive(Debug)]
pub struct Made {
    /// The plan.
    pub plan: Plan,
    /// New files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Makes a plan for the node in `evidence`. Nothing is written; changes are staged in `evidence` while
/// the result is judged, and taken back.
///
/// # Errors
/// Where a repair could do harm, or where what it would rest on cannot be read.
pub fn make(evidence: &mut Evidence, request: &Request) -> Result<Made, Refused> {
    evidence.unstage();
    let made = Making::new(evidence, request)?.run(evidence);
    evidence.unstage();
    made
}

struct Making<'r> {
    request: &'r Request,
    node: Node,
    release: Detected,
    meta: PathBuf,
    plan: Plan,
}

fn id_of(request: &Request) -> String {
    let mut hash = Sha256::new();
    hash.update(request.made_at.to_string());
    hash.update(path_text(&request.roots.root).bytes());
    hex::encode(hash.finalize()).chars().take(12).collect()
}

impl<'r> Making<'r> {
    fn new(evidence: &Evidence, request: &'r Request) -> Result<Self, Refused> {
        let options = Options {
            now: Some(request.made_at),
            ..Options::default()
        };
        let node = Node::open(evidence, request.roots.clone(), options);
        let release = request
            .release
            .clone()
            .unwrap_or_else(|| detect(&node.traces));
        let plan = Plan {
            schema: SCHEMA.to_owned(),
            id: id_of(request),
            made_at: request.made_at.to_string(),
            node: None,
            config: None,
            daemon: None,
            root: path_text(&request.roots.root).to_string(),
            state: path_text(&request.roots.state).to_string(),
            release: release.name(),
            names: request.names.iter().map(named_line).collect(),
            inputs: Vec::new(),
            wrong: Vec::new(),
            steps: Vec::new(),
            brings_back: BringsBack::default(),
            edits: Vec::new(),
            lost: Vec::new(),
            held: Held::default(),
            unknown: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            collected: Vec::new(),
            bytes: 0,
        };
        let making = Self {
            meta: request.roots.root.join(META_DIR).join("meta.db"),
            request,
            node,
            release,
            plan,
        };
        making.refuse()?;
        Ok(making)
    }

    /// What makes every plan for this node a danger.
    fn refuse(&self) -> Result<(), Refused> {
        let meta = self.node.meta.rows.as_ref();
        if let Some(version) = meta
            .and_then(|meta| meta.version)
            .filter(|version| *version > NEWEST_SCHEMA)
        {
            return Err(Refused::new(
                format!(
                    "meta.db has schema version {version}, and coroner knows up to {NEWEST_SCHEMA}"
                ),
                "use a coroner that knows this release of containerd",
            ));
        }
        if let DatabaseState::Unread(why) = &self.node.meta.state
            && !matches!(why, Unread::Absent | Unread::Special("directory"))
        {
            return Err(Refused::new(
                format!("meta.db cannot be read: {why}"),
                "run it as root, on a disk without errors",
            ));
        }
        Ok(())
    }

    /// What a rebuilt meta.db would be blind to: a snapshotter whose rows are not all known loses
    /// every snapshot that no record names.
    fn refuse_blind(&self) -> Result<(), Refused> {
        for snapshotter in &self.node.snapshotters {
            let rows = snapshotter.db.rows.as_ref();
            let whole = match &snapshotter.db.state {
                DatabaseState::Open => {
                    rows.is_some_and(|rows| rows.snapshots.is_whole())
                        && !snapshotter.db.is_damaged()
                }
                DatabaseState::Empty | DatabaseState::Unread(Unread::Absent) => {
                    let layout = snapshotter.layout.whole();
                    layout.is_some_and(|layout| layout.dirs.is_empty() && layout.unread.is_none())
                }
                DatabaseState::Broken | DatabaseState::Unread(_) => false,
            };
            if !whole {
                return Err(Refused::new(
                    format!(
                        "meta.db would be rebuilt, and the store of the snapshotter {} at {} could not be read whole: \
                         its first clean-up would delete every snapshot that has no record",
                        snapshotter.name,
                        path_text(&snapshotter.root)
                    ),
                    "mount its disk, or repair its metadata.db first",
                ));
            }
        }
        if self.node.content.whole().is_none() {
            return Err(Refused::new(
                "meta.db would be rebuilt, and the content store could not be read whole",
                "run it as root, on a disk without errors",
            ));
        }
        Ok(())
    }

    fn run(mut self, evidence: &mut Evidence) -> Result<Made, Refused> {
        self.plan.before = foretold(&self.node, &self.release, self.request.made_at);
        let old = self.old_bytes(evidence)?;
        let (mut tree, layout, is_whole) = self.start(old.as_deref());
        let mut survivors = Survivors::default();
        if !is_whole {
            self.refuse_blind()?;
            if let Some(store) = self.node.content.whole() {
                survivors = Survivors::read(evidence, store);
            }
        }
        let specs = specs(evidence, &self.node);
        for edit in mend(&mut tree, &self.node, &specs, self.request.made_at) {
            let what = if edit.removed {
                "left out"
            } else {
                "set right"
            };
            self.plan
                .edits
                .push(format!("{} is {what}: {}", edit.record, edit.why));
            if edit.removed {
                self.plan
                    .lost
                    .push(format!("the record {}: {}", edit.record, edit.why));
            }
        }
        if is_whole && self.plan.edits.is_empty() {
            self.plan.after.clone_from(&self.plan.before);
            return Ok(Made {
                plan: self.plan,
                files: BTreeMap::new(),
            });
        }
        if !is_whole {
            let relics = old.as_deref().map(Relics::of).unwrap_or_default();
            self.complete(&mut tree, &survivors, &specs, &relics);
        }
        let bytes = self.settle(evidence, &mut tree, layout)?;
        if !is_whole {
            self.lost_containers(&tree);
        }
        self.put_meta(&bytes);
        let path = meta_name();
        Ok(Made {
            plan: self.plan,
            files: BTreeMap::from([(path, bytes)]),
        })
    }

    fn old_bytes(&mut self, evidence: &Evidence) -> Result<Option<Vec<u8>>, Refused> {
        let mut inputs = vec![self.meta.clone()];
        inputs.extend(
            self.node
                .snapshotters
                .iter()
                .map(|one| one.root.join("metadata.db")),
        );
        let mut old = None;
        for path in inputs {
            let source = match evidence.source(&path, LIMIT) {
                Ok(source) => Some(source),
                Err(Unread::Absent | Unread::Special(_)) => None,
                Err(why) => {
                    return Err(Refused::new(
                        format!("{} cannot be read: {why}", path_text(&path)),
                        "run it as root, on a disk without errors",
                    ));
                }
            };
            if path == self.meta {
                old = source.as_ref().map(|source| source.bytes().to_vec());
            }
            self.plan.inputs.push(Input {
                path: path_text(&path).to_string(),
                sha256: source.map(|source| hex::encode(source.sha256())),
            });
        }
        Ok(old)
    }

    /// The tree to begin with: the old one if nothing is wrong with it, what can be saved of it, or
    /// nothing.
    fn start(&mut self, old: Option<&[u8]>) -> (Tree, Layout, bool) {
        let fresh = Layout {
            freelist: true,
            txid: 16,
            ..Layout::default()
        };
        let rows = self.node.meta.rows.as_ref();
        let is_known =
            rows.is_some_and(|rows| rows.namespaces.is_whole() && rows.troubles.is_empty());
        let is_read = self.node.meta.state == DatabaseState::Open && !self.node.meta.is_damaged();
        let Some(old) = old.filter(|old| !old.is_empty()) else {
            let what = match &self.node.meta.state {
                DatabaseState::Empty => "meta.db is empty",
                DatabaseState::Unread(Unread::Special(_)) => "meta.db is no file",
                _ => "meta.db is missing",
            };
            self.plan.wrong.push(format!(
                "{what}: a start would take this node for a new one, and delete every layer later"
            ));
            return (Tree::default(), fresh, false);
        };
        if is_read && let Some(db) = Db::open(View::new(old)).db {
            let (tree, whole) = Tree::read(&db);
            let layout = Layout {
                page_size: db.page_size(),
                freelist: db.meta().is_freelist_synced(),
                txid: db.meta().txid.saturating_add(1),
                sequence: db.meta().sequence,
            };
            let stale = self.stale(&tree);
            if !stale.is_empty() {
                self.plan.wrong.push(format!(
                    "meta.db is older than metadata.db: it has no record of {} snapshots that were made since",
                    stale.len()
                ));
                return (tree, layout, false);
            }
            if whole && (is_known || rows.is_some_and(|rows| rows.namespaces.is_whole())) {
                return (tree, layout, true);
            }
        }
        self.plan.wrong.push("meta.db is damaged".to_owned());
        match saved(old) {
            Some((tree, layout, lost)) => {
                self.plan.lost.extend(lost);
                (tree, layout, false)
            }
            None => (Tree::default(), fresh, false),
        }
    }

    fn complete(
        &mut self,
        tree: &mut Tree,
        survivors: &Survivors,
        specs: &BTreeMap<Text, Vec<u8>>,
        relics: &Relics,
    ) {
        let schemas: Vec<i64> = self.release.releases().map(Release::schema).collect();
        let schema = schemas
            .first()
            .copied()
            .filter(|first| schemas.iter().all(|one| one == first));
        let wants = Wants {
            now: self.request.made_at,
            schema,
            names: &self.request.names,
            specs,
            relics,
        };
        let added = complete(tree, &self.node, survivors, &wants);
        self.plan.brings_back = BringsBack {
            snapshots: added.snapshots.values().sum(),
            blobs: added.blobs.values().copied().max().unwrap_or(0),
            images: added
                .images
                .into_iter()
                .map(|image| PlanImage {
                    namespace: image.namespace,
                    name: image.name,
                    digest: image.digest,
                    from: image.from,
                    missing: image.missing,
                })
                .collect(),
            containers: added.containers,
        };
        if added.unused_names > 0 {
            self.plan.unknown.push(format!(
                "{} of the names that were given stand for images that are not on this node",
                added.unused_names
            ));
        }
        for (digest, why) in &survivors.damaged {
            self.remove_blob(digest, why);
        }
        self.remove_unowned(tree);
    }

    fn name_below_root(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.request.roots.root).ok()?;
        below.to_str().map(str::to_owned)
    }

    fn remove(&mut self, path: &Path, why: String) {
        match self.name_below_root(path) {
            Some(path) => self.plan.steps.push(Step {
                action: Action::Remove,
                path,
                sha256: None,
                size: None,
                why,
            }),
            None => self
                .plan
                .unknown
                .push(format!("{} stays where it is: {why}", path_text(path))),
        }
    }

    /// A blob that is not what its name says would be taken for whole by the next pull.
    fn remove_blob(&mut self, digest: &content::Digest, why: &str) {
        let path = self
            .node
            .content_root()
            .join("blobs")
            .join(digest.algorithm().name())
            .join(digest.hex());
        self.remove(
            &path,
            format!("the blob is damaged ({why}): a pull would take it as it is"),
        );
        self.plan
            .lost
            .push(format!("the blob {digest}: {why}; a pull fetches it again"));
    }

    /// What a start or its first collection deletes because no record names it goes to the quarantine
    /// instead: directories of the CRI, directories among the snapshots.
    fn remove_unowned(&mut self, tree: &Tree) {
        let records = |kind: &str| tree.at(&["v1", "k8s.io", kind]);
        let has = |id: &Text| {
            records("containers").is_some_and(|all| all.entries.contains_key(id.bytes()))
        };
        let mut gone: Vec<(PathBuf, String)> = Vec::new();
        if let Some(runtime) = self.node.runtime.read() {
            let why = "no record names it: a start of the CRI deletes it".to_owned();
            let cri = self.request.roots.root.join("io.containerd.grpc.v1.cri");
            for status in runtime.cri.iter().filter(|status| !has(&status.id)) {
                gone.push((path(&status.path), why.clone()));
            }
            for id in runtime.sandbox_dirs.iter().filter(|id| !has(id)) {
                gone.push((cri.join("sandboxes").join(path(id)), why.clone()));
            }
        }
        for (path, why) in gone {
            self.remove(&path, why);
        }
    }

    /// Writes the tree, judges it, and holds by a lease what a collection would take, until a
    /// collection takes nothing more.
    fn settle(
        &mut self,
        evidence: &mut Evidence,
        tree: &mut Tree,
        layout: Layout,
    ) -> Result<Vec<u8>, Refused> {
        let written = |tree: &Tree| {
            tree.write(layout).map_err(|error| {
                Refused::new(
                    format!("no new meta.db can be written: {error}"),
                    "report this",
                )
            })
        };
        // Snapshots that a first lease holds may let others be seen.
        for _ in 0..4 {
            for step in &self.plan.steps {
                evidence.stage(&self.request.roots.root.join(&step.path), Change::Gone);
            }
            let bytes = written(tree)?;
            let node = self.staged(evidence, &bytes);
            let mut holds = Holds::default();
            let mut strays: BTreeMap<Text, &str> = BTreeMap::new();
            for release in self.release.releases() {
                let collection = gc::simulate_with(&node, release, self.request.made_at, true)
                    .map_err(|unknown| {
                        Refused::new(
                            format!(
                                "the new meta.db could not be judged: {} {}",
                                unknown.what, unknown.why
                            ),
                            "report this",
                        )
                    })?;
                holds.add(Holds::of(&collection));
                strays.extend(unowned(&collection));
            }
            let is_settled = holds.is_empty() && strays.is_empty();
            for (stray, why) in strays {
                self.remove(&path(&stray), why.to_owned());
            }
            if is_settled {
                self.judge_after(&node);
                return Ok(bytes);
            }
            holds.write(tree, &self.plan.id, self.request.made_at);
            let (snapshots, blobs) = holds.named();
            self.plan.held.snapshots.extend(snapshots);
            self.plan.held.blobs.extend(blobs);
        }
        Err(Refused::new(
            "a collection after the repair would still delete what nothing proves to be garbage",
            "keep a copy of the node (`coroner collect`), and report this",
        ))
    }

    fn staged(&self, evidence: &mut Evidence, bytes: &[u8]) -> Node {
        evidence.stage(&self.meta, Change::File(Arc::new(bytes.to_vec())));
        let options = Options {
            now: Some(self.request.made_at),
            ..Options::default()
        };
        Node::open(evidence, self.request.roots.clone(), options)
    }

    /// What a start on the result comes to, and what a collection deletes: nothing but what the plan
    /// lists.
    fn judge_after(&mut self, node: &Node) {
        self.plan.after = foretold(node, &self.release, self.request.made_at);
        for release in self.release.releases() {
            let collection = gc::simulate_with(node, release, self.request.made_at, true);
            let Ok(collection) = collection else { continue };
            for run in &collection.backends {
                let rows = run.rows.iter().filter(|row| row.fate == Fate::Deleted);
                self.plan
                    .collected
                    .extend(rows.map(|row| format!("snapshot {} of {}", row.key, run.snapshotter)));
                let entries = run
                    .entries
                    .iter()
                    .filter(|entry| entry.fate == Fate::Deleted);
                self.plan
                    .collected
                    .extend(entries.map(|entry| entry.path.to_string()));
            }
            let blobs = collection
                .content
                .blobs
                .iter()
                .chain(&collection.content.ingests);
            let blobs = blobs.filter(|stored| stored.fate == Fate::Deleted);
            self.plan
                .collected
                .extend(blobs.map(|stored| stored.path.to_string()));
        }
        self.plan.collected.sort();
        self.plan.collected.dedup();
    }

    /// Writable layers whose container has no record: their files are kept, the rest is lost.
    fn lost_containers(&mut self, tree: &Tree) {
        for (namespace, key) in unowned_layers(tree, &self.node) {
            self.plan.lost.push(format!(
                "the record of what wrote the snapshot {}/{}: how it was run; its files are kept",
                Text::from(namespace),
                Text::from(key),
            ));
        }
    }

    /// Rows of metadata.db whose number meta.db has not yet given: an older copy of it was put in
    /// place. One is what a crash between the two commits leaves.
    fn stale(&self, tree: &Tree) -> Vec<Text> {
        let mut found = Vec::new();
        for snapshotter in &self.node.snapshotters {
            let rows = snapshotter
                .db
                .rows
                .iter()
                .flat_map(metadb::Backend::snapshots);
            for row in rows {
                let Some((namespace, number, key)) = split_key(row.key.bytes()) else {
                    continue;
                };
                let bucket = tree.at(&[b"v1", namespace, b"snapshots", snapshotter.name.bytes()]);
                let given = bucket.map_or(0, |bucket| bucket.sequence);
                let has = bucket.is_some_and(|bucket| bucket.entries.contains_key(key));
                if number > given && !has {
                    found.push(row.key.clone());
                }
            }
        }
        if found.len() == 1 { Vec::new() } else { found }
    }

    fn put_meta(&mut self, bytes: &[u8]) {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.plan.bytes = size;
        self.plan.steps.push(Step {
            action: Action::Put,
            path: meta_name(),
            sha256: Some(hex::encode(Sha256::digest(bytes))),
            size: Some(size),
            why: "the new meta.db".to_owned(),
        });
    }
}

/// meta.db below the root.
fn meta_name() -> String {
    format!("{META_DIR}/meta.db")
}

fn path(text: &Text) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(text.bytes()))
}

fn named_line(named: &Named) -> (String, String) {
    let namespace = named.namespace.as_deref().unwrap_or("-");
    (
        format!("{} {} {namespace}", named.name, named.digest),
        named.from.clone(),
    )
}

/// The names of a plan, as they were given.
pub fn names_of(plan: &Plan) -> Vec<Named> {
    let one = |(line, from): &(String, String)| {
        let mut words = line.split(' ');
        let (name, digest, namespace) = (words.next()?, words.next()?, words.next()?);
        Some(Named {
            name: crate::names::whole_name(name)?,
            digest: content::Digest::parse(digest).ok()?,
            namespace: (namespace != "-").then(|| namespace.to_owned()),
            from: from.clone(),
        })
    };
    plan.names.iter().filter_map(one).collect()
}

fn foretold(node: &Node, release: &Detected, at: Time) -> Vec<Foretold> {
    let report = judge(node, &Measured::default());
    let word = |start| match start {
        checks::Start::Yes => "yes",
        checks::Start::WithCare => "with-care",
        checks::Start::No => "no",
        checks::Start::Unknown => "unknown",
    };
    let all = predictions(node, &report, release, at).into_iter();
    all.map(|prediction| Foretold {
        start: word(prediction.start).to_owned(),
        sentence: prediction.sentence.clone(),
        destroys: prediction
            .statements
            .iter()
            .filter(|statement| statement.effect.destroys())
            .flat_map(|statement| {
                let targets = statement
                    .targets
                    .iter()
                    .map(|target| format!("{}: {}", statement.does, target.object));
                let named: Vec<String> = targets.collect();
                if named.is_empty() {
                    vec![statement.does.clone()]
                } else {
                    named
                }
            })
            .collect(),
    })
    .collect()
}

/// What a collection deletes because no row names it: it goes to the quarantine instead.
fn unowned(collection: &gc::Collection) -> Vec<(Text, &'static str)> {
    let mut found = Vec::new();
    for run in &collection.backends {
        let entries = run
            .entries
            .iter()
            .filter(|entry| entry.fate == Fate::Deleted);
        let why = "no row of metadata.db names it: the next clean-up deletes it";
        found.extend(entries.map(|entry| (entry.path.clone(), why)));
    }
    let content = &collection.content;
    for stored in content.blobs.iter().chain(&content.ingests) {
        if stored.fate == Fate::Deleted {
            let why = "no row of meta.db names it: the next clean-up deletes it";
            found.push((stored.path.clone(), why));
        }
    }
    found
}

/// What can be saved of a damaged database, and what of it is lost.
fn saved(old: &[u8]) -> Option<(Tree, Layout, Vec<String>)> {
    let options = SalvageOptions {
        schemas: metadb::SCHEMAS,
        ..SalvageOptions::default()
    };
    let salvage = Salvage::with(View::new(old), options);
    salvage.choice?;
    let layout = salvage.layout();
    let mut lost = Vec::new();
    for gap in &salvage.gaps {
        let path: Vec<String> = gap
            .path
            .iter()
            .map(|key| Text::from(key.as_slice()).to_string())
            .collect();
        let older = if gap.filled > 0 {
            format!("; {} older records stand in for it", gap.filled)
        } else {
            String::new()
        };
        lost.push(format!(
            "of meta.db, {}: {}{older}",
            path.join(" > "),
            gap.fault
        ));
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    salvage.write(&mut bytes, layout).ok()?;
    let bytes = bytes.into_inner();
    let db = Db::open(View::new(&bytes)).db?;
    let (mut tree, _) = Tree::read(&db);
    tree.entries.retain(|key, _| key != b"lost+found");
    tree.at(&["v1"])?;
    Some((tree, layout, lost))
}
