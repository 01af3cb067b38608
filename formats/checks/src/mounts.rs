//! The mount manager of 2.2 and later: its database, and whose mounts are in it.

use daemon::{start, told};
use std::collections::BTreeSet;

use finding::{Code, Finding, Location, Object, Severity, Text, Unread};
use node::DatabaseState;

use crate::{Check, Judge, Need};

/// mounts.db cannot be opened.
pub(crate) const BROKEN: Check = Check {
    code: &Code {
        name: "store/mounts-broken",
        rule: "R10",
        severity: Severity::Fatal,
        title: "The mount manager's database cannot be opened",
        explanation: "2.2 and later keep the mounts that they made in mounts.db, in state. Where it cannot be \
            opened the mount manager fails, and with it the service of tasks and the CRI: containerd \
            starts, but no pod can be created. (Known from the source; not tried with a real \
            release.)",
        remedy: "It holds nothing that outlives a reboot: unmount what is mounted below t/, then \
            delete the file.",
    },
    needs: &[],
    run: broken,
};

/// A mount whose container is gone.
pub(crate) const ORPHAN: Check = Check {
    code: &Code {
        name: "runtime/mount-orphan",
        rule: "R11",
        severity: Severity::Odd,
        title: "A mount of the mount manager has no container",
        explanation: "The mount is labelled with the container that needs it, and no namespace has that \
            container: it stays mounted, with its loop device or file system image. A mount without \
            its parts was being created when the daemon was killed; the daemon recreates it on the \
            next request (a note).",
        remedy: "Unmount what is mounted below t/ while containerd is stopped, and delete \
            mounts.db.",
    },
    needs: &[Need::Containers],
    run: orphan,
};

fn broken(judge: &mut Judge<'_>) {
    let mounts = &judge.node.mounts;
    let why = match &mounts.state {
        DatabaseState::Broken => "no tree of it can be found".to_owned(),
        // Absent is what all releases before 2.2 have; an empty one is taken for new.
        DatabaseState::Unread(Unread::Absent | Unread::NotCollected | Unread::Denied)
        | DatabaseState::Open
        | DatabaseState::Stale
        | DatabaseState::Other(_)
        | DatabaseState::Empty => return,
        DatabaseState::Unread(Unread::Disk(why)) => {
            format!("it {}", Unread::Disk(why.clone()))
        }
        DatabaseState::Unread(unread)
            if unread.tells_nothing() || matches!(unread, Unread::TooLarge { .. }) =>
        {
            return judge.abstain(format!("{} {unread}", mounts.path));
        }
        DatabaseState::Unread(unread) => format!("it {unread}"),
    };
    let location = Location::file(mounts.path.clone());
    let finding = Finding::new(BROKEN.code, location, why);
    judge.say(told(finding, &start::MOUNTS_BROKEN));
}

fn orphan(judge: &mut Judge<'_>) {
    let Some(rows) = &judge.node.mounts.rows else {
        return;
    };
    let mut known: BTreeSet<(&Text, &Text)> = BTreeSet::new();
    for namespace in judge.namespaces() {
        let containers = namespace.containers.read().into_iter().flatten();
        known.extend(containers.map(|row| (&namespace.name, &row.key)));
    }
    let has_meta = judge.node.meta.rows.is_some();
    for row in rows.mounts.read().into_iter().flatten() {
        let location = row.at.location(&judge.node.mounts.path);
        let object = Object::new("mount", row.namespace.clone(), row.key.clone());
        let gone = row
            .container()
            .filter(|id| !known.contains(&(&row.namespace, *id)));
        if let Some(id) = gone.filter(|_| has_meta && row.labels.whole) {
            let targets: Vec<String> = row.targets.iter().map(ToString::to_string).collect();
            let mounted = if targets.is_empty() {
                String::new()
            } else {
                format!(" (mounted at {})", targets.join(", "))
            };
            let message = format!("it is for the container {id}, which is not there{mounted}");
            judge.say(Finding::new(ORPHAN.code, location, message).affects(object));
        } else if !row.is_active && row.whole {
            let message = "it was being created when the daemon was killed".to_owned();
            let finding = Finding::new(ORPHAN.code, location, message).affects(object);
            judge.say(finding.severity(Severity::Note));
        }
    }
}
