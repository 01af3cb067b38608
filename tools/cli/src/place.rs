//! Where in the evidence the node is: at its top, below a folder of a collector, or a copy somewhere.
//!
//! A root that was found by searching, or that was named and is not where a daemon of this machine
//! keeps one, is a copy until something shows that it is in use. Then paths begin at the folder that
//! it was copied to, so that nothing of the machine is joined to it: no state, no process, no disk, no
//! network.

use std::path::{Path, PathBuf};

use checks::Running;
use evidence::{Evidence, Kind, locks};
use node::{Below, Roots, Rule, Said};

use crate::Failure;

/// The installations of the evidence, and what to know of how they were found.
#[expect(clippy::needless_pass_by_value, reason = "it is made for this call")]
pub(crate) fn find(
    evidence: &mut Evidence,
    said: Said,
    is_live: bool,
) -> Result<(Vec<Roots>, Vec<String>), Failure> {
    let mut notes = Vec::new();
    let alone = said.state.is_none() && said.config.is_none();
    if let Some(root) = said.root.clone().filter(|_| alone) {
        let root = Path::new("/").join(root);
        let (below, inner) = node::below_of(&root);
        let is_elsewhere = below.folder != Path::new("/");
        if is_elsewhere
            && (is_live || is_copied_whole(evidence, &below, &inner))
            && !is_in_use(evidence, &root)
        {
            let said = Said {
                root: (inner != Path::new("/")).then_some(inner),
                ..Said::default()
            };
            // Where it cannot be entered, it is as if it had not been tried.
            if enter(evidence, &below, &mut notes) {
                return Ok((node::discover(evidence, &said), notes));
            }
        }
    }
    let is_named = said.root.is_some() || !alone;
    let mut roots = node::discover(evidence, &said);
    if let Some(first) = roots.first()
        && let Some(other) = first.takes_state_of(&roots)
    {
        return Err(stateless(first, other));
    }
    let is_found = roots.first().is_some_and(|first| first.rule == Rule::Scan);
    let is_missing = roots.first().is_some_and(|first| {
        first.rule == Rule::Distribution
            && !has(evidence, &first.root)
            && !has(evidence, &first.state)
    });
    if is_named || !(is_found || is_missing) {
        return Ok((roots, notes));
    }
    if is_live {
        if is_found {
            // None of them is the machine's.
            roots.insert(0, usual());
            notes.push(
                "no containerd keeps its stores on this machine where one would be: those that were \
                 found elsewhere are treated as copies"
                    .to_owned(),
            );
        }
        return Ok((roots, notes));
    }
    let mut all = node::below(evidence);
    let folders: Vec<PathBuf> = all.iter().map(|below| below.folder.clone()).collect();
    // What lies inside of a node is a copy that it keeps, or a node of its own: not what was meant.
    all.retain(|below| {
        let is_outside =
            |other: &PathBuf| *other == below.folder || !below.folder.starts_with(other);
        folders.iter().all(is_outside)
    });
    match all.as_slice() {
        [] => {}
        [only] => {
            if enter(evidence, only, &mut notes) {
                roots = node::discover(evidence, &said);
            }
        }
        // A verdict on one of them would be taken for one on what was named.
        several => return Err(ambiguous(several)),
    }
    Ok((roots, notes))
}

/// Folders that are named where several nodes were found.
const MOST_NAMED: usize = 8;

/// There is more than one node.
fn ambiguous(nodes: &[Below]) -> Failure {
    let named: Vec<String> = nodes
        .iter()
        .take(MOST_NAMED)
        .map(|node| node::path_text(&node.folder).to_string())
        .collect();
    let more = match nodes.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Failure::unread(format!(
        "{} nodes lie in this evidence: below {}{more}",
        nodes.len(),
        named.join(", ")
    ))
    .hint("name one of these folders as NODE, or its store with --root")
}

