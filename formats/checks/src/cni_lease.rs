//! Addresses that host-local gave away to nobody that is there.

use std::collections::{BTreeMap, BTreeSet};

use cni::Holder;
use finding::{Code, Draft, Finding, Location, Object, Remedy, Severity, Step, Text, program};
use node::network::{AddressLease, CniResult, ConfFile, Store};

use crate::cni_sets::ranges_of;
use crate::cni_use::{Held, Holders, about};
use crate::cri_pod::NAMESPACE;
use crate::{Check, Judge, Need};

/// An address that nobody uses.
pub(crate) const ADDRESS_LEAKED: Check = Check {
    code: &Code {
        name: "cri/address-leaked",
        rule: "K12",
        severity: Severity::Odd,
        title: "An address is reserved for a pod that is gone",
        explanation: "The CNI plugin host-local keeps a file for each address that it gave away \
            (/var/lib/cni/networks/NETWORK/ADDRESS), with the id of the pod's sandbox. No namespace \
            of meta.db has this one, nor has podman, CRI-O, docker or another containerd of this \
            machine. Where libcni's result names a pod for it, the pod was removed, but its network \
            was not; without one, another program may have asked for the address (a note). This happens when meta.db is \
            deleted, damaged or restored while the pod exists. The address is never released, not \
            even at a start. When all addresses are leaked, no new pod gets one.",
        remedy: "Delete the file while no pod is being made. Leave the other files of the folder: \
            pods that run need theirs, or their addresses are given away again \
            (cni/address-unreserved).",
    },
    needs: &[Need::Containers],
    run: address_leaked,
};

/// A lease that says nothing.
pub(crate) const LEASE_DAMAGED: Check = Check {
    code: &Code {
        name: "cni/lease-damaged",
        rule: "N06",
        severity: Severity::Odd,
        title: "The file of an address names no pod",
        explanation: "host-local creates the file of an address first, and then writes the pod's id into it. A \
            power loss in between, or a full disk, leaves a file that is empty or holds something \
            else. host-local releases an address by searching all files for the pod's id: it never \
            finds this file, and the range loses the address.",
        remedy: "Delete the file, if no pod that runs has the address (`ip neigh`, the pods' \
            status).",
    },
    needs: &[],
    run: lease_damaged,
};

/// How many addresses a message names.
pub(crate) const SHOWN: usize = 6;

/// What deletes some files.
fn removal<'f>(paths: impl Iterator<Item = &'f Text> + Clone, condition: &str) -> Remedy {
    let shown = paths.clone().take(SHOWN);
    let draft = shown.fold(Draft::new(program::RM), |draft, path| {
        draft.path(path.clone())
    });
    let remove = draft.command().map(Step::from);
    let more = paths.count().saturating_sub(SHOWN);
    let more = (more > 0).then(|| Step::words(format!("Delete {more} more in the same way.")));
    let steps = remove.into_iter().chain(more);
    let steps = steps.map(|step| step.only(condition)).collect();
    Remedy::new("The address is free again.", steps)
}

/// Leases whose holders are gone.
pub(crate) struct Leaked<'n> {
    pub(crate) store: &'n Store,
    /// With whether it may have been being made.
    pub(crate) leases: Vec<(&'n AddressLease, bool)>,
}

/// Leases of every network whose holders are gone.
pub(crate) fn leaked<'n>(judge: &Judge<'n>, holders: &Holders<'n>) -> Vec<Leaked<'n>> {
    let stores = judge.node.network.stores.iter();
    stores
        .filter(|store| may_be_the_cris(judge.node, store))
        .map(|store| {
            let leases = store.leases.iter().filter_map(|lease| {
                match holders.held(lease.container()?, lease.written) {
                    Held::Gone => Some((lease, false)),
                    Held::Young => Some((lease, true)),
                    Held::Known | Held::Unknown => None,
                }
            });
            Leaked {
                store,
                leases: leases.collect(),
            }
        })
        .collect()
}

/// Whether pods may have addresses of a network: containerd loads its configuration, or which one it loads
/// is not known. podman, nerdctl and others have theirs in the same folders.
fn may_be_the_cris(node: &node::Node, store: &Store) -> bool {
    let mut loaded = node
        .network
        .folders
        .iter()
        .flat_map(|folder| folder.loaded().0);
    let is_known = node
        .network
        .folders
        .iter()
        .any(|folder| !folder.files.is_empty());
    let is_it = |file: &ConfFile| match file.list() {
        Some(list) => store.network == *list.name,
        None => true,
    };
    !is_known || loaded.any(is_it)
}

/// What is told of a pod that is gone: its name, where a result still has it.
fn pod_of(results: &BTreeMap<&Text, &CniResult>, id: &Text) -> String {
    let answer = results
        .get(id)
        .and_then(|result| result.answer.as_ref().ok());
    match answer.and_then(|answer| answer.pod.as_ref()) {
        Some((namespace, pod)) => format!("{namespace}/{pod}, {id}"),
        None => id.to_string(),
    }
}

