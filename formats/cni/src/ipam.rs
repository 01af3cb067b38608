//! Who gives addresses away, and which.
//!
//! `plugins/ipam/host-local/backend/allocator/config.go`: `LoadIPAMConfig`.

use json::{Node, Value};

use crate::document::string_field;
use crate::range::{Range, RangeSet, canonical};

/// The plugin that keeps its leases as files.
pub const HOST_LOCAL: &str = "host-local";

/// The part `ipam` of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ipam {
    /// `type`: the name of its program.
    pub kind: String,
    /// `dataDir` of host-local, where it says one.
    pub data_dir: Option<String>,
    /// The ranges of host-local: of each set a pod gets one address. Or host-local's message, with
    /// which it refuses them. Of other plugins, none.
    pub ranges: Result<Vec<RangeSet>, String>,
}

impl Ipam {
    /// Nothing where it has no type: the plugin then does not ask anybody.
    pub(crate) fn parse_ipam(node: &Node) -> Option<Self> {
        let kind = string_field(node, "type").ok().flatten()?;
        if kind.is_empty() {
            return None;
        }
        let ranges = if kind == HOST_LOCAL {
            ranges(node)
        } else {
            Ok(Vec::new())
        };
        let data_dir = string_field(node, "dataDir").ok().flatten();
        Some(Self {
            kind: kind.to_owned(),
            data_dir: data_dir.filter(|dir| !dir.is_empty()).map(str::to_owned),
            ranges,
        })
    }
}

fn ranges(node: &Node) -> Result<Vec<RangeSet>, String> {
    let mut raw: Vec<Vec<Result<Range, String>>> = Vec::new();
    // The old form, of one range alone, comes before the others.
    if node.field("subnet").is_some() {
        raw.push(vec![Range::parse_range(node)?]);
    }
    match node.field("ranges").map(|ranges| &ranges.value) {
        None => {}
        Some(Value::Array(all)) => {
            for set in all {
                let Value::Array(set) = &set.value else {
                    return Err("cannot unmarshal: a range set is not a list".to_owned());
                };
                let ranges = set.iter().map(|range| match range.value {
                    Value::Object(_) => Range::parse_range(range),
                    _ => Err("cannot unmarshal: a range is not an object".to_owned()),
                });
                raw.push(ranges.collect::<Result<_, _>>()?);
            }
        }
        Some(_) => return Err("cannot unmarshal: ranges is not a list".to_owned()),
    }
    if raw.is_empty() {
        return Err("no IP ranges specified".to_owned());
    }
    let mut sets: Vec<RangeSet> = Vec::new();
    for (index, set) in raw.into_iter().enumerate() {
        let set: Result<RangeSet, String> = set.into_iter().collect();
        let set = set.and_then(|set| canonical(&set).map(|()| set));
        sets.push(set.map_err(|why| format!("invalid range set {index}: {why}"))?);
    }
    for (index, one) in sets.iter().enumerate() {
        let after = sets.iter().enumerate().skip(index.saturating_add(1));
        for (other, ranges) in after {
            if one.iter().any(|a| ranges.iter().any(|b| a.overlaps(b))) {
                return Err(format!("range set {index} overlaps with {other}"));
            }
        }
    }
    Ok(sets)
}
