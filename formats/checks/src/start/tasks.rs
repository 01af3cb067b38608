//! Tasks: every bundle under state, and its shim.

use std::collections::BTreeMap;

use daemon::Release;
use daemon::start as rules;
use evidence::FileKind;
use finding::{Location, Object, Text, Unread};
use runc::{Bundle, Doc, Runtime};

use super::Target;
use super::live::{Answers, Live};
use super::run::{Flow, Run};
use crate::part::Part;

fn task(bundle: &Bundle) -> Target {
    Target::new(Object::new(
        "task",
        bundle.namespace.clone(),
        bundle.id.clone(),
    ))
}

/// Calls every shim, as the daemon would.
pub(super) fn load(run: &mut Run<'_>) -> Flow {
    linux(run);
    let Some(runtime) = run.node.runtime.read() else {
        return Flow::Continue(());
    };
    waits(run, runtime)?;
    let mut kept = Vec::new();
    for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        let at = Location::file(bundle.path.clone());
        if bundle.entries == Some(0) {
            run.note(
                run.statement(&rules::BUNDLE_EMPTY)
                    .at(at)
                    .target(task(bundle)),
            );
        } else if is_unreadable(run, bundle) {
            let statement = run.statement(&rules::ADDRESS_DAMAGED).at(at);
            let statement = statement.code("runtime/address-damaged");
            run.note(statement.target(task(bundle)).forbids());
        } else if is_deaf(run, runtime, bundle) {
            run.note(
                run.statement(&rules::SOCKET_GONE)
                    .at(at)
                    .target(task(bundle))
                    .forbids(),
            );
        } else if let Some(code) = is_without_shim(run, bundle) {
            let statement = run.statement(&rules::SHIM_PROGRAM_GONE).at(at);
            let statement = statement.code(code);
            run.note(statement.target(task(bundle)).forbids());
        } else if is_unknown(run, bundle) {
            run.note(
                run.statement(&rules::BUNDLE_ORPHAN)
                    .at(at)
                    .target(task(bundle)),
            );
        } else {
            kept.push(bundle);
        }
    }
    answering(run, &kept);
    leaked(run, runtime, &kept);
    work_dirs(run, runtime, &kept);
    Flow::Continue(())
}

/// What says how to reach a shim is a FIFO: who opens one waits for its other end.
fn waits(run: &mut Run<'_>, runtime: &Runtime) -> Flow {
    let is_new = run.release >= Release::V2_0;
    let fifo = Doc::Unread(Unread::Special("fifo"));
    let mut bundles = runtime.bundles.iter().filter(|bundle| !bundle.hidden);
    let found = bundles.find_map(|bundle| {
        let (doc, name) = if is_new && !bundle.bootstrap.is_absent() {
            (&bundle.bootstrap, "bootstrap.json")
        } else {
            (&bundle.address, "address")
        };
        (*doc == fifo).then_some((bundle, name))
    });
    let Some((bundle, name)) = found else {
        return Flow::Continue(());
    };
    let path = [bundle.path.bytes(), b"/", name.as_bytes()].concat();
    let statement = run.statement(&rules::SHIM_WAITS).target(task(bundle));
    run.say(statement.at(Location::file(Text::from(path))))
}

/// Tasks of the runtime that 2.0 took away; of 1.x, no rule covers their shims.
fn linux(run: &mut Run<'_>) {
    let tasks = &run.node.around.linux_tasks;
    let at = Location::file(node::path_text(
        &run.node.roots.state.join("io.containerd.runtime.v1.linux"),
    ));
    if tasks.is_empty() {
        return;
    }
    if run.release >= Release::V2_0 {
        let targets = tasks
            .iter()
            .map(|(namespace, id)| Target::new(Object::new("task", namespace.clone(), id.clone())));
        let statement = run.statement(&rules::LINUX_TASK).at(at);
        run.note(statement.targets(targets));
    } else {
        let why = format!("no rule covers the shims of its {} tasks", tasks.len());
        run.not_known(Part::Tasks, "runtime io.containerd.runtime.v1.linux", why);
    }
}

