//! The CRI plugin's records: what keeps it from starting, and what it would lose.

use daemon::{start, told};
use std::collections::{BTreeMap, BTreeSet};

use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{Container, MetaDb, Row};
use node::Node;

use crate::container::pod_of;
use crate::judge::affecting;
use crate::{Check, Judge, Need};

/// A record that the CRI cannot use.
pub(crate) const RECORD: Check = Check {
    code: &Code {
        name: "cri/record-unusable",
        rule: "K01",
        severity: Severity::Damage,
        title: "A pod's or container's CRI record cannot be used",
        explanation: "The container is the CRI's (its label says so), but the JSON that the CRI \
            keeps with it is missing, damaged or of another version. The CRI skips it: the kubelet \
            makes a second pod, and the first one leaks with its network and its mounts.",
        remedy: "Stop its task if it runs, then delete the container's record.",
    },
    needs: &[],
    run: record,
};

/// Two records of one name.
pub(crate) const NAME_TWICE: Check = Check {
    code: &Code {
        name: "cri/name-twice",
        rule: "K02",
        severity: Severity::Fatal,
        title: "Two pods or two containers have one name",
        explanation: "The CRI reserves each name once when it starts. At the second record of the same name it \
            fails: containerd exits, and is restarted again and again.",
        remedy: "Keep the record that is in use: that has a task or a bundle, or that containers name as \
            their sandbox. Of two that are not in use, keep the newer one. Delete the other record in a copy of \
            meta.db.",
    },
    needs: &[],
    run: name_twice,
};

/// A container of a pod that is gone.
pub(crate) const SANDBOX_GONE: Check = Check {
    code: &Code {
        name: "cri/sandbox-gone",
        rule: "K03",
        severity: Severity::Damage,
        title: "A container belongs to a pod that is gone",
        explanation: "The CRI keeps a record of the container, but none of its pod. It lists the \
            container in the state it last had, and no pod for it. It can be stopped and removed (so on \
            1.6.20, 1.7.24 and 2.1.9).",
        remedy: "Delete the container (`crictl rm`), or its record if that fails.",
    },
    needs: &[Need::Containers],
    run: sandbox_gone,
};

fn each<'n>(judge: &Judge<'n>) -> Vec<(&'n Text, &'n Row<Container>)> {
    let namespaces = judge.namespaces().iter();
    namespaces
        .flat_map(|namespace| {
            let rows = namespace.containers.read().into_iter().flatten();
            rows.map(move |row| (&namespace.name, row))
        })
        .filter(|(_, row)| row.cri_kind().is_some())
        .collect()
}

fn record(judge: &mut Judge<'_>) {
    for (namespace, row) in each(judge) {
        let error = match row.cri_kind() {
            Some("sandbox") => row.pod().err(),
            Some("container") => row.pod_container().err(),
            _ => None,
        };
        // What could not be read is not missing.
        let Some(error) = error.filter(|_| row.whole) else {
            continue;
        };
        let location = row.at.location(&judge.node.meta.path);
        let finding = Finding::new(RECORD.code, location, error.to_string()).affects(Object::new(
            "container",
            namespace.clone(),
            row.key.clone(),
        ));
        judge.say(match pod_of(judge, row) {
            Some(pod) => finding.affects(pod),
            None => finding,
        });
    }
}

