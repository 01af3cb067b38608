//! CNI as it stands on disk: network configurations, cached results, and the leases of host-local.
//!
//! # What stands where
//!
//! ```text
//! /etc/cni/net.d/10-pods.conflist           a [`List`]: a network and the plugins that make it
//! /etc/cni/net.d/10-pods.conf, .json        one plugin, which is taken for a list of one
//! /etc/cni/net.d/<network>/*.conf           more plugins of a list (libcni 1.3: containerd 2.1)
//! /opt/cni/bin/<type>                       the plugins' programs
//! /var/lib/cni/results/<network>-<container>-<interface>   [`Attachment`]: what an ADD answered
//! /var/lib/cni/networks/<network>/<address>                [`Holder`]: leases of host-local
//! /var/lib/cni/networks/<network>/last_reserved_ip.<n>     where its search goes on; not read
//! /var/lib/cni/networks/<network>/lock                     empty
//! ```
//!
//! containerd's CRI plugin reads the configurations through go-cni (`opts.go`,
//! `loadFromConfDir`): files that end in `.conf`, `.conflist` or `.json`, sorted by the bytes of
//! their names, and of these the first `max_conf_num` (1). The first one that is wrong ends it:
//! nothing is loaded, whatever comes after. What is not asked there is only met when a pod is made:
//! the version, the name of the network, the programs, the ranges of addresses.
//!
//! # How it is read
//!
//! As Go reads it: bytes that are not UTF-8 are replaced, of a key that comes twice the last
//! counts, and where Go decodes into a structure (a plugin, `ipam`) the case of keys does not
//! matter; in a list it does. Nothing here opens a file, and nothing here judges.
//!
//! ```
//! let list = cni::List::parse(br#"{"cniVersion":"1.0.0","name":"pods","plugins":[{"type":"bridge"}]}"#);
//! assert_eq!(list.unwrap().plugins.unwrap()[0].kind, "bridge");
//! let cut = cni::List::parse(br#"{"cniVersion":"1.0.0","name":"#).unwrap_err();
//! assert_eq!(cut.says(), "error parsing configuration list: unexpected end of JSON input");
//! ```

mod attachment;
mod conf;
mod document;
mod fault;
mod files;
mod ipam;
mod lease;
mod range;
mod version;

pub use attachment::{Attachment, BadAttachment};
pub use conf::{EXTENSIONS, List, Plugin, extension, is_network_name};
pub use fault::ConfFault;
pub use ipam::{HOST_LOCAL, Ipam};
pub use lease::{Holder, is_lease};
pub use range::{Range, RangeSet, capacity};
pub use version::SPEC_VERSIONS;
