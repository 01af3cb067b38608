//! Stores of snapshotters that are whole, in a folder that config.toml does not name.

use finding::{Code, Finding, Location, Severity};
use node::path_text;

use crate::affected::users_of_backend;
use crate::judge::affecting;
use crate::{Check, Judge};

/// A snapshotter's store is in another folder than that which it is told to use.
pub(crate) const ELSEWHERE: Check = Check {
    code: &Code {
        name: "store/snapshots-elsewhere",
        rule: "S08",
        severity: Severity::Damage,
        title: "A snapshotter is configured with an empty folder, and its store is in another",
        explanation: "`root_path` of the snapshotter's table in config.toml names an empty folder, while the \
            store that meta.db refers to is in the folder of before. The daemon starts, creates an \
            empty store in the new folder, and finds none of its snapshots. meta.db says that images \
            are unpacked, but no container of them can be created or started. Nothing is deleted in \
            the old folder.",
        remedy: "Put `root_path` back as it was, before containerd is started. The old database is whole: \
            nothing has to be rebuilt.",
    },
    needs: &[],
    run: elsewhere,
};

fn elsewhere(judge: &mut Judge<'_>) {
    let node = judge.node;
    for snapshotter in &node.snapshotters {
        let Some(old) = &snapshotter.elsewhere else {
            continue;
        };
        let table = [
            "plugins",
            &format!("io.containerd.snapshotter.v1.{}", snapshotter.name),
            "root_path",
        ];
        let config = node.roots.config.as_ref();
        let setting = config.and_then(|config| config.settings.get(&table));
        let location = setting.map_or_else(
            || Location::file(path_text(&snapshotter.root)),
            |setting| Location::file(setting.file.clone()).place("key", setting.keys().join(".")),
        );
        let (new, old) = (path_text(&snapshotter.root), path_text(old));
        let message = format!(
            "it leads to {new}, which holds no snapshot, and those of {} are in {old}",
            snapshotter.name
        );
        let finding = Finding::new(ELSEWHERE.code, location, message);
        let finding = finding.want(old.to_string()).found(new.to_string());
        judge.say(affecting(
            finding,
            &users_of_backend(judge, snapshotter, |_| true),
        ));
    }
}
