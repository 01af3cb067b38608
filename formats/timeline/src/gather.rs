//! Everything that has times, store by store.

use std::io;
use std::sync::atomic::Ordering;

use evidence::Evidence;
use finding::Unknown;
use measure::Control;
use node::Node;

use crate::carved::Carved;
use crate::only::Wanted;
use crate::owners::Owners;
use crate::subject::{Store, Subject};

/// What is gathered, beside what every node has.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether pages that no tree has are looked through.
    pub carve: bool,
    /// Whether the files of containers are walked.
    pub files: bool,
    /// Whether those of committed layers are, too.
    pub layers: bool,
}

/// Gathers what one store says.
type One<'g> = fn(&mut Gather<'g>) -> io::Result<()>;

/// A node whose times are gathered, and where they go.
pub(crate) struct Gather<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) node: &'a Node,
    pub(crate) wanted: &'a Wanted,
    pub(crate) control: &'a Control<'a>,
    give: &'a mut dyn FnMut(&Subject) -> io::Result<()>,
    pub(crate) unknown: Vec<Unknown>,
}

/// Gives every subject of a node that is wanted to `give`, store by store, whatever its times; and
/// what of them could not be known.
///
/// # Errors
/// Those of `give`.
pub fn gather(
    evidence: &Evidence,
    node: &Node,
    (wanted, options): (&Wanted, Options),
    control: &Control<'_>,
    give: &mut dyn FnMut(&Subject) -> io::Result<()>,
) -> io::Result<Vec<Unknown>> {
    let gather = Gather {
        evidence,
        node,
        wanted,
        control,
        give,
        unknown: Vec::new(),
    };
    gather.all(options)
}

impl<'a> Gather<'a> {
    /// Hands on a subject, if it is wanted.
    pub(crate) fn give(&mut self, subject: &Subject) -> io::Result<()> {
        if self.wanted.has(subject) {
            (self.give)(subject)?;
        }
        Ok(())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.control.cancel.load(Ordering::Relaxed)
    }

    /// Gathers everything; gives what could not be known.
    fn all(mut self, options: Options) -> io::Result<Vec<Unknown>> {
        let carved = if options.carve {
            Carved::carve_objects(&mut self)
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
            self.said()?;
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
