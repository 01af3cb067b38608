//! Addresses of pods that run: given away twice, or free to be.

use std::collections::BTreeMap;

use cni::HOST_LOCAL;
use core::net::IpAddr;
use finding::{Code, Draft, Finding, Location, Object, Remedy, Severity, Step, Text, program};
use node::network::{AddressLease, CniResult};

use crate::cni_lease::SHOWN;
use crate::cni_sets::sets_in;
use crate::cni_use::about;
use crate::cri_pod::{NAMESPACE, Seen, pods};
use crate::{Check, Judge};

/// One address for two, or two for one.
pub(crate) const ADDRESS_TWICE: Check = Check {
    code: &Code {
        name: "cni/address-twice",
        rule: "N07",
        severity: Severity::Damage,
        title: "Two running pods have the same address",
        explanation: "Their records in meta.db have the same address, and both have a bundle: traffic for one \
            may reach the other. The usual cause is leases that were deleted while pods ran, or two \
            networks with overlapping ranges.",
        remedy: "Remove the younger pod (`crictl stopp`, `crictl rmp`), then the other one if it \
            has no lease (cni/address-unreserved): the kubelet recreates them.",
    },
    needs: &[],
    run: address_twice,
};

/// An address in use that host-local would give away.
pub(crate) const ADDRESS_UNRESERVED: Check = Check {
    code: &Code {
        name: "cni/address-unreserved",
        rule: "N08",
        severity: Severity::Damage,
        title: "The address of a running pod is not reserved",
        explanation: "The pod's record has an address of a network of host-local, its bundle is there, and no \
            file reserves the address for it. /var/lib/cni/networks was deleted (often advised \
            against \"no IP addresses available in range set\"), or an old copy was restored. The \
            next pods get addresses that others use.",
        remedy: "Write the file back while no pod is being made: its name is the address, its \
            content the pod's id, CR, LF, and the interface.",
    },
    needs: &[],
    run: address_unreserved,
};

/// Pods that run, or may, with their addresses.
fn running<'n>(judge: &Judge<'n>) -> Vec<(Seen<'n>, IpAddr)> {
    let runtime = judge.node.runtime.read();
    let Some(runtime) = runtime.filter(|runtime| runtime.whole.bundles) else {
        return Vec::new();
    };
    let namespace = Text::from(NAMESPACE);
    let runs = |seen: &Seen<'_>| runtime.bundle(&namespace, seen.id).is_some();
    let pods = pods(judge).into_iter().filter(runs);
    pods.filter_map(|seen| {
        let address = seen.pod.ip.utf8()?.parse::<IpAddr>().ok()?;
        // A pod on the host's network has the host's.
        let own = !seen.pod.netns.bytes().is_empty();
        own.then_some((seen, address.to_canonical()))
    })
    .collect()
}

fn pod_object(seen: &Seen<'_>) -> Object {
    Object::global("pod", format!("{}/{}", seen.pod.namespace, seen.pod.pod))
}

fn address_twice(judge: &mut Judge<'_>) {
    let mut by_address: BTreeMap<IpAddr, Vec<Seen<'_>>> = BTreeMap::new();
    for (seen, address) in running(judge) {
        by_address.entry(address).or_default().push(seen);
    }
    for (address, seen) in by_address {
        let [first, .., last] = seen.as_slice() else {
            continue;
        };
        let message = format!(
            "{} pods that run have the address {address}: {} and {}",
            seen.len(),
            first.id,
            last.id
        );
        let location = last.at.location(&judge.node.meta.path);
        let mut finding = Finding::new(ADDRESS_TWICE.code, location, message);
        for seen in &seen {
            finding = finding.about([about(seen.id)]).affects(pod_object(seen));
        }
        judge.say(finding);
    }
}

/// A pod, its address, and who has that instead.
type Free<'n> = (Seen<'n>, IpAddr, Option<&'n Text>);