/// Whether what says how to reach the shim is damaged or missing, for this release.
fn is_unreadable(run: &Run<'_>, bundle: &Bundle) -> bool {
    let bad = |doc: &Doc<runc::Address>| doc.is_absent() || doc.is_refused();
    if run.release >= Release::V2_0 {
        // An address of 1.x is turned into a bootstrap.json.
        let new = !bundle.bootstrap.is_absent();
        if new {
            bad(&bundle.bootstrap)
        } else {
            bad(&bundle.address)
        }
    } else {
        bad(&bundle.address)
    }
}

/// Whether its socket is known not to be there.
fn is_deaf(run: &Run<'_>, runtime: &Runtime, bundle: &Bundle) -> bool {
    let Some(sockets) = &runtime.sockets else {
        return false;
    };
    // A copy keeps no sockets, as a rule.
    if sockets.is_empty() && (!run.node.keeps_times || bundle.copied) {
        return false;
    }
    let shim = match (run.release >= Release::V2_0, bundle.bootstrap.get()) {
        (true, Some(address)) => Some(address),
        _ => bundle.address.get(),
    };
    let Some(path) = shim.map(runc::Address::path) else {
        return false;
    };
    let usual = path.bytes().starts_with(runc::SOCKETS.as_bytes());
    let there = sockets
        .iter()
        .any(|socket| socket.path == path && socket.stat.kind == FileKind::Socket);
    usual && !there && run.node.runtime.unknown().is_empty()
}

/// Whether the daemon must ask meta.db for the container, which it does where the bundle does not
/// name the shim's program, and does not get it: it is not there, or does not decode.
fn is_unknown(run: &Run<'_>, bundle: &Bundle) -> bool {
    if bundle.shim_binary.is_some() {
        return false;
    }
    if run.is_new() {
        return true;
    }
    let broken = super::cri::troubles(run, &bundle.namespace, "containers");
    if broken
        .iter()
        .any(|(trouble, id)| *id == bundle.id && super::cri::is_value(trouble))
    {
        return true;
    }
    let Some(rows) = &run.node.meta.rows else {
        return false;
    };
    if !rows.unknown(|namespace| &namespace.containers).is_empty() {
        return false;
    }
    let of = rows
        .namespaces()
        .iter()
        .filter(|namespace| namespace.name == bundle.namespace);
    !of.flat_map(|namespace| namespace.containers.read().into_iter().flatten())
        .any(|row| row.key == bundle.id)
}

/// Whether a shim lives is not in the files: a socket outlives its listener. Processes tell.
fn answering(run: &mut Run<'_>, kept: &[&Bundle]) {
    let live = Live::from_node(run.node);
    let (mut mute, mut late, mut untold) = (Vec::new(), Vec::new(), Vec::new());
    for bundle in kept {
        match live.as_ref().and_then(|live| live.shim(bundle)) {
            Some(Answers::Likely) => {}
            Some(Answers::Late) => late.push(task(bundle)),
            Some(Answers::Never) => mute.push(task(bundle)),
            None => untold.push(task(bundle)),
        }
    }
    let folder = node::path_text(&run.node.roots.state.join(runc::TASKS));
    let at = || Location::file(folder.clone());
    for (tasks, is_sure) in [(mute, true), (late, false)] {
        if tasks.is_empty() {
            continue;
        }
        let seconds = tasks.len().saturating_mul(5);
        let does = format!("{} ({seconds} s in all)", rules::SHIM_MUTE.does);
        let statement = run.statement(&rules::SHIM_MUTE).at(at());
        let statement = statement.targets(tasks).does(does);
        run.note(if is_sure {
            statement.code("runtime/stuck").forbids()
        } else {
            statement.perhaps()
        });
    }
    if !untold.is_empty() {
        let statement = run.statement(&rules::SHIM_DEAD).at(at()).targets(untold);
        run.note(statement.says("").perhaps());
    }
}

