//! Files of the node itself: its databases, its configuration, what CNI plugins left.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use finding::{Text, Unknown, Unread};

use crate::gather::Gather;
use crate::subject::{Store, Subject};

impl Gather<'_> {
    pub(crate) fn databases(&mut self) -> io::Result<()> {
        let node = self.node;
        let snapshotters = node.snapshotters.iter().map(|one| &one.db.path);
        for path in [&node.meta.path, &node.mounts.path]
            .into_iter()
            .chain(snapshotters)
        {
            self.one(Store::Databases, "database", path, None)?;
        }
        Ok(())
    }

    pub(crate) fn settings(&mut self) -> io::Result<()> {
        let node = self.node;
        let files = node.roots.config.iter().flat_map(|config| &config.files);
        for path in files {
            self.one(Store::Config, "configuration", path, None)?;
        }
        Ok(())
    }

    pub(crate) fn network(&mut self) -> io::Result<()> {
        let node = self.node;
        for result in &node.network.results {
            let addresses: Vec<String> = result.addresses.iter().map(ToString::to_string).collect();
            let more = format!("{} {}", result.network, addresses.join(" "));
            self.one(
                Store::Network,
                "CNI result",
                &result.path,
                Some((&result.container, more)),
            )?;
        }
        for lease in node.network.leases() {
            let more = format!("{} {}", lease.network, lease.address);
            let nobody = Text::default();
            let container = lease.container().unwrap_or(&nobody);
            self.one(
                Store::Network,
                "address",
                &lease.path,
                Some((container, more)),
            )?;
        }
        Ok(())
    }

    /// A file of the evidence, and the pod that it belongs to.
    fn one(
        &mut self,
        store: Store,
        kind: &'static str,
        path: &Text,
        of: Option<(&Text, String)>,
    ) -> io::Result<()> {
        let stat = match self
            .evidence
            .stat(Path::new(OsStr::from_bytes(path.bytes())))
        {
            Ok(stat) => stat,
            // That a database cannot be read is said where its objects are gathered.
            Err(Unread::Absent | Unread::NotCollected) => return Ok(()),
            Err(why) => {
                self.unknown.push(Unknown::new(
                    format!("the times of {path}"),
                    why.to_string(),
                ));
                return Ok(());
            }
        };
        let mut subject = Subject::file(store, kind, path, &stat);
        if let Some((container, more)) = of {
            subject.container = Some(container.clone());
            subject.more = format!("{container}, {}", more.trim_end());
        }
        self.give(&subject)
    }
}
