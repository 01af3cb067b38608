//! Documents of real nodes: all of them are understood, agree with oci-spec, and ten thousand
//! mutants of them neither panic nor hang.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use content::{Digest, Document, Fault, Kind, Store, chain_ids};
use evidence::{Evidence, Options};
use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest};

const ROOT: &str = "/var/lib/containerd/io.containerd.content.v1.content";

fn captures() -> Vec<PathBuf> {
    let nodes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/nodes");
    let mut found: Vec<PathBuf> = std::fs::read_dir(nodes)
        .unwrap()
        .map(|entry| entry.unwrap().path().join("node.tar.zst"))
        .filter(|path| path.metadata().is_ok())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "testdata/nodes holds no capture");
    found
}

/// Every JSON document of every capture: bytes by digest.
fn documents() -> BTreeMap<Digest, Vec<u8>> {
    let mut documents = BTreeMap::new();
    for path in captures() {
        let evidence = Evidence::open(&path, &Options::default()).unwrap();
        let store = Store::read_store(&evidence, Path::new(ROOT));
        for blob in &store
            .whole()
            .unwrap_or_else(|| panic!("{}: {store:?}", path.display()))
            .blobs
        {
            let Ok(source) = evidence.source(&blob.path, content::DOCUMENT_LIMIT) else {
                continue;
            };
            if source.bytes().starts_with(b"{") {
                documents.insert(blob.digest.clone(), source.bytes().to_vec());
            }
        }
    }
    documents
}

#[test]
fn stores_of_real_nodes_are_in_order() {
    for path in captures() {
        let evidence = Evidence::open(&path, &Options::default()).unwrap();
        let store = Store::read_store(&evidence, Path::new(ROOT));
        let store = store
            .whole()
            .unwrap_or_else(|| panic!("{}: {store:?}", path.display()));
        assert!(!store.blobs.is_empty());
        assert_eq!(
            (store.strays.len(), store.others.len()),
            (0, 0),
            "{}",
            path.display()
        );
        for ingest in &store.ingests {
            assert_eq!(ingest.faults, [], "{}", path.display());
        }
        assert!(store.blobs.iter().all(content::Blob::is_read_only));
    }
}

#[test]
fn documents_of_real_nodes_agree_with_oci_spec() {
    let documents = documents();
    let mut configs = BTreeMap::new();
    let mut manifests = Vec::new();
    for (digest, bytes) in &documents {
        let document = Document::parse(bytes, None).unwrap();
        assert_eq!(document.faults, [], "{digest}");
        assert!(document.unknown.is_empty(), "{digest}");
        assert!(document.is_whole());
        let want: Vec<(String, u64)> = match document.kind {
            Kind::Manifest => {
                let oci = ImageManifest::from_reader(bytes.as_slice()).unwrap();
                let all = std::iter::once(oci.config()).chain(oci.layers());
                all.map(|it| (it.digest().to_string(), it.size())).collect()
            }
            Kind::Index => {
                let oci = ImageIndex::from_reader(bytes.as_slice()).unwrap();
                oci.manifests()
                    .iter()
                    .map(|it| (it.digest().to_string(), it.size()))
                    .collect()
            }
            _ => {
                let oci = ImageConfiguration::from_reader(bytes.as_slice()).unwrap();
                let ours: Vec<String> = document
                    .diff_ids()
                    .iter()
                    .map(ToString::to_string)
                    .collect();
                assert_eq!(oci.rootfs().diff_ids(), &ours);
                configs.insert(digest.clone(), document.config().unwrap().clone());
                continue;
            }
        };
        let found = document.links().iter().map(|link| &link.descriptor);
        let found: Vec<(String, u64)> = found.map(|it| (it.digest.to_string(), it.size)).collect();
        assert_eq!(found, want, "{digest}");
        if document.kind == Kind::Manifest {
            manifests.push(document);
        }
    }
    assert!(manifests.len() > 3 && configs.len() > 3);
    for manifest in &manifests {
        let config = configs.get(&manifest.links()[0].descriptor.digest);
        let Some(config) = config else { continue };
        assert_eq!(manifest.disagrees(config), None);
        assert_eq!(config.chain_ids(), chain_ids(&config.diff_ids));
    }
}

#[test]
fn mutants_of_real_documents_do_not_panic() {
    let documents = documents();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let words: [&[u8]; 12] = [
        b"null",
        b"-1",
        b"1e999",
        b"18446744073709551615",
        b"\"\"",
        b"[]",
        b"{}",
        b"\\ud800",
        b"\"",
        b"\xff",
        b"sha256:",
        b"layers",
    ];
    let mut faults = 0_usize;
    let mut errors = 0_usize;
    for round in 0..10_000 {
        let (_, good) = documents.iter().nth(round % documents.len()).unwrap();
        let mut bytes = good.clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes.truncate(at.max(1)),
                2 => {
                    let word = words[next(words.len())];
                    let end = (at + next(8)).min(bytes.len());
                    bytes.splice(at..end, word.iter().copied());
                }
                _ => {
                    let end = (at + next(40)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
        }
        for claimed in [None, Some("application/vnd.oci.image.manifest.v1+json")] {
            match Document::parse(&bytes, claimed) {
                Ok(document) => {
                    faults += document.faults.len();
                    let shown: Vec<String> = document.faults.iter().map(Fault::to_string).collect();
                    assert!(shown.iter().all(|text| !text.contains('\u{1b}')));
                    let _ = document.config().map(content::ImageConfig::chain_ids);
                }
                Err(fault) => {
                    errors += 1;
                    assert!(!fault.to_string().is_empty());
                }
            }
        }
    }
    assert!(
        errors > 1000 && faults > 1000,
        "{errors} errors, {faults} faults"
    );
}
