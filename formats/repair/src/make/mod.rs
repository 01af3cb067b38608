//! Making a plan: reading the node, writing the new databases in memory, judging them.

mod attempts;
mod backends;
mod donated;
mod drafts;
mod exchange;
mod files;
mod ingests;
mod layers;
mod meta;
mod said;
mod settle;
mod start;
mod told;

use said::{copied_lines, named_line};
pub use said::{logged_of, names_of};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use content::Digest;
use daemon::{Detected, detect};
use evidence::Evidence;
use finding::{Text, Time};
use node::{META_DIR, Node, Options, Roots, path_text};
use sha2::Sha256;

use crate::backend::LayerBlob;
use crate::flips::flips;
use crate::names::Named;
use crate::plan::{BringsBack, Held, Plan, SCHEMA, Step};
use crate::records::names;
use crate::{Copied, Donor, Relics, Survivors, mend, specs};
use crate::{docker, likely, parents, release};

/// The largest database that is rebuilt in memory.
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
    /// What time it is at the node, where that is known; else what its files tell.
    pub at: Option<Time>,
    /// Names of images.
    pub names: Vec<Named>,
    /// Names that the node's logs told when the plan was made; nothing: they are asked.
    pub logged: Option<Vec<Named>>,
    /// Older copies of the databases, the newest first.
    pub copies: Vec<Copied>,
    /// Other stores that blobs are taken from.
    pub donors: Vec<Arc<Donor>>,
    /// The release that will be started, where the user says it.
    pub release: Option<Detected>,
    /// What is mounted for the node's containers.
    pub mounts: Vec<process::Mount>,
    /// Folders of the node that something is mounted on, which may be a folder of the same file system.
    pub points: Vec<PathBuf>,
    /// Give directories to snapshots by their times alone, too.
    pub by_time: bool,
    /// Compare every layer with its blob, and not those alone that take another room than was recorded.
    pub every_layer: bool,
    /// Pairs that the user said: `SNAPSHOTTER/NAMESPACE/KEY=NUMBER`.
    pub said: Vec<String>,
    /// What recovery leases are to hold no longer.
    pub released: Vec<String>,
    /// Write addresses of pods into records that lack them (containerd issue 7843).
    pub pod_addresses: bool,
    /// Is told of each part of the work as it begins.
    pub told: Told,
}

impl Request {
    /// The node at `roots` itself, and nothing beside it.
    pub fn new(roots: Roots, made_at: Time) -> Self {
        Self {
            roots,
            made_at,
            at: None,
            names: Vec::new(),
            logged: None,
            copies: Vec::new(),
            donors: Vec::new(),
            release: None,
            mounts: Vec::new(),
            points: Vec::new(),
            by_time: false,
            every_layer: false,
            said: Vec::new(),
            released: Vec::new(),
            pod_addresses: false,
            told: Told::default(),
        }
    }
}

/// Whoever is told of each part of the work as it begins.
#[derive(Clone, Default)]
pub struct Told(pub Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Told {
    /// This part of the work begins.
    pub fn begin(&self, part: &'static str) {
        if let Some(tell) = &self.0 {
            tell(part);
        }
    }
}

impl core::fmt::Debug for Told {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(if self.0.is_some() { "told" } else { "none" })
    }
}

/// A plan, and the bytes of its new files by the places of their steps.
#[derive(Debug)]
pub struct Made {
    /// The plan.
    pub plan: Plan,
    /// New files.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Other stores that steps take blobs from.
    pub donors: Vec<Arc<Donor>>,
}

/// Makes a plan for the node in `evidence`. Nothing is written; changes are staged in `evidence` while
/// the result is judged, and taken back.
///
/// # Errors
/// Where a repair could do harm, or where what it would rest on cannot be read.
pub fn make(evidence: &mut Evidence, request: &Request) -> Result<Made, Refused> {
    evidence.unstage();
    attempts::forget(evidence, &request.roots.root);
    request.told.begin("reading the node");
    let made = Making::new(evidence, request)?.run(evidence);
    evidence.unstage();
    made
}

