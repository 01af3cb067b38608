//! A word that is no verb: which verb was meant.

use clap::Command;

/// What people type, and what does it here.
const GUESSES: &[(&[&str], &str, &str)] = &[
    (
        &["images", "image", "img"],
        "coroner meta ls NODE images",
        "lists the images",
    ),
    (
        &["ps", "containers", "container", "tasks", "task"],
        "coroner runtime ls NODE",
        "lists the containers",
    ),
    (
        &["pods", "pod"],
        "coroner meta ls NODE pods",
        "lists the pods",
    ),
    (
        &["namespaces", "namespace", "ns"],
        "coroner meta ls NODE namespaces",
        "lists the namespaces",
    ),
    (
        &["leases", "lease"],
        "coroner meta ls NODE leases",
        "lists the leases",
    ),
    (
        &["ls", "list"],
        "coroner meta ls NODE images",
        "lists the images; also containers, snapshots, content, pods, leases",
    ),
    (
        &["inspect", "get", "describe"],
        "coroner meta show NODE image NAME",
        "shows an image; also a container, snapshot, pod, lease",
    ),
    (
        &["blobs", "blob", "layers"],
        "coroner content ls NODE",
        "lists the blobs, and the images that use them",
    ),
    (
        &["snapshot"],
        "coroner snapshots ls NODE",
        "lists the snapshots",
    ),
    (
        &["extract", "unpack", "mount", "cp", "copy"],
        "coroner snapshots extract NODE NAME -o DIR",
        "writes the files of a container, an image or a snapshot into DIR",
    ),
    (
        &["cat"],
        "coroner snapshots cat NODE NAME PATH",
        "writes one file of a container, an image or a snapshot",
    ),
    (
        &["diff", "changes"],
        "coroner snapshots diff NODE NAME",
        "lists what a container wrote",
    ),
    (
        &["find", "files"],
        "coroner snapshots files NODE NAME",
        "lists the files of a container, an image or a snapshot",
    ),
    (
        &["export", "save", "dump"],
        "coroner content export NODE NAME -o FILE",
        "writes an image as an archive",
    ),
    (
        &["verify", "fsck", "scrub"],
        "coroner content verify NODE",
        "compares every blob with its digest",
    ),
    (
        &[
            "doctor", "diagnose", "examine", "report", "scan", "status", "info",
        ],
        "coroner triage NODE",
        "examines a whole node",
    ),
    (
        &["fix", "recover", "restore", "rescue"],
        "coroner repair NODE",
        "says what would bring the node back",
    ),
    (
        &["backup"],
        "coroner repair backup NODE -o FILE",
        "copies what a start could destroy",
    ),
    (
        &["undo", "rollback"],
        "coroner repair undo NODE",
        "takes the last repair back",
    ),
    (
        &["du", "space", "usage", "size"],
        "coroner df NODE",
        "says what takes the space",
    ),
    (
        &["prune", "clean", "cleanup"],
        "coroner gc --simulate NODE",
        "says what containerd would delete",
    ),
    (
        &["orphans"],
        "coroner snapshots orphans NODE",
        "lists directories that no snapshot owns",
    ),
    (
        &["upgrade", "start"],
        "coroner preflight NODE --daemon RELEASE",
        "says what a start of containerd would do",
    ),
    (
        &["stuck", "hang", "hangs", "hung"],
        "coroner runtime stuck NODE",
        "says which containers hang, and why",
    ),
    (
        &["shims", "shim"],
        "coroner runtime shims NODE",
        "lists the shims",
    ),
    (
        &["mounts"],
        "coroner runtime mounts NODE",
        "lists the mounts of containers",
    ),
    (
        &["log", "journal", "events"],
        "coroner logs NODE",
        "shows what the daemons said",
    ),
    (
        &["goroutines", "stacks", "dlv", "gdb"],
        "coroner core goroutines CORE",
        "lists the goroutines of a core",
    ),
    (
        &["history"],
        "coroner meta history NODE image NAME",
        "lists the versions of an object",
    ),
    (
        &["salvage"],
        "coroner bolt salvage FILE -o NEW",
        "writes a new database of what can be read",
    ),
    (
        &["carve", "undelete", "deleted"],
        "coroner bolt carve FILE",
        "lists deleted records of a database",
    ),
    (
        &["db", "boltdb", "bbolt"],
        "coroner bolt info FILE",
        "shows a BoltDB file",
    ),
    (
        &["pack", "tar", "capture", "acquire"],
        "coroner collect NODE -o FILE",
        "packs a node for examination elsewhere",
    ),
    (
        &["redact"],
        "coroner collect NODE --redact -o FILE",
        "packs a node without its secrets",
    ),
    (
        &["code", "codes", "error", "message"],
        "coroner explain CODE",
        "says what a finding or a line of a log means",
    ),
    (
        &["events-timeline", "when", "mactime"],
        "coroner timeline NODE",
        "lists all times of a node",
    ),
    (
        &["who", "whose"],
        "coroner owner NODE PATH",
        "says what a path belongs to",
    ),
    (
        &["completions", "completion-script"],
        "coroner completion bash",
        "writes completions for a shell",
    ),
    (&["version"], "coroner --version", "says the version"),
];

/// The lines that lead from a word that is no verb to the verbs that may be meant.
///
/// `verb` is the word; `above` the tool in which it was looked for, where it was in one.
pub(crate) fn guess(tools: &Command, above: Option<&str>, verb: &str) -> Option<String> {
    let wanted = verb.to_lowercase();
    let mut lines = Vec::new();
    for (words, command, what) in GUESSES {
        if words.contains(&wanted.as_str()) {
            lines.push(format!("  {command}\n      {what}"));
        }
    }
    if lines.is_empty() {
        // A verb of another tool.
        for tool in tools.get_subcommands() {
            let is_other = above != Some(tool.get_name());
            for found in tool.get_subcommands().filter(|_| is_other) {
                if found.get_name() == wanted && wanted != "help" {
                    let about = found
                        .get_about()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    lines.push(format!(
                        "  coroner {} {wanted}\n      {about}",
                        tool.get_name()
                    ));
                }
            }
        }
    }
    if lines.is_empty() {
        return None;
    }
    let shown = finding::Escaped(verb.as_bytes()).to_string();
    let tool = above.map_or_else(String::new, |above| format!(" of `coroner {above}`"));
    let many = if lines.len() > 1 {
        "one of these"
    } else {
        "this"
    };
    Some(format!(
        "error: `{shown}` is not a command{tool}. Did you mean {many}?\n{}\n\n`coroner --help` lists all commands.\n",
        lines.join("\n")
    ))
}

/// The guessed words, each with the command that it leads to: a test holds them against the commands
/// that there are.
pub fn guesses() -> impl Iterator<Item = (&'static str, &'static str)> {
    GUESSES
        .iter()
        .flat_map(|(words, command, _)| words.iter().map(|word| (*word, *command)))
}