/// Tasks of one daemon must not be judged by the database of another.
fn stateless(named: &Roots, other: &Roots) -> Failure {
    let text = node::path_text;
    Failure::unread(format!(
        "the state of {} is not known: {} is the state of {} ({})",
        text(&named.root),
        text(&named.state),
        text(&other.root),
        other.whose
    ))
    .hint("name its state with --state, and its config.toml with --config")
}

fn enter(evidence: &mut Evidence, below: &Below, notes: &mut Vec<String>) -> bool {
    if evidence.begin_at(&below.folder, below.decode).is_err() {
        return false;
    }
    let decoded = if below.decode {
        ", names with %XX are decoded"
    } else {
        ""
    };
    notes.push(format!(
        "the node lies below {}: paths are shown without it{decoded}; nothing outside of it is the node's",
        node::path_text(&below.folder)
    ));
    true
}

fn has(evidence: &Evidence, path: &Path) -> bool {
    evidence.stat(path).is_ok()
}

/// Who holds the lock of the node's meta.db, where the evidence is on this machine.
pub(crate) fn lock_holder(evidence: &Evidence, roots: &[Roots]) -> Option<Running> {
    let root = &roots.first()?.root;
    // A bundle's inodes are another machine's.
    if evidence.kind() != Kind::Directory {
        return None;
    }
    let stat = evidence
        .stat(&root.join(node::META_DIR).join("meta.db"))
        .ok()?;
    Running::of_locks(&locks(&stat)?)
}

/// Where containerd would keep its stores.
fn usual() -> Roots {
    Roots {
        root: PathBuf::from("/var/lib/containerd"),
        state: PathBuf::from("/run/containerd"),
        whose: "containerd",
        rule: Rule::Distribution,
        config: None,
        unit: None,
        elsewhere: Vec::new(),
    }
}

/// Whether what lies beside a root in the evidence was copied with it: of a machine's own disk that
/// is mounted below another name, the rest of the machine lies at the top.
fn is_copied_whole(evidence: &Evidence, below: &Below, inner: &Path) -> bool {
    let own = |name: &str| has(evidence, &below.folder.join(name));
    inner != Path::new("/") && (own("etc") || own("run") || !has(evidence, Path::new("/etc")))
}

/// Units of the daemons that start containerd, and where they stand.
const UNITS: &[&str] = &["containerd.service", "docker.service", "k3s.service"];
const UNIT_FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// No unit is larger.
const UNIT_SIZE: u64 = 64 << 10;

/// Whether something shows that this root is in use: a place that a daemon of the node is told to keep
/// it at, or the lock of its meta.db, which somebody holds.
fn is_in_use(evidence: &Evidence, root: &Path) -> bool {
    let of_node = node::discover(evidence, &Said::default());
    let known = of_node.iter().filter(|roots| roots.rule != Rule::Scan);
    let meta = root.join(node::META_DIR).join("meta.db");
    let held = evidence.stat(&meta).ok().and_then(|stat| locks(&stat));
    known.into_iter().any(|roots| roots.root == root)
        || held.is_some_and(|held| !held.is_empty())
        || unit_names(evidence, root)
}

/// Whether the unit of a daemon, or an addition to it, names this place.
fn unit_names(evidence: &Evidence, root: &Path) -> bool {
    let wanted = node::path_text(root);
    let names = |path: &Path| {
        let source = evidence.source(path, UNIT_SIZE);
        source.is_ok_and(|source| {
            let mut words = source
                .bytes()
                .split(|byte| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'"' | b'\''));
            words.any(|word| word == wanted.bytes())
        })
    };
    UNIT_FOLDERS.iter().any(|folder| {
        UNITS.iter().any(|unit| {
            let unit = Path::new(folder).join(unit);
            let added = unit.with_extension("service.d");
            let list = evidence.list(&added);
            let mut all = list.read().into_iter().flatten();
            names(&unit)
                || all.any(|entry| {
                    entry
                        .name
                        .utf8()
                        .is_some_and(|name| names(&added.join(name)))
                })
        })
    })
}
