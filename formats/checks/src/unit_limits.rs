//! What the daemon's unit lets systemd do to a daemon that is well, and what it denies it.
//!
//! systemd.service(5), systemd.exec(5), systemd.resource-control(5) and systemd.unit(5); containerd's
//! own unit has Type=notify, Delegate=yes, KillMode=process, Restart=always, RestartSec=5 and
//! TasksMax=infinity.

use finding::{Code, Finding, Location, Severity};
use node::Unit;

use crate::{Check, Judge};

/// systemd ends the daemon though nothing is wrong with it.
pub(crate) const ENDS: Check = Check {
    code: &Code {
        name: "unit/ends-daemon",
        rule: "P36",
        severity: Severity::Damage,
        title: "systemd ends containerd although nothing is wrong with it",
        explanation: "The unit sets a watchdog, which containerd never answers; a longest run; a Type that \
            waits for what containerd never does (forking: for its end); or a time for the start \
            that is shorter than starts take on a node with many containers, a slow disk, or a \
            migration of meta.db. systemd then kills the daemon, and Restart= starts it again and \
            again.",
        remedy: "Take the setting out of the unit or its drop-in (Type=notify, no WatchdogSec, no \
            RuntimeMaxSec, TimeoutStartSec=infinity or nothing), and let systemd read it again.",
    },
    needs: &[],
    run: ends,
};

/// Limits that many containers reach.
pub(crate) const LIMITS: Check = Check {
    code: &Code {
        name: "unit/limits",
        rule: "P37",
        severity: Severity::Odd,
        title: "containerd's unit limits what it and its shims may use",
        explanation: "The shims of all containers count as the unit's: with a finite TasksMax their \
            threads reach it at some tens or hundreds of containers, and with few open files so does \
            the daemon, which holds several for each container. Without Delegate=yes systemd takes the \
            control groups below the unit for its own, and stops the whole unit when one process in it \
            runs out of memory.",
        remedy: "In a drop-in: TasksMax=infinity, Delegate=yes, and no LimitNOFILE below 65536; let \
            systemd read it again. It counts from the next start of the unit.",
    },
    needs: &[],
    run: limits,
};

/// What becomes of a daemon that ends again and again.
pub(crate) const START_LIMIT: Check = Check {
    code: &Code {
        name: "unit/start-limit",
        rule: "P38",
        severity: Severity::Note,
        title: "systemd gives containerd up after a few starts that fail",
        explanation: "A daemon that ends at once reaches the limit of starts of its unit: then systemd \
            does not start it again by itself, and refuses `systemctl start`, too, until the unit is \
            reset, also when the cause is gone. With a StartLimitAction that restarts the machine, a \
            daemon that does not start takes the node down again and again (reported as damage). Without \
            Restart= it is not started a second time at all.",
        remedy: "After the cause is fixed: `systemctl reset-failed containerd`, then start containerd. \
            containerd's own unit has Restart=always and RestartSec=5, which never reaches the \
            limit.",
    },
    needs: &[],
    run: start_limit,
};

/// The unit, where it starts containerd itself, and its own file was taken along.
fn own<'n>(judge: &Judge<'n>) -> Option<(&'n Unit, Location)> {
    let unit = judge.node.roots.unit.as_ref()?;
    if unit.masked_for_good || !unit.is_plain() || unit.lacks_file {
        return None;
    }
    Some((unit, Location::file(unit.files.first()?.clone())))
}

/// A time as systemd writes it: `90`, `5min 20s`, `infinity`; in milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    if text == "infinity" {
        return Some(u64::MAX);
    }
    let mut all: u64 = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(digits)?;
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = after.split_at_checked(letters.unwrap_or(after.len()))?;
        let factor: u64 = match unit {
            "ms" | "msec" => 1,
            "" | "s" | "sec" | "second" | "seconds" => 1000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hr" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            "w" | "week" | "weeks" => 604_800_000,
            _ => return None,
        };
        all = all.saturating_add(number.parse::<u64>().ok()?.saturating_mul(factor));
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(all)
}

/// Starts of nodes with some hundred containers took longer than this.
const SLOW: u64 = 20_000;

