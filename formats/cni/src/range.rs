//! Ranges of addresses.
//!
//! `plugins/ipam/host-local/backend/allocator/range.go`: `Canonicalize`, `Contains`, `lastIP`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use json::Node;

use crate::document::string_field;

/// Addresses that host-local may give away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first one.
    pub start: IpAddr,
    /// The last one.
    pub end: IpAddr,
    /// The gateway's, which it does not give away.
    pub gateway: IpAddr,
    /// The network, and the length of its prefix.
    pub subnet: (IpAddr, u8),
}

/// Ranges of which a pod gets one address.
pub type RangeSet = Vec<Range>;

/// How many addresses a set has to give away.
pub fn capacity(set: &RangeSet) -> u128 {
    set.iter()
        .fold(0_u128, |sum, range| sum.saturating_add(range.size()))
}

impl Range {
    /// What is no range at all, and inside that what is one that host-local does not take.
    pub(crate) fn parse_range(node: &Node) -> Result<Result<Self, String>, String> {
        let address = |key: &str| match string_field(node, key) {
            Ok(None | Some("")) => Ok(None),
            Ok(Some(text)) => text
                .parse::<IpAddr>()
                .map(|address| Some(address.to_canonical()))
                .map_err(|_| format!("invalid IP address: {text}")),
            Err(found) => Err(format!("json: cannot unmarshal {found} into {key}")),
        };
        let subnet = match string_field(node, "subnet") {
            Ok(Some(text)) => text,
            Err(found) => return Err(format!("json: cannot unmarshal {found} into subnet")),
            Ok(None) => return Err("IP <nil> not v4 nor v6".to_owned()),
        };
        let (network, length) =
            cidr(subnet).ok_or_else(|| format!("invalid CIDR address: {subnet}"))?;
        let (start, end) = (address("rangeStart")?, address("rangeEnd")?);
        Ok(Self::new(network, length, start, end, address("gateway")?))
    }

    /// What host-local makes of a network, whatever else is said of it.
    pub fn new(
        network: IpAddr,
        length: u8,
        start: Option<IpAddr>,
        end: Option<IpAddr>,
        gateway: Option<IpAddr>,
    ) -> Result<Self, String> {
        let bits = bits(network);
        if length > bits.saturating_sub(2) {
            return Err(format!(
                "Network {network}/{length} too small to allocate from"
            ));
        }
        let hosts = 1_u128
            .checked_shl(u32::from(bits.saturating_sub(length)))
            .map_or(u128::MAX, |size| size.saturating_sub(1));
        let number = number(network);
        if number & hosts != 0 {
            let first = address(number & !hosts, network);
            return Err(format!(
                "Network has host bits set. For a subnet mask of length {length} the network \
                 address is {first}"
            ));
        }
        let first = address(number.saturating_add(1), network);
        let mut last = number | hosts;
        if network.is_ipv4() {
            last = last.saturating_sub(1);
        }
        let range = Self {
            start: start.unwrap_or(first),
            end: end.unwrap_or_else(|| address(last, network)),
            gateway: gateway.unwrap_or(first),
            subnet: (network, length),
        };
        for (what, address) in [("RangeStart", range.start), ("RangeEnd", range.end)] {
            let in_it =
                address.is_ipv4() == network.is_ipv4() && self::number(address) & !hosts == number;
            if !in_it {
                return Err(format!(
                    "{what} {address} not in network {network}/{length}"
                ));
            }
        }
        if self::number(range.start) > self::number(range.end) {
            return Err(format!(
                "RangeEnd {} not in network {network}/{length}",
                range.end
            ));
        }
        Ok(range)
    }

    /// The range of the whole network that an address with a prefix of this length is of; nothing
    /// where that is too small for one.
    pub fn around(address: IpAddr, length: u8) -> Option<Self> {
        let hosts = 1_u128
            .checked_shl(u32::from(bits(address).checked_sub(length)?))
            .map_or(u128::MAX, |size| size.saturating_sub(1));
        let network = self::address(number(address) & !hosts, address);
        Self::new(network, length, None, None, None).ok()
    }

    /// Whether an address is one that it may give away, or its gateway's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.start.is_ipv4()
            && number(self.start) <= number(address)
            && number(address) <= number(self.end)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        [other.start, other.end]
            .into_iter()
            .any(|at| self.contains(at))
            || [self.start, self.end]
                .into_iter()
                .any(|at| other.contains(at))
    }

    /// How many addresses it has to give away.
    pub fn size(&self) -> u128 {
        let all = number(self.end)
            .saturating_sub(number(self.start))
            .saturating_add(1);
        all.saturating_sub(u128::from(self.contains(self.gateway)))
    }
}

impl fmt::Display for Range {
    /// As host-local's messages show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Whether the ranges of a set go together, or host-local's message.
pub(crate) fn canonical(set: &RangeSet) -> Result<(), String> {
    let Some(first) = set.first() else {
        return Err("empty range set".to_owned());
    };
    for (index, one) in set.iter().enumerate() {
        if one.start.is_ipv4() != first.start.is_ipv4() {
            return Err("mixed address families".to_owned());
        }
        let after = set.iter().skip(index.saturating_add(1));
        for other in after {
            if one.overlaps(other) {
                return Err(format!("subnets {one} and {other} overlap"));
            }
        }
    }
    Ok(())
}

/// An address and the length of a prefix.
pub(crate) fn cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let digits = length.bytes().all(|byte| byte.is_ascii_digit());
    let length: u8 = length.parse().ok().filter(|_| digits)?;
    if length > bits(address) {
        return None;
    }
    // An IPv4 address in IPv6's clothes keeps its long mask, which host-local refuses anyway.
    Some((address, length))
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address of this number, of the family of another.
fn address(number: u128, like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}
