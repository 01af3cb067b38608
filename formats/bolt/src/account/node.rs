//! The elements, keys and values of a branch or a leaf.

use core::ops::ControlFlow;

use view::Span;

use super::{Account, Content};
use crate::{
    inline::BUCKET,
    node::{BUCKET_FLAG, ELEMENT, Node, RawElement},
    page::{HEADER, Header, Kind, PageId},
};

/// Larger buckets in a value are not taken for any.
const LARGEST_INLINE: u64 = 1 << 17;

/// Bytes that an element names.
#[derive(Debug, Clone, Copy)]
struct Claim {
    start: u64,
    end: u64,
    index: u64,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Key,
    Value,
    Bucket,
}

impl Account<'_> {
    /// What stands behind the header of a branch or leaf in `page`.
    ///
    /// An element that leads out of its page claims nothing there, and of bytes that two elements
    /// name, the first one's are shown: no byte is told twice, or as something that it is not.
    pub(super) fn node(
        &mut self,
        page: Span,
        header: Header,
        kind: Kind,
        prefix: &str,
    ) -> ControlFlow<()> {
        let rows = self.rows(page, header, kind);
        let mut claims = Vec::with_capacity(rows.len().saturating_mul(2));
        let mut at = page.start.saturating_add(HEADER);
        for (index, row) in (0..).zip(rows) {
            let start = page.start.saturating_add(row.key_at());
            let middle = page.start.saturating_add(row.value_at());
            let end = page.start.saturating_add(row.end());
            let claim = |start, end, what| Claim {
                start,
                end,
                index,
                what,
            };
            if middle <= page.end() {
                claims.push(claim(start, middle, What::Key));
            }
            let is_in = end <= page.end();
            if is_in && kind == Kind::Leaf {
                let is_bucket = row.flags & BUCKET_FLAG == BUCKET_FLAG;
                let what = if is_bucket { What::Bucket } else { What::Value };
                claims.push(claim(middle, end, what));
            }
            let name = format!("{prefix}{kind}[{index}]");
            let span = Span::new(at, ELEMENT);
            self.piece(span, &name, Content::Element(row, !is_in))?;
            at = at.saturating_add(ELEMENT);
        }
        claims.sort_by_key(|claim| claim.start);
        for claim in claims {
            if claim.end < at || (claim.start < at && claim.end == at) {
                continue;
            }
            self.slack(at, claim.start)?;
            self.claim(claim, claim.start.max(at), prefix)?;
            at = claim.end;
        }
        self.slack(at, page.end())
    }

    /// The part from `from` on of what an element names.
    fn claim(&mut self, claim: Claim, from: u64, prefix: &str) -> ControlFlow<()> {
        let Claim {
            start,
            end,
            index,
            what,
        } = claim;
        let span = Span::new(from, end.saturating_sub(from));
        let field = if what == What::Key { "key" } else { "value" };
        let name = format!("{prefix}{field}[{index}]");
        if from > start {
            let name = format!("{name}+{}", from.saturating_sub(start));
            return self.bytes(span, &name);
        }
        if what == What::Bucket && prefix.is_empty() && span.len >= BUCKET {
            return self.bucket(span, &name);
        }
        self.bytes(span, &name)
    }

    /// The value of a bucket.
    fn bucket(&mut self, value: Span, name: &str) -> ControlFlow<()> {
        let head = self.window.get(Span::new(value.start, BUCKET)).ok();
        let numbers = head.and_then(|head| {
            let root = head.u64_le(0, "bucket root").ok()?;
            Some((root, head.u64_le(8, "bucket sequence").ok()?))
        });
        let Some((root, sequence)) = numbers else {
            return self.bytes(value, name);
        };
        let half = |offset: u64| Span::new(value.start.saturating_add(offset), 8);
        self.piece(half(0), &format!("{name}.root"), Content::Number(root))?;
        self.piece(
            half(8),
            &format!("{name}.sequence"),
            Content::Number(sequence),
        )?;
        let inside = Span::new(
            value.start.saturating_add(BUCKET),
            value.len.saturating_sub(BUCKET),
        );
        if inside.len == 0 {
            return ControlFlow::Continue(());
        }
        let header = self.window.header(inside.start).filter(|header| {
            root == 0
                && (HEADER..=LARGEST_INLINE).contains(&inside.len)
                && header.kind() == Some(Kind::Leaf)
        });
        let Some(header) = header else {
            return self.bytes(inside, &format!("{name}.rest"));
        };
        let prefix = format!("{name}.inline.");
        self.header(inside.start, header, &prefix)?;
        self.node(inside, header, Kind::Leaf, &prefix)
    }

    /// The elements of the node in `page`: as many as its count says, or as the first key's place
    /// says if that fits all of them.
    fn rows(&mut self, page: Span, header: Header, kind: Kind) -> Vec<RawElement> {
        let most = Node::elements_end(u64::from(u16::MAX));
        let Ok(start) = self.window.get(Span::new(page.start, page.len.min(most))) else {
            return Vec::new();
        };
        let node = Node::new(start, PageId(0), header, kind);
        let packed = node.packed_count_in(page.len);
        let count = packed.unwrap_or_else(|| node.count()).min(node.room());
        (0..count).map_while(|index| node.raw(index).ok()).collect()
    }
}
