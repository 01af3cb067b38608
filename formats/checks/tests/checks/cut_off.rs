//! A daemon that runs, and whose socket has no name any more: a folder that was a node, with a table of sockets.

use std::sync::Arc;

use checks::Measured;
use evidence::{Evidence, Options};
use node::{Node, Said};
use process::{Item, Processes, Tree};

const ADDRESS: &str = "/run/containerd/containerd.sock";

/// What is said where a socket listens at `listens`, and the file of the address is there or not.
fn cut_off(listens: &str, is_there: bool) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let below = |path: &str| folder.path().join(path);
    let meta = "var/lib/containerd/io.containerd.metadata.v1.bolt";
    for path in [meta, "run/containerd", "etc/containerd"] {
        std::fs::create_dir_all(below(path)).unwrap();
    }
    let mut tar = testcase::node("1.7-stopped");
    let file = format!("{meta}/meta.db");
    let data = tar.member(&file).data.clone();
    std::fs::write(below(&file), data).unwrap();
    let _socket = is_there.then(|| {
        std::os::unix::net::UnixListener::bind(below("run/containerd/containerd.sock")).unwrap()
    });
    let mut tree = Tree::default();
    tree.set_whole();
    let rest = "1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 5 0";
    let tail = "1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0";
    let stat = format!("44 (containerd) S 1 {rest} 10 {tail}\n");
    let sockets = format!(
        "Num       RefCount Protocol Flags    Type St Inode Path\n0000: 00000002 00000000 00010000 0001 01 55 {listens}\n"
    );
    for (path, text) in [
        ("/proc/44/stat", stat.as_str()),
        ("/proc/44/cmdline", "/usr/bin/containerd\0"),
        ("/proc/net/unix", sockets.as_str()),
    ] {
        tree.put(path, Item::File(text.as_bytes().to_vec()));
    }
    tree.put("/proc/44/fd/5", Item::Link("socket:[55]".into()));
    let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
    told(&evidence, Processes::new(tree))
}

fn told(evidence: &Evidence, processes: Processes) -> Option<String> {
    let roots = node::discover(evidence, &Said::default());
    let options = node::Options {
        processes: Some(Arc::new(processes)),
        ..node::Options::default()
    };
    let node = Node::open(evidence, roots.into_iter().next().unwrap(), options);
    let report = checks::judge(&node, &Measured::default());
    let mut all = report.findings.into_iter();
    all.find(|one| one.code.name == "runtime/daemon-cut-off")
        .map(|one| one.message)
}

#[test]
fn a_socket_that_lost_its_file_is_named() {
    let told = cut_off(ADDRESS, false).unwrap();
    assert_eq!(
        told,
        format!("containerd (pid 44) listens at {ADDRESS}, and no file has that name")
    );
}

#[test]
fn a_socket_that_is_there_or_another_daemons_is_not() {
    assert_eq!(cut_off(ADDRESS, true), None);
    assert_eq!(cut_off("/run/k3s/containerd/containerd.sock", false), None);
}

/// What real daemons had, as it was recorded: the table of sockets, descriptors, arguments. A tar keeps no sockets; the
/// folder has those that the table names.
#[test]
fn a_real_daemons_table_tells() {
    for scene in ["bookworm-daemon-6", "trixie-daemon-6", "sid-daemon-6"] {
        let tar = testcase::recorded(scene);
        let packed = tar.write();
        let recorded = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
        let processes = Processes::new(Tree::load(&recorded).unwrap());
        assert_eq!(told(&recorded, processes.clone()), None, "{scene}: a tar");
        let folder = tar.keep(&["etc/", "run/containerd", "var/lib"]).files();
        let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
        let named = processes.sockets.clone().unwrap_or_default();
        let below = |path: &str| folder.path().join(path.trim_start_matches('/'));
        let listeners: Vec<_> = named
            .iter()
            .filter(|it| it.listens)
            .filter_map(|it| {
                let path = it.path.utf8().filter(|path| path.starts_with('/'))?;
                std::os::unix::net::UnixListener::bind(below(path)).ok()
            })
            .collect();
        assert!(listeners.len() > 2, "{scene}: {named:?}");
        assert_eq!(told(&evidence, processes.clone()), None, "{scene}");
        std::fs::remove_file(below(ADDRESS)).unwrap();
        let evidence = Evidence::open(folder.path(), &Options::default()).unwrap();
        let message = told(&evidence, processes).unwrap();
        assert!(message.ends_with("and no file has that name"), "{message}");
    }
}
