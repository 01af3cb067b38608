//! Making a plan, and reading one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cli::{Case, Failure, Out, PlaceArgs, Progress};
use evidence::{Evidence, Options};
use finding::Time;
use node::{Roots, Said};
use repair::plan::Plan;
use repair::{Donor, Ground, Made, Refused, Request, Told};

use crate::{PlanArgs, given, mounts};

/// The most bytes of a list of names or of a plan.
const LIMIT: u64 = 512 << 20;

pub(crate) fn refused(why: &Refused) -> Failure {
    Failure::unread(why.why.clone()).hint(why.hint.clone())
}

/// Tells a person which part of the work begins.
fn told(progress: &Progress) -> Told {
    let part = progress.part();
    Told(Some(Arc::new(move |what| part.begin(what))))
}

/// Makes the plan that was asked for.
pub(crate) fn plan(args: &PlanArgs, out: &Out) -> Result<Plan, Failure> {
    let progress = out.parts();
    // The lists are read before rights are given up.
    let (mut found, mut copies) = (Vec::new(), Vec::new());
    for path in &args.from.names_from {
        let given = given::read_given(path)?;
        found.extend(given.names);
        copies.extend(given.copy);
    }
    let release = args.from.daemon.as_deref().map(release).transpose()?;
    let mounts = mounts::mounts_below(&args.evidence.evidence);
    let points = mounts::points(&args.evidence.evidence);
    let ground = Ground::hold(&args.evidence.evidence);
    let mut case = Case::open(&args.evidence)?;
    let roots = case.roots.first().cloned();
    let roots = roots.ok_or_else(|| Failure::unread("no node was found in the evidence"))?;
    let made_at =
        cli::now().ok_or_else(|| Failure::usage("this machine's clock cannot be read"))?;
    let request = Request {
        roots,
        made_at,
        at: case.time(),
        names: found,
        logged: None,
        copies,
        donors: donors(args.from.from.iter().cloned())?,
        release,
        mounts,
        points,
        by_time: args.from.by_time,
        every_layer: args.from.every_layer,
        said: args.from.pair.clone(),
        released: args.released.clone(),
        pod_addresses: args.from.pod_addresses,
        told: told(&progress),
    };
    let made = repair::make(&mut case.evidence, &request).map_err(|why| refused(&why))?;
    let mut plan = made.plan;
    let whole = std::fs::canonicalize(&args.evidence.evidence)
        .unwrap_or_else(|_| args.evidence.evidence.clone());
    // The plan's paths begin where the node does.
    let below = case
        .evidence
        .begins_at()
        .and_then(|path| path.strip_prefix("/").ok());
    let whole = below.map_or_else(|| whole.clone(), |below| whole.join(below));
    plan.node = whole.to_str().map(str::to_owned);
    plan.config = args
        .evidence
        .places
        .config
        .as_ref()
        .and_then(|path| path.to_str())
        .map(str::to_owned);
    let places = &args.evidence.places;
    plan.places_said = places.root.is_some() || places.state.is_some();
    plan.daemon.clone_from(&args.from.daemon);
    // An archive has no disk.
    let here = Path::new("/");
    if let Some(ground) = ground
        && let Ok((room, obstacles)) = repair::foreseen(&ground, below.unwrap_or(here), &plan)
    {
        plan.room = room;
        if !plan.is_empty() {
            plan.obstacles = obstacles;
        }
    }
    Ok(plan)
}

/// Other stores, by the names under which a plan can find them again.
fn donors(paths: impl Iterator<Item = PathBuf>) -> Result<Vec<Arc<Donor>>, Failure> {
    let open = |path: PathBuf| {
        let whole = std::fs::canonicalize(&path).unwrap_or(path);
        Donor::open(&whole).map(Arc::new).map_err(|why| {
            Failure::unread(format!("{}: {why}", cli::shown(&whole))).hint(
                "give another node's root, a content store, an OCI layout, or an archive of images",
            )
        })
    };
    paths.map(open).collect()
}

fn release(text: &str) -> Result<daemon::Detected, Failure> {
    daemon::Detected::said(text).ok_or_else(|| {
        let shown = finding::Escaped(text.as_bytes());
        Failure::usage(format!("no release is known as {shown}"))
            .hint("for example 1.6, 1.7.24, 2.1")
    })
}

