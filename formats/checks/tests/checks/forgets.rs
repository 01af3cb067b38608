//! What the migration of config.toml to 2.x loses is said: `config migrate` of 2.1.9 gives `overlayfs` for the first
//! file, and `native` for the second.

use checks::Measured;
use daemon::Detected;

use crate::opened;

const CONFIG: &str = "etc/containerd/config.toml";

/// What a start of a release ignores of a configuration.
fn ignored(text: &str, release: &str) -> Vec<String> {
    let mut tar = testcase::node("1.7-stopped");
    tar.member(CONFIG).data = text.as_bytes().to_vec();
    let node = opened::node(&tar);
    let report = checks::judge(&node, &Measured::default());
    let release = Detected::said(release).unwrap();
    let all = checks::start::predictions(&node, &report, &release, node.now);
    let statements = all.into_iter().flat_map(|one| one.statements);
    let found = statements.filter(|it| it.rule == "P54");
    found
        .flat_map(|it| it.targets)
        .map(|target| target.object.name.to_string())
        .collect()
}

const TABLE: &str = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\".containerd]\n";
const RUNC: &str = "[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n\
                    runtime_type = \"io.containerd.runc.v2\"\n";

#[test]
fn a_snapshotter_without_runtimes_is_forgotten_by_2_x() {
    let native = format!("{TABLE}snapshotter = \"native\"\n");
    let lost = ignored(&native, "2.1");
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert!(
        lost.iter()
            .all(|name| name.ends_with("containerd.snapshotter")),
        "{lost:?}"
    );
    let discards = format!("{TABLE}discard_unpacked_layers = true\n");
    assert_eq!(ignored(&discards, "2.1").len(), 1);
}

#[test]
fn what_is_kept_is_not_said_to_be_lost() {
    let native = format!("{TABLE}snapshotter = \"native\"\n");
    assert!(ignored(&native, "1.7").is_empty());
    assert!(ignored(&format!("{native}{RUNC}"), "2.1").is_empty());
    let built_in =
        format!("{TABLE}snapshotter = \"overlayfs\"\ndisable_snapshot_annotations = true\n");
    assert!(ignored(&built_in, "2.1").is_empty());
}
