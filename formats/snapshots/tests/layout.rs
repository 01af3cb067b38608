//! Layouts, good and damaged, and those of the real captures.

#![expect(clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use evidence::{Evidence, Options};
use finding::Known;
use snapshots::{Layout, Marks, Opaque, Prefix, Why, is_whiteout_device};

fn whole(evidence: &Evidence, root: &str, name: &str) -> Layout {
    match Layout::read_layout(evidence, Path::new(root), name) {
        Known::Whole(layout) => layout,
        other => panic!("{other:?}"),
    }
}

#[test]
fn directories_temporaries_and_strays_are_told_apart() {
    let node = tempfile::tempdir().unwrap();
    let root = node.path().join("ss");
    for name in ["1/fs", "1/work", "2/fs", "3", "new-123", "rm-9", "007", "x"] {
        fs::create_dir_all(root.join("snapshots").join(name)).unwrap();
    }
    fs::write(root.join("snapshots/4"), b"").unwrap();
    fs::write(root.join("snapshots/3/stray"), b"").unwrap();
    fs::write(root.join("metadata.db"), b"").unwrap();
    fs::write(root.join("beside"), b"").unwrap();
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    let layout = whole(&evidence, "/ss", "overlayfs");
    assert_eq!(layout.dirs.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert!(layout.dirs[&1].fs.is_some() && layout.dirs[&1].work.is_some());
    assert!(layout.dirs[&2].work.is_none() && layout.dirs[&3].fs.is_none());
    assert_eq!(layout.dirs[&3].others[0].name, "stray");
    let temporaries: Vec<Why> = layout.temporaries.iter().map(|stray| stray.why).collect();
    assert_eq!(temporaries, [Why::New, Why::Removed]);
    let strays: Vec<Why> = layout.strays.iter().map(|stray| stray.why).collect();
    assert_eq!(strays, [Why::NotANumber, Why::WrongKind, Why::NotANumber]);
    assert!(layout.metadata.is_some() && layout.beside.len() == 1 && layout.unread.is_none());
    assert_eq!(layout.files(1), Path::new("/ss/snapshots/1/fs"));
    assert_eq!(layout.directory(99), Path::new("/ss/snapshots/99"));

    let native = whole(&evidence, "/ss", "native");
    assert!(native.dirs[&1].fs.is_none() && !native.has_fs());
    assert_eq!(native.files(1), Path::new("/ss/snapshots/1"));
    let blockfile = whole(&evidence, "/ss", "blockfile");
    assert_eq!(blockfile.dirs.keys().copied().collect::<Vec<_>>(), [4]);
    let devmapper = whole(&evidence, "/ss", "devmapper");
    assert!(devmapper.dirs.is_empty() && !devmapper.is_understood() && devmapper.unread.is_some());
}

#[test]
fn btrfs_has_three_folders() {
    let node = tempfile::tempdir().unwrap();
    for name in [
        "active/3",
        "view/2",
        "snapshots/1",
        "snapshots/2",
        "active/rm-4",
    ] {
        fs::create_dir_all(node.path().join("ss").join(name)).unwrap();
    }
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    let layout = whole(&evidence, "/ss", "btrfs");
    assert_eq!(layout.dirs.len(), 3);
    assert_eq!(layout.files(3), Path::new("/ss/active/3"));
    assert_eq!(layout.strays[0].why, Why::Twice);
    assert_eq!(layout.temporaries[0].why, Why::Removed);
}

#[test]
fn absent_is_not_unknown() {
    let node = tempfile::tempdir().unwrap();
    let evidence = Evidence::open(node.path(), &Options::default()).unwrap();
    assert!(whole(&evidence, "/ss", "overlayfs").dirs.is_empty());
    let lost = Layout::read_layout(&evidence, Path::new("/nowhere/ss"), "overlayfs");
    assert!(matches!(lost, Known::Lost(_)), "{lost:?}");
    fs::write(node.path().join("ss"), b"").unwrap();
    let lost = Layout::read_layout(&evidence, Path::new("/ss"), "overlayfs");
    assert!(matches!(lost, Known::Lost(_)), "{lost:?}");
}

#[test]
fn layouts_of_real_nodes_are_in_order_and_hold_whiteouts() {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let mut seen = 0;
    for entry in fs::read_dir(nodes).unwrap() {
        let path = entry.unwrap().path().join("node.tar.zst");
        if path.metadata().is_err() {
            continue;
        }
        seen += 1;
        let evidence = Evidence::open(&path, &Options::default()).unwrap();
        let root = "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs";
        let layout = whole(&evidence, root, "overlayfs");
        assert!(
            layout.dirs.len() > 5 && layout.metadata.is_some(),
            "{}",
            path.display()
        );
        assert!(
            layout.temporaries.is_empty() && layout.strays.is_empty(),
            "{}",
            path.display()
        );
        assert!(
            layout
                .dirs
                .values()
                .all(|dir| dir.fs.is_some() && dir.others.is_empty())
        );
        let (mut whiteouts, mut opaque) = (0, 0);
        for id in layout.dirs.keys() {
            let mut todo = vec![layout.files(*id)];
            while let Some(folder) = todo.pop() {
                let marks = evidence.xattrs(&folder);
                let marks = Marks::decode(marks.read().unwrap(), Prefix::Trusted);
                opaque += u32::from(marks.opaque == Some(Opaque::Yes));
                for entry in evidence.list(&folder).whole().unwrap() {
                    let path = folder.join(entry.name.utf8().unwrap_or("\u{fffd}"));
                    whiteouts += u32::from(is_whiteout_device(&entry.stat) == Some(true));
                    if entry.stat.is_dir() {
                        todo.push(path);
                    }
                }
            }
        }
        assert!(
            whiteouts > 0 && opaque > 0,
            "{}: {whiteouts} {opaque}",
            path.display()
        );
    }
    assert!(seen > 0, "testdata/nodes holds no capture");
}
