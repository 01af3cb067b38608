//! What stands before a message: heads of journals and of syslog, of containers' logs, of events and of loggers that are
//! neither logfmt nor klog.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use crate::peel::Peeled;

/// Each begins a line, and what it names goes by its name: `time`, `program`, `level`; `rest` is no part of it.
const HEADS: &[&str] = &[
    // RFC 5424: <30>1 2025-11-28T14:18:11.123456+01:00 node containerd 40 - [x@1 a="b"] said
    r"^<\d+>1 (?P<time>\S+) \S+ (?P<program>\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+) (?:\u{feff})?",
    // The journal's short forms, and syslog.
    r"^(?:<\d+>)?(?P<time>(?:[A-Z][a-zé]{2,3}\.? +)?\d{1,2} [A-Zmaréûf][\wéûç]{2,4} [\d:.,]{8,15}|(?:\d{1,2}月|[A-Za-z\u{c0}-\u{24f}\u{400}-\u{4ff}]{3,5}\.?) +\d{1,2}(?: \d{4})? [\d:.,]{8,15}|(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d| [A-Z]{2,5})?|\d{10}\.\d{6}) (?:(?:[\w.-]+) )?(?P<program>[\w./@() -]{1,64}?)(?:\[\d+\])?(?: \d+ - -)?: +",
    // The same from the start of the machine.
    r"^\[ *(?P<time>\d+\.\d{6})\] [\w.-]+ (?P<program>[\w./@-]{1,64}?)\[\d+\]: +",
    // A copy of either without the time.
    r"^(?P<program>(?P<bare>[A-Za-z])[\w.@-]{1,40})\[\d{1,8}\]: +",
    // A container's log.
    r"^(?P<time>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (?:stdout|stderr) [FP] ",
    // An event, as `kubectl describe` has it: also where a copy left one space of several.
    r"^\s*(?:Normal|Warning)\s+[A-Z]\w+\s+[^\s].*?\s{2,}[\w./, -]+?\s{2,}",
    r"^\s*(?:Normal|Warning)\s+[A-Z]\w+\s+(?:<\w+>|\d+[smhd]\w*)(?:\s+\(x\d+ over \w+\))?\s+[\w./-]+(?:, [\w.-]+)?\s+",
    // As `kubectl get events` has it.
    r"^\s*(?:[\w.-]+\s+)?(?:<\w+>|\d+[smhd]\w*)(?:\s+\(x\d+ over \w+\))?\s+(?:Normal|Warning)\s+[A-Z]\w+\s+[\w./-]+\s+",
    // As old releases of it had: first and last time, count, who, kind, reason.
    r"^\s*(?:[\w.-]+\s+)?(?:\d+[smhd]\w*\s+){2}\d+\s+\S.{0,200}?\s(?:Normal|Warning)\s+[A-Z]\w+\s+(?:kubelet, [\w.-]+\s+|\{[^}]*\}\s+)?",
    // What a container of a compose file said.
    r"^(?P<program>[\w.-]{2,64}?)\s*\|\s+(?P<rest>\d|\[|[A-Za-z]+[:\[ ])",
    // A host before a line of JSON, as collectors of several nodes have it.
    r#"^[\w.-]+: (?P<rest>\{")"#,
    // Calico.
    r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+) \[(?P<level>[A-Z]+)\]\[\d+\] [\w./-]+ \d+: ",
    // zap on a terminal.
    r"^(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,:+-]*Z?)\t(?P<level>[A-Za-z]{4,7})\t(?:[\w./:-]+\t)*",
    // Go's own logger, and others that say no more than when, and how bad it is.
    r"^\[?(?P<time>\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d| UTC)?)\]?:?\s+(?:\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|debug|info|warn|warning|error|fatal)\]?:?\s+)?",
    // An entry of the journal as `-o export` and `-o verbose` have it, and a field of a record of YAML.
    r"^\s*MESSAGE=",
    r#"^\s*(?:- )?"?(?:message|Message)"?:\s+['"]?"#,
];

/// The kernel's ring.
const RING: &str = r"^(?:kern:\s+\w+:\s+)?\[ *(?P<time>[^\]]{5,40})\]:? +";

static COMPILED: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let all = HEADS.iter().copied().chain([RING]);
    all.filter_map(|source| Regex::new(source).ok()).collect()
});

static TOGETHER: LazyLock<Option<RegexSet>> = LazyLock::new(|| {
    let all = HEADS.iter().copied().chain([RING]);
    RegexSet::new(all)
        .ok()
        .filter(|set| set.len() == COMPILED.len())
});

/// What is under the head of `text`, if it has one that is known.
pub(crate) fn peel(text: &str, peeled: &mut Peeled) -> Option<String> {
    // Which of them it begins with is found in one pass.
    let which = TOGETHER.as_ref().map(|all| all.matches(text));
    for (number, regex) in COMPILED.iter().enumerate() {
        if which.as_ref().is_some_and(|which| !which.matched(number)) {
            continue;
        }
        let Some(found) = regex.captures(text) else {
            continue;
        };
        let named = |name: &str| found.name(name).map(|it| it.as_str().trim().to_owned());
        let time = named("time");
        // A ring's time is a number or a date; other things stand in brackets, too.
        let is_ring = number == HEADS.len();
        if is_ring
            && !time
                .as_ref()
                .is_some_and(|time| time.contains([':', '.', '-']))
        {
            continue;
        }
        // What another's log passes on has been told already.
        if found.name("bare").is_some() && (peeled.program.is_some() || peeled.time.is_some()) {
            continue;
        }
        let end = match found.name("rest") {
            Some(rest) => rest.start(),
            None => found.get(0)?.end(),
        };
        let rest = text.get(end..)?;
        if rest.trim().is_empty() {
            continue;
        }
        peeled.time = time.or(peeled.time.take());
        peeled.program = named("program").or(peeled.program.take());
        peeled.level = named("level").or(peeled.level.take());
        return Some(rest.to_owned());
    }
    None
}

/// What people put before a line when they quote it.
pub(crate) fn without_quoting(line: &str) -> &str {
    let mut text = line.trim();
    for _ in 0..4 {
        let quoted = text
            .strip_prefix('`')
            .map(|rest| rest.trim_end_matches('`'));
        let rest = quoted
            .unwrap_or(text)
            .trim_start_matches(['>', '|', '│'])
            .trim();
        if rest.len() == text.len() {
            break;
        }
        // A code in backticks may begin a message.
        if quoted.is_some_and(|rest| rest.contains('`')) {
            break;
        }
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_is_a_pattern() {
        assert_eq!(COMPILED.len(), HEADS.len().saturating_add(1));
    }
}
