//! What the kernel's log says of processes that it killed in containers for want of memory.
//!
//! ```text
//! oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=…,mems_allowed=0,
//!   oom_memcg=/kubepods.slice/…/cri-containerd-<id>.scope,task_memcg=/kubepods.slice/…/cri-containerd-<id>.scope,task=java,pid=4711,uid=0
//! ```

use std::collections::BTreeMap;

use finding::{Code, Finding, Location, Object, Severity, Text, Time};
use logs::{Gathered, Line};
use node::Node;

/// The kernel killed processes of a container.
pub(crate) static KILLED: Code = Code {
    name: "runtime/oom-killed",
    rule: "R19",
    severity: Severity::Note,
    title: "The kernel killed processes of a container for want of memory",
    explanation: "The kernel's log has lines that say which process of which cgroup it killed when a \
        memory limit was reached, or when the node had no memory left. Where the container's first \
        process was killed, it ended with exit code 137; where another was, the container may run on \
        without it, and look healthy.",
    remedy: "Give the container a higher memory limit, or have it use less. Nothing on the node is to be \
        repaired.",
};

/// What lines say of one container.
struct Kills<'g> {
    count: u64,
    last: &'g Line,
    task: Text,
}

/// A finding for each container that is still known, and of which the log says so.
pub(crate) fn of_lines(gathered: &Gathered, node: &Node) -> Vec<Finding> {
    let names = names(node);
    let mut found: BTreeMap<(Text, Text), Kills<'_>> = BTreeMap::new();
    for line in &gathered.lines {
        let Some((group, task)) = killed(line.text.bytes()) else {
            continue;
        };
        // `…/<namespace>/<id>`, `…/cri-containerd-<id>.scope`; a container may have cgroups below.
        let mut ids = group.rsplit(|byte| *byte == b'/').map(id_of);
        let Some((id, namespace)) = ids.find_map(|id| names.get_key_value(id)) else {
            continue;
        };
        let id = Text::from(id.as_slice());
        let kills = found
            .entry((namespace.clone(), id))
            .or_insert_with(|| Kills {
                count: 0,
                last: line,
                task: Text::default(),
            });
        kills.count = kills.count.saturating_add(1);
        (kills.last, kills.task) = (line, Text::from(task));
    }
    let all = found.into_iter();
    let all = all.map(|((namespace, id), kills)| finding(gathered, namespace, id, &kills));
    all.collect()
}

fn finding(gathered: &Gathered, namespace: Text, id: Text, kills: &Kills<'_>) -> Finding {
    let source = gathered.sources.get(kills.last.source);
    let path = source.map_or("", |source| source.path.as_str());
    let processes = match kills.count {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    };
    let when = kills.last.time.map(|time: Time| format!(", at {time}"));
    let message = format!(
        "the kernel killed {processes} of the container {id} for want of memory; the last was {}{}",
        kills.task,
        when.unwrap_or_default()
    );
    Finding::new(&KILLED, Location::file(path), message).affects(Object::new(
        "container",
        namespace,
        id,
    ))
}

/// Containers that the node knows: their namespaces by their ids.
fn names(node: &Node) -> BTreeMap<Vec<u8>, Text> {
    let mut names = BTreeMap::new();
    for namespace in node.meta.rows.iter().flat_map(metadb::MetaDb::namespaces) {
        let rows = namespace.containers.read().into_iter().flatten();
        names.extend(rows.map(|row| (row.key.bytes().to_vec(), namespace.name.clone())));
    }
    let bundles = node.runtime.read().map_or(&[][..], |it| &it.bundles);
    names.extend(
        bundles
            .iter()
            .map(|it| (it.id.bytes().to_vec(), it.namespace.clone())),
    );
    names
}

/// The cgroup in which a process was killed, and the process.
fn killed(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = b"oom-kill:constraint=";
    let at = line.windows(start.len()).position(|part| part == start)?;
    let value = |name: &[u8]| {
        let mut fields = line.get(at..)?.split(|byte| *byte == b',');
        fields.find_map(|field| field.strip_prefix(name))
    };
    Some((value(b"task_memcg=")?, value(b"task=")?))
}

/// The id that a part of a cgroup's path holds.
fn id_of(part: &[u8]) -> &[u8] {
    let scope = part.strip_suffix(b".scope");
    let id = scope.and_then(|scope| scope.rsplit(|byte| *byte == b'-').next());
    id.unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::{id_of, killed};

    #[test]
    fn the_container_is_in_the_cgroup() {
        let id = "ab".repeat(32);
        for (group, want) in [
            (
                format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
                id.as_str(),
            ),
            (format!("/kubepods/burstable/pod1/{id}"), id.as_str()),
            ("/default/web".to_owned(), "web"),
        ] {
            let line = format!(
                "[ 77.1] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={group},\
                 task_memcg={group},task=java,pid=4711,uid=0"
            );
            let (found, task) = killed(line.as_bytes()).unwrap();
            assert_eq!((found, task), (group.as_bytes(), &b"java"[..]), "{line}");
            let mut ids = found.rsplit(|byte| *byte == b'/').map(id_of);
            assert_eq!(ids.next(), Some(want.as_bytes()), "{line}");
        }
        assert_eq!(killed(b"Out of memory: Killed process 7 (java)"), None);
        assert_eq!(killed(b"oom-kill:constraint=CONSTRAINT_NONE,task=x"), None);
    }
}
