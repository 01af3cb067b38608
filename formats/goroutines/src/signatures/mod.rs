//! The deadlocks that are known.

mod daemon;
mod files;
mod neighbours;
mod runc;
mod shim;

use finding::Code;

use crate::Signature;

pub(crate) use shim::END_LOST;

/// How many there are.
const COUNT: usize = 32;

/// All of them.
pub static KNOWN: [&Signature; COUNT] = [
    &daemon::METRICS_ORDER,
    &daemon::METRICS_SHIM,
    &daemon::TTRPC_LOCK,
    &daemon::SHIM_SILENT,
    &daemon::LOADS_SHIM,
    &daemon::BOLT_WRITER,
    &daemon::BOLT_FLOCK,
    &daemon::EVENTS,
    &daemon::EXIT_HANDLER,
    &daemon::UNMOUNT,
    &daemon::STREAMING,
    &neighbours::CNI,
    &neighbours::NRI,
    &neighbours::FETCH,
    &neighbours::PUSH,
    &neighbours::DOCKER,
    &shim::CREATE,
    &shim::RUNC,
    &shim::EXIT_UNDER_CREATE,
    &shim::EXITS_BLOCKED,
    &shim::EXITS_PILE_UP,
    &shim::OUTPUT,
    &shim::CONNECTION,
    &runc::INIT_FIFO,
    &runc::START_FIFO,
    &runc::INIT_SYNC,
    &runc::INIT_LOG,
    &runc::HOOK,
    &files::FIFO,
    &files::PILE_UP,
    &files::TRANSACTION,
    &shim::END_LOST,
];

/// Their codes.
pub static CODES: &[&Code] = &codes();

#[expect(clippy::indexing_slicing, reason = "at compile time")]
const fn codes() -> [&'static Code; COUNT] {
    let mut codes = [&daemon::METRICS_ORDER.code; COUNT];
    let mut at = 0_usize;
    while let Some(next) = at.checked_add(1) {
        if at == COUNT {
            break;
        }
        codes[at] = &KNOWN[at].code;
        at = next;
    }
    codes
}
