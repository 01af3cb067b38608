//! Any bytes as the extended attributes and names of overlayfs: marks, origins, whiteouts.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use std::collections::BTreeMap;

use finding::Text;
use snapshots::{LayerName, Marks, Origin, Prefix};

bounded_target!(|data: &[u8]| {
    // Records of a name's length, a value's length, the name, the value.
    let mut xattrs = BTreeMap::new();
    let mut rest = data;
    while let [name, value, after @ ..] = rest {
        let Some((name, after)) = after.split_at_checked(usize::from(*name)) else {
            break;
        };
        let Some((value, after)) = after.split_at_checked(usize::from(*value)) else {
            break;
        };
        xattrs.insert(Text::from(name), std::sync::Arc::from(value));
        rest = after;
    }
    for prefix in [Prefix::Trusted, Prefix::User] {
        let _ = format!("{:?}", Marks::decode(&xattrs, prefix));
    }
    let _ = Origin::decode(data);
    let _ = format!("{:?}", LayerName::parse_layer_name(data));
});
