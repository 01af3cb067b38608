//! containerd's configuration.

use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Unread};
use node::Node;
use node::config::ConfigFault;
use view::Span;

use crate::store::ours;
use crate::{Check, Judge};

/// A configuration file that the daemon refuses.
pub(crate) const UNUSABLE: Check = Check {
    code: &Code {
        name: "config/unusable",
        rule: "",
        severity: Severity::Damage,
        title: "A configuration file cannot be read or is not TOML",
        explanation: "containerd reads config.toml and everything that it imports before anything \
            else, and exits at the first file that it cannot read. Where root and state are is \
            then unknown, too: coroner looked at the default places.",
        remedy: "Correct the file; `containerd config dump` shows what the daemon makes of it. If \
            root or state are elsewhere, name them with --root and --state.",
    },
    needs: &[],
    run: unusable,
};

fn unusable(judge: &mut Judge<'_>) {
    let config = judge.node.roots.config.as_ref();
    for fault in config.into_iter().flat_map(|config| &config.faults) {
        let (file, at, message) = match fault {
            ConfigFault::Unread { file, unread } => (file, None, format!("it {unread}")),
            ConfigFault::Syntax { file, at, error } => (file, *at, format!("not TOML: {error}")),
            ConfigFault::Type { file, key, want } => {
                (file, None, format!("the value of {key} is not {want}"))
            }
        };
        let mut location = Location::file(file.clone());
        if let Some(at) = at.and_then(|at| u64::try_from(at).ok()) {
            location = location.span(Span::new(at, 1));
        }
        let finding = Finding::new(UNUSABLE.code, location, message);
        let rule = match fault {
            ConfigFault::Unread { .. } => &start::UNREAD_CONFIG,
            ConfigFault::Syntax { .. } => &start::BAD_TOML,
            ConfigFault::Type { .. } => &start::SETTING_TYPE,
        };
        judge.say(match fault {
            ConfigFault::Unread {
                unread: unread @ Unread::Denied,
                ..
            } => ours(finding, unread),
            _ => told(finding, rule),
        });
    }
}

/// A finding about a config.toml that the distribution writes anew at each start says where an edit of
/// it lasts.
pub(crate) fn in_template(node: &Node, mut finding: Finding) -> Finding {
    let config = node.roots.config.as_ref();
    let file = finding.location.file.as_ref();
    let is_there = file
        .zip(config.and_then(|config| config.files.first()))
        .is_some_and(|(file, config)| file == config);
    if let Some(instead) = node.roots.template().filter(|_| is_there) {
        finding.remedy = Some(format!("{} {instead}", finding.what_to_do()));
    }
    finding
}
