//! The merged view against the kernel's own mount: every chain here was written through overlayfs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::{Evidence, FileKind, Options, Stat};
use finding::Text;
use snapshots::{Archive, Merged, Prefix, Seen};
use testcase::may_run;

/// What is compared of one name.
type Tree = BTreeMap<PathBuf, String>;

fn line(stat: &Stat, target: Option<&[u8]>, bytes: Option<&[u8]>, xattrs: &str) -> String {
    let mut line = String::new();
    let Stat { mode, uid, gid, .. } = stat;
    write!(line, "{} {mode:o} {uid} {gid} ", stat.kind.word()).unwrap();
    write!(
        line,
        "{} {:?} ",
        stat.mtime,
        stat.rdev.filter(|_| is_device(stat.kind))
    )
    .unwrap();
    if let Some(bytes) = bytes {
        write!(line, "{} {:016x} ", bytes.len(), sum(bytes)).unwrap();
    }
    if let Some(target) = target {
        write!(line, "-> {} ", Text::from(target)).unwrap();
    }
    line + xattrs
}

const fn is_device(kind: FileKind) -> bool {
    matches!(kind, FileKind::Char | FileKind::Block)
}

/// FNV-1a: differences, not collisions, are looked for.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn shown<'x>(xattrs: impl Iterator<Item = (&'x [u8], &'x [u8])>) -> String {
    let mut all: Vec<String> = xattrs
        .map(|(name, value)| format!("{}={}", Text::from(name), Text::from(value)))
        .collect();
    all.sort();
    all.join(" ")
}

/// The tree as the kernel shows it at `root`.
fn kernel(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut todo = vec![PathBuf::new()];
    while let Some(below) = todo.pop() {
        let path = root.join(&below);
        let meta = fs::symlink_metadata(&path);
        let meta = meta.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let kind = meta.file_type();
        let mut stat = Stat::only(if kind.is_dir() {
            FileKind::Dir
        } else if kind.is_symlink() {
            FileKind::Symlink
        } else if kind.is_fifo() {
            FileKind::Fifo
        } else if kind.is_char_device() {
            FileKind::Char
        } else {
            FileKind::File
        });
        stat.mode = meta.mode() & 0o7777;
        (stat.uid, stat.gid) = (meta.uid(), meta.gid());
        let nanos = u32::try_from(meta.mtime_nsec()).unwrap();
        stat.mtime = finding::Time::new(meta.mtime(), nanos);
        let rdev = nix::sys::stat::major(meta.rdev());
        stat.rdev = Some((
            u32::try_from(rdev).unwrap(),
            u32::try_from(nix::sys::stat::minor(meta.rdev())).unwrap(),
        ));
        let target = kind.is_symlink().then(|| fs::read_link(&path).unwrap());
        let bytes = kind.is_file().then(|| fs::read(&path).unwrap());
        let xattrs: Vec<(Vec<u8>, Vec<u8>)> = xattr::list(&path)
            .unwrap()
            .map(|name| {
                let value = xattr::get(&path, &name).unwrap().unwrap_or_default();
                (name.as_bytes().to_vec(), value)
            })
            .collect();
        let xattrs = shown(xattrs.iter().map(|(name, value)| (&name[..], &value[..])));
        if kind.is_dir() {
            for entry in fs::read_dir(&path).unwrap() {
                todo.push(below.join(entry.unwrap().file_name()));
            }
        }
        let target = target
            .as_deref()
            .map(|target| target.as_os_str().as_bytes());
        tree.insert(
            Path::new("/").join(&below),
            line(&stat, target, bytes.as_deref(), &xattrs),
        );
    }
    tree
}

