//! A capture as a folder, every verb of every tool, and programs that are given a time.

use std::fmt::Write as _;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testcase::Tar;

/// meta.db in a node.
pub const META: &str = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";

/// What a run of a program gave.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The processor time that it took.
    pub took: Duration,
}

/// More than this is a hang. Debug builds are slow: the promise is a second.
pub const LIMIT: Duration = Duration::from_secs(30);

/// State and processor time (in ticks) of a child that was not waited for yet.
fn looked_at(child: u32) -> (char, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).expect("a child");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| -> u64 { fields[at].parse().expect("ticks") };
    (rest.chars().next().expect("a state"), ticks(11) + ticks(12))
}

/// Runs a command to its end, or kills it.
pub fn run(command: &mut Command) -> Ran {
    let start = Instant::now();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("spawn");
    let drain = |mut pipe: Box<dyn Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).expect("pipe");
            String::from_utf8(bytes).expect("UTF-8")
        })
    };
    let out = drain(Box::new(child.stdout.take().expect("stdout")));
    let err = drain(Box::new(child.stderr.take().expect("stderr")));
    // What waits for somebody for so long waits for ever, however busy the machine is.
    let ticks = loop {
        let (state, ticks) = looked_at(child.id());
        if state == 'Z' {
            break ticks;
        }
        if start.elapsed() > 20 * LIMIT {
            child.kill().expect("kill");
            break u64::MAX / 10;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let status = child.wait().expect("wait");
    let took = Duration::from_millis(ticks * 10);
    Ran {
        code: status.code(),
        out: out.join().expect("out"),
        err: err.join().expect("err"),
        took,
    }
}

/// `coroner` with these words.
pub fn coroner(words: &[String]) -> Ran {
    run(Command::new(env!("CARGO_BIN_EXE_coroner")).args(words))
}

/// Every verb of every tool on the node or tar at `node`; those of `bolt` on a file, if there is one.
pub fn verbs(node: &Path, meta: Option<&Path>, scratch: &Path) -> Vec<Vec<String>> {
    let node = node.to_str().expect("path");
    // What is written is written anew each time.
    let new = |name: &str| {
        let path = scratch.join(name);
        let _ = std::fs::remove_file(&path);
        path.to_str().expect("path").to_owned()
    };
    let (bundle, tree) = (new("bundle.tar.zst"), new("tree.tar"));
    let (bundle, tree) = (bundle.as_str(), tree.as_str());
    let folder = scratch.join("extracted");
    clear(&folder);
    let folder = folder.to_str().expect("path");
    let image = new("image.tar");
    let image = image.as_str();
    let mut lines = vec![
        vec!["triage", "--hash", "--usage", "--layers", node],
        vec!["triage", "--format", "json", node],
        vec!["preflight", node],
        vec!["preflight", "--daemon", "2.3", "--format", "json", node],
        vec!["repair", node],
        vec!["repair", "plan", "--format", "json", node],
        vec!["repair", "release", node],
        vec!["repair", "draft", node],
        vec!["meta", "ls", node, "containers"],
        vec!["meta", "ls", node, "images"],
        vec!["meta", "ls", node, "snapshots", "--format", "json"],
        vec!["meta", "show", node, "containers", "record"],
        vec!["meta", "history", "containers", "record", node],
        vec!["content", "ls", node],
        vec!["content", "verify", node],
        vec!["content", "verify", "--layers", "--format", "json", node],
        vec![
            "content",
            "verify",
            "--sample",
            "30%",
            "--time-limit",
            "1m",
            node,
        ],
        vec!["content", "graph", node, "default/images.example/app:1"],
        vec![
            "content",
            "graph",
            "--hash",
            "--format",
            "json",
            node,
            "default/images.example/multi:1",
        ],
        vec![
            "content",
            "cat",
            "--pretty",
            node,
            "default/images.example/app:1",
        ],
        vec![
            "content",
            "cat",
            node,
            "default/images.example/app:1:/etc/relative",
        ],
        vec![
            "content",
            "export",
            "-o",
            image,
            node,
            "default/images.example/app:1",
        ],
        vec!["snapshots", "ls", node],
        vec!["snapshots", "tree", node],
        vec!["snapshots", "check", node],
        vec!["snapshots", "orphans", node],
        vec![
            "snapshots",
            "extract",
            "-o",
            folder,
            node,
            "default/sleeper",
        ],
        vec!["snapshots", "verify", node],
        vec![
            "snapshots",
            "verify",
            "--format",
            "json",
            node,
            "overlayfs/1",
        ],
        vec!["snapshots", "files", "--sha256", node, "default/sleeper"],
        vec![
            "snapshots",
            "files",
            "--format",
            "json",
            "--xattrs",
            node,
            "overlayfs/1",
        ],
        vec!["snapshots", "cat", node, "default/sleeper", "/etc/relative"],
        vec!["snapshots", "diff", node, "default/sleeper"],
        vec![
            "snapshots",
            "export",
            "--layer",
            "-o",
            tree,
            node,
            "default/sleeper",
        ],
        vec!["runtime", "ls", node],
        vec!["runtime", "stuck", "--all", node],
        vec!["runtime", "show", node, "sleeper"],
        vec!["runtime", "fifo", node, "fresh"],
        vec!["runtime", "shims", "--format", "json", node],
        vec!["runtime", "mounts", node],
        vec!["timeline", "--layers", node],
        vec!["logs", node],
        vec!["logs", "--all", "--pods", node],
        vec!["logs", "--names", "--format", "json", node],
        vec!["timeline", "--format", "jsonl", node],
        vec!["timeline", "--format", "bodyfile", node],
        vec!["gc", "--simulate", "--all", "--usage", node],
        vec!["gc", "--simulate", "--dirty", "--format", "json", node],
        vec!["why", node, "keeps-a-blob"],
        vec!["why", "--format", "json", node, "sleeper"],
        vec!["owner", node, "1"],
        vec!["owner", "--format", "json", node, "--inode", "7"],
        vec![
            "owner",
            node,
            "overlay / overlay rw,lowerdir=/a:/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs,upperdir=/b 0 0",
            "/run/containerd/io.containerd.runtime.v2.task/default/sleeper/rootfs/etc",
        ],
        vec!["df", "--layers", node],
        vec!["df", "--no-usage", "--format", "json", node],
        vec!["collect", "-o", bundle, node],
        vec!["bundle", "verify", bundle],
        vec!["bundle", "ls", "--format", "json", bundle],
    ];
    if let Some(meta) = meta {
        let meta = meta.to_str().expect("path");
        lines.extend([
            vec!["core", "info", meta],
            vec!["core", "goroutines", meta],
            vec!["core", "export", meta],
            vec!["core", "deadlocks", meta],
            vec!["core", "threads", meta],
            vec!["core", "strings", meta],
            vec!["core", "env", meta],
            vec!["core", "fds", meta],
            vec!["core", "memory", meta],
            vec!["bolt", "info", meta],
            vec!["bolt", "check", meta],
            vec!["bolt", "pages", meta],
            vec!["bolt", "page", meta, "2"],
            vec!["bolt", "tree", meta],
            vec!["bolt", "keys", meta, "v1"],
            vec!["bolt", "buckets", meta, "v1"],
            vec!["bolt", "get", meta, "v1", "version"],
            vec!["bolt", "diff", meta, meta],
            vec!["bolt", "stats", meta],
            vec!["bolt", "dump", meta],
            vec!["bolt", "carve", meta],
            vec!["bolt", "compact", meta],
            vec!["bolt", "surgery", "meta", meta],
        ]);
    }
    lines
        .into_iter()
        .map(|line| line.into_iter().map(str::to_owned).collect())
        .collect()
}

/// Whether this test is root.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

/// Unpacks a capture, without devices where that needs root.
pub fn unpack(tar: &Tar, to: &Path) {
    let root = is_root();
    for member in &tar.members {
        let path = to.join(std::ffi::OsString::from_vec(member.path.clone()));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("folder");
        }
        match member.header[156] {
            b'5' => std::fs::create_dir_all(&path).expect("folder"),
            b'0' | 0 => std::fs::write(&path, &member.data).expect("file"),
            b'2' => {
                let link = &member.header[157..257];
                let end = link
                    .iter()
                    .position(|byte| *byte == 0)
                    .unwrap_or(link.len());
                let target = std::ffi::OsStr::from_bytes(&link[..end]);
                std::os::unix::fs::symlink(target, &path).expect("link");
            }
            b'6' => fifo(&path),
            b'3' if root => device(&path),
            _ => {}
        }
    }
}