fn address_leaked(judge: &mut Judge<'_>) {
    let Some(holders) = Holders::from_judge(judge) else {
        return;
    };
    let network = &judge.node.network;
    if let Some(other) = network.others.unread.first()
        && network.leases().next().is_some()
    {
        judge.abstain(format!(
            "{other} could not be read: addresses may be its containers'"
        ));
        return;
    }
    let results = network
        .results
        .iter()
        .filter(|result| result.interface != "lo");
    let results: BTreeMap<&Text, &CniResult> =
        results.map(|result| (&result.container, result)).collect();
    for Leaked { store, leases } in leaked(judge, &holders) {
        let Some((first, _)) = leases.first() else {
            continue;
        };
        let ids: BTreeSet<&Text> = leases
            .iter()
            .filter_map(|(lease, _)| lease.container())
            .collect();
        let named: Vec<String> = leases
            .iter()
            .take(SHOWN)
            .map(|(lease, _)| match lease.container() {
                Some(id) => format!("{} ({})", lease.address, pod_of(&results, id)),
                None => lease.address.to_string(),
            })
            .collect();
        let more = match leases.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let count = leases.len();
        let (addresses, are) = if count == 1 {
            ("address", "is")
        } else {
            ("addresses", "are")
        };
        // Whoever calls the plugins by hand gives such ids, too: only what libcni kept of a pod tells.
        let is_pods = |id: &&Text| {
            let answer = results
                .get(id)
                .and_then(|result| result.answer.as_ref().ok());
            answer.is_some_and(|answer| answer.pod.is_some())
        };
        let is_proven = ids.iter().all(is_pods);
        let holders_are = match (ids.len(), is_proven) {
            (1, true) => "a sandbox that is gone".to_owned(),
            (1, false) => "an id that no container of this containerd has".to_owned(),
            (more, true) => format!("{more} sandboxes that are gone"),
            (more, false) => format!("{more} ids that no container of this containerd has"),
        };
        let young = leases.iter().all(|(_, young)| *young);
        let unless = if young {
            "; or to a pod that was being made when this was captured"
        } else {
            ""
        };
        let share = share(judge, store, count);
        let message = format!(
            "{count} {addresses} of the network {}{share} {are} given to {holders_are}: \
             {}{more}{unless}",
            store.network,
            named.join(", ")
        );
        let location = Location::file(if count == 1 {
            first.path.clone()
        } else {
            store.path.clone()
        });
        let mut finding = Finding::new(ADDRESS_LEAKED.code, location, message);
        finding = if is_proven {
            finding.way(removal(
                leases.iter().map(|(lease, _)| &lease.path),
                "while no pod is being made (kubelet stopped, or the node cordoned), and if no network namespace has \
                 the address",
            ))
        } else {
            finding.remedy(
                "Find out whose the address is before anything is deleted: libcni kept no result that names a pod for \
                 it, so another program may have asked for it (podman, CRI-O, cnitool). Look for the address in the \
                 network namespaces of this machine (`ip netns`, `ip -n NAME address`).",
            )
        };
        finding = finding.about(ids.iter().map(|id| about(id)));
        for id in ids.into_iter().filter(|_| is_proven).take(200) {
            finding = finding.affects(Object::new("sandbox", NAMESPACE, id.clone()));
        }
        // Without a single pod of the CRI here, it may be somebody else's network.
        judge.say(if holders.has_pods && !young && is_proven {
            finding
        } else {
            finding.severity(Severity::Note)
        });
    }
}

/// How much of its ranges a number of addresses is, where the ranges are known and small.
fn share(judge: &Judge<'_>, store: &Store, count: usize) -> String {
    let sets = ranges_of(judge.node, store);
    let whole = sets
        .iter()
        .map(cni::capacity)
        .fold(0_u128, u128::saturating_add);
    if whole == 0 || whole > 1 << 20 {
        return String::new();
    }
    let percent = u128::try_from(count)
        .unwrap_or(u128::MAX)
        .saturating_mul(100)
        .checked_div(whole)
        .unwrap_or(0);
    format!(" ({percent} % of {whole})")
}

fn lease_damaged(judge: &mut Judge<'_>) {
    let Some(holders) = Holders::from_judge(judge) else {
        return;
    };
    for store in &judge.node.network.stores {
        for lease in &store.leases {
            let what = match &lease.holder {
                Some(Holder::Nobody) => "is empty",
                Some(Holder::Garbage) => "does not hold an id",
                Some(Holder::Container { .. }) | None => continue,
            };
            let severity = match holders.age(lease.written) {
                Held::Gone => Severity::Odd,
                Held::Young => Severity::Note,
                // It is being written right now.
                Held::Known | Held::Unknown => continue,
            };
            let message = format!(
                "the file of {} of the network {} {what}: the address is never given back",
                lease.address, store.network
            );
            let location = Location::file(lease.path.clone());
            let condition = format!("if no pod that runs has the address {}", lease.address);
            let remove = removal(core::iter::once(&lease.path), &condition);
            let finding = Finding::new(LEASE_DAMAGED.code, location, message).way(remove);
            judge.say(finding.severity(severity));
        }
    }
}
