//! A large healthy node for measurements: `cargo xtask big-node DIR`.
//!
//! What a disk of containerd 1.7 holds while the machine is off: `/var/lib/containerd` with
//! meta.db, the content store, overlayfs' metadata.db and the directories of its snapshots, and the
//! CRI's files. Nothing of it is a stub: layers are gzipped tars whose digests are right and whose
//! entries are those of their snapshot's directory, the recorded usage is what the directories take,
//! labels keep everything from the garbage collector. The same arguments make the same node, but
//! for the ids that the file system gives.

mod encode;
mod image;
mod layer;
mod pods;
mod snapshot;
mod store;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use bolt::Layout;

use crate::Done;
use encode::{Bucket, time, varint};
use image::Images;
use snapshot::Snapshots;
use store::Store;

/// Arguments of `cargo xtask big-node`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new folder
    out: PathBuf,
    /// Images, one in five of which is in the namespace `default`, the others in `k8s.io`
    #[arg(long, default_value_t = 200)]
    images: u64,
    /// Snapshots: the layers of these images, and those of containers
    #[arg(long, default_value_t = 2000)]
    snapshots: u64,
    /// Files, folders and links in the layers' directories, all together
    #[arg(long, default_value_t = 1_000_000)]
    files: u64,
}

const ROOT: &str = "var/lib/containerd";

/// What this node is made of.
#[derive(Debug, Clone, Copy)]
struct Plan {
    images: u64,
    containers: u64,
    /// Entries of each layer.
    entries: u64,
}

/// Layers that images share, of each base; and layers that an image has for itself.
const BASE_LAYERS: u64 = 4;
const OWN_LAYERS: u64 = 7;
/// Images that stand on the same base.
const IMAGES_OF_A_BASE: u64 = 20;
/// Entries in the writable layer of a container.
const WRITTEN: u64 = 12;

impl Plan {
    fn new(args: &Args) -> Self {
        let images = args.images.max(1);
        let layers = image::layers(images);
        let containers = args.snapshots.saturating_sub(layers);
        let written = containers.saturating_mul(WRITTEN);
        let entries = args.files.saturating_sub(written).div_euclid(layers.max(1));
        Self {
            images,
            containers,
            entries: entries.max(8),
        }
    }
}

pub(crate) fn run(args: &Args) -> Done {
    let plan = Plan::new(args);
    make(&args.out, plan).map_err(|error| format!("{}: {error}", args.out.display()))
}

type Made = Result<(), Box<dyn std::error::Error>>;

fn make(out: &Path, plan: Plan) -> Made {
    let root = out.join(ROOT);
    fs::create_dir_all(out)?;
    fs::create_dir_all(out.join("etc/containerd"))?;
    fs::write(out.join("etc/containerd/config.toml"), "version = 2\n")?;
    fs::create_dir_all(out.join("var/lib/dpkg"))?;
    let package = "Package: containerd\nStatus: install ok installed\nVersion: 1.7.24~ds1-6\n";
    fs::write(out.join("var/lib/dpkg/status"), package)?;
    let mut store = Store::new(&root)?;
    let mut snapshots = Snapshots::new(&root)?;
    let images = Images::make(plan, &mut store, &mut snapshots)?;
    let mut meta = Bucket::default();
    let v1 = meta.bucket("v1");
    v1.put("version", varint(3));
    let pods = pods::make(&root, plan, &images, v1, &mut snapshots)?;
    store.rows(v1);
    images.rows(v1);
    snapshots.rows(v1);
    // Only a file system that has written all tells how much it takes.
    let synced = std::process::Command::new("sync")
        .arg("-f")
        .arg(out)
        .status()?;
    if !synced.success() {
        return Err(format!("sync: {synced}").into());
    }
    let files = snapshots.write()?;
    let path = root.join("io.containerd.metadata.v1.bolt");
    fs::create_dir_all(&path)?;
    let layout = Layout {
        freelist: false,
        txid: 12_345,
        ..Layout::default()
    };
    meta.write(&path.join("meta.db"), layout)?;
    writeln!(
        std::io::stdout(),
        "{}: {} images, {} blobs, {} snapshots ({} of containers, {pods} pods), {files} files",
        out.display(),
        plan.images,
        store.len(),
        snapshots.len(),
        plan.containers,
    )?;
    Ok(())
}

/// When all of it was made, a second apart.
fn made(number: u64) -> Vec<u8> {
    time(1_795_223_788_u64.saturating_add(number))
}
