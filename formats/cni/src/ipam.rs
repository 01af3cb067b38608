//! Who gives addresses away, and which.
//!
//! `plugins/ipam/host-local/backend/allocator/config.go`: `LoadIPAMConfig`.

use serde_json::{Map, Value};

use crate::json::{field, string};
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
    pub(crate) fn parse_ipam(map: &Map<String, Value>) -> Option<Self> {
        let kind = string(map, "type").ok().flatten()?;
        if kind.is_empty() {
            return None;
        }
        let ranges = if kind == HOST_LOCAL {
            ranges(map)
        } else {
            Ok(Vec::new())
        };
        let data_dir = string(map, "dataDir").ok().flatten();
        Some(Self {
            kind: kind.to_owned(),
            data_dir: data_dir.filter(|dir| !dir.is_empty()).map(str::to_owned),
            ranges,
        })
    }
}

fn ranges(map: &Map<String, Value>) -> Result<Vec<RangeSet>, String> {
    let mut raw: Vec<Vec<Result<Range, String>>> = Vec::new();
    // The old form, of one range alone, comes before the others.
    if field(map, "subnet").is_some() {
        raw.push(vec![Range::parse_range(map)?]);
    }
    match field(map, "ranges") {
        None => {}
        Some(Value::Array(all)) => {
            for set in all {
                let Value::Array(set) = set else {
                    return Err("cannot unmarshal: a range set is not a list".to_owned());
                };
                let ranges = set.iter().map(|range| match range {
                    Value::Object(range) => Range::parse_range(range),
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
