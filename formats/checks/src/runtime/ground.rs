//! The ground that containers were made on, against the one that the node has now: the version of
//! cgroups, and what the kernel can do.

use finding::{Code, Finding, Location, Object, Remedy, Severity, Step};
use process::{Mount, Processes};
use runc::{Container, KernelNeed};

use super::{runtime, task};
use crate::{Check, Judge};

/// Containers were made on another version of cgroups.
pub(crate) const CGROUP_VERSION: Check = Check {
    code: &Code {
        name: "runtime/cgroup-version-differs",
        rule: "R17",
        severity: Severity::Odd,
        title: "Containers were made on another version of cgroups",
        explanation: "The state of these containers names cgroups of one version, and the node has only \
            the other one mounted: the kernel's command line was changed (systemd.unified_cgroup_hierarchy) \
            and /run was kept or copied, or /sys/fs/cgroup is another one than the containers saw. The \
            runtime finds none of their cgroups: it cannot stop, pause or delete them, and says `no such \
            file or directory`. Given only where the evidence holds the table of mounts.",
        remedy: "Bring the former version back with the kernel's command line where the containers must \
            go on. Otherwise recreate the containers: what they wrote is in their snapshots.",
    },
    needs: &[],
    run: cgroup_version,
};

/// A container asks for what the kernel does not have.
pub(crate) const KERNEL_LACKS: Check = Check {
    code: &Code {
        name: "runtime/kernel-lacks",
        rule: "R18",
        severity: Severity::Damage,
        title: "The kernel lacks what a container asks for",
        explanation: "The specification of the container asks for something that came with a later \
            kernel than the node runs: a time namespace (5.6), a recursive read-only mount or mapped \
            owners of a mount (5.12), a seccomp agent (5.0), a cgroup namespace (4.6). The runtime refuses \
            it with `invalid argument` or `function not implemented`. Kernels of distributions may have it \
            earlier: those that name theirs so (el7, el8, el9) are not judged.",
        remedy: "Boot a kernel that has it, or leave the setting out of the pod and recreate the container.",
    },
    needs: &[],
    run: kernel_lacks,
};

/// The version of cgroups that containers can be told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Version {
    const fn word(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// What is mounted; nothing where both or neither is.
fn mounted(processes: &Processes) -> Option<Version> {
    let mounts = processes.mounts.as_deref()?;
    let below = |mount: &&Mount| mount.point.bytes().starts_with(b"/sys/fs/cgroup");
    let has = |kind: &str| mounts.iter().filter(below).any(|it| it.kind == *kind);
    match (has("cgroup"), has("cgroup2")) {
        (true, false) => Some(Version::V1),
        (false, true) => Some(Version::V2),
        _ => None,
    }
}

/// What a state names: v2 has one cgroup without a name, v1 one for each controller.
fn named(container: &Container) -> Option<Version> {
    let paths = &container.best_state()?.cgroup_paths;
    let names: Vec<bool> = paths.iter().map(|(name, _)| name.is_empty()).collect();
    match names.as_slice() {
        [true] => Some(Version::V2),
        names if !names.is_empty() && !names.contains(&true) => Some(Version::V1),
        _ => None,
    }
}

fn cgroup_version(judge: &mut Judge<'_>) {
    let (Some(runtime), Some(processes)) = (runtime(judge), judge.node.processes.as_deref()) else {
        return;
    };
    let Some(now) = mounted(processes) else {
        return;
    };
    let other = runtime.containers.iter().filter(|it| {
        it.other_daemon(&runtime.state).is_none() && named(it).is_some_and(|version| version != now)
    });
    let mut found: Option<Finding> = None;
    for container in other {
        let was = if now == Version::V1 {
            Version::V2
        } else {
            Version::V1
        };
        let object = task(container.namespace.as_ref(), &container.id);
        let finding = found.take().unwrap_or_else(|| {
            let message = format!(
                "cgroups {} are mounted, and state of containers names cgroups {}",
                now.word(),
                was.word()
            );
            let location = Location::file(container.path.clone());
            Finding::new(
                CGROUP_VERSION.code,
                location.place("container", container.id.clone()),
                message,
            )
        });
        found = Some(finding.affects(object));
    }
    if let Some(finding) = found {
        judge.say(finding.way(Remedy::new(
            "What the containers wrote stays in their snapshots.",
            vec![
                Step::words("Look at what changed the version: `cat /proc/cmdline`, the node's boot configuration."),
                Step::words("Boot with the former version where the containers must go on; otherwise recreate them."),
            ],
        )));
    }
}

/// `5.10.0-28-amd64`, as major and minor. Kernels that their distribution adds features of later
/// ones to give nothing.
fn release(text: &str) -> Option<(u32, u32)> {
    let is_mixed = [
        ".el", "el7", "el8", "el9", "amzn", "uek", "sles", "default", "gke", "tegra",
    ];
    if is_mixed.iter().any(|mark| text.contains(mark)) {
        return None;
    }
    let mut parts = text.split(|letter: char| !letter.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn kernel_lacks(judge: &mut Judge<'_>) {
    let Some(runtime) = runtime(judge) else {
        return;
    };
    let Some(kernel) = judge.node.around.kernel.release.clone() else {
        return;
    };
    let Some(has) = release(&kernel) else {
        return;
    };
    for need in KernelNeed::ALL {
        let asking = runtime.bundles.iter().filter(|bundle| {
            let spec = bundle.spec.get();
            !bundle.hidden && spec.is_some_and(|spec| spec.needs.contains(&need))
        });
        let (major, minor) = need.since();
        let mut asking = asking.filter(|_| has < (major, minor));
        let Some(first) = asking.next() else {
            continue;
        };
        let message = format!(
            "the container asks for {}, which came with Linux {major}.{minor}",
            need.words()
        );
        let location = Location::file(first.path.clone()).place("bundle", first.id.clone());
        let mut finding = Finding::new(KERNEL_LACKS.code, location, message)
            .found(format!("the node runs {kernel}"))
            .affects(task(Some(&first.namespace), &first.id));
        for bundle in asking {
            let object = Object::new("task", bundle.namespace.clone(), bundle.id.clone());
            finding = finding.affects(object);
        }
        judge.say(finding.way(Remedy::new(
            "The container writes nothing before it runs: nothing is lost.",
            vec![Step::words(
                "Boot a kernel that has it, or leave the setting out of the pod and recreate the container.",
            )],
        )));
    }
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn a_release_is_two_numbers() {
        assert_eq!(release("5.10.0-28-amd64"), Some((5, 10)));
        assert_eq!(release("6.1.0"), Some((6, 1)));
        // They have features of later ones.
        assert_eq!(release("4.18.0-513.el8.x86_64"), None);
        assert_eq!(release("5.4.217-126.408.amzn2"), None);
        assert_eq!(release("linux"), None);
    }
}
