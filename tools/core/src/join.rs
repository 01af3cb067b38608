//! Goroutines and the containers of their node: which of them wait for which process.

use std::path::Path;

use cli::{EvidenceArgs, Failure};
use coroner_runtime::judge;
use finding::Unknown;
use goroutines::Goroutine;
use serde::Serialize;
use stuck::{Diagnosis, Waiter};

use crate::taken::Owner;

/// A container that hangs, and goroutines that have to do with it.
#[derive(Debug, Serialize)]
pub(crate) struct Joined {
    /// Its namespace and id.
    pub(crate) container: String,
    /// Its state, as `runtime stuck` has it.
    pub(crate) state: &'static str,
    /// What that was concluded from.
    pub(crate) why: String,
    /// Goroutines that wait for it.
    pub(crate) goroutines: Vec<u64>,
    /// What these do.
    pub(crate) they: &'static str,
    /// Who waits for whom there.
    pub(crate) waits_for: Vec<Waiter>,
}

/// The containers that hang, and are of the process whose goroutines these are.
pub(crate) fn join(
    node: &Path,
    owner: &Owner,
    goroutines: &[Goroutine],
    unknown: &mut Vec<Unknown>,
) -> Result<Vec<Joined>, Failure> {
    let judged = judge(&EvidenceArgs {
        evidence: node.to_path_buf(),
        ..EvidenceArgs::default()
    })?;
    unknown.extend(judged.unknown);
    let is_daemon = judged
        .daemon
        .as_ref()
        .is_some_and(|daemon| Some(daemon.pid) == owner.pid);
    let (they, calls): (_, &[&str]) = if is_daemon {
        (
            "wait for an answer of a shim",
            &["ttrpc.(*Client).dispatch"],
        )
    } else {
        (
            "wait for a runc that the shim called",
            &["reaper.(*Monitor).Wait", "runc.(*Monitor).Wait"],
        )
    };
    let ours: Vec<u64> = goroutines
        .iter()
        .filter(|one| calls.iter().any(|name| one.calls(name)))
        .filter(|one| !is_daemon || !one.calls("runtime/v2.(*shimTask).Wait"))
        .filter(|one| !is_daemon || !one.calls("runtime/v2.(*process).Wait"))
        .map(|one| one.id)
        .collect();
    let of_process = |one: &&Diagnosis| {
        let is_shim = owner.pid.is_some() && one.shim_pid == owner.pid;
        let is_named = owner.container.as_ref().is_some_and(|(namespace, id)| {
            one.namespace.as_ref() == Some(namespace) && one.id == *id
        });
        is_daemon || is_shim || is_named
    };
    let hangs = judged.verdicts.containers.iter();
    Ok(hangs
        .filter(of_process)
        .filter(|one| one.state.is_stuck() || !one.state.is_healthy())
        .map(|one| Joined {
            container: match &one.namespace {
                Some(namespace) => format!("{namespace}/{}", one.id),
                None => one.id.to_string(),
            },
            state: one.state.word(),
            why: one.why.clone(),
            goroutines: ours.clone(),
            they,
            waits_for: one.waits_for.clone(),
        })
        .collect())
}
