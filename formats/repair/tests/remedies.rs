//! Every finding whose ways out name `coroner repair`: the plan on that node has a step after which it is
//! not found again, or is refused by name.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test may fail, and reads its own files"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use checks::{Measured, judge_all};
use evidence::{Change, Evidence, Options};
use finding::Time;
use node::{Node, Roots, Said};
use repair::plan::{Action, MadeOf, Plan};
use repair::{Request, make};
use testcase::Edits;

/// Cases whose finding stays after the plan that the way out names, or that have no plan, and why.
const STAYS: &[(&str, &str)] = &[(
    "cri-address-lost",
    "the network's files of this capture have no address of the pod: the plan says what is not known",
)];

fn roots(evidence: &Evidence) -> Roots {
    let all = node::discover(evidence, &Said::default());
    all.into_iter().next().unwrap()
}

/// Nothing but the node itself.
fn request(evidence: &Evidence, now: Time) -> Request {
    Request {
        // The way out of a lost address asks for it.
        pod_addresses: true,
        ..Request::new(roots(evidence), now)
    }
}

/// How often each code is found.
type Counts = BTreeMap<&'static str, usize>;

/// All findings, with their ways out.
fn judged(node: &Node) -> finding::Report {
    let report = judge_all(node, &Measured::default());
    checks::with_ways(node, report, &checks::Forbidding::default())
}

/// How often each code is found with a way out that names `repair`, and how often at all; and which codes name it in
/// their words or their steps.
fn found(evidence: &Evidence) -> (Counts, Counts, Time, BTreeSet<&'static str>) {
    let node = Node::open(evidence, roots(evidence), node::Options::default());
    let report = judged(&node);
    let (mut named, mut all, mut naming) = (Counts::new(), Counts::new(), BTreeSet::new());
    for finding in &report.findings {
        let ways = serde_json::to_string(&finding.ways).unwrap();
        let is_way = ways.contains("repair") && ways.contains("apply");
        if is_way {
            *named.entry(finding.code.name).or_default() += 1;
        }
        if is_way
            || ways.contains("coroner repair")
            || finding.code.remedy.contains("coroner repair")
        {
            naming.insert(finding.code.name);
        }
        *all.entry(finding.code.name).or_default() += 1;
    }
    (named, all, node.now, naming)
}

/// The node as it is after the steps whose bytes are known; whether all are.
fn stage(evidence: &mut Evidence, plan: &Plan, files: &BTreeMap<String, Vec<u8>>) -> bool {
    let mut whole = true;
    for step in &plan.steps {
        let base = step.base.as_deref().unwrap_or(&plan.root);
        let at = Path::new(base).join(&step.path);
        match (step.action, &step.made_of) {
            (Action::Remove, _) => evidence.stage(&at, Change::Gone),
            (Action::Put, MadeOf::Bytes) => {
                let bytes = files.get(&step.place()).cloned().unwrap();
                evidence.stage(&at, Change::File(Arc::new(bytes)));
            }
            (Action::Put, MadeOf::Folder) => {
                evidence.stage(&at, Change::Folder(step.mode.unwrap_or(0o700)));
            }
            _ => whole = false,
        }
    }
    whole
}

/// Every case of the corpus that is a node, by its name.
fn nodes() -> Vec<(String, Evidence)> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(testcase::testdata().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let mut nodes = Vec::new();
    for folder in cases {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if !folder.join("edits.toml").exists() {
            continue;
        }
        let tar = Edits::read_edits(&folder).apply(&folder).write();
        let Ok(evidence) = Evidence::open_stream(tar.as_slice(), &Options::default()) else {
            continue;
        };
        if !node::discover(&evidence, &Said::default()).is_empty() {
            nodes.push((name, evidence));
        }
    }
    nodes
}

/// Findings that a plan ends together with another one, which names `repair`; and why.
const BESIDE: &[(&str, &str)] = &[
    (
        "gc/unreachable",
        "what a wrong parent no longer held is held again",
    ),
    (
        "ingest/unknown",
        "the same write as that of ingest/complete",
    ),
    (
        "store/unreadable",
        "of a repair that stopped half-way, store/repair-half-way tells",
    ),
];

