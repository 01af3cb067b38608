//! Tasks of runtimes whose files are not read.

use finding::{Code, Finding, Location, Severity, Text};
use runc::Program;

use super::{runtime, task, with_pod};
use crate::{Check, Judge};

/// A task that a runtime keeps whose files are not read.
pub(crate) const NOT_READ: Check = Check {
    code: &Code {
        name: "runtime/not-read",
        rule: "",
        severity: Severity::Note,
        title: "A task's runtime is not read",
        explanation: "gVisor, Kata Containers, shims of wasm and others keep their state in ways of \
            their own. What they keep is not read: nothing is said of whether these tasks are healthy, \
            and nothing is concluded from what runc would have left of them.",
        remedy: "Ask the task's own runtime, with its own tools.",
    },
    needs: &[],
    run: not_read,
};

fn not_read(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
        if runtime.is_read(bundle) {
            continue;
        }
        let message = runtime.keeper(bundle).why_unread();
        let location = Location::file(bundle.path.clone()).place("bundle", bundle.id.clone());
        let finding = Finding::new(NOT_READ.code, location, message)
            .affects(task(Some(&bundle.namespace), &bundle.id));
        let pod: Option<&Text> = bundle.spec.get().and_then(|spec| spec.sandbox_id());
        judge.say(with_pod(judge, finding, pod));
    }
    for container in &runtime.containers {
        if container.program != Program::Other {
            continue;
        }
        let message = "this folder holds no state of runc, crun or youki";
        let location = Location::file(container.path.clone());
        let finding = Finding::new(NOT_READ.code, location, message)
            .affects(task(container.namespace.as_ref(), &container.id));
        judge.say(finding);
    }
}
