//! Programs of the runtime: the shim that containerd calls for each task, the runtime that the shim
//! calls, and the one that a configuration names in its place.

use daemon::{start, told};
use finding::{Code, Finding, Location, Severity, Text};
use node::network::Program;
use node::{Look, Role, RuntimeProgram};

use crate::{Check, Judge};

/// A program that nothing is found of.
pub(crate) const PROGRAM_MISSING: Check = Check {
    code: &Code {
        name: "runtime/program-missing",
        rule: "R14",
        severity: Severity::Damage,
        title: "A program of the runtime is not there",
        explanation: "For each container containerd calls a shim, and the shim calls runc, or what \
            `BinaryName` of config.toml names. They are looked for where PATH of containerd's unit \
            leads: the first file which may be executed is taken. One of them is nowhere: no \
            container can be made, none can be stopped or entered by its runtime. What runs goes on \
            until containerd is started again: 1.7 and later then ask each shim for its processes, \
            the shim cannot ask its runtime, and the daemon forgets the task; where the shim's own \
            program is gone, every release removes the bundle. In both cases the processes keep \
            running beside the recreated ones.",
        remedy: "Install the package that has it before containerd is started again. runc from another \
            package works, too.",
    },
    needs: &[],
    run: missing,
};

/// A program that cannot be run.
pub(crate) const PROGRAM_BROKEN: Check = Check {
    code: &Code {
        name: "runtime/program-broken",
        rule: "R14",
        severity: Severity::Damage,
        title: "A program of the runtime cannot be run",
        explanation: "The file is empty, cut or zeroed (as after a power loss shortly after an installation), \
            is not a program, is for another architecture, or what runs it (the interpreter of a script, the loader \
            of a program that is linked dynamically) is not there. The effect is that of a missing \
            program: no container can be created, and a start of 1.7 or later forgets the tasks of \
            that runtime. coroner checks the first bytes, the tables and the entry point; other \
            parts may be damaged, too.",
        remedy: "Reinstall its package, before containerd is started again.",
    },
    needs: &[],
    run: broken,
};

/// Machines as ELF counts them, which Linux runs containerd on.
const MACHINES: &[(u16, &str)] = &[
    (3, "386"),
    (20, "ppc"),
    (21, "ppc64le"),
    (22, "s390x"),
    (40, "arm"),
    (62, "amd64"),
    (183, "arm64"),
    (243, "riscv64"),
    (258, "loong64"),
];

fn machine(number: u16) -> String {
    let known = MACHINES.iter().find(|(known, _)| *known == number);
    known.map_or_else(
        || format!("machine {number} of ELF's"),
        |(_, name)| (*name).to_owned(),
    )
}

/// Whether a machine runs programs of another: 64 bits those of 32, as a rule.
const fn runs(own: u16, other: u16) -> bool {
    own == other || matches!((own, other), (62, 3) | (183, 40) | (21, 20))
}

/// What the kernel says of what is no program for it.
const NO_PROGRAM: &str = "exec format error";

/// What is wrong with a program's file, and what a caller is told.
fn fault(one: &RuntimeProgram, own: Option<u16>) -> Option<(String, Option<&'static str>)> {
    let Program::Found { size_and_mode, .. } = &one.found else {
        return None;
    };
    if matches!(size_and_mode, Some((0, _))) {
        return Some(("it is empty".to_owned(), Some(NO_PROGRAM)));
    }
    if let (Some(own), Some(other)) = (own, one.machine)
        && !runs(own, other)
    {
        let (other, own) = (machine(other), machine(own));
        let message = format!("it was made for {other}, and containerd for {own}");
        return Some((message, Some(NO_PROGRAM)));
    }
    let look = one.look?;
    let says = match look {
        Look::NoProgram => Some(NO_PROGRAM),
        Look::NoInterpreter => Some("no such file or directory"),
        // It may end in a signal, at once or later.
        Look::Cut | Look::Zeros => None,
        Look::Whole | Look::Script => return None,
    };
    look.fault().map(|fault| (fault.to_owned(), says))
}

/// The finding that says why a program, by its name or path, is of no use; nothing where it may be.
pub(crate) fn useless(node: &node::Node, name: &str) -> Option<&'static str> {
    let mut all = node.programs.all.iter();
    let one = all.find(|one| one.wanted.name == name)?;
    if matches!(one.found, Program::Missing { .. }) {
        return Some(PROGRAM_MISSING.code.name);
    }
    fault(one, node.programs.machine).map(|_| PROGRAM_BROKEN.code.name)
}

/// A name that is looked for, and the path that tasks keep of it, are one program.
fn is_new<'p>(told: &mut Vec<&'p str>, one: &'p RuntimeProgram) -> bool {
    let base = one.wanted.name.rsplit('/').next().unwrap_or_default();
    let is_new = !told.contains(&base);
    told.push(base);
    is_new
}

