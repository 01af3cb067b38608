//! The table of tools: what `coroner NAME` runs. A new tool is one line in [`TOOLS`].

mod completion;

use cli::Tool;

/// One line about the whole.
pub const ABOUT: &str = "Offline forensics and recovery for containerd nodes";

/// What to try first.
pub const EXAMPLES: &str = "Examples:
  coroner triage --sample              a real, broken node that comes with coroner
  coroner triage /                     this machine
  coroner triage /mnt/image            a mounted disk image
  ssh NODE sudo tar cz --xattrs --xattrs-include=\\'*\\' --one-file-system \\
    /var/lib/containerd /run/containerd /etc/containerd | coroner triage -
  coroner explain blob/missing         what a finding means and what to do";

/// Every tool.
pub const TOOLS: &[&Tool] = &[
    &coroner_triage::TOOL,
    &coroner_triage::CHECK,
    &coroner_triage::PREFLIGHT,
    &coroner_explain::EXPLAIN,
    &coroner_meta::TOOL,
    &coroner_content::TOOL,
    &coroner_snapshots::TOOL,
    &coroner_runtime::TOOL,
    &coroner_core::TOOL,
    &coroner_timeline::TOOL,
    &coroner_logs::TOOL,
    &coroner_bolt::TOOL,
    &coroner_graph::GC,
    &coroner_graph::WHY,
    &coroner_graph::OWNER,
    &coroner_graph::DF,
    &coroner_repair::TOOL,
    &coroner_collect::TOOL,
    &coroner_collect::BUNDLE,
    &completion::COMPLETION,
];
