//! Records of meta.db: names, labels, the root of the database, its version.

use daemon::{Release, start, told};
use finding::{Code, Finding, Location, Object, Severity, Text};
use metadb::{At, Labels, Namespace, Row};

use crate::{Check, Judge};

/// A database of a newer release than the daemon that is installed.
pub(crate) const VERSION_AHEAD: Check = Check {
    code: &Code {
        name: "meta/version-ahead",
        rule: "M01",
        severity: Severity::Odd,
        title: "meta.db was written by a newer release than the one that is installed",
        explanation: "Its schema is one that the installed containerd does not know. It still starts and logs \
            nothing, but does not see records of a kind that it does not know. What 1.7 keeps of \
            sandboxes meanwhile is not migrated again by a later upgrade.",
        remedy: "Run the release that wrote it, or a newer one.",
    },
    needs: &[],
    run: version_ahead,
};

/// A bucket at the root that a release of this schema does not read.
pub(crate) const ROOT_BUCKET: Check = Check {
    code: &Code {
        name: "meta/root-bucket",
        rule: "M02",
        severity: Severity::Odd,
        title: "There is another bucket beside v1 at the root of meta.db",
        explanation: "2.x keeps everything below v1. 1.7 keeps sandboxes in <namespace>/sandboxes \
            at the root; the first start of 2.x moves these, and deletes every other bucket of the \
            root. Once the schema is 4 they are not moved any more: what 1.7 wrote after a \
            downgrade stays where 2.x does not look.",
        remedy: "Nothing that is urgent. If sandboxes of 1.7 are wanted in 2.x, move them below v1 \
            in a copy of meta.db.",
    },
    needs: &[],
    run: root_bucket,
};

/// What keeps 2.x from migrating the database.
pub(crate) const MIGRATION: Check = Check {
    code: &Code {
        name: "meta/migration-blocked",
        rule: "M03",
        severity: Severity::Damage,
        title: "An upgrade to 2.x would fail on this meta.db",
        explanation: "The first start of 2.x copies the sandboxes of 1.7, one bucket deep. A deeper bucket \
            ends the migration: nothing is changed, but the metadata plugin fails, and containerd \
            starts without images, containers and the CRI.",
        remedy: "Delete that bucket in a copy of meta.db before the upgrade.",
    },
    needs: &[],
    run: migration,
};

/// A row of a blob whose key is no digest.
pub(crate) const BLOB_KEY: Check = Check {
    code: &Code {
        name: "meta/blob-key",
        rule: "M10",
        severity: Severity::Odd,
        title: "A row of a blob has a key that is no digest",
        explanation: "Blobs are kept under `algorithm:hex`. A row of another name belongs to no \
            file; lists skip it, and the garbage collector removes it.",
        remedy: "Delete the row in a copy of meta.db, or leave it to the garbage collector.",
    },
    needs: &[],
    run: blob_key,
};

/// A label that containerd would refuse.
pub(crate) const LABEL: Check = Check {
    code: &Code {
        name: "meta/label-invalid",
        rule: "M12",
        severity: Severity::Odd,
        title: "A label is longer than containerd allows, or empty",
        explanation: "Key and value of a label have at most 4,096 bytes together, and an empty value means no \
            value. Longer ones are refused when they are written: this one was not written by the \
            daemon, and each later update of the object is refused.",
        remedy: "Set the label again, or delete it in a copy of meta.db.",
    },
    needs: &[],
    run: label,
};

/// A namespace whose name containerd would refuse.
pub(crate) const NAMESPACE_NAME: Check = Check {
    code: &Code {
        name: "meta/namespace-name",
        rule: "M13",
        severity: Severity::Odd,
        title: "A namespace has a name that containerd refuses",
        explanation: "Names of namespaces are letters and digits, with single dots, dashes and \
            underscores between them, and at most 76 of them. Nothing in a namespace of another \
            name can be reached through the API.",
        remedy: "Keep its contents as evidence: the daemon did not create it.",
    },
    needs: &[],
    run: namespace_name,
};

/// A container or sandbox whose id containerd would refuse.
pub(crate) const IDENTIFIER: Check = Check {
    code: &Code {
        name: "meta/identifier-invalid",
        rule: "G15",
        severity: Severity::Odd,
        title: "A container or sandbox has an id that containerd refuses",
        explanation: "Ids are letters and digits, with single dots, dashes and underscores between \
            them, and at most 76 of them. Of a container with another id no task can be made: the \
            daemon did not make the record.",
        remedy: "Delete the record (`ctr containers rm`).",
    },
    needs: &[],
    run: identifier,
};

