//! The databases of real nodes are healthy, and said to be.

use std::path::Path;

use cli::Exit;
use coroner_bolt::TOOL;

/// Below `/var/lib/containerd`, and in how many captures each is.
const DATABASES: [(&str, usize); 3] = [
    ("io.containerd.metadata.v1.bolt/meta.db", 18),
    ("io.containerd.snapshotter.v1.overlayfs/metadata.db", 18),
    ("io.containerd.snapshotter.v1.native/metadata.db", 9),
];

#[test]
fn real_databases_give_no_finding() {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let names = std::fs::read_dir(&nodes).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 18);
    let mut found = DATABASES.map(|(path, _)| (path, 0));
    for name in names {
        let node = nodes.join(&name).join("node.tar.zst");
        for (path, count) in &mut found {
            let database = format!("/var/lib/containerd/{path}");
            let (text, exit) = cli::try_run(
                &TOOL,
                ["bolt", "check", "--in", node.to_str().unwrap(), &database],
            );
            if exit.has(Exit::UNREAD) && text.contains("is not there") {
                continue;
            }
            *count += 1;
            let verdict = text.lines().last().unwrap_or_default();
            assert!(exit == Exit::CLEAN, "{name:?} {path}: {text}");
            // A daemon that is killed while it commits leaves a tree before that is not whole.
            let is_killed = name.to_str().unwrap().ends_with("-killed");
            assert!(
                verdict == "OK" || (is_killed && verdict == "OK (1 note)"),
                "{name:?} {path}: {text}"
            );
        }
    }
    assert_eq!(found, DATABASES);
}
