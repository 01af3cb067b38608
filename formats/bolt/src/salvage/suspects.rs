//! Values that are buckets without their flag.

use super::{
    Salvage,
    decision::{Action, Proof},
    gather::{Gather, Start},
    notes::Suspect,
    older::Older,
    orphans,
    tree::Item,
};
use crate::check::bits::Bits;

impl<'s> Salvage<'s> {
    /// Values that are buckets without their flag.
    pub(super) fn suspects(
        &mut self,
        gather: &mut Gather<'s, '_>,
        mut older: Option<&mut Older<'s>>,
        free: Option<&Bits>,
    ) {
        let Some(space) = self.space else { return };
        let suspects = core::mem::take(&mut gather.suspects);
        for suspect in suspects {
            let Suspect {
                path,
                key,
                value,
                leaf,
                root,
                among_buckets,
            } = suspect;
            let is_unused = !gather.claims.has(root) && free.is_none_or(|free| !free.has(root));
            if !is_unused || orphans::sound(space, root).is_none() {
                continue;
            }
            let was_bucket = older
                .as_deref_mut()
                .and_then(|older| older.root.open(space)?.at(&path, space)?.entries.get(key))
                .map(|item| !matches!(item, Item::Value(_)));
            // With a freelist: a page in use that nothing else names.
            let is_bucket = was_bucket.unwrap_or(free.is_some() || among_buckets);
            if !is_bucket {
                continue;
            }
            let mut below = path.clone();
            below.push(key);
            let item = gather.bucket(Start::Value(value, leaf), &below);
            let count = item.size();
            if let Some(saved) = self.root.at(&path, space) {
                saved.entries.insert(key, item);
                gather
                    .odd
                    .retain(|odd| odd.row.key != key || odd.page != leaf);
                let proof = if free.is_some() || was_bucket.is_some() {
                    Proof::Proven
                } else {
                    Proof::Likely
                };
                let why = "its value names a page that is in order and that nothing else names";
                self.decide(Action::FlagRestored, proof, &below, Some(leaf), count, why);
            }
        }
    }
}
