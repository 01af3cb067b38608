//! The store's directories, good and damaged, and the real captures.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use content::{Digest, DigestError, IngestFault, Store, Why};
use evidence::{Evidence, Options};
use finding::{Known, Unread};

const ROOT: &str = "/content";

struct Node(tempfile::TempDir);

impl Node {
    fn new() -> Self {
        let node = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(node.path("blobs/sha256")).unwrap();
        fs::create_dir_all(node.path("ingest")).unwrap();
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("content").join(name)
    }

    fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256_of(bytes);
        let path = self.path("blobs/sha256").join(digest.hex());
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        digest
    }

    fn ingest(&self, reference: &str, files: &[(&str, &str)]) -> PathBuf {
        let name = Digest::sha256_of(reference.as_bytes());
        let folder = self.path("ingest").join(name.hex());
        fs::create_dir(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        folder
    }

    fn evidence(&self) -> Evidence {
        Evidence::open(self.0.path(), &Options::default()).unwrap()
    }

    fn read_store(&self) -> Store {
        match Store::read_store(&self.evidence(), Path::new(ROOT)) {
            Known::Whole(store) => store,
            other => panic!("{other:?}"),
        }
    }
}

const WHOLE: &[(&str, &str)] = &[
    ("ref", "k8s.io/1/layer-sha256:x"),
    ("data", "12345"),
    ("startedat", "2026-11-21T03:59:10.5Z"),
    ("updatedat", "2026-11-21T03:59:11Z"),
    ("total", "10"),
];

#[test]
fn a_good_store() {
    let node = Node::new();
    let (one, two) = (node.blob(b"one"), node.blob(b"two"));
    node.ingest("k8s.io/1/layer-sha256:x", WHOLE);
    let store = node.read_store();
    assert!(store.is_there && store.strays.is_empty() && store.others.is_empty());
    assert_eq!(store.blobs.len(), 2);
    assert_eq!(store.blob(&one).unwrap().stat.size, 3);
    assert!(store.blob(&two).unwrap().is_read_only());
    assert_eq!(store.blob(&Digest::sha256_of(b"three")), None);
    assert_eq!(store.size(), 6);
    let ingest = &store.ingests[0];
    assert_eq!(ingest.faults, []);
    assert_eq!(
        ingest.reference.as_ref().unwrap(),
        &"k8s.io/1/layer-sha256:x"
    );
    assert_eq!(ingest.progress(), Some((5, 10)));
    // The data file is younger than what `updatedat` says, and containerd takes the later.
    assert!(ingest.updated_at > ingest.started_at);
}

#[test]
fn what_is_no_blob_is_a_stray_with_its_reason() {
    let node = Node::new();
    let digest = node.blob(b"one");
    let folder = node.path("blobs/sha256");
    fs::write(folder.join("short"), b"").unwrap();
    fs::write(folder.join("A".repeat(64)), b"").unwrap();
    fs::create_dir(folder.join("b".repeat(64))).unwrap();
    symlink("/etc/passwd", folder.join("c".repeat(64))).unwrap();
    nix_fifo(&folder.join("d".repeat(64)));
    fs::create_dir_all(node.path("blobs/md5")).unwrap();
    fs::write(node.path(".fsverity-check-1"), b"").unwrap();
    fs::write(node.path("ingest/file"), b"").unwrap();
    let store = node.read_store();
    assert_eq!(
        store
            .blobs
            .iter()
            .map(|blob| &blob.digest)
            .collect::<Vec<_>>(),
        [&digest]
    );
    let why: Vec<String> = store
        .strays
        .iter()
        .map(|stray| stray.why.to_string())
        .collect();
    assert_eq!(
        why,
        [
            "a regular file with a name that is no digest: invalid checksum digest format",
            "a directory under the name of a blob",
            "a symlink under the name of a blob",
            "a fifo under the name of a blob",
            "a regular file with a name that is no digest: invalid checksum digest length: 5 digits, not 64",
        ]
    );
    assert!(matches!(
        store.strays[4].why,
        Why::NotADigest(DigestError::Length { .. }, _)
    ));
    let others: Vec<Why> = store.others.iter().map(|other| other.why).collect();
    assert!(others.contains(&Why::UnknownAlgorithm));
    assert!(others.contains(&Why::BesideTheStore));
    assert!(others.iter().any(|why| matches!(why, Why::NotAnIngest(_))));
}