/// Makes a FIFO in place of what is there.
pub fn fifo(path: &Path) {
    clear(path);
    assert!(
        Command::new("mkfifo")
            .arg(path)
            .status()
            .expect("mkfifo")
            .success()
    );
}

/// Makes the device `1:5`, /dev/zero, in place of what is there. Needs root.
pub fn device(path: &Path) {
    clear(path);
    let status = Command::new("mknod")
        .arg(path)
        .args(["c", "1", "5"])
        .status();
    assert!(status.expect("mknod").success());
}

/// Makes a link in place of what is there.
pub fn link(path: &Path, target: &str) {
    clear(path);
    std::os::unix::fs::symlink(target, path).expect("link");
}

/// Removes what is there.
pub fn clear(path: &Path) {
    if let Ok(stat) = std::fs::symlink_metadata(path) {
        if stat.is_dir() {
            std::fs::remove_dir_all(path).expect("remove");
        } else {
            std::fs::remove_file(path).expect("remove");
        }
    }
}

/// Everything that is known of a tree: names, types, sizes, modes, all times, xattrs, contents.
pub fn fingerprint(root: &Path) -> String {
    let mut all = String::new();
    let mut open = vec![root.to_path_buf()];
    let links = is_root();
    while let Some(path) = open.pop() {
        let stat = std::fs::symlink_metadata(&path).expect("lstat");
        let kind = stat.file_type();
        // Reading a link moves its atime, and only root can keep that from the evidence.
        let atime = if kind.is_symlink() && !links {
            0
        } else {
            stat.atime_nsec()
        };
        let _ = write!(
            all,
            "{path:?} {:o} {} {} {} {}.{} {}.{} {atime}",
            stat.mode(),
            stat.size(),
            stat.uid(),
            stat.nlink(),
            stat.mtime(),
            stat.mtime_nsec(),
            stat.ctime(),
            stat.ctime_nsec(),
        );
        for name in xattr::list(&path)
            .into_iter()
            .flatten()
            .filter(|_| !kind.is_symlink())
        {
            let _ = write!(all, " {name:?}={:?}", xattr::get(&path, &name).ok());
        }
        if kind.is_file() && stat.size() < 1 << 24 {
            let mut options = std::fs::OpenOptions::new();
            // O_NOATIME
            let mut file = options
                .read(true)
                .custom_flags(0o1_000_000)
                .open(&path)
                .expect("open");
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("read");
            let sum = bytes.iter().fold(0_u64, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
            });
            let _ = write!(all, " {sum:x}");
        }
        all.push('\n');
        if kind.is_dir() {
            let mut entries = list(&path);
            entries.sort();
            open.extend(entries);
        }
    }
    all
}

/// What is in a folder, without moving its atime: else nobody could tell whether a tool did.
fn list(folder: &Path) -> Vec<PathBuf> {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOATIME;
    let mut open = nix::dir::Dir::open(folder, flags, nix::sys::stat::Mode::empty()).expect("list");
    let names = open
        .iter()
        .map(|entry| entry.expect("entry").file_name().to_owned());
    names
        .filter(|name| !matches!(name.to_bytes(), b"." | b".."))
        .map(|name| folder.join(std::ffi::OsStr::from_bytes(name.to_bytes())))
        .collect()
}
