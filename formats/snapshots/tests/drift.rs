//! What a process changes in a mounted container, and what of it is told: each kind of change, made
//! through overlayfs by the real programs, and traps that a reader may fall into.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use testcase::Effort;

use evidence::{Evidence, Options};
use snapshots::{Aspect, Change, Comparison, Merged, Prefix};

/// An image's layer.
const LOWER: &str = "
mkdir -p lower/dir lower/gone/below lower/opaque upper work merged
for name in content mode owner cap setuid deleted same mtime xattr linked kind; do
    printf 'the contents of %s\\n' $name >lower/$name
    touch -d '2026-01-02T03:04:05.678901234Z' lower/$name
done
ln -s /etc/hostname lower/symlink
mknod lower/device c 7 1
echo below >lower/gone/below/file
echo below >lower/opaque/below
echo below >lower/dir/file
";

/// What happens in the container; everything is in the mount.
const CHANGES: &str = "
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
cd merged
echo other >content; touch -d '2026-01-02T03:04:05.678901234Z' content
chmod 0600 mode
chown 7:8 owner
setcap cap_net_raw+ep cap
chmod 4755 setuid
rm deleted
chmod 0644 same
touch -d '2026-02-02T00:00:00Z' mtime
setfattr -n user.color -v red xattr
ln linked link-again
rm kind; mkdir kind
rm symlink; ln -s /etc/passwd symlink
rm device; mknod device c 7 2
rm -r gone
rm -r opaque; mkdir opaque; echo new >opaque/new
echo added >added
mkfifo fifo
mknod node c 1 5
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"socket\")'
ln -s /etc/shadow trap
ln -s / everything
cd ..
umount merged
";

fn shell(folder: &Path, script: &str) {
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-euc", script])
        .current_dir(folder);
    let ran = command.output().unwrap();
    let text = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{text}");
}

#[test]
#[ignore = "needs root, overlayfs, setcap, setfattr and python3"]
fn each_kind_of_change_is_told_apart_and_no_trap_catches() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !testcase::may_run("root", is_root) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    shell(place.path(), LOWER);
    shell(place.path(), CHANGES);
    let evidence = Evidence::open(place.path(), &Options::default()).unwrap();
    let before = Merged::plain(&evidence, PathBuf::from("/lower"));
    let layers = vec![PathBuf::from("/upper"), PathBuf::from("/lower")];
    let after = Merged::overlay(&evidence, layers, Prefix::Trusted);
    let start = Effort::start();
    let mut told: BTreeMap<String, (&str, Vec<Aspect>)> = BTreeMap::new();
    for (path, change) in Comparison::compare_trees(&before, &after) {
        let what = match change {
            Change::Added(_) => ("added", Vec::new()),
            Change::Deleted(_) => ("deleted", Vec::new()),
            Change::Changed { how, .. } => ("changed", how),
            Change::Same(_) => ("same", Vec::new()),
            Change::Unknown(unknown) => unreachable!("{unknown:?}"),
        };
        told.insert(path.to_str().unwrap().to_owned(), what);
    }
    // A FIFO or /dev/zero that is opened, a link to / that is followed: these would not end.
    assert!(start.spent() < Duration::from_secs(5));
    let mut want: BTreeMap<String, (&str, Vec<Aspect>)> = BTreeMap::new();
    for (path, how) in [
        ("/", vec![Aspect::Mtime]),
        ("/content", vec![Aspect::Content]),
        ("/mode", vec![Aspect::Mode]),
        ("/owner", vec![Aspect::Owner]),
        ("/cap", vec![Aspect::Capability]),
        ("/setuid", vec![Aspect::Mode, Aspect::Setuid]),
        ("/mtime", vec![Aspect::Mtime]),
        ("/xattr", vec![Aspect::Xattrs]),
        ("/kind", vec![Aspect::Kind]),
        ("/symlink", vec![Aspect::Target, Aspect::Mtime]),
        ("/device", vec![Aspect::Device, Aspect::Mtime]),
        ("/opaque", vec![Aspect::Mtime]),
    ] {
        want.insert(path.to_owned(), ("changed", how));
    }
    for path in ["/deleted", "/gone", "/opaque/below"] {
        want.insert(path.to_owned(), ("deleted", Vec::new()));
    }
    // The other name of what was linked is copied up with it, and is what it was.
    for path in ["/same", "/linked"] {
        want.insert(path.to_owned(), ("same", Vec::new()));
    }
    for path in [
        "/added",
        "/fifo",
        "/node",
        "/socket",
        "/trap",
        "/everything",
        "/opaque/new",
        "/link-again",
    ] {
        want.insert(path.to_owned(), ("added", Vec::new()));
    }
    assert_eq!(told, want);
}