fn version_ahead(judge: &mut Judge<'_>) {
    let traces = &judge.node.traces;
    let package = traces.package.as_ref();
    let release = package.and_then(|package| Release::of_version(package.utf8()?));
    let (Some(package), Some(release), Some(schema)) = (package, release, traces.schema) else {
        return;
    };
    // Above all that are known is told by meta/version-unknown.
    let newest = Release::ALL.iter().map(|release| release.schema()).max();
    if schema <= release.schema() || Some(schema) > newest {
        return;
    }
    let location = Location::file(judge.node.meta.path.clone())
        .place("bucket", "v1")
        .place("bucket", "version");
    let message = format!(
        "its schema is {schema}; containerd {package} writes {}",
        release.schema()
    );
    judge.say(
        Finding::new(VERSION_AHEAD.code, location, message)
            .want(format!("{} or less", release.schema()))
            .found(schema.to_string()),
    );
}

fn root_bucket(judge: &mut Judge<'_>) {
    let Some(meta) = &judge.node.meta.rows else {
        return;
    };
    for root in &meta.roots {
        let is_new = meta.version.is_some_and(|version| version >= 4);
        let others: Vec<String> = root.others.iter().map(ToString::to_string).collect();
        let message = match (others.is_empty(), root.sandboxes.len()) {
            (true, 0) if root.name.is_empty() => "it has no name".to_owned(),
            (true, count) if is_new && count > 0 => format!(
                "{} keeps {count} sandboxes of 1.7 at the root: 2.x does not see them",
                root.name
            ),
            (true, _) => continue,
            (false, _) if is_new => format!(
                "{} holds {}, which nothing reads",
                root.name,
                others.join(", ")
            ),
            (false, _) => format!(
                "{} holds {}, which the first start of 2.x deletes",
                root.name,
                others.join(", ")
            ),
        };
        let mut finding = Finding::new(
            ROOT_BUCKET.code,
            root.at.location(&judge.node.meta.path),
            message,
        );
        for id in &root.sandboxes {
            finding = finding.affects(Object::new("sandbox", root.name.clone(), id.clone()));
        }
        judge.say(finding);
    }
}

fn migration(judge: &mut Judge<'_>) {
    let Some(meta) = &judge.node.meta.rows else {
        return;
    };
    if meta.version.is_some_and(|version| version >= 4) {
        return;
    }
    for root in &meta.roots {
        let Some(path) = &root.too_deep else { continue };
        let mut location = Location::file(judge.node.meta.path.clone());
        for name in path {
            location = location.place("bucket", name.clone());
        }
        let last = path.last().cloned().unwrap_or_default();
        let id = path.get(2).cloned().unwrap_or_default();
        let message = format!("the bucket {last} is deeper than the migration copies");
        let finding = Finding::new(MIGRATION.code, location, message);
        let finding = finding.affects(Object::new("sandbox", root.name.clone(), id));
        judge.say(told(finding, &start::MIGRATION_FAILS));
    }
}

fn blob_key(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        for row in namespace.blobs.read().into_iter().flatten() {
            let Err(error) = content::Digest::parse_bytes(row.key.bytes()) else {
                continue;
            };
            let location = row.at.location(&judge.node.meta.path);
            let message = format!("`{}` is no digest: {error}", row.key);
            let object = Object::new("blob", namespace.name.clone(), row.key.clone());
            judge.say(Finding::new(BLOB_KEY.code, location, message).affects(object));
        }
    }
}

/// Bytes that key and value of a label may have together (`labels.Validate`).
const LONGEST_LABEL: usize = 4096;

