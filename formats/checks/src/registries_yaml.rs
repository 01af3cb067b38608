//! registries.yaml of k3s and rke2: they end before they start containerd where they cannot read it.

use finding::{Code, Finding, Location, Severity};
use node::{Node, RegistriesYaml, Yaml};

use crate::not_known::{NotKnown, Part};
use crate::{Check, Judge};

/// registries.yaml is refused.
pub(crate) const UNUSABLE: Check = Check {
    code: &Code {
        name: "registry/registries-yaml-unusable",
        rule: "P58",
        severity: Severity::Damage,
        title: "k3s or rke2 refuses registries.yaml and does not start containerd",
        explanation: "k3s and rke2 read /etc/rancher/k3s/registries.yaml (rke2: /etc/rancher/rke2; or the file that \
            private-registry names) at each start, before they start containerd. They end if the file is there \
            and cannot be read (a directory) or is no YAML (a key without its colon, a tab in the indentation, \
            * without quotes). Without the file they start.",
        remedy: "Correct the file, or move it away, then start k3s or rke2 again.",
    },
    needs: &[],
    run: unusable,
};

/// The file, and why it is refused.
pub(crate) fn refusal(node: &Node) -> Option<(&RegistriesYaml, &str)> {
    let it = node.registries_yaml.as_ref()?;
    match &it.found {
        Yaml::Refused(why) => Some((it, why.as_str())),
        _ => None,
    }
}

fn unusable(judge: &mut Judge<'_>) {
    let Some((it, why)) = refusal(judge.node) else {
        return;
    };
    let message = format!("{} ends at its start: {why}", it.whose);
    let location = Location::file(it.file.clone());
    judge.say(Finding::new(UNUSABLE.code, location, message));
}

/// A file of which it is not known whether it is taken.
pub(crate) fn not_known(node: &Node) -> Option<NotKnown> {
    let it = node.registries_yaml.as_ref()?;
    match &it.found {
        Yaml::Unknown(why) => {
            let why = format!("whether {} takes it: {why}", it.whose);
            Some(NotKnown::new(Part::Configuration, it.file.to_string(), why))
        }
        _ => None,
    }
}
