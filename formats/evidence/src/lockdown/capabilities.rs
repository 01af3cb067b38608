//! Capabilities: those that reading evidence needs, and no other.

use caps::{CapSet, Capability, CapsHashSet};

/// Reading what belongs to others, `trusted.*` attributes, files without a new access time.
const READING: [Capability; 3] = [
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_SYS_ADMIN,
    Capability::CAP_FOWNER,
];

/// Files of others' owners, modes, attributes and devices in a tree that is made.
const FILLING: [Capability; 5] = [
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_CHOWN,
    Capability::CAP_FSETID,
    Capability::CAP_MKNOD,
    Capability::CAP_SETFCAP,
];

/// Drops all others from the calling thread, for good.
pub(super) fn drop_all_but(fills: bool) -> Result<(), String> {
    let mut kept: CapsHashSet = READING.into_iter().collect();
    // The output may lie where only its owner may write.
    kept.insert(Capability::CAP_DAC_OVERRIDE);
    if fills {
        kept.extend(FILLING);
    }
    keep(&kept)
}

/// Drops all others than those of files, and of seeing what other processes have open.
pub(super) fn drop_all_but_writing() -> Result<(), String> {
    let mut kept: CapsHashSet = READING.into_iter().chain(FILLING).collect();
    kept.insert(Capability::CAP_SYS_PTRACE);
    keep(&kept)
}

fn keep(kept: &CapsHashSet) -> Result<(), String> {
    let words = |error: caps::errors::CapsError| error.to_string();
    let has = caps::read(None, CapSet::Permitted).map_err(words)?;
    if has.is_empty() {
        return Ok(());
    }
    let kept: CapsHashSet = kept.intersection(&has).copied().collect();
    // Kernels before 4.3 have none of these.
    let _none = caps::clear(None, CapSet::Ambient);
    caps::set(None, CapSet::Effective, &kept).map_err(words)?;
    caps::set(None, CapSet::Permitted, &kept).map_err(words)?;
    caps::clear(None, CapSet::Inheritable).map_err(words)
}
