//! `shim-mute`: it runs, and its shim accepts nobody who connects.
//!
//! The kernel makes a connection to a listening socket; that it waits (`/proc/net/unix`: state 02,
//! no inode) shows that the shim does not take it. A daemon that is connected already may still be
//! served. Which daemon waits, and what a start costs, is in `preflight`.
//!
//! Tests: `tests/states/left.rs`; made for real by `testdata/make/runtime` (`shim-mute` in runtime.toml).

use finding::{Remedy, Step};

use super::{Row, State};
use crate::facts::Index;
use crate::found::Found;
use crate::may::Signs;
use crate::remedy::{Case, risky};
use crate::subject::Subject;

pub(crate) const ROW: Row = Row {
    state: State::ShimMute,
    word: "shim-mute",
    row: None,
    healthy: false,
    cause: "The shim is blocked inside: a deadlock, a full pipe, a kernel call that does not return.",
    never: &[
        "Do not restart containerd: a start waits 5 s for each such shim, then kills its containers.",
        "Do not kill the shim: its containers stay, and no process reports their end.",
    ],
    remedy: way_out,
    may: Signs::gone_on,
};

/// Whether connections wait at the socket of its shim.
pub(crate) fn judge<'f>(index: &Index<'f>, subject: &Subject<'f>) -> Option<Found<'f>> {
    let shim = subject.shim.as_ref().filter(|shim| shim.other.is_none())?;
    let path = subject.bundle?.shim()?.path();
    let sockets = index.processes.sockets.as_deref()?.iter();
    let count = sockets
        .filter(|socket| socket.waiting && socket.path == path)
        .count();
    let connections = match count {
        0 => return None,
        1 => "1 connection waits".to_owned(),
        count => format!("{count} connections wait"),
    };
    let why = format!("its shim listens and accepts no connection: {connections} at its socket");
    Some(
        Found::new(State::ShimMute, why)
            .by(shim.process)
            .sure(false),
    )
}

fn way_out(_: &Case<'_, '_>) -> Remedy {
    risky(
        "Look again first: a shim of a busy machine may accept late. Its containers run on meanwhile.",
        vec![Step::words(
            "Take the goroutines of the shim (`kill -USR1` writes them to the daemon's log, where its \
             debug option is set). Stop what is in its containers through their own means before the \
             shim is ended.",
        )],
    )
}
