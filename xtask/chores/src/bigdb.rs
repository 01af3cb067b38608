//! A large database for benchmarks: `cargo xtask big-db OUT`. The same arguments write the same bytes.
//!
//! Shaped as containerd shapes its meta.db: every object is a bucket with labels, so it owns a page
//! of which little is filled. At 1 GiB it has some 2 million keys in 770,000 buckets.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::PathBuf;

use bolt::{Layout, WriteError, Writer};

use crate::Done;

/// Objects for each GiB: each takes one page, and the lists above them take the rest.
const OBJECTS_PER_GIB: u64 = 256_000;
const NAMESPACES: u64 = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new file
    out: PathBuf,
    /// About how many MiB
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Without a freelist, as containerd 1.7 and later write meta.db
    #[arg(long)]
    no_freelist_sync: bool,
    /// Bytes of a page
    #[arg(long, default_value_t = 4096)]
    page_size: u64,
}

pub(crate) fn run(args: &Args) -> Done {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.out);
    let file = file.map_err(|error| format!("{}: {error}", args.out.display()))?;
    let layout = Layout {
        page_size: args.page_size,
        freelist: !args.no_freelist_sync,
        txid: 100,
        sequence: 0,
    };
    let objects = OBJECTS_PER_GIB.saturating_mul(args.mib).div_euclid(1024);
    write(BufWriter::new(file), layout, objects).map_err(|error| error.to_string())
}

fn write(file: BufWriter<std::fs::File>, layout: Layout, objects: u64) -> Result<(), WriteError> {
    let mut writer = Writer::new(file, layout)?;
    let mut random = Random(20_261_121);
    writer.open_bucket(b"v1", 0)?;
    for namespace in 0..NAMESPACES {
        writer.open_bucket(format!("namespace-{namespace}").as_bytes(), namespace)?;
        writer.open_bucket(b"containers", objects)?;
        let mut id = 0_u64;
        for number in 0..objects.div_euclid(NAMESPACES) {
            id = id.wrapping_add(1).wrapping_add(random.next() >> 40);
            object(&mut writer, id, number, &mut random)?;
        }
        writer.close_bucket()?;
        writer.close_bucket()?;
    }
    writer.put(b"version", &[4])?;
    writer.close_bucket()?;
    writer.finish()?;
    Ok(())
}

fn object<W: std::io::Write + std::io::Seek>(
    writer: &mut Writer<W>,
    id: u64,
    number: u64,
    random: &mut Random,
) -> Result<(), WriteError> {
    writer.open_bucket(format!("{id:016x}{:016x}", random.next()).as_bytes(), 0)?;
    let mut when = vec![1, 0, 0, 0, 14];
    when.extend(number.to_be_bytes());
    writer.put(b"createdat", &when)?;
    writer.put(
        b"image",
        format!("registry.example/app:{number}").as_bytes(),
    )?;
    writer.open_bucket(b"labels", 0)?;
    writer.put(b"io.example.name", format!("app-{number}").as_bytes())?;
    writer.close_bucket()?;
    writer.open_bucket(b"runtime", 0)?;
    writer.put(b"name", b"io.containerd.runc.v2")?;
    writer.close_bucket()?;
    let spec: Vec<u8> = (0..32).flat_map(|_| random.next().to_le_bytes()).collect();
    writer.put(b"spec", &spec)?;
    writer.put(b"updatedat", &when)?;
    writer.close_bucket()
}

/// Xorshift: the same numbers each time.
pub(crate) struct Random(u64);

impl Random {
    /// The numbers that belong to `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.next().rem_euclid(limit)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
