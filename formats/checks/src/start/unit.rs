//! The unit of systemd: whether it starts the daemon at all, and what it denies it.

use daemon::start as rules;
use finding::{Location, Text};
use node::{Overlay, Unit, path_text};

use super::run::{Flow, Run};
use super::settings;
use crate::docker;
use crate::part::Part;

fn file(unit: &Unit) -> Location {
    Location::file(unit.files.first().cloned().unwrap_or_default())
}

/// Whether it starts the daemon, and how.
pub(super) fn unit(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    dockerd(run)?;
    distribution(run)?;
    let Some(unit) = &node.roots.unit else {
        return program(run);
    };
    let at = file(unit);
    if unit.masked_for_good {
        return run.say(run.statement(&rules::UNIT_MASKED).at(at));
    }
    for (file, why) in &unit.unread {
        run.not_known(Part::Configuration, file.to_string(), why.to_string());
    }
    if unit.starts > 1 && unit.says("Type") != Some("oneshot") {
        let does = "exits: systemd refuses its unit, which has more than one ExecStart= (a drop-in must \
                    take back the first by an empty ExecStart= before its own)";
        let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
        let says = "Service has more than one ExecStart= setting";
        let drop_in = unit.files.last().cloned().unwrap_or_default();
        return run.say(statement.says(says).at(Location::file(drop_in)));
    }
    // A drop-in took back the only command.
    if unit.starts == 0 && !unit.lacks_file && unit.unread.is_empty() {
        let does = "exits: systemd refuses its unit, which has no ExecStart= (an empty ExecStart= of a drop-in takes it \
                    back, and another one must follow)";
        let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
        let says = "Service has no ExecStart=";
        let drop_in = unit.files.last().cloned().unwrap_or_default();
        return run.say(statement.says(says).at(Location::file(drop_in)));
    }
    lacking(run, unit)?;
    conditions(run, unit)?;
    let needed = unit.before.iter().filter(|(_, may_fail)| !may_fail);
    let first = needed.filter_map(|(words, _)| words.first());
    let mut programs = first.map(String::as_str).chain(unit.program());
    let gone = programs.find(|program| node.around.is_program_gone(program));
    if let Some(gone) = gone {
        let says = format!("{gone}: No such file or directory");
        return run.say(run.statement(&rules::UNIT_PROGRAM).says(says).at(at));
    }
    before(run, unit)?;
    open_files(run, unit);
    if let Some(option) = unit.strange_option() {
        let does = format!("{}: {}", rules::UNIT_OPTION.does, Text::from(option));
        return run.say(run.statement(&rules::UNIT_OPTION).does(does).at(at));
    }
    if let Some(level) = unit.log_level().filter(|level| !settings::is_level(level)) {
        let level = Text::from(level);
        let says = format!("not a valid logrus Level: \"{level}\"");
        let does = format!("exits: its unit gives it the log level \"{level}\", which is none");
        let statement = run.statement(&rules::LOG_SETTINGS).says(says).does(does);
        return run.say(statement.at(at));
    }
    if !unit.command.is_empty() && !unit.is_plain() {
        let why = "it does not start containerd itself: which options that gets is not known";
        run.not_known(Part::Configuration, format!("the command of {at}"), why);
    }
    Flow::Continue(())
}

/// A containerd that dockerd starts: what keeps dockerd from it.
fn dockerd(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    let Some(docker) = node.docker.as_ref().filter(|_| docker::starts_it(node)) else {
        return Flow::Continue(());
    };
    if let Some((why, true)) = docker::refusal(docker) {
        let does = format!("{}: {why}", rules::DOCKER_SETTINGS.does);
        let statement = run.statement(&rules::DOCKER_SETTINGS).does(does);
        run.say(statement.at(Location::file(docker.file.clone())))?;
    }
    if let Some(stale) = docker::stale_pids(node).into_iter().next() {
        let does = format!("{}: {} {}", rules::DOCKER_PID.does, stale.file, stale.says);
        let statement = run.statement(&rules::DOCKER_PID).does(does);
        run.say(statement.at(Location::file(stale.file)))?;
    }
    Flow::Continue(())
}

