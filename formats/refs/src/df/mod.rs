//! Where the space is, and what could be had back.

mod lines;
mod measured;
mod things;
mod users;

use daemon::gc;
use evidence::Evidence;
use finding::Time;
use measure::Control;
use node::Node;

use crate::Judged;
pub use lines::{ContainerLine, Df, ImageLine, LayerLine, Line, NamespaceLine, Reclaimable};

/// The end of the year 9999: every lease that ends has ended.
const LATEST: Time = Time::new(253_402_300_799, 0);

impl Df {
    /// The space of `node`: measured, if `walk` says how, else as it is on record; with every
    /// snapshot, if `layers` are wanted.
    pub fn measure_usage(
        evidence: &Evidence,
        node: &Node,
        judged: &Judged,
        walk: Option<&Control<'_>>,
        layers: bool,
    ) -> Self {
        let mut things = things::Things::from_node(node);
        match walk {
            None => things.unmeasured(node),
            Some(control) => measured::measure(evidence, node, &mut things, control),
        }
        let users = users::Users::from_node(node);
        let now = gc::simulate(node, judged.daemon, judged.at).ok();
        let later = gc::simulate(node, judged.daemon, LATEST).ok();
        Self::new(
            layers,
            &things,
            &users,
            now.as_ref().zip(later.as_ref()),
            node.meta.lost(),
        )
    }
}
