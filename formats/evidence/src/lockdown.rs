//! What the process gives up before it looks at evidence.
//!
//! A parser that is led astray by hostile evidence should find that it can write nothing but the
//! output. Landlock binds the calling thread and those that it starts: lock down before any is
//! started, and before evidence is opened.

mod calls;
mod capabilities;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, PathBeneath, PathFd, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};

use crate::HeldRoot;

/// What may still be done afterwards.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// A directory that is read, and lies below no directory of ours.
    pub held: Option<HeldRoot>,
    /// Directories in which files are made: of the output, of the spool file.
    pub writable: Vec<PathBuf>,
    /// Where what was opened before is put when it is complete.
    pub places: Vec<Place>,
    /// Directories in which trees are made: directories, links and nodes, too.
    pub trees: Vec<PathBuf>,
    /// Bytes of memory for data, or no limit. Maps of files do not count.
    pub memory: Option<u64>,
    /// The machine's own table of sockets is read later: it is that of the network namespace that the
    /// process is in.
    pub network: bool,
}

/// Where a file or a tree is put when it is complete.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder, open.
    pub folder: Arc<File>,
    /// How it gets its name there.
    pub how: Placing,
}

/// How something that is complete gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// A file without a name is given one.
    Link,
    /// A file has a hidden name, and is given another.
    Rename,
    /// A directory has a hidden name, and is given another.
    Tree,
}

/// What held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own, that the kernel gives or does not"
)]
pub struct Lockdown {
    /// Landlock forbids all writing but to the writable directories.
    pub read_only: bool,
    /// Memory for data is limited.
    pub memory: bool,
    /// No core is dumped: it would hold evidence.
    pub no_core: bool,
    /// No capabilities are left but those that reading needs.
    pub capabilities: bool,
    /// The kernel refuses system calls that no reader needs: sockets, programs, tracing, mounts.
    pub calls: bool,
    /// The network namespace is one of its own, with nothing in it.
    pub network: bool,
    /// What did not hold, and why.
    pub refused: Vec<String>,
}

/// The newest set of rights that is asked for; older kernels give what they know.
const RIGHTS: ABI = ABI::V6;

/// Locks the calling thread down, as far as the kernel lets us.
pub fn lockdown(needs: &Needs) -> Lockdown {
    let mut held = Lockdown::default();
    held.limits(needs.memory);
    if !needs.network {
        match unshare(CloneFlags::CLONE_NEWNET) {
            Ok(()) => held.network = true,
            // Who may not make one is told by `network`: it is no fault of the kernel's.
            Err(Errno::EPERM) => {}
            Err(errno) => held
                .refused
                .push(format!("network namespace: {}", errno.desc())),
        }
    }
    match restrict(needs) {
        Ok(status) => match status.ruleset {
            RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => {
                held.read_only = true;
            }
            RulesetStatus::NotEnforced => {
                held.refused.push("Landlock: not in this kernel".into());
            }
        },
        Err(error) => held.refused.push(format!("Landlock: {error}")),
    }
    let is_tree = |place: &Place| matches!(place.how, Placing::Tree);
    let fills = !needs.trees.is_empty() || needs.places.iter().any(is_tree);
    match capabilities::drop_all_but(fills) {
        Ok(()) => held.capabilities = true,
        Err(why) => held.refused.push(format!("capabilities: {why}")),
    }
    // Last: it refuses the calls that those before are made of.
    match calls::allow(fills) {
        Ok(()) => held.calls = true,
        Err(why) => held.refused.push(format!("seccomp: {why}")),
    }
    held
}

/// Locks a thread down that writes to a node: no socket, no other program, no tracing, no mount, and no
/// capability but those of files and of looking at processes.
///
/// No Landlock: under it nobody can see which files other processes have open, and a repair must know.
pub fn lockdown_writer(memory: Option<u64>) -> Lockdown {
    let mut held = Lockdown::default();
    held.limits(memory);
    match capabilities::drop_all_but_writing() {
        Ok(()) => held.capabilities = true,
        Err(why) => held.refused.push(format!("capabilities: {why}")),
    }
    match calls::allow(true) {
        Ok(()) => held.calls = true,
        Err(why) => held.refused.push(format!("seccomp: {why}")),
    }
    held
}

impl Lockdown {
    fn limits(&mut self, memory: Option<u64>) {
        match setrlimit(Resource::RLIMIT_CORE, 0, 0) {
            Ok(()) => self.no_core = true,
            Err(errno) => self.refused.push(format!("RLIMIT_CORE: {}", errno.desc())),
        }
        if let Some(bytes) = memory {
            match setrlimit(Resource::RLIMIT_DATA, bytes, bytes) {
                Ok(()) => self.memory = true,
                Err(errno) => self.refused.push(format!("RLIMIT_DATA: {}", errno.desc())),
            }
        }
    }
}

/// Reading everywhere, writing only below `writable` and `trees`.
fn restrict(needs: &Needs) -> Result<RestrictionStatus, String> {
    let words = |error: landlock::RulesetError| error.to_string();
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))
        .map_err(words)?
        // No rule gives any of these back: no connection, no port, no signal to another process.
        .handle_access(AccessNet::from_all(RIGHTS))
        .map_err(words)?
        .scope(Scope::from_all(RIGHTS))
        .map_err(words)?
        .create()
        .map_err(words)?;
    let root = PathFd::new("/").map_err(|error| error.to_string())?;
    // No execution: nothing of the evidence is ever run, nor anything else.
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    rules = rules
        .add_rule(PathBeneath::new(root, read))
        .map_err(words)?;
    if let Some(held) = &needs.held {
        rules = rules
            .add_rule(PathBeneath::new(held, read))
            .map_err(words)?;
    }
    let nodes = AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::MakeFifo
        | AccessFs::MakeChar
        | AccessFs::MakeBlock;
    let files = needs.writable.iter().map(|directory| (directory, None));
    let trees = needs.trees.iter().map(|directory| (directory, Some(nodes)));
    for (directory, more) in files.chain(trees) {
        let held = PathFd::new(directory).map_err(|error| error.to_string())?;
        let write = AccessFs::WriteFile
            | AccessFs::MakeReg
            | AccessFs::RemoveFile
            | AccessFs::Truncate
            | AccessFs::Refer
            | AccessFs::ReadFile
            | AccessFs::ReadDir;
        let write = more.map_or(write, |more| write | more);
        rules = rules
            .add_rule(PathBeneath::new(held, write))
            .map_err(words)?;
    }
    for place in &needs.places {
        let held = place
            .folder
            .try_clone()
            .map_err(|error| error.to_string())?;
        let right = match place.how {
            Placing::Link => BitFlags::from(AccessFs::MakeReg),
            Placing::Rename => AccessFs::MakeReg | AccessFs::RemoveFile,
            Placing::Tree => AccessFs::MakeDir | AccessFs::RemoveDir,
        };
        rules = rules
            .add_rule(PathBeneath::new(held, right))
            .map_err(words)?;
    }
    rules.restrict_self().map_err(words)
}