struct Making<'r> {
    request: &'r Request,
    /// What time it is at the node.
    at: Time,
    node: Node,
    release: Detected,
    meta: PathBuf,
    plan: Plan,
    /// What has a step: the base, and the path below it.
    taken: BTreeSet<(Option<String>, PathBuf)>,
    files: BTreeMap<String, Vec<u8>>,
    /// Stores that lie on another file system than the root, or outside of it.
    bases: Vec<PathBuf>,
    /// Blobs that come from another store: that store, and the blob in it.
    donated: BTreeMap<Digest, (Arc<Donor>, PathBuf)>,
    /// Blobs that unfinished writes hold.
    promoted: BTreeMap<Digest, ingests::Promoted>,
    /// Parts of meta.db that could not be read.
    gaps: Vec<told::Gap>,
    /// Blobs that are lost, and why.
    lost_blobs: BTreeMap<Digest, String>,
    /// Whether nothing of the old meta.db could be used.
    is_new: bool,
    /// Whether a meta.db of another name is used.
    is_renamed: bool,
    /// meta.db, where it was found in the place of another database.
    found_meta: Option<Vec<u8>>,
}

/// Stores that steps cannot reach from the root: names are exchanged within one mount.
fn bases(evidence: &Evidence, node: &Node, points: &[PathBuf]) -> Vec<PathBuf> {
    let device = |path: &Path| evidence.stat(path).ok().and_then(|stat| stat.dev);
    let root = &node.roots.root;
    let own = device(root);
    let stores = node.snapshotters.iter().map(|one| one.root.clone());
    let stores = stores.chain([node.content_root()]);
    let is_mounted = |store: &Path| {
        let mut below = points
            .iter()
            .filter(|point| *point != root && point.starts_with(root));
        below.any(|point| store.starts_with(point))
    };
    stores
        .filter(|store| {
            !store.starts_with(root)
                || is_mounted(store)
                || (device(store).is_some() && device(store) != own)
        })
        .collect()
}

fn id_of(request: &Request) -> String {
    let mut text = request.made_at.to_string().into_bytes();
    text.extend(path_text(&request.roots.root).bytes());
    sha256(&text).chars().take(12).collect()
}

impl<'r> Making<'r> {
    fn new(evidence: &Evidence, request: &'r Request) -> Result<Self, Refused> {
        let options = Options {
            now: request.at,
            ..Options::default()
        };
        let mut roots = request.roots.clone();
        if let Some(unit) = &mut roots.unit {
            // Judged is the start that comes once it is unmasked.
            unit.masked_for_good = false;
        }
        let node = Node::open(evidence, roots, options);
        let at = node.now;
        let release = request
            .release
            .clone()
            .unwrap_or_else(|| detect(&node.traces));
        let plan = Plan {
            schema: SCHEMA.to_owned(),
            id: id_of(request),
            made_at: request.made_at.to_string(),
            as_of: at.to_string(),
            node: None,
            places_said: false,
            config: None,
            daemon: None,
            root: path_text(&request.roots.root).to_string(),
            state: path_text(&request.roots.state).to_string(),
            whose: request.roots.whose.to_owned(),
            units: node.units.all.iter().map(Into::into).collect(),
            release: release.name(),
            names: request.names.iter().map(named_line).collect(),
            by_time: request.by_time,
            every_layer: request.every_layer,
            said: request.said.clone(),
            copies: copied_lines(&request.copies),
            pod_addresses: request.pod_addresses,
            released: request.released.clone(),
            sources: request.donors.iter().map(|one| one.from.clone()).collect(),
            inputs: Vec::new(),
            wrong: Vec::new(),
            steps: Vec::new(),
            paired: Vec::new(),
            brings_back: BringsBack::default(),
            edits: Vec::new(),
            lost: Vec::new(),
            held: Held::default(),
            unknown: Vec::new(),
            drafts: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            ..Plan::default()
        };
        let making = Self {
            meta: request.roots.root.join(META_DIR).join("meta.db"),
            bases: bases(evidence, &node, &request.points),
            files: BTreeMap::new(),
            donated: BTreeMap::new(),
            promoted: BTreeMap::new(),
            gaps: Vec::new(),
            lost_blobs: BTreeMap::new(),
            is_new: false,
            is_renamed: false,
            found_meta: None,
            request,
            at,
            node,
            release,
            plan,
            taken: BTreeSet::new(),
        };
        making.refuse()?;
        Ok(making)
    }

