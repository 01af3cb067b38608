//! Other trees that make up the file as well, and may be newer than the one that was taken.

use view::Span;

use super::{
    Choice, Gap, LISTED, Salvage,
    best::{self, Best},
    decision::{Action, Proof},
};
use crate::{
    db::Db,
    fault::{Fault, KeyRange, What},
    meta::Meta,
    schema::Schemas,
};

impl<'s> Salvage<'s> {
    /// Names what differs in trees of which nothing tells whether they are newer.
    pub(super) fn compare_rivals(&mut self, best: &Best<'s>) {
        let why = "its tree makes up the file as well, and nothing proves which of the two is the newer one: \
                   what differs is listed";
        let db = &best.db;
        let before = self.rival.take();
        let before =
            before.map(|meta| Db::of_meta(db.view(), db.page_size(), db.metas().clone(), meta));
        for rival in best.rivals.iter().chain(&before) {
            let Meta { root, .. } = *rival.meta();
            let span = Span::new(root.at(rival.page_size()), rival.page_size());
            let fault = Fault::new(What::TwoTrees { root }, Some(root), span);
            let mut keys = 0_u64;
            let mut last: Option<Vec<&[u8]>> = None;
            for change in rival.changes_since(&best.db) {
                keys = keys.saturating_add(1);
                let path: Vec<&[u8]> = change.bucket.iter().copied().chain([change.key]).collect();
                // With a bucket that one of them lacks, all that is in it is named.
                let is_below = last.as_ref().is_some_and(|last| path.starts_with(last));
                if is_below {
                    continue;
                }
                if self.gaps.len() >= LISTED {
                    self.is_cut = true;
                    break;
                }
                let after = [change.key, &[0]].concat();
                let range = KeyRange::new(Some(change.key), Some(&after));
                let bucket = change.bucket.iter().map(|key| key.to_vec()).collect();
                self.gaps.push(Gap {
                    older_is_whole: true,
                    ..Gap::doubtful(bucket, range, fault.clone())
                });
                let is_one = change.old.is_none() || change.new.is_none();
                last = is_one.then_some(path);
            }
            if keys > 0 {
                self.rivals.push(rival.clone());
                self.decide(Action::LeftOut, Proof::Possible, &[], Some(root), keys, why);
            }
        }
    }
    /// Says where the file holds the tree of a transaction that no program can have written after the metas: pages
    /// of the tree that they name may be later ones.
    pub(super) fn later(&mut self, best: &Best<'s>, schemas: Schemas) {
        let Some(schema) = best.schema else { return };
        if !matches!(best.choice, Choice::Newest { .. }) {
            return;
        }
        let Some(root) = best::later(&best.db, schema, schemas) else {
            return;
        };
        // That the tree of the meta before looks later than this one follows from an old page in this one.
        let before = best.db.previous().map(|old| old.meta().root);
        let is_old = |gap: &Gap| matches!(gap.fault.what, What::LostWrite { .. });
        if before == Some(root) && self.gaps.iter().any(is_old) {
            return;
        }
        let size = best.db.page_size();
        let span = Span::new(root.at(size), size);
        let fault = Fault::new(What::LaterTree { root }, Some(root), span);
        let any = KeyRange::default();
        self.gaps.push(Gap::doubtful(Vec::new(), any, fault));
        self.is_newest = false;
    }
}
