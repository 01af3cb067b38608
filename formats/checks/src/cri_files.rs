//! What belongs to pods outside of meta.db: folders, logs, the pause image.

use daemon::{start, told};
use std::collections::BTreeSet;
use std::path::Path;

use finding::{Code, Finding, Location, Object, Severity, Text};
use node::path_text;
use runc::CriState;

use crate::cri_pod::NAMESPACE;
use crate::{Check, Judge, Need};

/// A pod's folder without a pod.
pub(crate) const FOLDER_ORPHAN: Check = Check {
    code: &Code {
        name: "cri/folder-orphan",
        rule: "K09",
        severity: Severity::Note,
        title: "A pod's folder has no pod",
        explanation: "The CRI keeps a folder with the hostname, hosts and resolv.conf of each pod. \
            No record of meta.db has this one. The next start deletes it and logs nothing.",
        remedy: "Nothing to repair. In an investigation, copy it before containerd is started: it \
            names a pod that meta.db no longer knows.",
    },
    needs: &[Need::Containers],
    run: folder_orphan,
};

/// A folder for logs that is not there.
pub(crate) const LOG_FOLDER: Check = Check {
    code: &Code {
        name: "cri/log-folder-missing",
        rule: "K14",
        severity: Severity::Note,
        title: "The folder for a running container's log is gone",
        explanation: "The folder with the log of a running container was removed. The older log is gone. New \
            lines go to a deleted file that only the shim still has open. At its next start the CRI \
            recreates the folder (1.6, 1.7 and 2.1 were seen to do so).",
        remedy: "Nothing to repair. To save what was logged since, copy it from the descriptor of \
            the process that still holds the file (`lsof +L1`).",
    },
    needs: &[],
    run: log_folder,
};

/// No image for the sandboxes of pods.
pub(crate) const PAUSE_IMAGE: Check = Check {
    code: &Code {
        name: "cri/pause-image-missing",
        rule: "K15",
        severity: Severity::Odd,
        title: "The image of the pods' sandboxes is not there",
        explanation: "Each pod begins with a container of the image that config.toml names as the \
            sandbox image. The CRI pulls it where it is missing; on a node that cannot reach its \
            registry no pod can be made.",
        remedy: "Import the image (`ctr -n k8s.io images import`) or pull it.",
    },
    needs: &[Need::Images],
    run: pause_image,
};

fn folder_orphan(judge: &mut Judge<'_>) {
    let Some(runtime) = judge.node.runtime.read() else {
        return;
    };
    let mut known: BTreeSet<&Text> = BTreeSet::new();
    for namespace in judge.namespaces() {
        known.extend(namespace.task_ids());
        if judge.abstains_for(namespace.sandboxes.unknown()) {
            return;
        }
    }
    let folder = judge.node.roots.root.join(runc::CRI).join("sandboxes");
    for id in runtime.sandbox_dirs.iter().filter(|id| !known.contains(id)) {
        let path = [path_text(&folder).bytes(), id.bytes()].join(&b'/');
        let message = format!("no record of meta.db has the pod {id}");
        let location = Location::file(path);
        judge.say(
            Finding::new(FOLDER_ORPHAN.code, location, message).affects(Object::new(
                "sandbox",
                NAMESPACE,
                id.clone(),
            )),
        );
    }
}

fn log_folder(judge: &mut Judge<'_>) {
    let node = judge.node;
    let Some(runtime) = node.runtime.read() else {
        return;
    };
    for namespace in judge.namespaces() {
        for row in namespace.containers.read().into_iter().flatten() {
            let Ok(container) = row.pod_container() else {
                continue;
            };
            let path = container.log_path.utf8().map(Path::new);
            let folder = path.and_then(Path::parent).map(path_text);
            let gone = folder.filter(|folder| node.pods.log_folders.get(folder) == Some(&false));
            let status = runtime.status(&row.key).and_then(|cri| cri.status.get());
            let runs = status.is_some_and(|status| status.state() == CriState::Running)
                && runtime.bundle(&namespace.name, &row.key).is_some();
            let Some(folder) = gone.filter(|_| runs) else {
                continue;
            };
            let message = format!("the container {} logs to a folder that is gone", row.key);
            let object = Object::new("container", namespace.name.clone(), row.key.clone());
            let mut finding =
                Finding::new(LOG_FOLDER.code, Location::file(folder), message).affects(object);
            if let Some(pod) = judge.graph.pod(&container.sandbox_id) {
                finding = finding.affects(pod);
            }
            judge.say(told(finding, &start::LOG_FOLDER_MADE));
        }
    }
}

fn pause_image(judge: &mut Judge<'_>) {
    let config = judge.node.roots.config.as_ref();
    let Some(image) = config.and_then(|config| config.sandbox_image.as_ref()) else {
        return;
    };
    let Some(whole) = content::normal_name(image) else {
        let files = config.map_or(&[][..], |config| &config.files);
        let file = files.first().cloned().unwrap_or_default();
        let image = finding::Text::from(image.as_str());
        let message =
            format!("\"{image}\", the sandbox image, is no name of an image: no pod is made");
        let finding = Finding::new(PAUSE_IMAGE.code, Location::file(file), message);
        judge.say(finding.severity(Severity::Damage));
        return;
    };
    for namespace in judge
        .namespaces()
        .iter()
        .filter(|space| space.name == NAMESPACE)
    {
        let mut containers = namespace.containers.read().into_iter().flatten();
        // A node that never had a pod pulls it when the first one comes.
        let has_pods = containers.any(|row| row.cri_kind().is_some());
        let mut images = namespace.images.read().into_iter().flatten();
        // The CRI completes the name before it asks for the image.
        let is_it = |name: &[u8]| name == whole.as_bytes() || name == image.as_bytes();
        if !has_pods || images.any(|row| is_it(row.key.bytes())) {
            continue;
        }
        let files = config.map_or(&[][..], |config| &config.files);
        let file = files.first().cloned().unwrap_or_default();
        let message = format!("{image}, the sandbox image, is not in {NAMESPACE}");
        judge.say(
            Finding::new(PAUSE_IMAGE.code, Location::file(file), message).affects(Object::new(
                "image",
                NAMESPACE,
                image.as_str(),
            )),
        );
    }
}
