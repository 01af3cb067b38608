//! Small files and rows that stop a start, kill a container, or keep a pull from healing an image.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use content::Digest;
use evidence::{Evidence, FileKind};
use finding::Text;
use metadb::Kind;
use node::Snapshotter;
use node::path_text;
use runc::{Bundle, Doc};
use serde_json::json;
use snapshots::Rules;

use super::{Making, path};
use crate::plan::{MadeOf, Step};
use crate::records::drop_blob;
use crate::rows::{backend_rows, keys};
use crate::{Edit, Survivors, Tree};

impl Making<'_> {
    /// Adds steps for them, and edits `tree`.
    pub(super) fn edit_files(
        &mut self,
        evidence: &Evidence,
        tree: &mut Tree,
        survivors: &Survivors,
        is_whole: bool,
    ) -> Vec<Edit> {
        for snapshotter in self.node.snapshotters.clone() {
            self.work_folders(&snapshotter);
        }
        self.addresses();
        self.downloads(evidence);
        self.statuses(evidence, tree);
        if self.node.content.is_whole() {
            self.blobs(tree, survivors, is_whole)
        } else {
            Vec::new()
        }
    }

    /// A writable layer without its `work` cannot be mounted.
    fn work_folders(&mut self, snapshotter: &Snapshotter) {
        let is_overlay = Rules::for_snapshotter(&snapshotter.name.to_string()) == Rules::Overlay;
        let Some(layout) = snapshotter
            .layout
            .whole()
            .filter(|_| is_overlay && !snapshotter.is_proxy)
        else {
            return;
        };
        for row in backend_rows(snapshotter) {
            let dir = row.id.and_then(|id| layout.dirs.get(&id));
            let Some(dir) = dir.filter(|_| row.kind == Some(Kind::Active)) else {
                continue;
            };
            let has_stray = dir.others.iter().any(|entry| entry.name == "work");
            if dir.unknown.is_empty() && dir.fs.is_some() && dir.work.is_none() && !has_stray {
                let why = format!("the snapshot {} cannot be mounted without it", row.key);
                let step = Step {
                    mode: Some(0o711),
                    ..Step::put("", MadeOf::Folder, why)
                };
                self.step(&dir.path.join("work"), step);
            }
        }
    }

    /// The content store does not start where its folder of downloads is none.
    fn downloads(&mut self, evidence: &Evidence) {
        let folder = self.node.content_root().join("ingest");
        let is_other = evidence
            .stat(&folder)
            .is_ok_and(|stat| stat.kind != FileKind::Dir);
        if is_other {
            let why = "the content store keeps its downloads in this folder: without it, no plugin that needs the store starts";
            let step = Step {
                mode: Some(0o755),
                ..Step::put("", MadeOf::Folder, why)
            };
            self.step(&folder, step);
        }
    }

    /// Where a shim listens follows from the container's name: without it the daemon kills the container.
    fn addresses(&mut self) {
        let Some(runtime) = self.node.runtime.read().cloned() else {
            return;
        };
        let sockets: BTreeSet<String> = runtime
            .sockets
            .iter()
            .flatten()
            .filter_map(|socket| Some(socket.path.utf8()?.rsplit('/').next()?.to_owned()))
            .collect();
        let version = runtime
            .bundles
            .iter()
            .find_map(|bundle| bundle.bootstrap.whole()?.version)
            .unwrap_or(3);
        let is_broken = |doc: &Doc<runc::Address>| matches!(doc, Doc::Damaged(None, _));
        for bundle in runtime.bundles.iter().filter(|bundle| !bundle.hidden) {
            let is_lost = is_broken(&bundle.bootstrap) || is_broken(&bundle.address);
            if is_lost && runtime.sockets.is_some() && !sockets.contains(&bundle.socket) {
                self.plan.unknown.push(format!(
                    "how the shim of {}/{} is reached: its bundle does not say it, and no socket has the name that follows from the container's. If the container runs, a start kills it: find the socket first (`ss -xlp | grep containerd-shim`)",
                    bundle.namespace, bundle.id
                ));
            }
        }
        let lives = |bundle: &&Bundle| !bundle.hidden && sockets.contains(&bundle.socket);
        for bundle in runtime.bundles.iter().filter(lives) {
            let address = format!("unix://{}/{}", runc::SOCKETS, bundle.socket);
            let folder = path(&bundle.path);
            let why = format!(
                "the shim of {}/{} listens there: without it a start kills the container",
                bundle.namespace, bundle.id
            );
            if is_broken(&bundle.bootstrap) {
                let address = json!(address);
                // In the order in which the shim writes it.
                let text = format!(
                    "{{\"version\":{version},\"address\":{address},\"protocol\":\"ttrpc\"}}"
                );
                self.put(
                    &folder.join("bootstrap.json"),
                    text.into_bytes(),
                    0o600,
                    why.clone(),
                );
            }
            if is_broken(&bundle.address) {
                self.put(&folder.join("address"), address.into_bytes(), 0o600, why);
            }
        }
    }

    /// Without its folder a container of a pod is not seen; without a status it is taken for dead.
    fn statuses(&mut self, evidence: &Evidence, tree: &Tree) {
        let cri = self.request.roots.root.join("io.containerd.grpc.v1.cri");
        let Some(runtime) = self.node.runtime.read().cloned() else {
            return;
        };
        let all = cri.join("containers");
        let is_known = runtime.whole.cri;
        let stat = evidence.stat(&all);
        let is_other = stat.as_ref().is_ok_and(|stat| !stat.is_dir());
        let containers = tree.at(&["v1", "k8s.io", "containers"]);
        let mut within = Vec::new();
        for id in keys(containers) {
            let record = containers.and_then(|all| all.at(&[&id]));
            let labels = record.and_then(|record| record.at(&["labels"]));
            let kind = labels.and_then(|labels| labels.value(metadb::cri::KIND_LABEL));
            let (Some(record), Some(b"container")) = (record, kind) else {
                continue;
            };
            let id = Text::from(id);
            let bytes = status(record, runtime.bundle(&Text::from("k8s.io"), &id));
            let folder = all.join(path(&id));
            let found = runtime.status(&id);
            match found.map(|found| &found.status) {
                _ if is_other => within.push((folder, bytes)),
                None if is_known && evidence.stat(&folder).is_err_and(|why| why.is_absent()) => {
                    within.push((folder, bytes));
                }
                Some(Doc::Absent | Doc::Damaged(..))
                    if found.is_some_and(|found| unusable(&found.status)) =>
                {
                    let why =
                        format!("without a status a start treats the container {id} as exited");
                    self.put(&folder.join("status"), bytes, 0o600, why);
                }
                _ => {}
            }
        }
        let files =
            |making: &mut Self, place: String, within: Vec<(PathBuf, Vec<u8>)>, above: &Path| {
                for (folder, bytes) in within {
                    if let Some(name) = folder.strip_prefix(above).ok().and_then(Path::to_str) {
                        let slash = if name.is_empty() { "" } else { "/" };
                        making
                            .files
                            .insert(format!("{place}/{name}{slash}status"), bytes);
                    }
                }
            };
        if is_other {
            let why = "the CRI keeps the states of its containers in this folder: without it, it does not start";
            let step = Step {
                mode: Some(0o755),
                ..Step::put("", MadeOf::Folder, why)
            };
            if let Some(place) = self.step(&all, step) {
                files(self, place, within, &all);
            }
            return;
        }
        for (folder, bytes) in within {
            let why = "without this folder the CRI does not see the container".to_owned();
            let step = Step {
                mode: Some(0o755),
                ..Step::put("", MadeOf::Folder, why)
            };
            if let Some(place) = self.step(&folder, step) {
                files(self, place, vec![(folder.clone(), bytes)], &folder);
            }
        }
    }

    /// Rows of blobs that are not there, or are not what they claim, keep a pull from fetching them.
    fn blobs(&mut self, tree: &mut Tree, survivors: &Survivors, is_whole: bool) -> Vec<Edit> {
        let mut edits = Vec::new();
        let spaces: Vec<Vec<u8>> = keys(tree.at(&["v1"]));
        let named =
            |space: &Vec<u8>| keys(tree.at(&[&b"v1"[..], space, b"content", b"blob"])).len();
        let named: usize = spaces.iter().map(named).sum();
        if named > 1 && survivors.blobs.is_empty() && survivors.damaged.is_empty() {
            // Once the disk is back, a start would delete every blob whose record is gone.
            self.plan.unknown.push(format!(
                "the content store {} holds no blob, and meta.db has {named} records of blobs: is its \
                 disk mounted? The records stay as they are. If the blobs are really gone, remove \
                 the images once containerd runs: a pull then fetches them again",
                path_text(&self.node.content_root())
            ));
            return edits;
        }
        for namespace in spaces {
            let blobs = keys(tree.at(&[&b"v1"[..], &namespace, b"content", b"blob"]));
            for key in blobs {
                let Ok(digest) = Digest::parse_bytes(&key) else {
                    continue;
                };
                let why = if let Some(why) = survivors.damaged.get(&digest) {
                    format!("the blob is not what its name says ({why})")
                } else if !survivors.blobs.contains_key(&digest) {
                    "its blob is not on the node".to_owned()
                } else {
                    continue;
                };
                edits.push(drop_blob(
                    tree,
                    &namespace,
                    &key,
                    &format!("{why}: without the record, a pull fetches it again"),
                ));
            }
        }
        // Where meta.db is completed, they were set aside with that.
        for (digest, why) in survivors.damaged.iter().filter(|_| is_whole) {
            self.remove_blob(digest, why);
        }
        edits
    }
}