fn address_unreserved(judge: &mut Judge<'_>) {
    let node = judge.node;
    let network = &node.network;
    let unknown = network
        .stores
        .iter()
        .find_map(|store| store.unknown.as_ref());
    if let Some(why) = network.stores_unknown.as_ref().or(unknown) {
        let pods = running(judge);
        if !pods.is_empty() {
            judge.abstain(format!(
                "the leases of host-local are not known whole: it {why}"
            ));
        }
        return;
    }
    let mut free: BTreeMap<Text, Vec<Free<'_>>> = BTreeMap::new();
    let pods = running(judge);
    for (seen, address) in pods {
        // Which of two is to have it is not known.
        if judge.is_explained(ADDRESS_UNRESERVED.code, &about(seen.id)) {
            continue;
        }
        let Some(name) = network_of(judge, seen.id, address) else {
            continue;
        };
        let lease = network
            .leases()
            .find(|lease| lease.network == name && lease.address.to_canonical() == address);
        let holder = lease.and_then(AddressLease::container);
        let unread = lease.is_some_and(|lease| lease.holder.is_none());
        if holder == Some(seen.id) || unread {
            continue;
        }
        free.entry(name).or_default().push((seen, address, holder));
    }
    for (name, pods) in free {
        let named: Vec<String> = pods
            .iter()
            .take(SHOWN)
            .map(|(seen, address, holder)| {
                let pod = format!("{}/{} has {address}", seen.pod.namespace, seen.pod.pod);
                match holder {
                    Some(holder) => format!("{pod}, which is given to {holder}"),
                    None => pod,
                }
            })
            .collect();
        let more = match pods.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let of = match pods.len() {
            1 => "one pod that runs has an address that is".to_owned(),
            count => format!("{count} pods that run have addresses that are"),
        };
        let message = format!(
            "{of} not reserved in the network {name}: {}{more}",
            named.join("; ")
        );
        let store = network.stores.iter().find(|store| store.network == name);
        let folder = store.map_or_else(
            || Text::from([b"/var/lib/cni/networks/", name.bytes()].concat()),
            |store| store.path.clone(),
        );
        let mut finding = Finding::new(
            ADDRESS_UNRESERVED.code,
            Location::file(folder.clone()),
            message,
        );
        // What is given to another stays the other's.
        let free = pods.iter().filter(|(_, _, holder)| holder.is_none());
        let files = free.filter_map(|(seen, address, _)| reserve(&folder, *address, seen.id));
        // The folder went with its files.
        let make = store.is_none().then(|| {
            let command = Draft::new(program::MKDIR).word("-p").path(folder.clone());
            command
                .command()
                .map(|command| Step::from(command).undoable())
        });
        let steps: Vec<Step> = make.flatten().into_iter().chain(files).collect();
        if !steps.is_empty() {
            finding = finding.way(Remedy::new("The file of an address reserves it.", steps));
        }
        for (seen, _, _) in &pods {
            finding = finding.affects(pod_object(seen));
        }
        judge.say(finding);
    }
}

/// Writes what host-local writes when it gives an address to a container.
fn reserve(folder: &Text, address: IpAddr, container: &Text) -> Option<Step> {
    let file = [folder.bytes(), b"/", address.to_string().as_bytes()].concat();
    let print = Draft::new(program::PRINTF).word("%s\\r\\neth0");
    let command = print.operand(container.clone()).into_file(file).command()?;
    let step = Step::from(command).undoable();
    Some(step.only("while no pod is being made"))
}

/// The network of host-local that a pod's address is of.
fn network_of(judge: &Judge<'_>, id: &Text, address: IpAddr) -> Option<Text> {
    let network = &judge.node.network;
    let results = network.results.iter();
    let mut results = results.filter(|result| result.container == *id && result.interface != "lo");
    let has = |result: &&CniResult| {
        let answer = result.answer.as_ref();
        answer.is_ok_and(|answer| answer.addresses.iter().any(|(own, _)| *own == address))
    };
    let is_ours = |name: &Text| {
        let lists = network.folders.iter().flat_map(|folder| &folder.files);
        let mut of_name = lists.filter(|file| file.list().is_some_and(|list| *name == *list.name));
        let plugins = of_name
            .next()
            .into_iter()
            .flat_map(node::network::ConfFile::plugins);
        let mut ipams = plugins.filter_map(|plugin| plugin.ipam.as_ref());
        ipams.any(|ipam| ipam.kind == HOST_LOCAL)
            || network.stores.iter().any(|store| store.network == *name)
    };
    if let Some(result) = results.find(has) {
        return Some(result.network.clone()).filter(is_ours);
    }
    // Results are gone as well: the network that is loaded, if the address is of its ranges.
    let lists = network.folders.iter().flat_map(|folder| folder.loaded().0);
    let mut fits = lists
        .filter(|file| sets_in(file).any(|set| set.iter().any(|range| range.contains(address))));
    let list = fits.next()?.list()?;
    Some(Text::from(list.name.as_str()))
}