/// The tree as we see it.
fn ours(evidence: &Evidence, merged: &Merged<'_>) -> Tree {
    let mut tree = Tree::new();
    for seen in merged.walk() {
        let (path, entry) = match seen {
            Seen::Entry(path, entry) => (path, entry),
            Seen::Unknown(path, unknown) => panic!("{}: {unknown:?}", path.display()),
        };
        let target = (entry.stat.kind == FileKind::Symlink)
            .then(|| evidence.read_link(&entry.place).unwrap());
        let bytes = entry.stat.is_file().then(|| {
            let mut bytes = Vec::new();
            let at = entry.bytes_at();
            let mut reader = evidence.reader(at.unwrap()).unwrap();
            reader.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let xattrs = merged.xattrs(&entry);
        let xattrs = xattrs.whole().unwrap();
        let xattrs = shown(
            xattrs
                .iter()
                .map(|(name, value)| (name.bytes(), &value[..])),
        );
        let target = target.as_ref().map(Text::bytes);
        let line = line(&entry.stat, target, bytes.as_deref(), &xattrs);
        // A name is looked up as it is listed.
        let again = merged.stat(&path).unwrap();
        assert_eq!(again.place, entry.place, "{}", path.display());
        assert!(tree.insert(path, line).is_none());
    }
    tree
}

/// Changes, always the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn name(&mut self) -> String {
        format!("n{}", self.below(7))
    }
}

fn paths(root: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = kernel(root)
        .into_keys()
        .filter(|path| path != Path::new("/"))
        .map(|path| root.join(path.strip_prefix("/").unwrap()))
        .collect();
    all.sort();
    all
}

/// One change to what is mounted at `root`; it may fail, as a container's would.
fn change(root: &Path, dice: &mut Dice) {
    let all = paths(root);
    let any = |dice: &mut Dice| match all.len() {
        0 => root.to_owned(),
        some => all[dice.below(some)].clone(),
    };
    let folder = |dice: &mut Dice| {
        let path = any(dice);
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_dir() => path,
            _ => path.parent().unwrap().to_owned(),
        }
    };
    let (from, name) = (any(dice), dice.name());
    let to = folder(dice).join(name);
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap();
        drop(output);
    };
    let (from_text, to_text) = (from.to_str().unwrap(), to.to_str().unwrap());
    let is_link = fs::symlink_metadata(&from).is_ok_and(|meta| meta.is_symlink());
    let is_plain = !is_link && from != root;
    match dice.below(19) {
        0..=2 => drop(fs::create_dir(&to)),
        // A FIFO that is there would hold us.
        3 | 4 if fs::symlink_metadata(&to).map_or(true, |meta| meta.is_file()) => {
            drop(fs::write(&to, format!("{to_text} {}", dice.0)));
        }
        5 if is_plain && from.is_file() => {
            drop(
                fs::OpenOptions::new()
                    .append(true)
                    .open(&from)
                    .map(|mut file| {
                        std::io::Write::write_all(&mut file, b"more").unwrap();
                    }),
            );
        }
        6 if is_plain => run(
            "chmod",
            &[["0700", "4755", "2775"][dice.below(3)], from_text],
        ),
        7 => run("chown", &["-h", "1234:567", from_text]),
        8..=10 if from != root => drop(fs::rename(&from, &to)),
        11 if from != root => run("rm", &["-rf", from_text]),
        12 => drop(std::os::unix::fs::symlink(
            ["/etc", "n1", "../n2"][dice.below(3)],
            &to,
        )),
        13 => run("mkfifo", &[to_text]),
        14 => run("mknod", &[to_text, "c", "1", "5"]),
        15 if is_plain => drop(xattr::set(&from, "user.note", dice.name().as_bytes())),
        16 if is_plain => drop(xattr::set(&from, "trusted.note", b"t")),
        17 if is_plain => drop(xattr::set(&from, "trusted.overlay.opaque", b"y")),
        18 if is_plain && from.is_file() => drop(fs::hard_link(&from, &to)),
        _ => {
            // A directory in place of another: opaque.
            if from.is_dir() && from != root {
                run("rm", &["-rf", from_text]);
                drop(fs::create_dir(&from));
                drop(fs::write(from.join("new"), b"new"));
            }
        }
    }
}

/// A mount that ends with the test. Names of layers are short, and relative, so that two hundred
/// of them fit the one page that the kernel takes options in.
struct Mounted(PathBuf);

impl Mounted {
    fn new(base: &Path, options: &str) -> Self {
        let point = base.join("m");
        fs::create_dir_all(&point).unwrap();
        let output = Command::new("mount")
            .current_dir(base)
            .args(["-t", "overlay", "overlay", "-o", options, "m"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{options}: {said}");
        Self(point)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).output());
    }
}

