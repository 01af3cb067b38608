//! What a node's own logs say: of containerd, shims, runc, kubelet, dockerd, k3s, systemd and the
//! kernel, from the evidence alone.
//!
//! ```text
//! /var/log/journal/ID/*.journal[~], /run/log/journal     journals of systemd
//! /var/log/{syslog,messages,daemon.log,kern.log}[.1][.gz] what rsyslog wrote
//! …/agent/containerd/containerd.log                       k3s, RKE2
//! /var/log/{containerd,cri,kubelet}.log                   Talos, and those who log into files
//! /var/log/pods/NS_POD_UID/CONTAINER/N.log                containers, where they are asked for
//! ```
//!
//! [`gather`] gives [`Line`]s in one order; a panic with its goroutines is one line. [`starts`] is
//! the history of a daemon's starts and how they ended; [`names`] are the images that are named;
//! [`explained`] joins each line to the message that it is.
//!
//! Lines without a zone or a year get them from the file: from lines that carry both times, and
//! from the time at which the file was written last.

mod assemble;
mod files;
mod fold;
mod gather;
mod journals;
mod kernel;
mod known;
mod level;
mod line;
mod names;
mod places;
mod prefix;
mod starts;
mod told;
mod written;

pub use fold::{Folded, fold};
pub use gather::{Gathered, Options, Source, gather};
pub use known::explained;
pub use level::Level;
pub use line::{Line, Program};
pub use names::{ImageName, NameIs, names};
pub use starts::{Ended, Start, is_loop, starts};
pub use told::{is_given_up, is_history, told_daemon};
pub use written::{TAKEN, written};
