//! The pages above a page, so that a pointer back is recognised.

use std::sync::Arc;

use crate::page::PageId;

/// Deeper trees are not followed.
pub(crate) const DEEPEST: u64 = 1024;

/// The pages from the root down to some page. Linked upwards, so that siblings share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    page: PageId,
    depth: u64,
    up: Line,
}

impl Drop for Link {
    /// Unlinks one by one: a chain from a hostile file must not be dropped by recursion.
    fn drop(&mut self) {
        let mut next = self.up.0.take();
        while let Some(link) = next {
            next = Arc::into_inner(link).and_then(|mut link| link.up.0.take());
        }
    }
}

impl Line {
    /// How many pages it has.
    pub(crate) fn depth(&self) -> u64 {
        self.0.as_ref().map_or(0, |link| link.depth)
    }

    /// This line and one page more.
    pub(crate) fn below(&self, page: PageId) -> Self {
        Self(Some(Arc::new(Link {
            page,
            depth: self.depth().saturating_add(1),
            up: self.clone(),
        })))
    }

    /// Whether `page` is one of them.
    pub(crate) fn holds(&self, page: PageId) -> bool {
        let mut next = self.0.as_deref();
        while let Some(link) = next {
            if link.page == page {
                return true;
            }
            next = link.up.0.as_deref();
        }
        false
    }
}