/// A finding with what a start makes of the tasks there are, and what each request does.
fn with_rules(judge: &Judge<'_>, finding: Finding, one: &RuntimeProgram, is_gone: bool) -> Finding {
    let finding = told(finding, &start::RUNTIME_UNUSABLE);
    let runtime = judge.node.runtime.read();
    let bundles = runtime.map_or(&[][..], |runtime| &runtime.bundles);
    let name = one.wanted.name.as_str();
    let base = name.rsplit('/').next();
    let calls = |bundle: &runc::Bundle| {
        let options = bundle.options.get();
        let named = options.and_then(|options| options.binary_name.as_ref());
        named.map_or(name == "runc", |named| *named == *name)
    };
    let has = |bundle: &runc::Bundle| {
        let path = bundle.shim_binary.as_ref().and_then(|path| path.utf8());
        path.is_some_and(|path| path.rsplit('/').next() == base)
    };
    match one.wanted.role {
        Role::Runtime if bundles.iter().any(calls) => told(finding, &start::TASKS_FORGOTTEN),
        Role::Shim if is_gone && bundles.iter().any(has) => {
            told(finding, &start::SHIM_PROGRAM_GONE)
        }
        Role::Runtime | Role::Shim => finding,
    }
}

fn severity(one: &RuntimeProgram) -> Severity {
    if one.wanted.needed {
        Severity::Damage
    } else {
        Severity::Note
    }
}

fn unknown(judge: &mut Judge<'_>) -> bool {
    if let Some(why) = &judge.node.programs.unknown {
        judge.abstain(why.clone());
        // What was looked for is told all the same.
        return judge.node.programs.all.is_empty();
    }
    false
}

fn missing(judge: &mut Judge<'_>) {
    if unknown(judge) {
        return;
    }
    let node = judge.node;
    let mut told: Vec<&str> = Vec::new();
    for one in &node.programs.all {
        let name = Text::from(one.wanted.name.as_str());
        let (instead, elsewhere) = match &one.found {
            Program::Missing { instead, elsewhere } => (instead, elsewhere),
            Program::Unknown => {
                judge.abstain(format!("whether {name} is there is not in the evidence"));
                continue;
            }
            Program::Found { .. } => continue,
        };
        if !is_new(&mut told, one) {
            continue;
        }
        let by = &one.wanted.by;
        let (at, message) = match instead.first() {
            Some((path, what)) => (path.clone(), format!("it {what}; {by} needs it")),
            None if one.wanted.name.starts_with('/') => {
                (name.clone(), format!("it is not there; {by} needs it"))
            }
            None => {
                let folders = &node.programs.folders;
                let beside = node.programs.beside.iter();
                let beside = beside.filter(|_| one.wanted.role == Role::Shim);
                let shown: Vec<String> = folders
                    .iter()
                    .chain(beside)
                    .map(ToString::to_string)
                    .collect();
                let at = folders.last().cloned().unwrap_or_default();
                let shown = shown.join(", ");
                let message = elsewhere.map_or_else(
                    || format!("{name} is not in {shown}; {by} needs it"),
                    |place| format!("{name} is in {place}, and PATH of containerd's unit leads only to {shown}; {by} needs it"),
                );
                (at, message)
            }
        };
        let says = match one.wanted.role {
            _ if !instead.is_empty() && one.wanted.name.starts_with('/') => {
                format!("{name}: permission denied")
            }
            _ if one.wanted.name.starts_with('/') => format!("{name}: no such file or directory"),
            Role::Runtime => format!("exec: \"{name}\": executable file not found in $PATH"),
            Role::Shim => format!("binary not installed \"{name}\""),
        };
        let mut finding = Finding::new(PROGRAM_MISSING.code, Location::file(at), message);
        // A shim that may not be executed is called all the same where it lies beside containerd.
        if one.wanted.role == Role::Runtime || instead.is_empty() {
            finding = finding.found(says);
        }
        let finding = finding.severity(severity(one));
        judge.say(with_rules(judge, finding, one, instead.is_empty()));
    }
}

fn broken(judge: &mut Judge<'_>) {
    if unknown(judge) {
        return;
    }
    let node = judge.node;
    let mut told: Vec<&str> = Vec::new();
    for one in &node.programs.all {
        let (Some((message, says)), Program::Found { path, .. }) =
            (fault(one, node.programs.machine), &one.found)
        else {
            continue;
        };
        if !is_new(&mut told, one) {
            continue;
        }
        let message = format!("{message}; {} needs it", one.wanted.by);
        let location = Location::file(path.clone());
        let mut finding = Finding::new(PROGRAM_BROKEN.code, location, message);
        if let Some(says) = says {
            finding = finding.found(format!("fork/exec {path}: {says}"));
        }
        let finding = finding.severity(severity(one));
        judge.say(with_rules(judge, finding, one, false));
    }
}