fn name_twice(judge: &mut Judge<'_>) {
    type Rows<'n> = Vec<(&'n Text, &'n Row<Container>)>;
    let mut names: BTreeMap<(bool, Text), Rows<'_>> = BTreeMap::new();
    for (namespace, row) in each(judge) {
        let is_pod = row.cri_kind() == Some("sandbox");
        let name = if is_pod {
            row.pod().map(|pod| pod.name)
        } else {
            row.pod_container().map(|c| c.name)
        };
        if let Ok(name) = name {
            names
                .entry((is_pod, name))
                .or_default()
                .push((namespace, row));
        }
    }
    for ((is_pod, name), rows) in names.into_iter().filter(|(_, rows)| rows.len() > 1) {
        let what = if is_pod { "pod" } else { "container" };
        let ids: Vec<String> = rows.iter().map(|(_, row)| row.key.to_string()).collect();
        let message = format!("the {what} name {name} is that of {}", ids.join(" and "));
        let Some((_, first)) = rows.first() else {
            continue;
        };
        let location = first.at.location(&judge.node.meta.path);
        let finding = Finding::new(NAME_TWICE.code, location, message);
        let rule = if is_pod {
            &start::POD_TWICE
        } else {
            &start::CONTAINER_TWICE
        };
        let mut finding = told(finding, rule);
        for (namespace, row) in &rows {
            finding = finding.affects(Object::new(
                "container",
                (*namespace).clone(),
                row.key.clone(),
            ));
        }
        judge.say(finding);
    }
}

/// Which of several records of one name a repair keeps (`repair`, pods.rs): the one that has a task, or that
/// containers belong to, or the newest.
pub(crate) fn kept_of<'o>(node: &Node, records: &[&'o Object]) -> Option<&'o Object> {
    let namespaces = node.meta.rows.as_ref().map_or(&[][..], MetaDb::namespaces);
    let rows = namespaces.iter().flat_map(|namespace| {
        let rows = namespace.containers.read().into_iter().flatten();
        rows.map(move |row| (&namespace.name, row))
    });
    let rows: Vec<(&Text, &Row<Container>)> = rows.collect();
    let owners = rows.iter().filter_map(|(_, row)| row.pod_container().ok());
    let owners: BTreeSet<Text> = owners.map(|record| record.sandbox_id).collect();
    let runtime = node.runtime.read();
    let rank = |object: &&&Object| {
        let (space, id) = (object.namespace.as_ref(), &object.name);
        let mut found = rows.iter();
        let found = found.find(|(name, row)| Some(*name) == space && row.key == *id);
        let has_task = runtime.is_some_and(|all| {
            let bundle = space.and_then(|space| all.bundle(space, id));
            bundle.is_some() || all.container(space, id).is_some()
        });
        let made = found.and_then(|(_, row)| row.created);
        (has_task, owners.contains(id), made, id.clone())
    };
    records.iter().max_by_key(rank).copied()
}

/// Containers of which a part could not be read: they may be any pod's.
pub(crate) fn half_read<'n>(judge: &Judge<'n>) -> impl Iterator<Item = &'n Text> + use<'n> {
    let namespaces = judge.namespaces().iter();
    let rows = namespaces.flat_map(|namespace| namespace.containers.read().into_iter().flatten());
    rows.filter(|row| !row.whole).map(|row| &row.key)
}

fn sandbox_gone(judge: &mut Judge<'_>) {
    let rows = each(judge);
    let mut keys: BTreeSet<&Text> = rows.iter().map(|(_, row)| &row.key).collect();
    keys.extend(half_read(judge));
    let mut gone: BTreeMap<(&Text, Text), Vec<&Text>> = BTreeMap::new();
    for (namespace, row) in rows {
        let Ok(record) = row.pod_container() else {
            continue;
        };
        if !keys.contains(&record.sandbox_id) && !record.sandbox_id.is_empty() {
            let id = (namespace, record.sandbox_id);
            gone.entry(id).or_default().push(&row.key);
        }
    }
    for ((namespace, sandbox), containers) in gone {
        let of = match containers.as_slice() {
            [one] => format!("the container {one}"),
            several => format!("{} containers", several.len()),
        };
        let message = format!("the pod sandbox {sandbox} of {of} is not there");
        let location = Location::file(judge.node.meta.path.clone())
            .place("bucket", "v1")
            .place("bucket", namespace.clone())
            .place("bucket", "containers")
            .place("sandbox", sandbox);
        let containers = containers.into_iter().cloned();
        let objects: Vec<Object> = containers
            .map(|key| Object::new("container", namespace.clone(), key))
            .collect();
        let finding = Finding::new(SANDBOX_GONE.code, location, message);
        judge.say(affecting(finding, &objects));
    }
}
