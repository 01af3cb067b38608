//! Results of CNI: left by pods that are gone, or not to be read.

use daemon::{start, told};
use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Object, Severity, Text};
use node::network::CniResult;

use crate::cni_use::{Held, Holders, about};
use crate::cri_pod::NAMESPACE;
use crate::{Check, Judge, Need, version};

/// A result without a pod.
pub(crate) const LEFTOVER: Check = Check {
    code: &Code {
        name: "cni/result-leftover",
        rule: "N10",
        severity: Severity::Note,
        title: "The result of a network is left of a pod that is gone",
        explanation: "libcni keeps what the plugins answered when a pod was attached to a network, and deletes \
            it when the pod is taken off. No namespace of meta.db has this pod. The file takes no \
            address (that would be cri/address-leaked) and does no harm. It says what the pod was: \
            its name, address, network namespace and interface.",
        remedy: "Nothing to repair; the files may be deleted. The network namespace and the \
            interface that they name may be left as well: see `coroner runtime mounts`.",
    },
    needs: &[Need::Containers],
    run: leftover,
};

/// A result that cannot be read.
pub(crate) const DAMAGED: Check = Check {
    code: &Code {
        name: "cni/result-damaged",
        rule: "N11",
        severity: Severity::Damage,
        title: "The result of a pod's network cannot be read",
        explanation: "A power loss leaves the file empty or cut. 1.6 and 1.7 read it when the pod is stopped, \
            and fail: they can neither stop nor remove the pod, and its address stays reserved. 2.x \
            ignores the file and stops the pod. If the pod is gone, this is a note.",
        remedy: "Delete the file; the pod can then be stopped. libcni treats a missing file as no result.",
    },
    needs: &[],
    run: damaged,
};

/// How many pods a message names.
const SHOWN: usize = 4;

fn leftover(judge: &mut Judge<'_>) {
    let Some(holders) = Holders::from_judge(judge) else {
        return;
    };
    let mut gone: BTreeMap<&Text, Vec<&CniResult>> = BTreeMap::new();
    for result in &judge.node.network.results {
        if holders.held(&result.container, result.written) == Held::Gone
            && !judge.is_explained(LEFTOVER.code, &about(&result.container))
        {
            gone.entry(&result.container).or_default().push(result);
        }
    }
    let Some(first) = gone.values().next().and_then(|results| results.first()) else {
        return;
    };
    let named: Vec<String> = gone
        .iter()
        .take(SHOWN)
        .map(|(id, results)| {
            let answers = || {
                results
                    .iter()
                    .filter_map(|result| result.answer.as_ref().ok())
            };
            let mut told = id.to_string();
            if let Some((namespace, pod)) = answers().find_map(|answer| answer.pod.as_ref()) {
                told = format!("{namespace}/{pod}, {told}");
            }
            let of = answers().flat_map(|answer| &answer.addresses);
            let addresses: Vec<String> = of
                .filter(|(address, _)| !address.is_loopback())
                .map(|(address, _)| address.to_string())
                .collect();
            if !addresses.is_empty() {
                told = format!("{told} with {}", addresses.join(" and "));
            }
            if let Some(netns) = answers().find_map(|answer| answer.netns.as_ref()) {
                told = format!("{told} in {netns}");
            }
            told
        })
        .collect();
    let files: usize = gone.values().map(Vec::len).sum();
    let more = match gone.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let (count, are) = match gone.len() {
        1 => ("one pod".to_owned(), "is"),
        count => (format!("{count} pods"), "are"),
    };
    let results = if files == 1 { "result" } else { "results" };
    let message = format!(
        "{files} {results} of {count} that {are} gone: {}{more}",
        named.join("; ")
    );
    let location = Location::file(first.path.clone());
    let mut finding = Finding::new(LEFTOVER.code, location, message);
    for id in gone.keys().take(200) {
        finding = finding.affects(Object::new("sandbox", NAMESPACE, Text::clone(id)));
    }
    judge.say(finding);
}

fn damaged(judge: &mut Judge<'_>) {
    let holders = Holders::from_judge(judge);
    let is_modern = version::installed(judge.node).is_some_and(|(major, _, _)| major >= 2);
    for result in &judge.node.network.results {
        let Err(why) = &result.answer else { continue };
        let held = holders
            .as_ref()
            .map(|holders| holders.held(&result.container, result.written));
        let location = Location::file(result.path.clone());
        let message = format!("{why}; it is of {}", result.container);
        let finding = Finding::new(DAMAGED.code, location, message).affects(Object::new(
            "sandbox",
            NAMESPACE,
            result.container.clone(),
        ));
        // Of loopback it is never asked, its version is too old for that.
        let matters = held == Some(Held::Known) && !is_modern && result.interface != "lo";
        judge.say(if matters {
            told(finding, &start::NETWORK_RESULT)
        } else {
            finding.severity(Severity::Note)
        });
    }
}