/// From 1.7 on each shim is asked for its processes, and asks its runtime: one that knows no process
/// is ended; one whose process lives where no runtime can reach it is forgotten.
fn leaked(run: &mut Run<'_>, runtime: &Runtime, kept: &[&Bundle]) {
    without_bundle(run);
    let live = Live::from_node(run.node);
    if run.release < Release::V1_7 {
        for bundle in kept {
            let runs = live.as_ref().map(|live| live.runs(bundle));
            if lost_state(runtime, bundle).is_some() && runs != Some(false) {
                let at = Location::file(bundle.path.clone());
                let statement = run.statement(&rules::STATE_LOST_LATER).at(at);
                let statement = statement.target(task(bundle));
                run.note(if runs.is_some() {
                    statement
                } else {
                    statement.perhaps()
                });
            }
        }
        return;
    }
    let mut forgotten: BTreeMap<(&'static str, bool), Vec<Target>> = BTreeMap::new();
    for bundle in kept {
        let lost = lost_state(runtime, bundle);
        let runs = lost.is_some() && live.as_ref().is_some_and(|live| live.runs(bundle));
        let reach = live.as_ref().and_then(|live| live.out_of_reach(bundle));
        let program = without_program(run.node, runtime, bundle).map(|code| (code, true));
        let hangs = reach.map(|works| ("runtime/stuck", works));
        let lives = lost.filter(|_| runs).map(|code| (code, true));
        if let Some(why) = program.or(hangs).or(lives) {
            forgotten.entry(why).or_default().push(task(bundle));
        } else if let Some(code) = lost {
            let at = Location::file(bundle.path.clone());
            // Without processes it is not known whether its process lives.
            let rule = if live.is_some() {
                &rules::SHIM_LEAKED
            } else {
                &rules::BUNDLE_ASKED
            };
            let statement = run.statement(rule).at(at).target(task(bundle));
            run.note(statement.code(code).perhaps());
        }
    }
    for ((code, works), tasks) in forgotten {
        let at = Location::file(node::path_text(&run.node.roots.state.join(runc::TASKS)));
        let statement = run.statement(&rules::TASKS_FORGOTTEN).at(at);
        let statement = statement.code(code).targets(tasks);
        // What has ended anyway takes no harm.
        run.note(if works {
            statement.forbids()
        } else {
            statement
        });
    }
}

/// The finding that says that the runtime of a bundle's task has no state which it could read; its `ps`, by
/// which a shim names its processes, then fails.
fn lost_state(runtime: &Runtime, bundle: &Bundle) -> Option<&'static str> {
    if !runtime.is_read(bundle) {
        return None;
    }
    let Some(container) = runtime.container(Some(&bundle.namespace), &bundle.id) else {
        let is_known = runtime.whole.containers;
        return is_known.then_some(runc::codes::BUNDLE_WITHOUT_STATE.name);
    };
    // Without a pid file it may be in the making.
    if bundle.init_pid.is_absent() {
        return None;
    }
    if container.lacks_state() {
        return Some(runc::codes::STATE_MISSING.name);
    }
    if matches!(container.unread(), Some(Unread::Special(_))) {
        return Some(runc::codes::STATE_UNREAD.name);
    }
    let faults = [
        container.state.faults(),
        container.status.faults(),
        container.youki.faults(),
    ];
    let fault = faults.into_iter().flatten().next();
    let named = fault.map_or(&runc::codes::STATE_DAMAGED, finding::Fault::code);
    container.is_lost().then_some(named.name)
}