/// The other way round: what a plan ends names `repair`.
#[test]
fn what_a_plan_mends_names_it() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for (name, mut evidence) in nodes() {
        let (_, all, now, naming) = found(&evidence);
        let request = request(&evidence, now);
        let Ok(made) = make(&mut evidence, &request) else {
            continue;
        };
        if made.plan.steps.is_empty() {
            continue;
        }
        stage(&mut evidence, &made.plan, &made.files);
        let (_, after, ..) = found(&evidence);
        for (code, before) in &all {
            let is_beside = BESIDE.iter().any(|(known, _)| known == code);
            let is_mended = after.get(code).copied().unwrap_or(0) < *before;
            if is_mended && !naming.contains(code) && !is_beside {
                wrong.push(format!("{name}: {code}: {:?}", made.plan.wrong));
            }
            compared += usize::from(is_mended);
        }
    }
    assert!(wrong.is_empty(), "of {compared}:\n{}", wrong.join("\n"));
    assert!(compared >= 30, "{compared}");
}

#[test]
fn each_way_out_by_repair_is_one() {
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    for (name, mut evidence) in nodes() {
        let (named, _, now, _) = found(&evidence);
        if named.is_empty() {
            continue;
        }
        let request = request(&evidence, now);
        let made = match make(&mut evidence, &request) {
            Ok(made) => made,
            Err(why) => {
                assert!(!why.why.is_empty() && !why.hint.is_empty());
                refused += 1;
                eprintln!("refused  {name}: {}", why.why);
                continue;
            }
        };
        let whole = stage(&mut evidence, &made.plan, &made.files);
        let (_, after, ..) = found(&evidence);
        let steps = made.plan.steps.len();
        for (code, before) in &named {
            let left = after.get(code).copied().unwrap_or(0);
            let is_right = steps > 0 && (left < *before || !whole);
            let is_known = STAYS.iter().any(|(known, _)| known == &name);
            if !is_right && !is_known {
                wrong.push(format!(
                    "{name}: {code}: {before} before, {left} after {steps} steps; unknown {:?}; lost {:?}",
                    made.plan.unknown.first(), made.plan.lost.first()
                ));
            }
            compared += 1;
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {compared} ({refused} refused):\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(compared + refused >= 30, "{compared} and {refused}");
}

/// The plan for a node after an edit, or why there is none.
fn planned(edit: impl Fn(&mut testcase::Tar)) -> Result<Plan, repair::Refused> {
    let mut tar = testcase::node("1.7-stopped");
    edit(&mut tar);
    planned_for(&tar)
}

fn planned_for(tar: &testcase::Tar) -> Result<Plan, repair::Refused> {
    let packed = tar.write();
    let mut evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let now = Node::open(&evidence, roots(&evidence), node::Options::default()).now;
    let request = request(&evidence, now);
    make(&mut evidence, &request).map(|made| made.plan)
}

/// The steps of all ways out of findings of this code.
fn steps_for(tar: &testcase::Tar, code: &str) -> Vec<finding::Step> {
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let node = Node::open(&evidence, roots(&evidence), node::Options::default());
    let found = judged(&node).findings.into_iter();
    let found = found.filter(|finding| finding.code.name == code);
    found
        .flat_map(|finding| finding.ways)
        .flat_map(|way| way.steps)
        .collect()
}

/// What lies under a mount point is not to be repaired: the records would hide the disk that is lacking.
#[test]
fn a_root_whose_disk_is_not_mounted_is_not_repaired() {
    const ROOT: &str = "var/lib/containerd";
    let empty = |tar: &mut testcase::Tar| {
        tar.remove(ROOT);
        // What an image or a first start leaves under a mount point.
        for folder in [
            "io.containerd.content.v1.content/blobs",
            "io.containerd.grpc.v1.cri/containers",
            "io.containerd.metadata.v1.bolt",
        ] {
            tar.push(&format!("{ROOT}/{folder}"), b'5', "", b"");
        }
    };
    let refused = planned(empty).unwrap_err();
    assert!(refused.why.contains("is empty"), "{}", refused.why);
    assert!(refused.hint.contains("mount its disk"), "{}", refused.hint);
    let lost = |tar: &mut testcase::Tar| {
        tar.remove(&format!("{ROOT}/io.containerd.metadata.v1.bolt/meta.db"));
    };
    assert!(!planned(lost).unwrap().steps.is_empty());
}

/// The dead record is the newer one by its times: the pod that has a bundle stays all the same.
#[test]
fn of_two_pods_of_one_name_the_one_in_use_stays() {
    let folder = testcase::testdata().join("cases/cri-name-twice");
    let plan = planned_for(&Edits::read_edits(&folder).apply(&folder)).unwrap();
    let out = |id: &str| {
        let mut edits = plan.edits.iter();
        edits.any(|edit| edit.contains(id) && edit.contains("is left out: one that has a task"))
    };
    assert!(out("19d4f827cd58549e"), "{:?}", plan.edits);
    let live = "00fd059904810a8c";
    // The finding's steps name what the plan takes, and nothing else.
    let steps = steps_for(&Edits::read_edits(&folder).apply(&folder), "cri/name-twice");
    let lost: Vec<String> = steps
        .iter()
        .flat_map(|step| step.loses.objects())
        .map(ToString::to_string)
        .collect();
    assert!(
        lost.iter().any(|lost| lost.contains("19d4f827cd58549e")),
        "{lost:?}"
    );
    assert!(!lost.iter().any(|lost| lost.contains(live)), "{lost:?}");
    assert!(
        !plan.lost.iter().any(|lost| lost.contains(live)),
        "{:?}",
        plan.lost
    );
}

/// The bytes of a blob that has no file are those of a write that was not committed: the repair puts them back, and
/// the first way out says so. Where the write is of another blob, it does not.
#[test]
fn a_missing_blob_comes_back_from_its_unfinished_write() {
    const STORE: &str = "var/lib/containerd/io.containerd.content.v1.content";
    const BLOB: &str = "67454ac12c03de8e52f6d6ed4915283dc6a901c417f1ea3b09e927383273029b";
    const WRITE: &str = "92530eaaa8f4cc8e8d9f970ae3308690aba203b310d82511b09475f8316cfaba";
    let lost = |promised: &str| {
        let mut tar = testcase::node("1.7-stopped");
        let path = format!("{STORE}/blobs/sha256/{BLOB}");
        let bytes = tar.member(&path).data.clone();
        tar.remove(&path);
        let folder = format!("{STORE}/ingest/{WRITE}");
        tar.push(&folder, b'5', "", b"");
        tar.add(&format!("{folder}/data"), &bytes);
        tar.add(
            &format!("{folder}/total"),
            bytes.len().to_string().as_bytes(),
        );
        let name = format!("default/1/layer-sha256:{promised}");
        tar.add(&format!("{folder}/ref"), name.as_bytes());
        for file in ["startedat", "updatedat"] {
            tar.add(&format!("{folder}/{file}"), b"2026-11-20T05:00:00Z");
        }
        tar
    };
    let first = |tar: &testcase::Tar| {
        serde_json::to_string(&steps_for(tar, "blob/missing").first()).unwrap()
    };
    let tar = lost(BLOB);
    assert!(first(&tar).contains("systemctl"), "{}", first(&tar));
    let ways = serde_json::to_string(&steps_for(&tar, "blob/missing")).unwrap();
    assert!(ways.contains("\"repair\",\"plan\""), "{ways}");
    let plan = planned_for(&tar).unwrap();
    assert!(
        plan.steps.iter().any(|step| step.path.contains(BLOB)),
        "{:?}",
        plan.steps
    );
    let other = "f".repeat(64);
    assert!(
        first(&lost(&other)).contains("Fetch the blob"),
        "{}",
        first(&lost(&other))
    );
}