fn nix_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn each_damage_of_an_ingest_is_named() {
    let node = Node::new();
    let cases: &[(&str, &str, IngestFault)] = &[
        ("ref", "", IngestFault::Missing("ref")),
        ("data", "", IngestFault::Missing("data")),
        ("startedat", "", IngestFault::Missing("startedat")),
        (
            "updatedat",
            "0000",
            IngestFault::NotATime("updatedat", "0000".into()),
        ),
        ("total", "many", IngestFault::NotANumber("many".into())),
    ];
    for (number, (name, text, fault)) in cases.iter().enumerate() {
        let reference = format!("default/1/{number}");
        let folder = node.ingest(&reference, WHOLE);
        fs::write(folder.join("ref"), &reference).unwrap();
        if text.is_empty() {
            fs::remove_file(folder.join(name)).unwrap();
        } else {
            fs::write(folder.join(name), text).unwrap();
        }
        let store = node.read_store();
        let ingest = store
            .ingests
            .iter()
            .find(|it| it.path.ends_with(folder.file_name().unwrap()));
        assert_eq!(
            ingest.unwrap().faults.as_slice(),
            core::slice::from_ref(fault),
            "{name}"
        );
    }
    let folder = node.ingest("default/1/other", WHOLE);
    fs::remove_file(folder.join("data")).unwrap();
    nix_fifo(&folder.join("data"));
    let store = node.read_store();
    let ingest = store
        .ingests
        .iter()
        .find(|it| it.path.ends_with(folder.file_name().unwrap()));
    let faults = &ingest.unwrap().faults;
    assert!(
        matches!(faults[0], IngestFault::Misnamed { .. }),
        "{faults:?}"
    );
    assert_eq!(faults[1], IngestFault::NotAFile("data", "fifo"));
}

#[test]
fn absent_is_not_unknown() {
    let node = Node::new();
    fs::remove_dir_all(node.path("")).unwrap();
    // Its parent is there: it is known that the store is not.
    let store = node.read_store();
    assert!(!store.is_there && store.blobs.is_empty());
    let lost = Store::read_store(&node.evidence(), Path::new("/nowhere/content"));
    assert!(matches!(lost, Known::Lost(_)), "{lost:?}");
    fs::write(node.0.path().join("content"), b"a file").unwrap();
    let lost = Store::read_store(&node.evidence(), Path::new(ROOT));
    assert!(matches!(lost, Known::Lost(_)), "{lost:?}");
}

#[test]
fn a_document_is_checked_before_it_is_read() {
    let node = Node::new();
    let digest = node.blob(br#"{"schemaVersion":2,"manifests":[]}"#);
    let index = "application/vnd.oci.image.index.v1+json";
    let evidence = node.evidence();
    let root = Path::new(ROOT);
    assert!(Store::document(&evidence, root, &digest, Some(index)).is_ok());
    let path = Store::path_of(&node.path(""), &digest);
    fs::remove_file(&path).unwrap();
    fs::write(&path, b"{}").unwrap();
    let altered = Store::document(&evidence, root, &digest, None);
    assert!(matches!(
        altered,
        Err(content::DocumentError::Altered { size: 2, .. })
    ));
    fs::remove_file(&path).unwrap();
    let gone = Store::document(&evidence, root, &digest, None);
    assert_eq!(gone, Err(content::DocumentError::Unread(Unread::Absent)));
}