/// Whether a status says nothing.
fn unusable(doc: &Doc<runc::Status>) -> bool {
    match doc {
        Doc::Absent => true,
        Doc::Damaged(status, _) => status
            .as_ref()
            .is_none_or(|status| status.created.is_none()),
        Doc::Whole(_) | Doc::Unread(_) => false,
    }
}

/// The status of a container as its record and its bundle tell it.
fn status(record: &Tree, bundle: Option<&Bundle>) -> Vec<u8> {
    let time = |name| {
        let time = record
            .value(name)
            .and_then(|value| metadb::go_time(value).ok());
        time.map_or(0, |time| {
            time.seconds
                .saturating_mul(1_000_000_000)
                .saturating_add(i64::from(time.nanos))
        })
    };
    let pid = bundle.and_then(|bundle| bundle.init_pid.whole().copied());
    let created = time("createdat");
    // A container without a task has ended: when and how is lost.
    let (finished, code, reason) = match pid {
        Some(_) => (0, 0, ""),
        None => (time("updatedat").max(created), 255, "Unknown"),
    };
    let text = json!({
        "Version": "v1", "Pid": pid.unwrap_or(0), "CreatedAt": created, "StartedAt": created,
        "FinishedAt": finished, "ExitCode": code, "Reason": reason, "Message": "",
    });
    text.to_string().into_bytes()
}
