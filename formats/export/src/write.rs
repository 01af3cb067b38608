//! Writes what was planned.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use content::{Digest, Store};
use evidence::Evidence;
use layer::{Inflating, Limits, Watch};
use names::Target;
use serde_json::json;

use crate::documents::{Documents, blob_path, index_json, tag};
use crate::output::{Output, Wrote};
use crate::plan::{From, Piece, Plan};

/// Writes the files of an export.
pub(crate) struct Writer<'w> {
    pub(crate) evidence: &'w Evidence,
    pub(crate) store: &'w Store,
    pub(crate) cancel: &'w AtomicBool,
    pub(crate) output: &'w mut Output,
    pub(crate) progress: &'w (dyn Fn(u64) + Sync),
    pub(crate) files: Vec<Wrote>,
    pub(crate) done: BTreeSet<String>,
}

/// Tells how far a file is, and ends where Ctrl-C was pressed.
struct Watched<'w, R> {
    reader: R,
    cancel: &'w AtomicBool,
    progress: &'w (dyn Fn(u64) + Sync),
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.cancel.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(io::Error::other("it was interrupted"));
        }
        let count = self.reader.read(into)?;
        (self.progress)(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}

impl Writer<'_> {
    fn put(
        &mut self,
        name: &str,
        size: u64,
        from: &'static str,
        want: Option<&Digest>,
        reader: impl Read,
    ) -> io::Result<()> {
        if !self.done.insert(name.to_owned()) {
            return Ok(());
        }
        let reader = Watched {
            reader,
            cancel: self.cancel,
            progress: self.progress,
        };
        let wrote = self.output.put(name, size, from, reader)?;
        if want
            .is_some_and(|want| want.as_str().starts_with("sha256:") && want.hex() != wrote.sha256)
        {
            return Err(io::Error::other(format!(
                "{name} changed while it was read: its bytes are now sha256:{}",
                wrote.sha256
            )));
        }
        self.files.push(wrote);
        Ok(())
    }

    fn bytes(&mut self, name: &str, bytes: &[u8], from: &'static str) -> io::Result<()> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.put(name, size, from, None, bytes)
    }

    fn layer(&mut self, name: &str, piece: &Piece) -> io::Result<()> {
        if self.done.contains(name) {
            return Ok(());
        }
        let path = Store::path_of(&self.store.root, &piece.wanted);
        let evidence = self.evidence;
        let open = || evidence.reader(&path).map_err(io::Error::other);
        let want = Some(&piece.digest);
        match &piece.from {
            From::Blob => self.put(name, piece.size, "blob", want, open()?),
            From::Inflated => {
                let watch = Watch {
                    cancel: self.cancel,
                    ..Watch::default()
                };
                let inflating = Inflating::new(open()?, Limits::default(), watch);
                self.put(name, piece.size, "inflated", want, inflating)
            }
            From::Snapshot(source) => {
                // A writer on one side, a reader on the other: a pipe inside the process.
                let (reader, writer) = io::pipe()?;
                let cancel = self.cancel;
                std::thread::scope(|scope| {
                    let maker =
                        scope.spawn(move || source.write(evidence, writer, cancel).map(drop));
                    let put = self.put(name, piece.size, "rebuilt", want, reader);
                    let made = maker
                        .join()
                        .unwrap_or_else(|_| Err(io::Error::other("it failed")));
                    // A reader that gives up breaks the pipe of the maker: its own reason counts.
                    put.and(made)
                })
            }
        }
    }

    /// An OCI layout; in an archive that docker can load, too, where there is one platform.
    pub(crate) fn oci(
        &mut self,
        target: &Target,
        plan: &Plan<'_>,
        documents: &Documents,
    ) -> io::Result<Digest> {
        self.bytes("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#, "made")?;
        self.bytes("index.json", &index_json(&documents.root), "made")?;
        if let (Output::Archive { .. }, [whole], [(_, config)]) =
            (&self.output, &plan.whole[..], &documents.manifests[..])
        {
            let layers = whole.layers.iter().map(|piece| blob_path(&piece.digest));
            let layers: Vec<String> = layers.collect();
            let json = manifest_json(target, &blob_path(config), &layers);
            self.bytes("manifest.json", &json, "made")?;
        }
        for (digest, made) in &documents.blobs {
            let from = if made.is_original {
                "document"
            } else {
                "rewritten"
            };
            self.bytes(&blob_path(digest), &made.bytes, from)?;
        }
        for piece in plan.whole.iter().flat_map(|whole| &whole.layers) {
            self.layer(&blob_path(&piece.digest), piece)?;
        }
        let root = documents.root.get("digest");
        let root = root.and_then(|root| Digest::parse(root.as_str()?).ok());
        root.ok_or_else(|| io::Error::other("it has no root"))
    }

    /// What `docker save` wrote before release 25.
    pub(crate) fn docker(
        &mut self,
        target: &Target,
        plan: &Plan<'_>,
        documents: &Documents,
    ) -> io::Result<Digest> {
        let ([whole], [(_, config)]) = (&plan.whole[..], &documents.manifests[..]) else {
            return Err(io::Error::other("it is not one platform"));
        };
        let name = |digest: &Digest, suffix: &str| format!("{}.{suffix}", digest.hex());
        let layers = whole.layers.iter().map(|piece| name(&piece.digest, "tar"));
        let layers: Vec<String> = layers.collect();
        let json = manifest_json(target, &name(config, "json"), &layers);
        self.bytes("manifest.json", &json, "made")?;
        if let Some(made) = documents.blobs.get(config) {
            let from = if made.is_original {
                "document"
            } else {
                "rewritten"
            };
            self.bytes(&name(config, "json"), &made.bytes, from)?;
        }
        for piece in &whole.layers {
            self.layer(&name(&piece.digest, "tar"), piece)?;
        }
        Ok(config.clone())
    }
}

/// Docker's manifest.json.
fn manifest_json(target: &Target, config: &str, layers: &[String]) -> Vec<u8> {
    let name = target.image.as_ref().and_then(|(_, name)| name.utf8());
    let tags: Option<Vec<&str>> = name
        .filter(|name| tag(name).is_some())
        .map(|name| vec![name]);
    json!([{ "Config": config, "RepoTags": tags, "Layers": layers }])
        .to_string()
        .into_bytes()
}
