//! Ways out of what was found: typed steps, the least harmful first.
//!
//! Each kind of finding stands in one table: in [`TABLES`] with what makes its steps, or in
//! [`WITHOUT`] with the reason why there are none. `testdata/make/remedies` carries the steps out on
//! real nodes; `docs/remedies.md` has what came of it.

mod content;
mod first;
mod loss;
mod named;
mod person;
mod pods;
mod removal;
mod runtime;
mod snapshots;
mod starts;
mod steps;
mod stores;
mod units;

use finding::{Finding, Remedy, Report};
use node::Node;

pub use first::Forbidding;
pub(crate) use loss::Hanging;
pub(crate) use starts::cured;
pub(crate) use steps::Here;

/// What makes the ways out of findings of these codes; a name that ends in `/` is a family.
type Table = &'static [(
    &'static [&'static str],
    fn(&Here<'_>, &Finding) -> Vec<Remedy>,
)];

const TABLES: &[Table] = &[
    stores::TABLE,
    content::TABLE,
    snapshots::TABLE,
    pods::TABLE,
    runtime::TABLE,
    units::TABLE,
    person::TABLE,
    named::TABLE,
];

/// Codes without steps, and why.
const WITHOUT: &[(&str, &str)] = &[
    (NOTHING, "nothing is to be done"),
    (BY_HAND, "what is right is not in the evidence"),
    (ELSEWHERE, "its own steps are made where it is found"),
];

const NOTHING: &str = "blob/unknown bolt/inline-large bolt/many-gone bolt/meta-flags bolt/meta-header \
    bolt/meta-slack bolt/freelist-order bolt/key-after-branch bolt/meta-slot bolt/meta-txid bolt/page-lost \
    bolt/page-slack bolt/previous-tree bolt/ragged-end bolt/uncommitted bolt/value-zeroes cni/config-unused container/image-gone content/key-case cri/folder-orphan \
    gc/unreachable image/snapshot-unreferenced image/targets-differ ingest/complete \
    ingest/reference ingest/row-alone ingest/stale ingest/unknown layer/bomb lease/dangling \
    lease/expired meta/blob-key meta/label-invalid meta/namespace-name meta/root-bucket \
    meta/unknown-key runtime/bundle-hidden runtime/bundle-spec-missing runtime/not-read runtime/oom-killed runtime/at-limit runtime/pids-disagree runtime/slowed runtime/socket-foreign \
    runtime/socket-orphan runtime/status-without-task runtime/work-dir-missing \
    runtime/work-dir-orphan snapshot/extraction-leftover snapshot/temporary snapshot/usage-missing \
    store/state-missing";

const BY_HAND: &str = "bolt/big-endian container/options-gone \
    cri/runtime-handler-unknown cri/sandbox-record-gone cri/sandboxer-unknown \
    meta/bucket-key meta/migration-blocked \
    meta/plain-key meta/value-large meta/version-ahead meta/version-unknown \
    snapshot/children \
    snapshot/device-faulty snapshot/pool-disagrees store/disk-full store/root-emptied \
    store/root-missing store/split store/unreadable";

const ELSEWHERE: &str = "runtime/cgroup-version-differs runtime/kernel-lacks log/unexplained core/left core/bolt-transaction-left core/fifo-opens-pile-up core/fifo-unopened core/init-waits-for-runc core/init-writes-log \
    core/runc-hook core/shim-end-lost core/bolt-flock core/bolt-writer core/cni-plugin-hangs core/cri-exit-handler \
    core/docker-waits-for-containerd core/events-blocked core/fetch-semaphore core/init-at-fifo \
    core/metrics-order core/metrics-wait-for-shim core/nri-locks core/push-close core/shim-create \
    core/shim-exit-under-create core/shim-exits-blocked core/shim-exits-pile-up core/shim-output core/shim-runc \
    core/shim-silent core/start-at-fifo core/start-waits-for-shim core/streaming-lock \
    core/ttrpc-both-write core/ttrpc-lock core/unmount-hangs \
    store/repair-half-way cni/address-twice cni/address-unreserved cni/addresses-exhausted \
    cni/lease-damaged cri/address-leaked runtime/address-damaged runtime/cwd-escape \
    runtime/daemon-at-limit runtime/daemon-stuck runtime/fifo-stale runtime/fifo-waiting runtime/mount-orphan \
    runtime/socket-missing \
    runtime/shim-left runtime/state-without-bundle runtime/stuck \
    \
    start/cri-lost start/limps start/loses start/refused start/unknown start/useless store/daemon-elsewhere runtime/bundle-incomplete snapshot/label-gone";

/// Gives the findings of a report their ways out: those that are kept, because each takes some kilobytes.
pub fn with_ways(node: &Node, mut report: Report, forbidding: &Forbidding) -> Report {
    let hanging = &Hanging::new(node);
    let here = &Here { node, hanging };
    let findings = report.findings.into_iter().map(|finding| {
        let mut finding = hanging.named(add(here, finding));
        forbidding.put_starts_last(here, &mut finding);
        finding
    });
    report.findings = findings.collect();
    report
}

/// A finding with its ways out, where its check made none.
fn add(here: &Here<'_>, finding: Finding) -> Finding {
    if !finding.ways.is_empty() {
        return finding;
    }
    let name = finding.code.name;
    let is_it = |code: &&str| *code == name || (code.ends_with('/') && name.starts_with(*code));
    if WITHOUT
        .iter()
        .any(|(codes, _)| codes.split_whitespace().any(|code| code == name))
    {
        return finding;
    }
    let mut rows = TABLES.iter().copied().flatten();
    let Some((_, make)) = rows.find(|(codes, _)| codes.iter().any(&is_it)) else {
        return finding;
    };
    let ways = make(here, &finding);
    let ways = ways.into_iter().filter(|way| !way.steps.is_empty());
    ways.fold(finding, Finding::way)
}

#[cfg(test)]
mod tests {
    use super::{TABLES, WITHOUT};

    #[test]
    fn each_code_has_steps_or_a_reason() {
        for code in crate::codes() {
            let name = code.name;
            let tables = TABLES
                .iter()
                .copied()
                .flatten()
                .flat_map(|(codes, _)| *codes);
            let exact = tables.clone().filter(|it| **it == name).count();
            let family = tables
                .filter(|it| it.ends_with('/') && name.starts_with(**it))
                .count();
            let without = WITHOUT
                .iter()
                .flat_map(|(codes, _)| codes.split_whitespace());
            let without = without.filter(|it| *it == name).count();
            // What a family has may be taken out of it by a reason; all else stands once.
            assert!(exact + without <= 1, "{name} is there twice");
            assert!(
                exact + without + family >= 1,
                "{name} has neither steps nor a reason"
            );
        }
        for (codes, _) in WITHOUT {
            for name in codes.split_whitespace() {
                assert!(
                    crate::codes().iter().any(|code| code.name == name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn few_codes_are_left_to_hands() {
        let by_hand = super::BY_HAND.split_whitespace().count();
        // Some need a single key of a database changed, which no tool does yet.
        assert!(by_hand <= 19, "{by_hand}");
    }
}
