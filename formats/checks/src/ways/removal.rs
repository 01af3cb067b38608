//! Containers and images that go, so that what is below them can be made again.

use std::collections::BTreeSet;

use content::{Digest, chain_ids};
use finding::program::CRICTL;
use finding::{Finding, Loss, Object, Step, Text};
use metadb::{Container, Image, Namespace, Row};

use super::Here;
use super::steps::{RUNNING, SHOWN, and_more, call, objects_of_kind, run};

/// Codes of layers whose files are not there, and so cannot be read for an export.
const GONE: &[&str] = &[
    "snapshot/backend-missing",
    "snapshot/directory-missing",
    "snapshot/parent-missing",
];

/// The namespace of the CRI.
const PODS: &str = "k8s.io";

impl<'n> Here<'n> {
    fn namespace(&self, name: Option<&Text>) -> Option<&'n Namespace> {
        let rows = self.node.meta.rows.as_ref()?;
        let mut all = rows.namespaces().iter();
        all.find(|one| Some(&one.name) == name)
    }

    fn container(&self, object: &Object) -> Option<&'n Row<Container>> {
        let namespace = self.namespace(object.namespace.as_ref())?;
        let mut all = namespace.containers.read()?.iter();
        all.find(|row| row.key == object.name)
    }

    fn image(&self, object: &Object) -> Option<&'n Row<Image>> {
        let namespace = self.namespace(object.namespace.as_ref())?;
        let mut all = namespace.images.read()?.iter();
        all.find(|row| row.key == object.name)
    }

    /// The containers of a pod whose sandbox goes.
    pub(super) fn of_sandbox(&self, sandbox: &Object) -> Vec<Object> {
        let namespace = self.namespace(sandbox.namespace.as_ref());
        let rows = namespace.into_iter().filter_map(|it| it.containers.read());
        let is_its = |row: &&Row<Container>| {
            let record = row.pod_container();
            record.is_ok_and(|record| record.sandbox_id == sandbox.name)
        };
        let own = rows.flatten().filter(is_its);
        own.map(|row| Object::new("container", PODS, row.key.clone()))
            .collect()
    }

    /// Removes a container: by the CRI where it is the CRI's, a pod's sandbox with its pod.
    pub(super) fn remove_container(&self, container: &Object) -> Option<Step> {
        let namespace = container.namespace.as_ref()?;
        let row = self.container(container);
        let kind = row.map(|row| row.cri_kind());
        let mut lost = vec![container.clone()];
        let draft = match kind {
            _ if *namespace != *PODS => self.ctr(namespace, &["containers", "rm"]),
            Some(Some("sandbox")) => {
                lost.extend(self.of_sandbox(container));
                call(CRICTL).words(&["rmp", "--force"])
            }
            // One that `ctr` made there is none of the CRI's.
            Some(None) => self.ctr(namespace, &["containers", "rm"]),
            _ => call(CRICTL).words(&["rm", "--force"]),
        };
        let step = run(draft.operand(container.name.clone()))?;
        Some(step.loses(Loss::Objects(lost)).only(RUNNING))
    }

    /// The same; what it wrote is copied first, where that is still there.
    pub(super) fn container_after_save(
        &self,
        finding: &Finding,
        container: &Object,
        number: usize,
    ) -> Option<Step> {
        let step = self.remove_container(container)?;
        let row = self.container(container);
        let own = row.map(|row| &row.snapshot_key);
        let is_gone = GONE.contains(&finding.code.name)
            && objects_of_kind(finding, "snapshot").any(|snapshot| Some(&snapshot.name) == own);
        let is_sandbox = row.is_some_and(|row| row.cri_kind() == Some("sandbox"));
        let save = (!is_gone && !is_sandbox).then(|| self.extract(container, number));
        Some(match save.flatten() {
            Some(save) => step.save_first(save),
            None => step,
        })
    }

    /// Whether each layer of an image can still be read: from its blob, or from files that are there.
    fn has_layers(&self, finding: &Finding, image: &Row<Image>) -> bool {
        let target = image.target.as_ref();
        let target = target.and_then(|it| Digest::parse_bytes(it.digest.bytes()).ok());
        let (Some(target), Some(store)) = (target, self.node.content.read()) else {
            return true;
        };
        let gone: BTreeSet<&Text> = objects_of_kind(finding, "snapshot")
            .map(|snapshot| &snapshot.name)
            .collect();
        let documents = &self.node.documents;
        documents.needs(&target).iter().all(|need| {
            let config = documents.get(&need.digest).and_then(|it| it.document());
            let manifest = need.from.and_then(|from| documents.get(from)?.document());
            let config = config.and_then(|document| document.config());
            let (Some(config), Some(manifest)) = (config, manifest) else {
                return true;
            };
            let chain = chain_ids(&config.diff_ids);
            manifest.layers().zip(chain).all(|(layer, chain)| {
                store.blob(&layer.digest).is_some() || !gone.contains(&Text::from(chain.as_str()))
            })
        })
    }

    /// Removes what holds layers, so that a pull unpacks them again: containers, then names of images.
    /// What can be saved is saved first, an image of several names once.
    pub(super) fn remove_holders(&self, finding: &Finding) -> Vec<Step> {
        let containers = objects_of_kind(finding, "container")
            .take(SHOWN)
            .zip(1_usize..);
        let mut steps: Vec<Step> = containers
            .filter_map(|(container, number)| self.container_after_save(finding, container, number))
            .collect();
        let count = |kind| objects_of_kind(finding, kind).count();
        and_more(&mut steps, count("container"), "Remove");
        let mut saved: BTreeSet<(Option<Text>, Text)> = BTreeSet::new();
        for image in objects_of_kind(finding, "image").take(SHOWN) {
            let Some(namespace) = &image.namespace else {
                continue;
            };
            let draft = self.ctr(namespace, &["images", "rm", "--sync"]);
            let Some(step) = run(draft.operand(image.name.clone())) else {
                continue;
            };
            let step = step.loses(Loss::of_object(image.clone())).only(RUNNING);
            let row = self.image(image);
            let target = row.and_then(|row| Some(row.target.as_ref()?.digest.clone()));
            let is_lost = GONE.contains(&finding.code.name)
                && row.is_some_and(|row| !self.has_layers(finding, row));
            let is_new = target.is_none_or(|it| saved.insert((image.namespace.clone(), it)));
            let save = (is_new && !is_lost).then(|| self.export(image, saved.len()));
            steps.push(match save.flatten() {
                Some(save) => step.save_first(save),
                None => step,
            });
        }
        and_more(&mut steps, count("image"), "Remove");
        steps
    }
}
