//! Tasks: when they were created, started and ended, by the CRI's files and by runc's.

use std::io;

use finding::Text;
use runc::Phase;

use crate::gather::Gather;
use crate::owners::Owners;
use crate::subject::{Store, Subject, What};

impl Gather<'_> {
    pub(crate) fn runtime(&mut self, owners: &Owners) -> io::Result<()> {
        let node = self.node;
        // Without its folder in the evidence, nothing is said that could be incomplete.
        if node.state.is_ok() {
            self.unknown.extend(node.runtime.unknown().iter().cloned());
        }
        let Some(runtime) = node.runtime.read() else {
            return Ok(());
        };
        for status in &runtime.cri {
            let mut subject = task(Store::Cri, "status of container", None, &status.id, owners);
            subject.place = Some(status.path.clone());
            if let Some(said) = status.status.get() {
                subject.at(What::Created, said.created);
                subject.at(What::Started, said.started);
                subject.at(What::Finished, said.finished);
                let pid = said.pid.filter(|pid| *pid > 0);
                let code = said.exit_code.filter(|_| said.finished.is_some());
                let more = [
                    pid.map(|pid| format!("pid {pid}")),
                    code.map(|code| format!("exit code {code}")),
                    said.reason.as_ref().map(ToString::to_string),
                    said.message.as_ref().map(ToString::to_string),
                ];
                subject.more = more.into_iter().flatten().collect::<Vec<_>>().join(", ");
            }
            self.give(&subject)?;
        }
        for container in &runtime.containers {
            let namespace = container.namespace.as_ref();
            let mut subject = task(Store::Runtime, "task", namespace, &container.id, owners);
            subject.place = Some(container.path.clone());
            subject.at(What::Created, container.created());
            let derived = &container.derived;
            let mut more = vec![format!("{}: {}", derived.phase, derived.why)];
            more.extend(container.pid().map(|pid| format!("pid {pid}")));
            subject.more = more.join(", ");
            // An update hides when it was started; then the time is that of its creation.
            let since = derived
                .since
                .filter(|since| Some(*since) != container.created());
            if matches!(derived.phase, Phase::Started | Phase::Released) && derived.sure {
                subject.at(What::Started, since);
            }
            self.give(&subject)?;
        }
        for bundle in &runtime.bundles {
            let mut subject = task(
                Store::Runtime,
                "bundle",
                Some(&bundle.namespace),
                &bundle.id,
                owners,
            );
            subject.place = Some(bundle.path.clone());
            subject.stat(&bundle.dir);
            let hidden = if bundle.hidden { ", being removed" } else { "" };
            subject.more = format!("{}{hidden}", bundle.path);
            self.give(&subject)?;
        }
        for socket in runtime.sockets.iter().flatten() {
            let mut subject = Subject::file(
                Store::Runtime,
                "socket of a shim",
                &socket.path,
                &socket.stat,
            );
            if let Some((namespace, id)) = socket.bundles.first() {
                subject.more = format!("{namespace}/{id}");
                subject.container = Some(id.clone());
            }
            self.give(&subject)?;
        }
        Ok(())
    }
}

fn task(
    store: Store,
    kind: &'static str,
    namespace: Option<&Text>,
    id: &Text,
    owners: &Owners,
) -> Subject {
    let mut subject = Subject::new(store, kind, id.clone());
    let owner = owners.of_id(id);
    subject.namespace = namespace
        .cloned()
        .or_else(|| owner.and_then(|owner| owner.namespace.clone()));
    subject.container = Some(id.clone());
    subject.image = owner.and_then(|owner| owner.image.clone());
    subject
}