/// Makes the plan anew from the node as it is now, with the files that it writes.
pub(crate) fn again(
    plan: &Plan,
    node: &Path,
    progress: &Progress,
) -> Result<(Made, Evidence), Failure> {
    let mut evidence = Evidence::open(node, &Options::default())
        .map_err(|error| Failure::unread(format!("{} {}", error.path, error.why)))?;
    let roots = same_roots(&evidence, plan)?;
    let made_at = Time::parse(&plan.made_at)
        .map_err(|error| Failure::unread(format!("the plan's time is invalid: {error}")))?;
    let request = Request {
        roots,
        made_at,
        at: Some(Time::parse(&plan.as_of).unwrap_or(made_at)),
        names: repair::names_of(plan),
        logged: Some(repair::logged_of(plan)),
        copies: given::again(&plan.copies)?,
        donors: donors(plan.sources.iter().map(PathBuf::from))?,
        release: plan.daemon.as_deref().map(release).transpose()?,
        mounts: mounts::mounts_below(node),
        points: mounts::points(node),
        by_time: plan.by_time,
        every_layer: plan.every_layer,
        said: plan.said.clone(),
        released: plan.released.clone(),
        pod_addresses: plan.pod_addresses,
        told: told(progress),
    };
    let made = repair::make(&mut evidence, &request).map_err(|why| refused(&why))?;
    Ok((made, evidence))
}

/// The installation that a plan was made for, as it is found without being named: its configuration says
/// more than where its stores are.
fn same_roots(evidence: &Evidence, plan: &Plan) -> Result<Roots, Failure> {
    let config = plan.config.as_ref().map(PathBuf::from);
    let found = node::discover(
        evidence,
        &Said {
            config: config.clone(),
            ..Said::default()
        },
    );
    let (root, state) = (Path::new(&plan.root), Path::new(&plan.state));
    let mut same = found
        .into_iter()
        .filter(|roots| roots.root == root && roots.state == state);
    match same.next().filter(|_| !plan.places_said) {
        Some(found) => Ok(found),
        None => roots(
            evidence,
            &PlaceArgs {
                root: Some(root.to_owned()),
                state: Some(state.to_owned()),
                config,
                ..PlaceArgs::default()
            },
        ),
    }
}

/// The first installation in the evidence.
pub(crate) fn roots(evidence: &Evidence, places: &PlaceArgs) -> Result<Roots, Failure> {
    let mut all = installations(evidence, places)?.into_iter();
    all.next().ok_or_else(none_found)
}

/// Every installation in the evidence, or the one that the user named.
pub(crate) fn installations(
    evidence: &Evidence,
    places: &PlaceArgs,
) -> Result<Vec<Roots>, Failure> {
    let said = Said {
        root: places.root.clone(),
        state: places.state.clone(),
        config: places.config.clone(),
    };
    let is_named = said.root.is_some() || said.state.is_some() || said.config.is_some();
    let mut all = node::discover(evidence, &said);
    if is_named {
        all.truncate(1);
    }
    if all.is_empty() {
        return Err(none_found());
    }
    Ok(all)
}

fn none_found() -> Failure {
    Failure::unread("no node was found in the evidence")
}

/// Reads a plan.
pub(crate) fn load(path: &Path) -> Result<Plan, Failure> {
    let bytes = bytes(path)?;
    let shown = cli::shown(path);
    let wrong = |why: String| {
        Failure::unread(format!("{shown} is no plan: {why}"))
            .hint("make one with `coroner repair plan NODE -o plan.json`")
    };
    let json: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let plan = json.get("answer").cloned().unwrap_or(json);
    let plan: Plan = serde_json::from_value(plan).map_err(|error| wrong(error.to_string()))?;
    if plan.schema != repair::plan::SCHEMA {
        return Err(wrong(format!(
            "its schema is {}",
            finding::Escaped(plan.schema.as_bytes())
        )));
    }
    Ok(plan)
}

pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let shown = cli::shown(path);
    let failed = |why: &dyn std::fmt::Display| Failure::unread(format!("{shown} {why}"));
    let file = evidence::open_archive(path).map_err(|why| failed(&why))?;
    let mut bytes = Vec::new();
    file.take(LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    Ok(bytes)
}