/// `count` layers, each with `changes` changes, written through overlayfs with `options`; compared
/// with the kernel's mount after every `every` layers.
fn chain(seed: u64, count: usize, changes: usize, every: usize, options: &str, prefix: Prefix) {
    let base = tempfile::tempdir().unwrap();
    let base = base.path();
    let mut dice = Dice(seed);
    let mut layers = vec!["b".to_owned()];
    fs::create_dir(base.join("b")).unwrap();
    for _ in 0..changes * 2 {
        change(&base.join("b"), &mut dice);
    }
    for number in 1..=count {
        let (upper, work) = (number.to_string(), format!("w{number}"));
        fs::create_dir(base.join(&upper)).unwrap();
        fs::create_dir(base.join(&work)).unwrap();
        let lower = layers.join(":");
        let all = format!("lowerdir={lower},upperdir={upper},workdir={work}{options}");
        {
            let mounted = Mounted::new(base, &all);
            for _ in 0..changes {
                change(&mounted.0, &mut dice);
            }
            if number % every == 0 || number == count {
                let evidence = Evidence::open(base, &Options::default()).unwrap();
                let mut paths = vec![Path::new("/").join(&upper)];
                paths.extend(layers.iter().map(|layer| Path::new("/").join(layer)));
                let merged = Merged::overlay(&evidence, paths, prefix);
                let (want, found) = (kernel(&mounted.0), ours(&evidence, &merged));
                if want != found {
                    let lines = want
                        .iter()
                        .filter(|(path, line)| found.get(*path) != Some(line));
                    let missing: Vec<_> = lines.collect();
                    let lines = found
                        .iter()
                        .filter(|(path, line)| want.get(*path) != Some(line));
                    let extra: Vec<_> = lines.collect();
                    panic!("seed {seed}, layer {number}:\nkernel {missing:#?}\nours {extra:#?}");
                }
                if number == count {
                    let unpacked = through_a_tar(&evidence, &merged);
                    for (path, line) in &want {
                        assert_eq!(Some(line), unpacked.get(path), "{}", path.display());
                    }
                    assert_eq!(want.len(), unpacked.len());
                }
            }
        }
        layers.insert(0, upper);
    }
}

/// The tree as GNU tar unpacks what we wrote of it.
fn through_a_tar(evidence: &Evidence, merged: &Merged<'_>) -> Tree {
    let scratch = tempfile::tempdir().unwrap();
    let tar = scratch.path().join("tree.tar");
    let mut archive = Archive::new(evidence, fs::File::create(&tar).unwrap());
    for seen in merged.walk() {
        let Seen::Entry(path, entry) = seen else {
            panic!("{seen:?}");
        };
        let put = archive.put(merged, &path, &entry).unwrap();
        assert!(put.lacks.is_empty() && !put.left_out, "{put:?}");
    }
    drop(archive.finish().unwrap());
    let into = scratch.path().join("tree");
    fs::create_dir(&into).unwrap();
    let output = Command::new("tar")
        .args(["--xattrs", "--xattrs-include=*", "--numeric-owner", "-xpf"])
        .arg(&tar)
        .arg("-C")
        .arg(&into)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    kernel(&into)
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

#[test]
#[ignore = "needs root: it mounts overlays"]
fn a_chain_is_what_the_kernel_shows() {
    if !may_run("root", is_root()) {
        return;
    }
    for seed in 1..=12 {
        chain(seed, 6, 25, 1, ",redirect_dir=on", Prefix::Trusted);
    }
}

#[test]
#[ignore = "needs root: it mounts overlays"]
fn files_of_which_only_metadata_were_copied_up() {
    if !may_run("root", is_root()) {
        return;
    }
    for seed in 21..=26 {
        let options = ",redirect_dir=on,metacopy=on,index=off";
        chain(seed, 5, 30, 1, options, Prefix::Trusted);
    }
}

#[test]
#[ignore = "needs root: it mounts overlays"]
fn marks_of_ordinary_users() {
    if !may_run("root", is_root()) {
        return;
    }
    for seed in 31..=36 {
        chain(seed, 5, 25, 1, ",userxattr", Prefix::User);
    }
}

#[test]
#[ignore = "needs root: it mounts overlays"]
fn two_hundred_layers() {
    if !may_run("root", is_root()) {
        return;
    }
    chain(41, 200, 3, 50, ",redirect_dir=on", Prefix::Trusted);
}
