//! Faults of the databases, as their parsers found them.

use daemon::start::{self, StartRule};
use std::collections::BTreeMap;

use bolt::{Found, What};
use finding::{Finding, Location, Object, Severity, Text};
use metadb::Problem;
use node::DatabaseFacts;

use crate::judge::affecting;
use crate::{Judge, affected};

/// Tells every fault of meta.db and of each metadata.db: of its pages as `bolt` found them, of its
/// records as `metadb` did. A damaged page that a record's bucket stands on is told once.
pub(crate) fn faults(judge: &mut Judge<'_>) {
    let node = judge.node;
    let meta = &node.meta;
    let in_meta = |judge: &Judge<'_>, path: &[Text]| affected::in_meta(judge, path);
    tell(
        judge,
        &meta.path,
        meta.facts.as_ref(),
        &meta.faults,
        in_meta,
    );
    let rows = meta.rows.iter();
    records(
        judge,
        &meta.path,
        rows.flat_map(|meta| &meta.troubles),
        in_meta,
    );
    for snapshotter in &node.snapshotters {
        let db = &snapshotter.db;
        let in_backend =
            |judge: &Judge<'_>, path: &[Text]| affected::in_backend(judge, snapshotter, path);
        tell(judge, &db.path, db.facts.as_ref(), &db.faults, in_backend);
        let rows = db.rows.iter();
        records(
            judge,
            &db.path,
            rows.flat_map(|rows| &rows.troubles),
            in_backend,
        );
        for pool in &snapshotter.pools {
            tell(
                judge,
                &pool.path,
                pool.facts.as_ref(),
                &pool.faults,
                nothing,
            );
            let rows = pool.rows.iter();
            records(
                judge,
                &pool.path,
                rows.flat_map(|rows| &rows.troubles),
                nothing,
            );
        }
    }
    let mounts = &node.mounts;
    // One without a tree is told as that.
    if mounts.rows.is_some() {
        tell(
            judge,
            &mounts.path,
            mounts.facts.as_ref(),
            &mounts.faults,
            nothing,
        );
    }
    let rows = mounts.rows.iter();
    records(
        judge,
        &mounts.path,
        rows.flat_map(|rows| &rows.troubles),
        nothing,
    );
}

/// Where nothing is known of who needs what.
const fn nothing(_: &Judge<'_>, _: &[Text]) -> Vec<Object> {
    Vec::new()
}

fn tell(
    judge: &mut Judge<'_>,
    file: &Text,
    facts: Option<&DatabaseFacts>,
    faults: &[Found],
    affected: impl Fn(&Judge<'_>, &[Text]) -> Vec<Object>,
) {
    // Thousands of pages of one bucket affect the same.
    let mut known: BTreeMap<&[Vec<u8>], Vec<Object>> = BTreeMap::new();
    let (beyond, told): (Vec<&Found>, Vec<&Found>) = faults
        .iter()
        .partition(|found| is_beyond(found, faults, facts));
    // What stood below a page that cannot be read is neither in use nor free.
    let is_hidden = faults.iter().any(|found| found.fault.unknown.is_some());
    let told = told.into_iter();
    let told =
        told.filter(|found| !is_hidden || !matches!(found.fault.what, What::PageLost { .. }));
    for (found, others) in by_page(told) {
        let mut finding = found.finding(Location::file(file.clone()));
        finding.message.push_str(&and_others(&others));
        if matches!(found.fault.what, What::FileShort { .. }) {
            finding = with_what_is_beyond(finding, &beyond, |path| affected(judge, path));
        }
        let objects = known.entry(&found.path).or_insert_with(|| {
            let path: Vec<Text> = found.path.iter().cloned().map(Text::from).collect();
            affected(judge, &path)
        });
        // What spares the bytes spares who needs them.
        if finding.severity >= Severity::Damage {
            finding = affecting(finding, objects);
        }
        if let Some(facts) = facts {
            for rule in at_start(&found.fault, facts.freelist_synced) {
                finding = daemon::told(finding, rule);
            }
        }
        judge.say(finding);
    }
}

/// The worst fault of each page of the tree, with the others of that page and bucket: a page whose
/// bytes are damaged is one fault, however many rules they break.
fn by_page<'f>(told: impl Iterator<Item = &'f Found>) -> Vec<(&'f Found, Vec<&'f Found>)> {
    let mut all: Vec<(&Found, Vec<&Found>)> = Vec::new();
    let mut places: BTreeMap<(bolt::PageId, &[Vec<u8>]), usize> = BTreeMap::new();
    for found in told {
        let page = found
            .fault
            .page
            .filter(|page| page.0 >= 2 && is_of_bytes(found));
        let Some(page) = page else {
            all.push((found, Vec::new()));
            continue;
        };
        let next = all.len();
        let at = *places.entry((page, &found.path)).or_insert(next);
        match all.get_mut(at) {
            None => all.push((found, Vec::new())),
            Some((worst, others)) if severity(found) > severity(worst) => {
                others.push(core::mem::replace(worst, found));
            }
            Some((_, others)) => others.push(found),
        }
    }
    all
}