fn ends(judge: &mut Judge<'_>) {
    let Some((unit, at)) = own(judge) else {
        return;
    };
    let mut found = Vec::new();
    let time = |key: &str| unit.says(key).and_then(milliseconds);
    let lasts = |key: &str| time(key).is_some_and(|time| time > 0 && time < u64::MAX);
    let shown = |key: &str| format!("{key} is {}", unit.says(key).unwrap_or_default());
    if lasts("WatchdogSec") {
        let why = "containerd never answers a watchdog, and is killed each time";
        found.push((format!("{}: {why}", shown("WatchdogSec")), Severity::Damage));
    }
    if lasts("RuntimeMaxSec") {
        let why = "it is ended each time after so long";
        found.push((
            format!("{}: {why}", shown("RuntimeMaxSec")),
            Severity::Damage,
        ));
    }
    let kind = unit.says("Type").unwrap_or("simple");
    match kind {
        "forking" => {
            let why = "it waits for the first process to end, which does not; then it kills it";
            found.push((format!("Type is forking: {why}"), Severity::Damage));
        }
        "oneshot" => {
            let why = "the start is never called done, and what comes after it waits";
            found.push((format!("Type is oneshot: {why}"), Severity::Damage));
        }
        _ => {}
    }
    let key = if unit.says("TimeoutStartSec").is_some() {
        "TimeoutStartSec"
    } else {
        "TimeoutSec"
    };
    if kind == "notify" && lasts(key) && time(key).is_some_and(|time| time < SLOW) {
        let why = "a start that takes longer is killed and started again";
        found.push((format!("{}: {why}", shown(key)), Severity::Odd));
    }
    for (message, severity) in found {
        let finding = Finding::new(ENDS.code, at.clone(), message);
        judge.say(finding.severity(severity));
    }
}

/// Fewer open files than a node with some hundred containers needs.
const FILES: u64 = 4096;
/// Fewer threads than some tens of shims have.
const TASKS: u64 = 4096;

fn limits(judge: &mut Judge<'_>) {
    let Some((unit, at)) = own(judge) else {
        return;
    };
    let mut found = Vec::new();
    // Go lifts the soft limit to the hard one.
    let files = unit.says("LimitNOFILE");
    let hard = files.and_then(|files| files.rsplit(':').next());
    if let (Some(files), Some(hard)) = (files, hard.and_then(|hard| hard.parse::<u64>().ok()))
        && hard < FILES
    {
        found.push((format!("LimitNOFILE is {files}"), Severity::Odd));
    }
    match unit.says("TasksMax") {
        None => {
            let what = "TasksMax is not set, and systemd takes 15% of what the kernel allows";
            found.push((what.to_owned(), Severity::Note));
        }
        Some("infinity") => {}
        Some(most) => {
            let few = most.parse::<u64>().is_ok_and(|most| most < TASKS);
            let severity = if few { Severity::Odd } else { Severity::Note };
            found.push((format!("TasksMax is {most}"), severity));
        }
    }
    let delegates = unit
        .says("Delegate")
        .is_some_and(|value| !["no", "false", "off", "0", "n", "f"].contains(&value));
    if !delegates {
        let what = match unit.says("OOMPolicy") {
            Some("continue") => "it has no Delegate=yes",
            _ => {
                "it has no Delegate=yes: systemd stops the unit when a process in it runs out of \
                 memory"
            }
        };
        found.push((what.to_owned(), Severity::Note));
    }
    for (message, severity) in found {
        let finding = Finding::new(LIMITS.code, at.clone(), message);
        judge.say(finding.severity(severity));
    }
}

/// systemd's own defaults.
const INTERVAL: u64 = 10_000;
const BURST: u64 = 5;
const PAUSE: u64 = 100;
/// How long a start takes that ends at once.
const ENDED: u64 = 200;

fn start_limit(judge: &mut Judge<'_>) {
    let Some((unit, at)) = own(judge) else {
        return;
    };
    let say = |judge: &mut Judge<'_>, message: String, severity: Severity| {
        judge.say(Finding::new(START_LIMIT.code, at.clone(), message).severity(severity));
    };
    let action = unit.says("StartLimitAction").unwrap_or("none");
    let restarts = !matches!(
        unit.says("Restart").unwrap_or("no"),
        "no" | "on-success" | "on-watchdog"
    );
    if !restarts {
        let what = "Restart is not set: a daemon that ends is not started again";
        say(judge, what.to_owned(), Severity::Note);
        return;
    }
    let time = |key: &str, default: u64| match unit.says(key) {
        Some(text) => milliseconds(text),
        None => Some(default),
    };
    let burst = match unit.says("StartLimitBurst") {
        Some(text) => text.parse::<u64>().ok(),
        None => Some(BURST),
    };
    let (Some(interval), Some(pause), Some(burst)) = (
        time("StartLimitIntervalSec", INTERVAL),
        time("RestartSec", PAUSE),
        burst,
    ) else {
        return;
    };
    let lasts = burst.saturating_mul(pause.saturating_add(ENDED));
    if interval == 0 || burst == 0 || lasts >= interval {
        return;
    }
    let after = format!("{burst} starts that fail within {} s", interval / 1000);
    if action == "none" {
        let what = format!("after {after} it is given up, until `systemctl reset-failed`");
        say(judge, what, Severity::Note);
    } else {
        let what = format!("after {after} StartLimitAction is done: {action}");
        say(judge, what, Severity::Damage);
    }
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_are_as_systemd_writes_them() {
        for (text, want) in [
            ("90", Some(90_000)),
            ("5min 20s", Some(320_000)),
            ("250ms", Some(250)),
            ("1h30m", Some(5_400_000)),
            ("infinity", Some(u64::MAX)),
            ("0", Some(0)),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(milliseconds(text), want, "{text}");
        }
    }
}
