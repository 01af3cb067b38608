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

/// A configuration file of no bytes.
pub(crate) const EMPTY: Check = Check {
    code: &Code {
        name: "config/empty",
        rule: "",
        severity: Severity::Odd,
        title: "A configuration file is empty",
        explanation: "A file of no bytes is what a power loss or a full disk leaves of one that was being \
            written. containerd takes it, logs nothing, and goes on with what is built in: its own root \
            and state, the cgroupfs driver, no mirrors of registries, no other runtimes.",
        remedy: "If the file had contents, put them back from a backup or from what made it, before \
            containerd is started. If it is meant to be empty, nothing is to be done.",
    },
    needs: &[],
    run: empty,
};

fn empty(judge: &mut Judge<'_>) {
    let config = judge.node.roots.config.as_ref();
    for file in config.into_iter().flat_map(|config| &config.empty) {
        let message = "it has no bytes: containerd takes what is built in".to_owned();
        judge.say(Finding::new(
            EMPTY.code,
            Location::file(file.clone()),
            message,
        ));
    }
}

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
                unread: unread @ (Unread::Denied | Unread::NoRoom | Unread::TooLarge { .. }),
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
