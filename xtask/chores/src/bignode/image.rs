//! Images: a base that several share, and layers of their own.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;

use super::encode::{Bucket, varint};
use super::layer::Layer;
use super::snapshot::Snapshots;
use super::store::{Store, digest};
use super::{BASE_LAYERS, IMAGES_OF_A_BASE, OWN_LAYERS, Plan, made};

/// The namespace of every fifth image, and that of the others.
const FIFTH: u64 = 5;

/// One image.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) namespace: &'static str,
    pub(super) config: String,
    manifest: String,
    manifest_size: u64,
    /// The chain ID of its uppermost layer.
    pub(super) top: String,
}

/// What makes images.
struct Maker<'s> {
    store: &'s mut Store,
    snapshots: &'s mut Snapshots,
    /// Layers that were packed already, by their number.
    packed: BTreeMap<u64, Packed>,
}

/// A layer that is to be made: its number, its entries, the number of the layer below.
type Wanted = (u64, u64, Option<u64>);

/// All images; the first is that of the pods' sandboxes.
#[derive(Debug)]
pub(super) struct Images(pub(super) Vec<Image>);

/// What a layer is known by.
#[derive(Debug, Clone)]
struct Packed {
    digest: String,
    size: u64,
    diff_id: String,
}

fn namespace(image: u64) -> &'static str {
    if image.rem_euclid(FIFTH) == 4 {
        "default"
    } else {
        "k8s.io"
    }
}

const fn bases(images: u64) -> u64 {
    images.div_ceil(IMAGES_OF_A_BASE)
}

/// Snapshots of layers that so many images have: each base is unpacked once for each namespace.
pub(super) fn layers(images: u64) -> u64 {
    let bases = (0..images).map(|image| (namespace(image), image.rem_euclid(bases(images))));
    let bases: std::collections::BTreeSet<_> = bases.collect();
    let bases = u64::try_from(bases.len()).unwrap_or(0);
    // And one for the sandboxes.
    let own = images.saturating_mul(OWN_LAYERS);
    bases
        .saturating_mul(BASE_LAYERS)
        .saturating_add(own)
        .saturating_add(1)
}

impl Images {
    pub(super) fn make(
        plan: Plan,
        store: &mut Store,
        snapshots: &mut Snapshots,
    ) -> std::io::Result<Self> {
        let mut maker = Maker {
            store,
            snapshots,
            packed: BTreeMap::new(),
        };
        let pause = "registry.example/pause:3.9".to_owned();
        let mut images = vec![maker.image(pause, "k8s.io", &[(1, 8, None)])?];
        let bases = bases(plan.images);
        for number in 0..plan.images {
            let base = number.rem_euclid(bases);
            let base =
                (0..BASE_LAYERS).map(|at| base.saturating_mul(BASE_LAYERS).saturating_add(at));
            let own =
                (0..OWN_LAYERS).map(|at| number.saturating_mul(OWN_LAYERS).saturating_add(at));
            let numbers = base
                .map(|at| at.saturating_add(1000))
                .chain(own.map(|at| at.saturating_add(1_000_000)));
            let mut below = None;
            let layers: Vec<_> = numbers
                .map(|number| (number, plan.entries, below.replace(number)))
                .collect();
            let name = format!(
                "registry.example/team{}/app{number}:1.{base_tag}",
                number.rem_euclid(17),
                base_tag = number.rem_euclid(9)
            );
            images.push(maker.image(name, namespace(number), &layers)?);
        }
        Ok(Self(images))
    }

