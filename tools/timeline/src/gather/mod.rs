//! Everything that has times, store by store.

mod carved;
mod content;
mod files;
mod logs;
mod objects;
mod owners;
mod runtime;
mod settings;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use cli::Progress;
use evidence::Evidence;
use finding::Unknown;
use node::Node;

use crate::only::Wanted;
use crate::subject::{Store, Subject};
use carved::Carved;
use owners::Owners;

/// What is gathered, beside what every node has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Whether pages that no tree has are looked through.
    pub(crate) carve: bool,
    /// Whether the files of containers are walked.
    pub(crate) files: bool,
    /// Whether those of committed layers are, too.
    pub(crate) layers: bool,
}

/// Gathers what one store says.
type One<'g> = fn(&mut Gather<'g>) -> io::Result<()>;

/// A node whose times are gathered, and where they go.
pub(crate) struct Gather<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) node: &'a Node,
    pub(crate) wanted: &'a Wanted,
    pub(crate) progress: &'a Progress,
    pub(crate) cancel: &'a AtomicBool,
    give: &'a mut dyn FnMut(&Subject) -> io::Result<()>,
    pub(crate) unknown: Vec<Unknown>,
}

impl<'a> Gather<'a> {
    pub(crate) fn new(
        evidence: &'a Evidence,
        node: &'a Node,
        wanted: &'a Wanted,
        progress: &'a Progress,
        cancel: &'a AtomicBool,
        give: &'a mut dyn FnMut(&Subject) -> io::Result<()>,
    ) -> Self {
        Self {
            evidence,
            node,
            wanted,
            progress,
            cancel,
            give,
            unknown: Vec::new(),
        }
    }

    /// Hands on a subject, if it is wanted.
    fn give(&mut self, subject: &Subject) -> io::Result<()> {
        if self.wanted.has(subject) {
            (self.give)(subject)?;
        }
        Ok(())
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    /// Gathers everything; gives what could not be known.
    pub(crate) fn all(mut self, options: Options) -> io::Result<Vec<Unknown>> {
        let carved = if options.carve {
            Carved::read(&mut self)
        } else {
            Carved::default()
        };
        let owners = Owners::new(self.node, &carved);
        let gathers: [(Store, One<'a>); 4] = [
            (Store::Databases, Self::databases),
            (Store::Config, Self::settings),
            (Store::Network, Self::network),
            (Store::Content, Self::content),
        ];
        for (store, gather) in gathers {
            if self.wanted.may(store) {
                gather(&mut self)?;
            }
        }
        if self.wanted.may(Store::Meta) || self.wanted.may(Store::Snapshotter) {
            self.objects(&carved, &owners)?;
        }
        if self.wanted.may(Store::Runtime) || self.wanted.may(Store::Cri) {
            self.runtime(&owners)?;
        }
        if self.wanted.may(Store::Logs) {
            self.logs(&owners)?;
        }
        if self.wanted.may(Store::Files) && options.files {
            self.files(&owners, options.layers)?;
        }
        if self.is_cancelled() {
            self.unknown.push(Unknown::new(
                "the rest of the timeline",
                "it was interrupted",
            ));
        }
        Ok(self.unknown)
    }
}
