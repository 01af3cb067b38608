//! Programs of the runtime.

use finding::program::CHMOD;
use finding::{Finding, Remedy, Step, Text};
use node::network::Program;

use super::steps::{call, run};
use super::{Here, Table};

pub(super) const TABLE: Table = &[
    (
        &["runtime/program-missing", "runtime/program-broken"],
        program,
    ),
    (&["runtime/cgroup-driver-differs"], driver),
];

/// Both are set to the same, on a node without pods.
fn driver(_: &Here<'_>, _: &Finding) -> Vec<Remedy> {
    let steps = [
        "Drain the node (`kubectl drain`): pods that run keep the cgroups that they were made with.",
        "Set SystemdCgroup below the runtime's options in config.toml, and cgroupDriver in kubelet's \
         config.yaml, to the same: systemd, where systemd is the first process.",
        "Restart both, then let pods come back.",
    ];
    vec![Remedy::new(
        "kubelet and containerd then have the same cgroups in mind.",
        steps.map(Step::words).into(),
    )]
}

/// Packages of Debian and Fedora that bring a program.
const PACKAGES: &[(&[u8], &str)] = &[
    (b"runc", "runc (containerd.io, if it is Docker's)"),
    (b"crun", "crun"),
    (
        b"containerd-shim-runc-v2",
        "containerd (containerd.io, if it is Docker's)",
    ),
    (b"nvidia-container-runtime", "nvidia-container-toolkit-base"),
    (b"youki", "youki"),
];

/// The program is made executable, or its package is installed anew; before any start.
fn program(here: &Here<'_>, finding: &Finding) -> Vec<Remedy> {
    if leads_past(here, finding) {
        let ways = super::units::path(here);
        if !ways.is_empty() {
            return ways;
        }
    }
    let path = finding.location.file.clone().unwrap_or_default();
    let mut steps = Vec::new();
    if finding.message.contains("may not be executed") {
        let draft = call(CHMOD).word("0755").path(path.clone());
        steps.extend(run(draft).map(Step::undoable));
    } else {
        steps.push(Step::words(install(here, finding, &path)));
    }
    vec![Remedy::new(
        "Until then do not start or restart containerd: what runs now keeps running.",
        steps,
    )]
}

/// Whether the program is there, and only PATH of the unit does not lead to it.
fn leads_past(here: &Here<'_>, finding: &Finding) -> bool {
    here.node.programs.all.iter().any(|one| {
        let place = match &one.found {
            Program::Missing { elsewhere, .. } => *elsewhere,
            _ => None,
        };
        let is_it = |place: &str| {
            finding
                .message
                .starts_with(&format!("{} is in {place},", one.wanted.name))
        };
        place.is_some_and(is_it)
    })
}

fn install(here: &Here<'_>, finding: &Finding, path: &Text) -> String {
    let all = here.node.programs.all.iter();
    let mut all = all.map(|one| one.wanted.name.as_bytes());
    let named = |bytes: &[u8]| -> Vec<u8> {
        let last = bytes.rsplit(|byte| *byte == b'/').next();
        last.unwrap_or_default().to_vec()
    };
    let message = finding.message.as_bytes();
    let by_message = all.find(|name| message.starts_with(name));
    let name = by_message.map_or_else(|| named(path.bytes()), named);
    let package = PACKAGES.iter().find(|(program, _)| *program == name);
    match package {
        Some((_, package)) => format!("Install its package again: {package}."),
        None => format!(
            "Install again what brings {}, or name another program in config.toml.",
            Text::from(name)
        ),
    }
}
