//! Files that the network's agent writes, and without which its plugin fails.

use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Text};
use node::Node;
use node::network::{PluginFile, is_below_run};

use crate::cni_conf::{folder_sentence, folders, usable};
use crate::not_known::{NotKnown, Part};
use crate::{Check, Judge, version};

/// A file that a plugin of the loaded network needs is gone.
pub(crate) const FILE_MISSING: Check = Check {
    code: &Code {
        name: "cni/plugin-file-missing",
        rule: "N12",
        severity: Severity::Damage,
        title: "A file that a CNI plugin needs is not there",
        explanation: "Some plugins read files that the network's agent writes: flannel its subnet.env, calico \
            the name of the node (/var/lib/calico/nodename) and a kubeconfig, multus a kubeconfig. \
            containerd does not know of them: the node says NetworkReady=true, and each pod that is not \
            on the host's network fails. A file below /run is gone after each boot, until the agent \
            writes it: this is odd where tasks are below state, else a note.",
        remedy: "See why the network's agent does not run or does not write the file: its pod is on the \
            host's network, so it can run without. Restart that pod. A file that is written by hand is \
            wrong as soon as the agent's data change.",
    },
    needs: &[],
    run: file_missing,
};

fn file_missing(judge: &mut Judge<'_>) {
    let release = version::installed(judge.node);
    let has_tasks = judge
        .node
        .runtime
        .read()
        .is_some_and(|it| !it.bundles.is_empty());
    for (folder, weight) in folders(judge) {
        for file in usable(folder, release) {
            for plugin in file.plugins() {
                for path in &plugin.files {
                    let name = Text::from(path.as_str());
                    if judge.node.network.files.get(&name) != Some(&PluginFile::Gone) {
                        continue;
                    }
                    let kind = Text::from(plugin.kind.as_str());
                    let of = folder_sentence(folder);
                    let message = format!(
                        "{name}, which the plugin {kind} reads for each pod, is not there{of}: no pod can be made until \
                         the network's agent writes it"
                    );
                    let location = Location::file(file.path.clone());
                    let finding = Finding::new(FILE_MISSING.code, location, message);
                    let (severity, is_told) = match (is_below_run(path), has_tasks) {
                        (false, _) => (weight, weight == Severity::Damage),
                        (true, true) => (weight.min(Severity::Odd), false),
                        (true, false) => (Severity::Note, false),
                    };
                    let finding = finding.severity(severity);
                    judge.say(if is_told {
                        told(finding, &start::NETWORK_POD_FAILS)
                    } else {
                        finding
                    });
                }
            }
        }
    }
}

/// A file that a plugin needs, of which the evidence tells nothing.
pub(crate) fn not_known(node: &Node) -> Option<NotKnown> {
    let mut all = node.network.files.iter();
    // After a boot the agents write what is below /run.
    let may_be_gone = |path: &Text| node.state.is_err() && is_below_run(&path.to_string());
    let (path, _) =
        all.find(|(path, found)| **found == PluginFile::Unknown && !may_be_gone(path))?;
    let why = "a plugin of the network reads it for each pod, and whether it is there is not in the evidence";
    Some(NotKnown::new(Part::Cri, path.to_string(), why))
}
