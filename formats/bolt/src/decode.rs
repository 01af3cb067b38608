//! One page, as its header says it is.

use view::{Short, View};

use crate::{
    meta::Meta,
    node::Node,
    page::{HEADER, Header, Kind, PageId},
};

/// One page with its overflow, decoded as its header says, whoever points to it.
#[derive(Debug, Clone)]
pub struct Page<'s> {
    /// Its number, from where it stands.
    pub id: PageId,
    /// Its header.
    pub header: Header,
    /// All its bytes.
    pub view: View<'s>,
    /// What it holds.
    pub body: Body<'s>,
}

/// What a page holds.
#[derive(Debug, Clone)]
pub enum Body<'s> {
    /// A meta; valid or not.
    Meta(Meta),
    /// Elements.
    Node(Node<'s>),
    /// Ids of free pages, as many as are there; and how many it says to have.
    Freelist(Vec<PageId>, u64),
    /// Flags that name no kind of page.
    Other,
}

impl<'s> Page<'s> {
    /// Decodes the page at the start of `view`, which holds its overflow as far as that is there.
    pub fn decode(view: View<'s>, id: PageId) -> Result<Self, Short> {
        let header = Header::read_page_header(view)?;
        let body = match header.kind() {
            Some(Kind::Meta) => Body::Meta(Meta::decode(view, id.0)?),
            Some(kind @ (Kind::Branch | Kind::Leaf)) => {
                Body::Node(Node::new(view, id, header, kind))
            }
            Some(Kind::Freelist) => {
                let (ids, count) = free_pages(view, header)?;
                Body::Freelist(ids, count)
            }
            None => Body::Other,
        };
        Ok(Self {
            id,
            header,
            view,
            body,
        })
    }
}

/// The ids of a freelist that are there, and how many it says to have.
fn free_pages(view: View<'_>, header: Header) -> Result<(Vec<PageId>, u64), Short> {
    let (first, count) = if header.count == u16::MAX {
        let count = view.u64_le(HEADER, "freelist count")?;
        (HEADER.saturating_add(8), count)
    } else {
        (HEADER, u64::from(header.count))
    };
    let room = view.len().saturating_sub(first).div_euclid(8);
    let ids = (0..count.min(room))
        .map_while(|number| {
            let at = first.saturating_add(number.saturating_mul(8));
            view.u64_le(at, "free page").ok().map(PageId)
        })
        .collect();
    Ok((ids, count))
}
