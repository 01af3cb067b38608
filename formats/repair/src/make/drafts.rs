//! Edits that a plan shows and does not make: config.toml, and addresses of pods.

use evidence::Evidence;

use super::Making;
use crate::plan::HandEdit;
use crate::records::Edit;
use crate::{Tree, addresses, drafts};

impl Making<'_> {
    /// Corrected files of the configuration.
    pub(super) fn draft_config(&mut self, evidence: &mut Evidence) {
        let at = self.at;
        let found = drafts::config(evidence, &self.node, &self.release, at);
        self.plan.drafts.extend(found);
    }

    /// Addresses that records of pods lack: shown, or written where that is asked for.
    pub(super) fn pod_addresses(&mut self, evidence: &Evidence, tree: &mut Tree) -> Vec<Edit> {
        let found = addresses::find(evidence, &self.node, tree);
        for (pod, why) in &found.unknown {
            self.plan.drafts.push(HandEdit {
                of: format!("the record of the pod {pod}"),
                why: Vec::new(),
                decide: vec![format!(
                    "it has a network namespace and no address, and {why}: after the next start the kubelet recreates the pod. Drain the node first, or accept that"
                )],
                ..HandEdit::default()
            });
        }
        if self.request.pod_addresses {
            return addresses::write(tree, &found.known);
        }
        let pretty = |value| serde_json::to_string_pretty(value).unwrap_or_default();
        for one in &found.known {
            let (old, new) = (pretty(&one.old), pretty(&one.new));
            let of = format!("the record of the pod {}", one.pod);
            self.plan.drafts.push(HandEdit {
                why: vec![format!(
                    "it has a network namespace and no address (containerd issue 7843); {} has it",
                    addresses::names(&one.from)
                )],
                diff: drafts::difference(&of, &old, &new),
                of,
                next: "Plan again with --pod-addresses, which makes a step of it. Containers keep running while containerd and the kubelet are stopped.".to_owned(),
                option: Some("--pod-addresses".to_owned()),
                ..HandEdit::default()
            });
        }
        Vec::new()
    }
}
