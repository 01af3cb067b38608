//! Cores of containerd, shims and runc that lie on the node.

use finding::{Code, Finding, Location, Object, Severity};
use node::CoreFile;

use crate::{Check, Judge};

/// A process of containerd's ended, and left a core.
pub(crate) const LEFT: Check = Check {
    code: &Code {
        name: "core/left",
        rule: "P44",
        severity: Severity::Note,
        title: "A core of containerd, a shim or runc is on the node",
        explanation: "A signal or a panic ended the process, and the kernel, systemd-coredump or apport kept \
            its memory; or it was taken with gcore. The core holds every goroutine with its stack and \
            what it waited for, also where the program is stripped. It may hold secrets, too.",
        remedy: "`coroner core info` and `coroner core goroutines` read it; `coroner core deadlocks` says who \
            waited for whom. Keep the file until the cause is known.",
    },
    needs: &[],
    run: left,
};

fn left(judge: &mut Judge<'_>) {
    let node = judge.node;
    for core in &node.cores.found {
        let mut finding = Finding::new(LEFT.code, Location::file(core.path.clone()), line(core));
        if let Some((namespace, id)) = &core.container {
            finding = finding.affects(Object::new("container", namespace.clone(), id.clone()));
        }
        judge.say(finding);
    }
    if node.cores.more > 0
        && let Some(last) = node.cores.found.last()
    {
        let message = format!("{} older cores are not shown", node.cores.more);
        judge.say(Finding::new(
            LEFT.code,
            Location::file(core_folder(last)),
            message,
        ));
    }
}

fn core_folder(core: &CoreFile) -> finding::Text {
    let path = core.path.bytes();
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    finding::Text::from(path.get(..end.max(1)).unwrap_or_default())
}

/// Who, when, by what, and where in the program.
fn line(core: &CoreFile) -> String {
    let mut line = vec![core.name.to_string()];
    if let Some(pid) = core.pid {
        line.push(format!(" (pid {pid})"));
    }
    if let Some((namespace, id)) = &core.container {
        line.push(format!(" of container {namespace}/{id}"));
    }
    let signal = core
        .signal
        .map(|signal| match elfcore::signal_name(signal) {
            "signal" => format!("signal {signal}"),
            name => name.to_owned(),
        });
    match (core.taken, signal) {
        (true, _) => line.push(format!(
            " kept running: gcore took its core at {}",
            core.when
        )),
        (false, Some(signal)) => line.push(format!(" ended by {signal} at {}", core.when)),
        (false, None) => line.push(format!(" ended at {}", core.when)),
    }
    if let Some(crash) = &core.crash {
        match (&crash.message, crash.panicked) {
            (Some(message), _) if crash.fatal => line.push(format!(": fatal error: {message}")),
            (Some(message), _) => line.push(format!(": panic: {message}")),
            (None, true) => line.push(": a panic or fatal error".to_owned()),
            (None, false) => {}
        }
        if let Some(site) = &crash.site {
            line.push(format!(
                "; goroutine {} was in {} ({}:{})",
                crash.goroutine,
                site.printed(),
                site.file,
                site.line
            ));
        }
    }
    if let Some(why) = &core.unread {
        line.push(format!("; its goroutines were not read: {why}"));
    }
    line.concat()
}
