//! The content store: when blobs were committed, and writes begun.

use std::io;

use crate::gather::Gather;
use crate::subject::{Store, Subject, What};
use finding::Text;
use node::path_text;

impl Gather<'_> {
    pub(crate) fn content(&mut self) -> io::Result<()> {
        let node = self.node;
        self.unknown.extend(node.content.unknown().iter().cloned());
        let Some(store) = node.content.read() else {
            return Ok(());
        };
        for blob in &store.blobs {
            let place = path_text(&blob.path);
            let mut subject = Subject::file(Store::Content, "blob file", &place, &blob.stat);
            subject.digest = Some(Text::from(blob.digest.to_string()));
            subject.more = finding::size_text(blob.stat.size);
            self.give(&subject)?;
        }
        for ingest in &store.ingests {
            let mut subject = Subject::new(
                Store::Content,
                "ingest",
                ingest
                    .reference
                    .clone()
                    .unwrap_or_else(|| ingest.name.clone()),
            );
            let place = path_text(&ingest.path);
            let name = subject.name.bytes();
            let space = name.split(|byte| *byte == b'/').next();
            subject.namespace = space.filter(|space| *space != name).map(Text::from);
            subject.at(What::Started, ingest.started_at);
            subject.at(What::Updated, ingest.updated_at);
            let there = ingest
                .data_size
                .map_or_else(|| "?".to_owned(), finding::size_text);
            subject.more = match ingest.total {
                Some(total) => format!("{there} of {}", finding::size_text(total)),
                None => there,
            };
            subject.place = Some(place.clone());
            self.give(&subject)?;
            let folder = Subject::file(Store::Content, "ingest folder", &place, &ingest.stat);
            self.give(&folder)?;
        }
        Ok(())
    }
}