/// A containerd that k3s or rke2 starts: what keeps them from it.
fn distribution(run: &mut Run<'_>) -> Flow {
    let Some((it, why)) = crate::registries_yaml::refusal(run.node) else {
        return Flow::Continue(());
    };
    let does = format!(
        "exits: {}, which starts it, refuses registries.yaml: {why}",
        it.whose
    );
    let statement = run.statement(&rules::REGISTRIES_YAML).does(does);
    run.say(statement.says("").at(Location::file(it.file.clone())))
}

/// Without a unit: whether there is anything that could be started. What runs was started from somewhere.
fn program(run: &mut Run<'_>) -> Flow {
    let programs = &run.node.programs;
    if !programs.no_daemon || crate::running(run.node).is_some() {
        return Flow::Continue(());
    }
    let folders: Vec<String> = programs.folders.iter().map(Text::to_string).collect();
    let folders = folders.join(", ");
    let does =
        format!("cannot be started: none of {folders} has its program, and no unit names one");
    let statement = run.statement(&rules::UNIT_PROGRAM).does(does);
    run.say(statement.says("").at(Location::file("/usr/bin/containerd")))
}

/// A unit that it cannot do without, and that is not there.
fn lacking(run: &mut Run<'_>, unit: &Unit) -> Flow {
    let Some((key, name)) = unit.lacks.first() else {
        return Flow::Continue(());
    };
    let name = Text::from(name.as_str());
    if !run.node.units.is_whole {
        let why = "its unit needs it, and whether the machine has it is not in the evidence";
        run.not_known(Part::Configuration, format!("the unit {name}"), why);
        return Flow::Continue(());
    }
    let does = format!(
        "exits: systemd does not start it, because {key}= of its unit names {name}, which is not there"
    );
    let says = format!("Unit {name} not found");
    let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
    run.say(statement.says(says).at(file(unit)))
}

/// What a condition says of a path, if it is one of those that the evidence can answer.
fn holds(run: &Run<'_>, key: &str, value: &str) -> Option<bool> {
    let kind = key
        .strip_prefix("Condition")
        .or_else(|| key.strip_prefix("Assert"))?;
    let (path, is_negated) = match value.strip_prefix('!') {
        Some(path) => (path, true),
        None => (value, false),
    };
    let around = &run.node.around;
    let is_there = match around.kind(std::path::Path::new(path)) {
        Some(found) => Some(found),
        None if around.is_named_absent(path) => None,
        None => return None,
    };
    let is_true = match kind {
        "PathExists" => is_there.is_some(),
        "PathIsDirectory" => is_there == Some(evidence::FileKind::Dir),
        // That nothing is there is enough; that something is there is not.
        "FileNotEmpty" | "DirectoryNotEmpty" | "PathIsReadWrite" if is_there.is_none() => false,
        _ => return None,
    };
    Some(is_true != is_negated)
}

/// A condition that does not hold: systemd skips the start, and calls that no failure.
fn conditions(run: &mut Run<'_>, unit: &Unit) -> Flow {
    // Of several with a bar one is enough.
    let alone = unit
        .conditions
        .iter()
        .filter(|(_, value)| !value.starts_with('|'));
    let mut open: Vec<Text> = Vec::new();
    for (key, value) in alone {
        let line = Text::from(format!("{key}={value}"));
        match holds(run, key, value) {
            Some(true) => {}
            Some(false) => {
                let does = format!(
                    "exits: systemd does not start it, because {line} of its unit does not hold"
                );
                let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
                run.say(statement.at(file(unit)))?;
            }
            None => open.push(line),
        }
    }
    let either = unit
        .conditions
        .iter()
        .filter(|(_, value)| value.starts_with('|'));
    open.extend(either.map(|(key, value)| Text::from(format!("{key}={value}"))));
    if let Some(first) = open.first() {
        let why = "without it systemd does not start containerd, and the evidence does not tell";
        run.not_known(
            Part::Configuration,
            format!("whether {first} of its unit holds"),
            why,
        );
    }
    Flow::Continue(())
}

/// Programs that do what they are told, whatever the machine is like.
const PLAIN: &[&str] = &[
    "true", ":", "mkdir", "install", "touch", "sleep", "echo", "chmod", "chown", "ln", "sysctl",
];