fn label(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        // A namespace's own labels may be empty: its creation does not drop those.
        if let Some(at) = &namespace.at {
            let object = Object::global("namespace", namespace.name.clone());
            tell_labels(judge, at, &namespace.labels, object, false);
        }
        each(judge, "image", namespace, namespace.images.read(), |row| {
            &row.labels
        });
        each(
            judge,
            "container",
            namespace,
            namespace.containers.read(),
            |row| &row.labels,
        );
        each(judge, "blob", namespace, namespace.blobs.read(), |row| {
            &row.labels
        });
        each(judge, "lease", namespace, namespace.leases.read(), |row| {
            &row.labels
        });
        each(
            judge,
            "sandbox",
            namespace,
            namespace.sandboxes.read(),
            |row| &row.labels,
        );
        for snapshots in namespace.snapshots.read().into_iter().flatten() {
            each(judge, "snapshot", namespace, snapshots.rows.read(), |row| {
                &row.labels
            });
        }
    }
}

fn each<'n, T>(
    judge: &mut Judge<'n>,
    kind: &'static str,
    namespace: &Namespace,
    rows: Option<&'n Vec<Row<T>>>,
    labels: impl Fn(&'n T) -> &'n Labels,
) {
    for row in rows.into_iter().flatten() {
        let object = Object::new(kind, namespace.name.clone(), row.key.clone());
        tell_labels(judge, &row.at, labels(&row.value), object, true);
    }
}

fn tell_labels(judge: &mut Judge<'_>, at: &At, labels: &Labels, object: Object, filled: bool) {
    let wrong: Vec<String> = labels
        .entries
        .iter()
        .filter_map(|(key, value)| {
            let length = key.bytes().len().saturating_add(value.bytes().len());
            if length > LONGEST_LABEL {
                let start: Vec<u8> = key.bytes().iter().copied().take(64).collect();
                return Some(format!("{} has {length} bytes", Text::from(start)));
            }
            // What the garbage collector makes of an empty one is told as that.
            let is_collectors = key.bytes().starts_with(b"containerd.io/gc.");
            (value.is_empty() && filled && !is_collectors).then(|| format!("{key} is empty"))
        })
        .collect();
    let Some(first) = wrong.first() else { return };
    let more = match wrong.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let location = at.location(&judge.node.meta.path);
    let message = format!("the label {first}{more}");
    judge.say(Finding::new(LABEL.code, location, message).affects(object));
}

/// Letters and digits that an identifier may have (`identifiers.Validate`).
const LONGEST_NAME: usize = 76;

/// Why containerd refuses an identifier: `^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$`.
fn refused(name: &Text) -> Option<String> {
    let bytes = name.bytes();
    if bytes.is_empty() {
        return Some("it is empty".to_owned());
    }
    if bytes.len() > LONGEST_NAME {
        return Some(format!(
            "it has {} bytes, more than {LONGEST_NAME}",
            bytes.len()
        ));
    }
    let parts = bytes.split(|byte| matches!(byte, b'.' | b'_' | b'-'));
    let mut parts =
        parts.map(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric));
    (!parts.all(|good| good)).then(|| {
        "it is not letters and digits with single dots, dashes or underscores between".to_owned()
    })
}

fn namespace_name(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let Some(at) = &namespace.at else { continue };
        if let Some(why) = refused(&namespace.name) {
            let location = at.location(&judge.node.meta.path);
            let message = format!("the namespace `{}`: {why}", namespace.name);
            let object = Object::global("namespace", namespace.name.clone());
            judge.say(Finding::new(NAMESPACE_NAME.code, location, message).affects(object));
        }
    }
}

fn identifier(judge: &mut Judge<'_>) {
    for namespace in judge.namespaces() {
        let containers = namespace.containers.read().into_iter().flatten();
        let containers = containers.map(|row| ("container", &row.key, &row.at));
        let sandboxes = namespace.sandboxes.read().into_iter().flatten();
        let sandboxes = sandboxes.map(|row| ("sandbox", &row.key, &row.at));
        for (kind, id, at) in containers.chain(sandboxes) {
            if let Some(why) = refused(id) {
                let location = at.location(&judge.node.meta.path);
                let message = format!("the {kind} `{id}`: {why}");
                let object = Object::new(kind, namespace.name.clone(), id.clone());
                judge.say(Finding::new(IDENTIFIER.code, location, message).affects(object));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_refused_as_containerd_does() {
        for good in ["a", "k8s.io", "a-b_c.d", "0", &"a".repeat(76)] {
            assert_eq!(refused(&Text::from(good)), None, "{good}");
        }
        for bad in ["", "-a", "a-", "a..b", "a b", "ä", "a/b", &"a".repeat(77)] {
            assert!(refused(&Text::from(bad)).is_some(), "{bad}");
        }
    }
}