/// Containers that run, and whose bundles are gone: the daemon knows of them what it has in memory.
fn without_bundle(run: &mut Run<'_>) {
    let live = Live::from_node(run.node);
    let lost = live.map_or_else(Vec::new, |live| live.without_bundle(run.node));
    if lost.is_empty() {
        return;
    }
    let at = Location::file(node::path_text(&run.node.roots.state.join(runc::TASKS)));
    let does = "forgets each task whose bundle is gone: process and shim stay, and the recreated container runs beside \
                them";
    let statement = run
        .statement(&rules::TASKS_FORGOTTEN)
        .at(at)
        .does(does)
        .says("");
    let statement = statement.code(stuck::codes::SHIM_LEFT.name);
    run.note(
        statement
            .targets(lost.into_iter().map(Target::new))
            .forbids(),
    );
}

/// The finding that says why the program which a task's shim calls is of no use.
fn without_program(node: &node::Node, runtime: &Runtime, bundle: &Bundle) -> Option<&'static str> {
    if matches!(runtime.keeper(bundle), runc::Keeper::Unread(_)) {
        return None;
    }
    let options = bundle.options.get();
    let named = options.and_then(|options| options.binary_name.as_ref());
    let named = named.and_then(|name| name.utf8());
    if bundle.options.is_refused() {
        return None;
    }
    crate::runtime_programs::useless(node, named.unwrap_or("runc"))
}

/// Why the shim's program of a bundle is found nowhere, so that every release gives the bundle up: it
/// is gone, or what names it was overwritten.
fn is_without_shim(run: &Run<'_>, bundle: &Bundle) -> Option<&'static str> {
    let programs = &run.node.programs;
    let Some(named) = bundle.shim_binary.as_ref() else {
        // From 2.0 on a member of a pod has no path of its own: what its record names is looked for.
        let record = bundle.recorded_runtime.as_ref()?;
        let program = node::shim_program(record.utf8()?)?;
        return programs
            .is_gone(&program)
            .then_some("runtime/program-missing");
    };
    if !can_name_shim(named.bytes()) {
        return Some("runtime/bundle-file-damaged");
    }
    let is_gone = named.utf8().is_some_and(|path| programs.is_gone(path));
    is_gone.then_some("runtime/program-missing")
}

/// Whether containerd can look for a shim of this name: a whole path, or a runtime's name of two
/// parts or more (`runtime/v2/shim/util.go`, `BinaryName`).
fn can_name_shim(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| *byte == b'.');
    let mut is_name = || {
        let has_first = parts.next().is_some_and(|first| !first.is_empty());
        has_first && parts.next().is_some() && !name.contains(&b'/')
    };
    !name.contains(&0) && (name.starts_with(b"/") || is_name())
}

/// Work folders of namespaces that have a folder of bundles.
fn work_dirs(run: &mut Run<'_>, runtime: &Runtime, kept: &[&Bundle]) {
    let lost: Vec<Target> = runtime
        .work_dirs
        .iter()
        .filter(|dir| runtime.task_namespaces.contains(&dir.namespace))
        .filter(|dir| {
            !kept
                .iter()
                .any(|bundle| bundle.namespace == dir.namespace && bundle.id == dir.id)
        })
        .map(|dir| {
            Target::new(Object::new(
                "work-dir",
                dir.namespace.clone(),
                dir.id.clone(),
            ))
        })
        .collect();
    if !lost.is_empty() {
        run.note(run.statement(&rules::WORK_DIR).targets(lost));
    }
}

#[cfg(test)]
mod tests {
    use super::can_name_shim;

    #[test]
    fn a_shim_is_named_by_a_path_or_a_runtime() {
        for (name, want) in [
            (b"/usr/bin/containerd-shim-runc-v2".as_slice(), true),
            (b"io.containerd.runc.v2", true),
            (b"runc", false),
            (b".v2", false),
            (b"bin/containerd-shim.v2", false),
            (b"\0\0\0\0", false),
            (b"/usr/bin/\0", false),
        ] {
            assert_eq!(can_name_shim(name), want, "{name:?}");
        }
    }
}
