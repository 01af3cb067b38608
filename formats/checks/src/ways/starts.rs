//! What a start comes to, and no other finding tells: by the rule of the start, what mends it.
//!
//! `{at}` is where the setting stands (`/etc/containerd/config.toml, line 12, key grpc.address`), `{file}` its
//! file. A rule stands in one of the two tables; [`tests`] holds them against all rules.

use finding::program::{CORONER, SYSTEMCTL};
use finding::{Finding, Location, Remedy, Step};
use node::Node;

use super::steps::{call, run};
use super::{Hanging, Here};

/// The first step of a cure.
enum Cure {
    /// A person's, in words: only they know the right value, or have the right file.
    Words(&'static str),
    /// What stands in the way is put aside; then the words, if there are any.
    Aside(&'static str),
    /// The unit is unmasked.
    Unmask,
}

use Cure::{Aside, Unmask, Words};

/// Plugins are named in full, and a disabled one is loaded again.
const ENABLE: &str = "Take the plugin out of disabled_plugins in {file}.";
const READ_ONLY: &str = "Find out why the file system of {at} is read-only (`findmnt`, `dmesg`: errors of the disk make \
     it so), mend that, and mount it read-write.";
const INODES: &str =
    "Free inodes on the file system of {at} (`df -i`): remove files that containerd does not own.";

const CURES: &[(&[&str], Cure)] = &[
    (&["bad-toml"], Words("Correct the syntax in {at}.")),
    (
        &["unread-config"],
        Words(
            "Put a file that root can read in the place of {file}, or take its name out of `imports` or of the \
             unit's --config.",
        ),
    ),
    (
        &["config-waits"],
        Aside("Write {file} again; `containerd config default` prints what is built in."),
    ),
    (
        &["config-defaults"],
        Words(
            "Let the link {file} lead to the right file, or remove the link if what is built in is right.",
        ),
    ),
    (
        &["version-type"],
        Words("Let `version` in {file} be a number: 2, or 3 for containerd 2.x alone."),
    ),
    (
        &["version-newer", "version-ignored"],
        Words(
            "Let `version` in {file} be 2, and give the tables of plugins their names of version 2.",
        ),
    ),
    (
        &["short-id"],
        Words("Write the plugin's full name in {at}: io.containerd.grpc.v1.cri, not cri."),
    ),
    (
        &["setting-type"],
        Words("Write a value of the right type in {at}, as `containerd config default` shows it."),
    ),
    (
        &["setting-duration"],
        Words("Write a duration with its unit in {at}, such as \"30s\"."),
    ),
    (
        &["root-is-state"],
        Words(
            "Let `root` and `state` in {file} be two folders: \"/var/lib/containerd\" and \"/run/containerd\", as is built in.",
        ),
    ),
    (
        &["required-plugin"],
        Words(
            "Take the plugin out of required_plugins in {file}, or out of disabled_plugins, so that it loads.",
        ),
    ),
    (
        &[
            "metadata-disabled",
            "cri-disabled",
            "pods-unserved",
            "api-needs",
        ],
        Words(ENABLE),
    ),
    (
        &["sharing-policy"],
        Words(
            "Let content_sharing_policy in {file} be \"shared\" (as is built in) or \"isolated\".",
        ),
    ),
    (
        &["snapshotter-unknown"],
        Words(
            "Let the snapshotter in {at} be one that this containerd loads (\"overlayfs\" is built in), or put the \
               table of its proxy plugin back.",
        ),
    ),
    (
        &[
            "cri-settings",
            "runtime-refused",
            "message-size",
            "plugin-lost",
        ],
        Words("Correct or take out {at}."),
    ),
    (
        &["mirrors-beside-default"],
        Words(
            "Move what registry.mirrors of {at} says into hosts.toml files below /etc/containerd/certs.d, and take \
               registry.mirrors out.",
        ),
    ),
    (
        &["settings-gone", "table-ignored"],
        Words(
            "Take {at} out, or write its settings where this release has them (`containerd config migrate` and \
               `containerd config default` show it).",
        ),
    ),
    (
        &["setting-forgotten"],
        Words(
            "Write a table of a runtime beside {at} (`[… .containerd.runtimes.runc]` with runtime_type = \
               \"io.containerd.runc.v2\"), or let the file have version 3.",
        ),
    ),
    (
        &["default-runtime-gone"],
        Words("Let runtime_type in {at} be \"io.containerd.runc.v2\"."),
    ),
    (
        &["runtimes-gone", "linux-task"],
        Words(
            "Before the upgrade, recreate what `affects` lists with the runtime io.containerd.runc.v2.",
        ),
    ),
    (
        &["log-settings"],
        Words(
            "Let {at} be one that there is: a level (trace, debug, info, warn, error, fatal, panic), a format (text, json).",
        ),
    ),
    (
        &["listener"],
        Words(
            "Let the address in {at} be one that is free and can be made; /run/containerd/containerd.sock is built in.",
        ),
    ),
    (
        &["tls-files"],
        Words(
            "Put back the certificate and the key that grpc.tcp_tls_cert and grpc.tcp_tls_key of {file} name, or take \
               both keys out with tcp_address.",
        ),
    ),
    (
        &["stream-server"],
        Words(
            "Let stream_server_address and stream_server_port of {at} be an address of this machine and a free port; \
               127.0.0.1 and 0 are built in.",
        ),
    ),
    (
        &["nri"],
        Words(
            "Take what `where` names out of NRI's folder, or set disable = true in the table io.containerd.nri.v1.nri of \
               config.toml, if nothing needs NRI.",
        ),
    ),
    (
        &["stats-period"],
        Words("Let stats_collect_period in {at} be 10, as is built in."),
    ),
    (
        &["cri-needs"],
        Words("Let what `affects` lists load: take it out of disabled_plugins, or correct {at}."),
    ),
    (
        &["plugin-twice"],
        Words("Give the proxy plugin in {at} a name that no built-in plugin has."),
    ),
    (
        &["proxy-type"],
        Words(
            "Let `type` of the proxy plugin in {at} be \"snapshot\", \"content\" or what else this release knows.",
        ),
    ),
    (
        &["unit-option", "unit-not-started", "unit-user"],
        Words("Correct the unit: {at}. Then run `systemctl daemon-reload`."),
    ),
    (
        &["unit-program"],
        Words(
            "Install containerd's package again, or let ExecStart= of the unit name the program that is there.",
        ),
    ),
    (&["unit-masked"], Unmask),
    (
        &["root-elsewhere"],
        Words(
            "If these stores are the ones that are meant, let `root` in {at} be their folder; else judge the other \
               root (`--root`).",
        ),
    ),
    (
        &["root-below"],
        Words("Mount the disk that belongs at {at} before containerd is started."),
    ),
    (
        &["relative-place"],
        Words("Write an absolute path in {at}."),
    ),
    (
        &["host-file"],
        Words("Put {file} back as a regular file that root can read."),
    ),
    (&["root-read-only", "state-read-only"], Words(READ_ONLY)),
    (
        &["not-a-folder", "not-a-cri-folder", "socket-taken"],
        Aside(""),
    ),
    (
        &[
            "content-lost",
            "content-fails",
            "snapshotter-lost",
            "cri-snapshotter-lost",
            "snapshotter-kills-metadata",
        ],
        Words(
            "Look at what stands at {at} (`ls -ld`): a folder of root's belongs there, on a file system that can be \
               written. What is there instead goes aside, not away.",
        ),
    ),
    (
        &["root-in-memory"],
        Words("Stop containerd, mount a disk for root, and copy the stores to it (`cp -a`)."),
    ),
    (
        &["swapped"],
        Words(
            "Exchange the values of `root` and `state` in config.toml or the unit: root is where the databases are.",
        ),
    ),
    (
        &["no-dtype"],
        Words(
            "Move root to a file system that tells the kinds of entries (xfs made with ftype=1, ext4): `mkfs.xfs -n \
               ftype=1` on another disk, then copy the stores.",
        ),
    ),
    (
        &["no-upper"],
        Words(
            "Move root to a disk of its own with ext4 or xfs: an overlay cannot be written on this file system.",
        ),
    ),
    (
        &["no-overlay", "no-overlay-tried"],
        Words(
            "Load the kernel's module (`modprobe overlay`); where the kernel has none, install or boot one that has it.",
        ),
    ),
    (
        &["disk-full", "disk-full-later"],
        Words(
            "Free space on the file system of {at} (`df`): remove files that containerd does not own. Remove nothing \
               below root by hand.",
        ),
    ),
    (&["no-inodes", "state-no-inodes"], Words(INODES)),
    (
        &["network-no-folder"],
        Words(
            "Make the folder of {at} possible: its file system cannot be written, or a file stands in the way.",
        ),
    ),
    (&["network-hangs", "status-waits", "shim-waits"], Aside("")),
    (
        &["meta-locked", "meta-lock-timeout", "backend-locked"],
        Words(
            "End the process that holds the lock, if it is no containerd (`fuser -v` on {file} names it).",
        ),
    ),
    (
        &["meta-no-file"],
        Words(
            "Let root be able to write {file}: a regular file, without `chattr +i`, on a file system that is read-write.",
        ),
    ),
];

/// Rules of which a finding of its own tells, with its steps; and those that need none.
#[cfg(test)]
const TOLD: &[(&str, &str)] = &[
    (
        "a finding of the record, the bundle or the file says it, with its steps",
        "container-unreadable image-unreadable sandbox-unreadable sandbox-metadata sandbox-skipped pod-twice \
         container-twice record-skipped status-rewritten status-folder pod-address-lost container-unattached \
         output-lost pod-file-left-out network-pod-fails network-not-ready network-result address-damaged socket-gone \
         tasks-forgotten shim-program-gone runtime-unusable shim-mute shim-dead state-lost-later state-unseen \
         log-unwritable log-unwritable-later bundle-kept docker-settings docker-pid mounts-broken \
         registries-yaml restart-log-lost",
    ),
    (
        "a finding of the database says it, with its steps",
        "meta-new meta-other meta-unopened page-at-open page-at-use backend-page page-number freelist \
         backend-freelist freelist-count migration-fails migration-panics meta-rolled-back snapshots-unnamed ids-again \
         backend-new backend-other backend-unopened cycle collection-fails collection-stops page-touched page-walked \
         page-walked-by-all page-walked-later page-in-the-way number-unseen number-seen page-shared other-meta \
         file-freelist meta-empty tree-stale",
    ),
    (
        "it is what every start does: of what it removes, a finding tells",
        "status-exited folders-removed log-folder-made migrates collects collects-layers cleans-directories \
         cleans-content blob-unkept network-written-later bundle-orphan bundle-empty shim-leaked work-dir \
         work-dir-left bundle-asked restart-starts restart-stops",
    ),
];

/// The place in words: the file, and the line and the key where they are known.
fn in_words(at: &Location) -> String {
    let file = at.file.iter().map(ToString::to_string);
    let places = at.places.iter();
    let places = places.map(|place| format!("{} {}", place.kind, place.name));
    let words: Vec<String> = file.chain(places).collect();
    if words.is_empty() {
        "config.toml".to_owned()
    } else {
        words.join(", ")
    }
}

/// A finding of a start with the steps that mend it.
pub(crate) fn cured(node: &Node, rule: &str, finding: Finding) -> Finding {
    let mut rows = CURES.iter();
    let Some((_, cure)) = rows.find(|(rules, _)| rules.contains(&rule)) else {
        return finding;
    };
    let file = finding.location.file.clone().unwrap_or_default();
    let filled = |words: &str| {
        let words = words.replace("{at}", &in_words(&finding.location));
        Step::words(words.replace("{file}", &file.to_string())).undoable()
    };
    let mut steps = match cure {
        Words(words) => vec![filled(words)],
        Aside(words) => {
            let hanging = &Hanging::new(node);
            let mut steps = Here { node, hanging }.aside(&file);
            steps.extend((!words.is_empty()).then(|| filled(words)));
            steps
        }
        Unmask => {
            let step = run(call(SYSTEMCTL).words(&["unmask", "containerd"]));
            step.map(Step::undoable).into_iter().collect()
        }
    };
    steps.extend(run(call(CORONER).word("preflight").operand("/")).map(Step::undoable));
    finding.way(Remedy::new(
        "`coroner preflight` then follows the start again.",
        steps,
    ))
}

#[cfg(test)]
mod tests {
    use super::{CURES, TOLD};

    #[test]
    fn each_rule_has_a_cure_or_is_told_elsewhere() {
        let all: Vec<&str> = daemon::start::START
            .iter()
            .copied()
            .flatten()
            .map(|rule| rule.key)
            .collect();
        assert!(all.len() > 100, "{}", all.len());
        for key in &all {
            let cured = CURES
                .iter()
                .filter(|(rules, _)| rules.contains(key))
                .count();
            let told = TOLD.iter().flat_map(|(_, keys)| keys.split_whitespace());
            let told = told.filter(|it| it == key).count();
            assert_eq!(cured + told, 1, "{key}");
        }
        assert!(
            CURES
                .iter()
                .flat_map(|(rules, _)| *rules)
                .all(|key| all.contains(key))
        );
    }
}