    fn run(mut self, evidence: &mut Evidence) -> Result<Made, Refused> {
        self.told("predicting a start of the node as it is");
        self.plan.before = settle::foretold(&self.node, &self.release, self.at);
        self.draft_config(evidence);
        let old = self.old_bytes(evidence)?;
        let misplaced = self.node.misplaced();
        let old = self.exchange(evidence, old)?;
        let (mut tree, layout, mut is_whole) = self.start(old.as_deref());
        // It may be of a moment before the last records.
        is_whole &= !self.is_renamed;
        self.told("reading the documents of images");
        let mut survivors = match self.node.content.whole() {
            Some(store) => Survivors::read_survivors(evidence, store, self.node.meta.rows.as_ref()),
            None => Survivors::default(),
        };
        self.promote(evidence, &mut survivors);
        self.donate(&tree, &mut survivors);
        self.told("comparing directories with layers");
        let specs = specs(evidence, &self.node);
        // First of all, so that nothing wrong is taken over into metadata.db.
        let mut agreed = flips(&mut tree, &self.node, &survivors, &specs);
        if is_whole {
            agreed.extend(names(&mut tree, &self.node));
            let layers = self.layer_blobs(&survivors);
            let now = self.request.made_at;
            agreed.extend(parents::agree(&mut tree, &self.node, &layers, now));
        }
        self.backends(evidence, &tree, is_whole, &survivors)?;
        self.strangers(&misplaced);
        if is_whole && let Some(why) = self.stale(&tree) {
            self.plan.wrong.push(why);
            is_whole = false;
        }
        self.told("looking for records in the old bytes");
        let mut relics = match &old {
            Some(old) if !is_whole => Relics::carve_relics(old),
            _ => Relics::default(),
        };
        relics.place_homeless(&self.node);
        if !is_whole {
            self.refuse_blind(&tree, &relics)?;
        }
        if !self.request.released.is_empty() && !is_whole {
            return Err(Refused::new(
                "meta.db is not whole: nothing is given back before it is repaired",
                "repair the node first",
            ));
        }
        let mut garbage = self.garbage(is_whole);
        garbage.add(release::garbage(&self.request.released));
        let mut edits = agreed;
        edits.extend(mend(&mut tree, &self.node, &specs, self.request.made_at));
        edits.extend(release::release(&mut tree, &self.request.released)?);
        edits.extend(self.rows_of_promoted(&mut tree, is_whole));
        self.told("completing meta.db");
        if !is_whole {
            let likely = self.likely(evidence, &survivors);
            self.complete(&mut tree, &survivors, &specs, &relics, &likely);
            // What was added has records that stop a start, too, and may be of one pod with others.
            edits.extend(mend(&mut tree, &self.node, &specs, self.request.made_at));
        }
        edits.extend(docker::put_leases(
            &mut tree,
            is_whole,
            self.request.made_at,
        ));
        edits.extend(self.rows_of_donated(&mut tree, &survivors, is_whole));
        edits.extend(self.pod_addresses(evidence, &mut tree));
        self.told("looking at unpacked layers");
        self.layers(evidence, &survivors);
        edits.extend(self.edit_files(evidence, &mut tree, &survivors, is_whole));
        let is_edited = !edits.is_empty();
        self.tell(edits, &tree, &survivors);
        let found_meta = self.found_meta.take();
        if is_whole && !is_edited && self.plan.steps.is_empty() && found_meta.is_none() {
            self.plan.after.clone_from(&self.plan.before);
            return Ok(self.made());
        }
        self.told("simulating collections and a start on the result");
        let bytes = self.settle(
            evidence,
            &mut tree,
            layout,
            !is_whole || is_edited,
            &garbage,
        )?;
        if !is_whole {
            self.lost_containers(&tree);
            if self.node.state.is_err() {
                // Records of running containers come back from their bundles, which are not here.
                let state = path_text(&self.node.roots.state);
                self.plan.unknown.push(format!(
                    "bundles of containers: {state} is not in the evidence. After a boot there are none. \
                     Where the machine still runs, make the plan there: more containers come back, and \
                     those that run would go on without a record otherwise"
                ));
            }
            self.tell_forgotten();
        }
        match (bytes, found_meta) {
            (Some(bytes), _) => self.put_meta(bytes, "the new meta.db"),
            (None, Some(bytes)) => self.put_meta(
                bytes,
                "the meta.db that stood in the place of another database",
            ),
            (None, None) => {}
        }
        self.plan.bytes = self
            .plan
            .steps
            .iter()
            .filter_map(|step| step.size)
            .fold(0, u64::saturating_add);
        Ok(self.made())
    }

