//! What the plugins answered when a container was attached to a network.
//!
//! `libcni/api.go`: `cachedInfo`, `cacheAdd`; the file is written after the last plugin's ADD and
//! removed after its DEL. Before libcni 0.8 the file held the plugins' answer alone.

use core::net::IpAddr;

use finding::Text;
use json::{Node, Value};

use crate::document::{parse_document, text_of};
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
        let value = match parse_document(bytes) {
            Ok(node) if matches!(node.value, Value::Object(_)) => node,
            _ => return Err(BadAttachment::Json),
        };
        let is_cache = value.member("kind").and_then(Node::string) == Some("cniCacheV1");
        let result = if is_cache {
            value.member("result")
        } else {
            Some(&value)
        };
        if !is_cache && value.member("cniVersion").is_none() && value.member("ip4").is_none() {
            return Err(BadAttachment::Kind);
        }
        let mut found = Self {
            container: text_of(value.member("containerId")),
            network: text_of(value.member("networkName")),
            interface: text_of(value.member("ifName")),
            netns: text_of(value.member("netns")),
            ..Self::default()
        };
        let args = list_of(Some(&value), "cniArgs");
        let arg = |name: &str| {
            let mut pairs = args.iter().filter_map(Node::items);
            let pair = pairs.find(|pair| pair.first().and_then(Node::string) == Some(name));
            text_of(pair.and_then(|pair| pair.get(1)))
        };
        found.pod = arg("K8S_POD_NAMESPACE").zip(arg("K8S_POD_NAME"));
        for interface in list_of(result, "interfaces") {
            match text_of(interface.member("sandbox")).filter(|path| !path.bytes().is_empty()) {
                Some(path) => found.netns = found.netns.or(Some(path)),
                None => found
                    .host_interfaces
                    .extend(text_of(interface.member("name"))),
            }
        }
        let addresses = list_of(result, "ips");
        let modern = addresses
            .iter()
            .filter_map(|ip| ip.member("address")?.string());
        // 0.1.0 and 0.2.0 had one of each family.
        let old = ["ip4", "ip6"]
            .into_iter()
            .filter_map(|key| result?.member(key)?.member("ip")?.string());
        found.addresses = modern
            .chain(old)
            .filter_map(cidr)
            .map(|(address, length)| (address.to_canonical(), length))
            .collect();
        Ok(found)
    }
}

/// The items of a member; none where it is no list.
fn list_of<'n>(node: Option<&'n Node>, name: &str) -> &'n [Node] {
    let list = node
        .and_then(|node| node.member(name))
        .and_then(Node::items);
    list.unwrap_or_default()
}
