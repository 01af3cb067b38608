//! A bundle proves that it is as it was written, or says where it is not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "a test may fail, and makes the evidence that it reads"
)]

use std::path::Path;

use evidence::bundle::verify::{Verified, Wrong, verify};
use evidence::bundle::write::{Collect, Taken, write};
use evidence::{Budget, Evidence, Options};
use finding::{Text, Time};

/// The plain tar in a bundle of a small node.
fn bundle() -> Vec<u8> {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("run/containerd/task");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(state.join("a"), vec![b'a'; 3_000]).unwrap();
    std::fs::write(state.join("b"), b"bbbb").unwrap();
    std::fs::write(state.join("empty"), b"").unwrap();
    std::os::unix::fs::symlink("a", state.join("link")).unwrap();
    nix::unistd::mkfifo(&state.join("exec.fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let evidence = Evidence::open(root.path(), &Options::default()).unwrap();
    let at = Time::new(1_800_000_000, 0);
    let wanted = Collect {
        roots: vec!["/run".into(), "/not-there".into()],
        taken: vec![
            Taken::directory(Text::from("/proc/7"), true, at),
            Taken::file(Text::from("/proc/7/stat"), b"7 (runc) S".to_vec(), at),
            Taken::link(Text::from("/proc/7/fd/0"), Text::from("pipe:[3]"), at),
        ],
        captured: at,
        tool: "test 1".into(),
        ..Collect::default()
    };
    let mut packed = Vec::new();
    write(&evidence, &wanted, &mut packed).unwrap();
    zstd::decode_all(packed.as_slice()).unwrap()
}

fn verify_bundle(bytes: &[u8]) -> Verified {
    verify(bytes, &Budget::default()).unwrap()
}

fn wrong(bytes: &[u8]) -> Vec<Wrong> {
    let mut wrong: Vec<Wrong> = verify_bundle(bytes)
        .problems
        .iter()
        .map(|it| it.wrong)
        .collect();
    wrong.dedup();
    wrong
}

/// Where `piece` stands in `bytes`.
fn find(bytes: &[u8], piece: &[u8]) -> usize {
    let mut windows = bytes.windows(piece.len());
    windows.position(|window| window == piece).unwrap()
}

#[test]
fn an_untouched_bundle_is_whole() {
    let tar = bundle();
    let verified = verify_bundle(&tar);
    assert_eq!(verified.problems, []);
    assert!(verified.complete);
    assert_eq!(verified.hashed, 4);
    let paths: Vec<String> = verified
        .entries
        .iter()
        .map(|it| it.path.to_string())
        .collect();
    assert!(paths.contains(&"/run/containerd/task/exec.fifo".to_owned()));
    assert!(paths.contains(&"/proc/7/stat".to_owned()), "{paths:?}");
    // What was taken before the walk is read as the rest is.
    let evidence = Evidence::open_stream(tar.as_slice(), &Options::default()).unwrap();
    assert_eq!(evidence.notes(), Vec::<String>::new());
    let stat = evidence.source(Path::new("/proc/7/stat"), 100).unwrap();
    assert_eq!(stat.bytes(), b"7 (runc) S");
    let link = evidence.read_link(Path::new("/proc/7/fd/0")).unwrap();
    assert_eq!(link, "pipe:[3]");
}

#[test]
fn every_flipped_byte_is_noticed() {
    let tar = bundle();
    // Not in headers: a member's mode and owner there are only for those who unpack it.
    for (piece, want) in [
        (&b"bbbb"[..], Wrong::HashDiffers),
        (&b"aaaaaaaaaaaaaaaa"[..], Wrong::HashDiffers),
        (&b"\"mode\":"[..], Wrong::ManifestDiffers),
    ] {
        let mut bad = tar.clone();
        let at = find(&bad, piece) + piece.len() - 1;
        bad[at] = if bad[at] == b':' { b' ' } else { b'X' };
        let found = wrong(&bad);
        assert!(
            found.contains(&want) || found.contains(&Wrong::ManifestDamaged),
            "{want:?}: {found:?}"
        );
    }
    let mut bad = tar.clone();
    let at = find(&bad, b"\"sha256\":\"") + 10;
    bad[at] = if bad[at] == b'0' { b'1' } else { b'0' };
    assert_eq!(wrong(&bad), [Wrong::HashDiffers]);
}

#[test]
fn a_cut_bundle_says_until_where_it_is_whole() {
    let tar = bundle();
    let body = find(&tar, b"bbbb");
    let mut last = 0;
    for cut in (2048..tar.len() - 1024).step_by(512) {
        let verified = verify_bundle(&tar[..cut]);
        let found: Vec<Wrong> = verified.problems.iter().map(|it| it.wrong).collect();
        assert!(found.contains(&Wrong::Cut), "{cut}: {found:?}");
        assert!(!verified.complete);
        let until = verified.whole_until.map_or(0, |(_, at)| at);
        assert!(
            until >= last && until <= u64::try_from(cut).unwrap(),
            "{cut}: {until}"
        );
        last = until;
    }
    let verified = verify_bundle(&tar[..body + 2]);
    let (path, _) = verified.whole_until.unwrap();
    assert_eq!(path, "/run/containerd/task/a");
}

#[test]
fn what_is_added_or_taken_away_is_named() {
    let tar = bundle();
    let body = find(&tar, b"bbbb");
    // Where each member begins: a PAX header, its records, the file's header, the bytes.
    let from = find(&tar, b"coroner.pax");
    let mut starts: Vec<usize> = Vec::new();
    let mut at = from;
    while at + 512 <= tar.len() {
        if tar[at..].starts_with(b"coroner.pax") {
            starts.push(at);
        }
        at += 512;
    }
    let b = starts.iter().rposition(|at| *at < body).unwrap();
    let member = &tar[starts[b]..starts[b + 1]];
    let gone = [&tar[..starts[b]], &tar[starts[b + 1]..]].concat();
    let problems = verify_bundle(&gone).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].wrong, Wrong::Missing);
    assert_eq!(problems[0].path, Some(Text::from("/run/containerd/task/b")));
    let twice = [&tar[..starts[b]], member, member, &tar[starts[b + 1]..]].concat();
    assert_eq!(wrong(&twice), [Wrong::Twice]);
    // Somebody's file under another name.
    let mut other = tar.clone();
    let name = b"run/containerd/task/b\n";
    let at = starts[b] + find(&tar[starts[b]..], name);
    other[at + name.len() - 2] = b'c';
    let found = wrong(&other);
    assert!(found.contains(&Wrong::Added), "{found:?}");
    assert!(found.contains(&Wrong::Missing), "{found:?}");
    // After the end.
    let mut longer = tar.clone();
    longer.extend_from_slice(&[b'x'; 700]);
    assert_eq!(wrong(&longer), [Wrong::Garbage]);
    // After the trailer.
    let tail = tar.len() - 1024;
    let after = [&tar[..tail], member, &tar[tail..]].concat();
    assert_eq!(wrong(&after), [Wrong::Added]);
}

#[test]
fn what_is_no_bundle_is_said_to_be_none() {
    for bytes in [&b""[..], b"garbage", &[0; 2048]] {
        assert!(verify(bytes, &Budget::default()).is_err());
    }
}
