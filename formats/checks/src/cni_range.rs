//! How full the ranges of host-local are.

use cni::capacity;
use finding::{Code, Finding, Location, Severity, Text};

use crate::cni_lease::leaked;
use crate::cni_sets::ranges_of;
use crate::cni_use::Holders;
use crate::{Check, Judge};

/// Hardly an address left.
pub(crate) const EXHAUSTED: Check = Check {
    code: &Code {
        name: "cni/addresses-exhausted",
        rule: "N09",
        severity: Severity::Damage,
        title: "A network has no address left, or few",
        explanation: "host-local has a file for each reserved address. Here all addresses of the range are \
            reserved, or nine of ten (then this is odd; a note if none of them is leaked). Each \
            further pod fails, and the kubelet retries without end. Either the range is too small \
            for this node's pods, or addresses leaked (cri/address-leaked).",
        remedy: "If addresses leaked, delete the files of these. If none did, the range is too \
            small: remove pods, or give the network a larger range.",
    },
    needs: &[],
    run: exhausted,
};

fn exhausted(judge: &mut Judge<'_>) {
    let leaks = match Holders::from_judge(judge) {
        Some(holders) => leaked(judge, &holders),
        None => Vec::new(),
    };
    let is_whole = judge.node.meta.rows.is_some();
    let node = judge.node;
    for store in &node.network.stores {
        for set in ranges_of(node, store) {
            let whole = capacity(&set);
            let in_set = |address| {
                set.iter()
                    .any(|range| range.contains(address) && range.gateway != address)
            };
            let used = store.leases.iter().filter(|lease| in_set(lease.address));
            let used = u128::try_from(used.count()).unwrap_or(u128::MAX);
            if whole == 0 || used.saturating_mul(10) < whole.saturating_mul(9) {
                continue;
            }
            let gone = leaks
                .iter()
                .filter(|leak| core::ptr::eq(leak.store, store))
                .flat_map(|leak| &leak.leases)
                .filter(|(lease, _)| in_set(lease.address))
                .count();
            let ranges: Vec<String> = set.iter().map(ToString::to_string).collect();
            let left = whole.saturating_sub(used);
            let (state, severity) = match (left, gone) {
                (0, _) => ("all".to_owned(), Severity::Damage),
                (_, 0) => (format!("{used} of"), Severity::Note),
                _ => (format!("{used} of"), Severity::Odd),
            };
            let leaked = match gone {
                0 if is_whole => "none of them is known to be leaked".to_owned(),
                0 => "whether pods have them is not known".to_owned(),
                1 => "one of them is leaked".to_owned(),
                count => format!("{count} of them are leaked"),
            };
            let message = format!(
                "{state} {whole} addresses of {} (network {}) are given away; {leaked}",
                ranges.join(","),
                store.network
            );
            let location = Location::file(store.path.clone());
            let mut finding = Finding::new(EXHAUSTED.code, location, message).severity(severity);
            if left == 0 {
                let says = format!(
                    "no IP addresses available in range set: {}",
                    ranges.join(",")
                );
                finding = finding.found(Text::from(says).to_string());
            }
            judge.say(finding);
        }
    }
}