    /// Names of images that nothing says for certain. Logs go on while a plan lies there: it keeps what they told.
    fn likely(&mut self, evidence: &Evidence, survivors: &Survivors) -> Vec<Named> {
        let mut likely = if let Some(logged) = &self.request.logged {
            logged.clone()
        } else {
            self.told("looking for names in the logs");
            let here: Vec<Named> = likely::logged(evidence);
            let ids = survivors.identities();
            here.into_iter()
                .filter(|named| ids.contains(&named.digest))
                .collect()
        };
        self.plan.logged = likely.iter().map(named_line).collect();
        likely.extend(likely::sandbox(&self.node, survivors));
        let docker = docker::containers(evidence, &self.request.roots.root);
        likely.extend(docker::names(&docker));
        likely
    }

    fn told(&self, part: &'static str) {
        self.request.told.begin(part);
    }

    fn made(self) -> Made {
        Made {
            plan: self.plan,
            files: self.files,
            donors: self.request.donors.clone(),
        }
    }

    /// Where a step finds `path`: the base, and the name below it.
    fn place(&self, path: &Path) -> Option<(Option<String>, String)> {
        let name = |below: &Path| below.to_str().map(str::to_owned);
        for base in &self.bases {
            if let Ok(below) = path.strip_prefix(base) {
                return Some((Some(base.to_str()?.to_owned()), name(below)?));
            }
        }
        if let Ok(below) = path.strip_prefix(&self.request.roots.root) {
            return Some((None, name(below)?));
        }
        let state = &self.request.roots.state;
        let below = path.strip_prefix(state).ok()?;
        Some((Some(state.to_str()?.to_owned()), name(below)?))
    }

    /// Layers by their chains, with where the bytes of each lie now.
    fn layer_blobs(&self, survivors: &Survivors) -> BTreeMap<Digest, LayerBlob> {
        let mut layers = crate::backend::layer_blobs(survivors, &self.node.content_root());
        for layer in layers.values_mut() {
            if let Some(promoted) = self.promoted.get(&layer.blob) {
                layer.path.clone_from(&promoted.data);
            }
        }
        layers
    }

    /// Adds a step on `path`, unless it or what it is in has one.
    fn step(&mut self, path: &Path, step: Step) -> Option<String> {
        let Some((base, name)) = self.place(path) else {
            let why = format!(
                "{} stays as it is, and is none of the root's: {}",
                path_text(path),
                step.why
            );
            self.plan.unknown.push(why);
            return None;
        };
        let mut above = Path::new(&name).ancestors();
        if above.any(|path| self.taken.contains(&(base.clone(), path.to_owned()))) {
            return None;
        }
        self.taken.insert((base.clone(), PathBuf::from(&name)));
        let step = Step {
            base,
            path: name,
            ..step
        };
        let place = step.place();
        self.plan.steps.push(step);
        Some(place)
    }

    /// Adds a new file at `path`.
    fn put(&mut self, path: &Path, bytes: Vec<u8>, mode: u32, why: impl Into<String>) {
        let step = Step {
            mode: Some(mode),
            sha256: Some(sha256(&bytes)),
            size: u64::try_from(bytes.len()).ok(),
            ..Step::put("", crate::plan::MadeOf::Bytes, why)
        };
        if let Some(place) = self.step(path, step) {
            self.files.insert(place, bytes);
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(Sha256::digest(bytes))
}

/// meta.db below the root.
fn meta_name() -> String {
    format!("{META_DIR}/meta.db")
}

pub(crate) fn path(text: &Text) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(text.bytes()))
}