fn severity(found: &Found) -> Severity {
    use finding::Fault as _;
    found.fault.severity()
}

/// Whether the page's own bytes are wrong, and not what it is used for.
const fn is_of_bytes(found: &Found) -> bool {
    !matches!(
        found.fault.what,
        What::PageShared { .. }
            | What::PageCycle { .. }
            | What::PageLost { .. }
            | What::FreeReachable { .. }
            | What::Uncommitted { .. }
    )
}

/// `; and 3 more faults of this page (bolt/key-order, bolt/page-slack)`
fn and_others(others: &[&Found]) -> String {
    use finding::Fault as _;
    if others.is_empty() {
        return String::new();
    }
    let mut codes: Vec<&str> = others.iter().map(|found| found.fault.code().name).collect();
    codes.sort_unstable();
    codes.dedup();
    let count = match others.len() {
        1 => "another fault".to_owned(),
        count => format!("{count} more faults"),
    };
    format!("; and {count} of this page ({})", codes.join(", "))
}

/// Whether it names a page behind the end of a file that was cut: that is the cut, told once.
fn is_beyond(found: &Found, faults: &[Found], facts: Option<&DatabaseFacts>) -> bool {
    let page_size = facts.map_or(4096, |facts| facts.page_size);
    let named = match found.fault.what {
        What::MetaRoot { found, .. }
        | What::MetaFreelist { found, .. }
        | What::PageRange { found, .. }
        | What::FreelistId { found, .. } => found.0,
        _ => return false,
    };
    faults.iter().any(|each| match each.fault.what {
        What::FileShort { want, found } => (found..want).contains(&named.saturating_mul(page_size)),
        _ => false,
    })
}

/// The finding about a cut file, as bad as what it costs, with all who need that.
fn with_what_is_beyond(
    mut finding: Finding,
    beyond: &[&Found],
    affected: impl Fn(&[Text]) -> Vec<Object>,
) -> Finding {
    let mut paths: Vec<&[Vec<u8>]> = Vec::new();
    for found in beyond {
        let severity = found.finding(Location::default()).severity;
        finding.severity = finding.severity.max(severity);
        if severity >= Severity::Damage && !paths.contains(&found.path.as_slice()) {
            paths.push(&found.path);
        }
    }
    for path in paths {
        let path: Vec<Text> = path.iter().cloned().map(Text::from).collect();
        finding = affecting(finding, &affected(&path));
    }
    finding
}

/// What daemons do because of a fault of this file, where that hangs on how the file was written.
fn at_start(fault: &bolt::Fault, synced: bool) -> &'static [StartRule] {
    use bolt::{AtOpen, What};
    let is_spared = fault.eased.is_some();
    let (here, walked) = (fault.at_open(synced), fault.at_open(false));
    match (&fault.what, here) {
        (
            What::MetaRoot { .. } | What::MetaFreelist { .. } | What::MetaPageSize { .. },
            AtOpen::Opens,
        ) if is_spared => &[start::OTHER_META],
        (What::PageId { .. }, AtOpen::Opens) if is_spared => {
            &[start::NUMBER_UNSEEN, start::NUMBER_SEEN]
        }
        (What::PageShared { .. }, AtOpen::Opens) => &[start::PAGE_SHARED],
        // Metas and freelists: `daemon` knows.
        _ if walked == fault.at_open(true) && (walked != AtOpen::Opens || !fault.inline) => &[],
        (_, AtOpen::Opens) => &[start::PAGE_IN_THE_WAY],
        (_, AtOpen::MayDie) => &[start::PAGE_TOUCHED, start::PAGE_WALKED_LATER],
        (_, AtOpen::Dies) => &[start::PAGE_WALKED_BY_ALL],
    }
}

/// Of how many records of a database it is said what they affect.
const MOST: usize = 1000;

fn records<'n>(
    judge: &mut Judge<'_>,
    file: &Text,
    troubles: impl Iterator<Item = &'n metadb::Trouble>,
    affected: impl Fn(&Judge<'_>, &[Text]) -> Vec<Object>,
) {
    let told = troubles.filter(|trouble| matches!(trouble.problem, Problem::Record(_)));
    for (number, trouble) in told.enumerate() {
        let finding = trouble.finding(file);
        // A report shows fewer of one code; each look takes the time of all rows.
        let objects = if number < MOST {
            affected(judge, &trouble.path)
        } else {
            Vec::new()
        };
        judge.say(affecting(finding, &objects));
    }
}