    /// Their rows in meta.db, below the bucket `v1`. The CRI keeps three names for an image.
    pub(super) fn rows(&self, v1: &mut Bucket) {
        for image in &self.0 {
            let repository = image.name.rsplit_once(':').map_or("", |(name, _)| name);
            let mut names = vec![image.name.clone()];
            if image.namespace == "k8s.io" {
                names.push(format!("{repository}@{}", image.manifest));
                names.push(image.config.clone());
            }
            for name in names {
                let row = v1.at(&[image.namespace, "images", &name]);
                row.put("createdat", made(0));
                row.put("updatedat", made(0));
                if image.namespace == "k8s.io" {
                    row.bucket("labels")
                        .put("io.cri-containerd.image", "managed");
                }
                let target = row.bucket("target");
                target.put("digest", &image.manifest);
                target.put("mediatype", "application/vnd.oci.image.manifest.v1+json");
                target.put("size", varint(image.manifest_size));
            }
        }
    }
}

impl Maker<'_> {
    /// Makes one image of these layers.
    fn image(
        &mut self,
        name: String,
        namespace: &'static str,
        layers: &[Wanted],
    ) -> std::io::Result<Image> {
        let mut packed: Vec<Packed> = Vec::new();
        let mut top: Option<String> = None;
        for wanted in layers {
            let one = self.pack(*wanted, namespace)?;
            let chain = match &top {
                None => one.diff_id.clone(),
                Some(below) => digest(format!("{below} {}", one.diff_id).as_bytes()),
            };
            if !self.snapshots.has(namespace, &chain) {
                let (number, entries, below) = *wanted;
                let layer = Layer::new(number, entries, below);
                let below = top.as_deref();
                self.snapshots.add(namespace, &chain, below, true, &layer)?;
            }
            top = Some(chain);
            packed.push(one);
        }
        let top = top.unwrap_or_default();
        let diff_ids: Vec<&str> = packed.iter().map(|layer| layer.diff_id.as_str()).collect();
        let config = json!({
            "created": "2026-11-20T00:00:00Z", "architecture": "amd64", "os": "linux",
            "config": {"Env": ["PATH=/usr/bin"], "Cmd": ["/usr/bin/app"], "Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
            "history": packed.iter().map(|_| json!({"created_by": "big-node"})).collect::<Vec<_>>(),
        });
        let config = config.to_string();
        let config_digest = self.store.add(config.as_bytes(), namespace)?;
        let label = "containerd.io/gc.ref.snapshot.overlayfs";
        self.store.label(&config_digest, label, top.clone());
        let descriptor = |layer: &Packed| {
            json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": layer.digest, "size": layer.size})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config_digest, "size": config.len()},
            "layers": packed.iter().map(descriptor).collect::<Vec<_>>(),
        });
        let manifest = manifest.to_string();
        let manifest_digest = self.store.add(manifest.as_bytes(), namespace)?;
        let label = "containerd.io/gc.ref.content.config";
        self.store
            .label(&manifest_digest, label, config_digest.clone());
        for (number, layer) in packed.iter().enumerate() {
            let label = format!("containerd.io/gc.ref.content.l.{number}");
            self.store
                .label(&manifest_digest, label, layer.digest.clone());
            self.store.share(&layer.digest, namespace);
        }
        Ok(Image {
            name,
            namespace,
            config: config_digest,
            manifest: manifest_digest,
            manifest_size: u64::try_from(manifest.len()).unwrap_or(0),
            top,
        })
    }

    /// Packs a layer into the content store.
    fn pack(
        &mut self,
        (number, entries, below): Wanted,
        namespace: &'static str,
    ) -> std::io::Result<Packed> {
        if let Some(packed) = self.packed.get(&number) {
            return Ok(packed.clone());
        }
        let tar = Layer::new(number, entries, below).tar();
        let diff_id = digest(&tar);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar)?;
        let bytes = gzip.finish()?;
        let digest = self.store.add(&bytes, namespace)?;
        self.store
            .label(&digest, "containerd.io/uncompressed", diff_id.clone());
        let label = "containerd.io/distribution.source.registry.example";
        self.store.label(&digest, label, "team/app");
        let size = u64::try_from(bytes.len()).unwrap_or(0);
        let packed = Packed {
            digest,
            size,
            diff_id,
        };
        self.packed.insert(number, packed.clone());
        Ok(packed)
    }
}