/// A limit that the kernel does not grant: systemd then takes the highest that it has itself, or gives up (205/LIMITS), if
/// that is above what is granted, too. Its own is not in the evidence.
fn open_files(run: &mut Run<'_>, unit: &Unit) {
    let limit = unit.says("LimitNOFILE");
    let hard = limit.and_then(|limit| limit.rsplit(':').next()?.parse::<u64>().ok());
    if let (Some(hard), Some(most)) = (hard, run.node.around.nr_open)
        && hard > most
    {
        let name = format!("whether systemd can give it LimitNOFILE={hard}");
        let why = format!("fs.nr_open allows {most}: it may fail with 205/LIMITS");
        run.not_known(Part::Configuration, name, why);
    }
}

/// What must succeed before the daemon is started.
fn before(run: &mut Run<'_>, unit: &Unit) -> Flow {
    for (words, may_fail) in &unit.before {
        let Some(program) = words.first() else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let line = Text::from(words.join(" "));
        let loads_overlay = name == "modprobe"
            && words
                .iter()
                .skip(1)
                .all(|word| word == "overlay" || word.starts_with('-'));
        if *may_fail {
            if name != "modprobe" && !PLAIN.contains(&name) {
                let why = "its unit runs it before containerd, and no rule covers it";
                run.not_known(Part::Configuration, format!("what {line} does"), why);
            }
            continue;
        }
        match (name, &run.node.around.kernel.overlay) {
            ("false", _) => {
                let does = format!("exits: {line}, which its unit runs before it, always fails");
                let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
                run.say(statement.at(file(unit)))?;
            }
            (_, Overlay::Lacks { why, .. }) if loads_overlay => {
                let does = format!(
                    "exits: {line}, which its unit runs before it and does not let fail, cannot \
                     succeed: {why}"
                );
                let statement = run.statement(&rules::UNIT_NOT_STARTED).does(does);
                run.say(statement.at(file(unit)))?;
            }
            // Whether the kernel has its modules is a part of its own.
            (name, _) if name == "modprobe" || PLAIN.contains(&name) => {}
            _ => {
                let why =
                    "its unit runs it before containerd, and does not start containerd if it fails";
                run.not_known(Part::Configuration, format!("whether {line} succeeds"), why);
            }
        }
    }
    Flow::Continue(())
}

/// How the daemon sees the machine, where its unit changes that.
pub(super) fn view(run: &mut Run<'_>) -> Flow {
    let node = run.node;
    let Some(unit) = &node.roots.unit else {
        return Flow::Continue(());
    };
    for (path, rule, what) in [
        (&node.roots.root, &rules::ROOT_READ_ONLY, "root"),
        (&node.roots.state, &rules::STATE_READ_ONLY, "state"),
    ] {
        if let Some(key) = unit.others.denies_writing(path) {
            let does = format!(
                "exits: {what}, {}, is read-only for it by {key} of its unit",
                path_text(path)
            );
            run.say(run.statement(rule).does(does).at(file(unit)))?;
        }
    }
    if let Some(user) = unit.others.user() {
        let user = Text::from(user);
        let does = format!("exits: its unit runs it as the user {user}, and not as root");
        run.say(run.statement(&rules::UNIT_USER).does(does).at(file(unit)))?;
    }
    let keys: Vec<&str> = unit.others.not_covered().map(|(key, _)| key).collect();
    if !keys.is_empty() {
        let named = keys.iter().take(NAMED).copied().collect::<Vec<_>>();
        let more = match keys.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let name = Text::from(format!("{}{more} of its unit", named.join(", ")));
        let why = "no rule covers what this changes for containerd and its shims";
        run.not_known(Part::Configuration, name.to_string(), why);
    }
    Flow::Continue(())
}

/// What the unit runs when containerd is stopped: a restart does that, too.
pub(super) fn stops(run: &mut Run<'_>) {
    let Some(unit) = &run.node.roots.unit else {
        return;
    };
    let lines: Vec<Vec<String>> = unit.others.after_stop().collect();
    for words in lines {
        let name = words.first().and_then(|program| program.rsplit('/').next());
        let name = name.unwrap_or_default();
        if PLAIN.contains(&name) || crate::unit::harms_at_stop(run.node, &words).is_some() {
            continue;
        }
        let line = Text::from(words.join(" "));
        let why = "its unit runs it when containerd is stopped or restarted";
        run.not_known(Part::Configuration, format!("what {line} does"), why);
    }
}

/// How many keys are named.
const NAMED: usize = 4;
