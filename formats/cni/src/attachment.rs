//! What the plugins answered when a container was attached to a network.
//!
//! `libcni/api.go`: `cachedInfo`, `cacheAdd`; the file is written after the last plugin's ADD and
//! removed after its DEL. Before libcni 0.8 the file held the plugins' answer alone.

use core::net::IpAddr;

use finding::Text;
use serde_json::Value;

use crate::json;
use crate::range::cidr;

/// What is kept of an ADD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attachment {
    /// `containerId`
    pub container: Option<Text>,
    /// `networkName`
    pub network: Option<Text>,
    /// `ifName`
    pub interface: Option<Text>,
    /// The pod's namespace and name, which the CRI gives to the plugins.
    pub pod: Option<(Text, Text)>,
    /// Path of the network namespace of the interface.
    pub netns: Option<Text>,
    /// Interfaces on the host's side.
    pub host_interfaces: Vec<Text>,
    /// The addresses, each with the length of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
}

/// Why a file is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadAttachment {
    /// It is empty.
    Empty,
    /// It is not JSON, or not an object.
    Json,
    /// It is neither of libcni's kind nor a plugin's answer.
    Kind,
}

impl core::fmt::Display for BadAttachment {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::Json => write!(f, "it is not a JSON object, or it is cut"),
            Self::Kind => write!(f, "it is not what libcni writes"),
        }
    }
}

impl Attachment {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadAttachment> {
        if bytes.trim_ascii().is_empty() {
            return Err(BadAttachment::Empty);
        }
        let Ok(Value::Object(map)) = json::parse(bytes) else {
            return Err(BadAttachment::Json);
        };
        let is_cache = map.get("kind").and_then(Value::as_str) == Some("cniCacheV1");
        let value = Value::Object(map);
        let result = if is_cache {
            value.get("result")
        } else {
            Some(&value)
        };
        if !is_cache && value.get("cniVersion").is_none() && value.get("ip4").is_none() {
            return Err(BadAttachment::Kind);
        }
        let list = |of: Option<&Value>, key: &str| -> Vec<Value> {
            let list = of.and_then(|of| of.get(key)).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let mut found = Self {
            container: json::json_text(value.get("containerId")),
            network: json::json_text(value.get("networkName")),
            interface: json::json_text(value.get("ifName")),
            netns: json::json_text(value.get("netns")),
            ..Self::default()
        };
        let args = list(Some(&value), "cniArgs");
        let arg = |name: &str| {
            let pair = args
                .iter()
                .find(|pair| pair.get(0).and_then(Value::as_str) == Some(name));
            json::json_text(pair.and_then(|pair| pair.get(1)))
        };
        found.pod = arg("K8S_POD_NAMESPACE").zip(arg("K8S_POD_NAME"));
        for interface in list(result, "interfaces") {
            match json::json_text(interface.get("sandbox")).filter(|path| !path.bytes().is_empty())
            {
                Some(path) => found.netns = found.netns.or(Some(path)),
                None => found
                    .host_interfaces
                    .extend(json::json_text(interface.get("name"))),
            }
        }
        let addresses = list(result, "ips");
        let modern = addresses
            .iter()
            .filter_map(|ip| ip.get("address")?.as_str());
        // 0.1.0 and 0.2.0 had one of each family.
        let old = ["ip4", "ip6"]
            .into_iter()
            .filter_map(|key| result?.get(key)?.get("ip")?.as_str());
        found.addresses = modern
            .chain(old)
            .filter_map(cidr)
            .map(|(address, length)| (address.to_canonical(), length))
            .collect();
        Ok(found)
    }
}
