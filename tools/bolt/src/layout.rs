//! What a new database is like.

use bolt::Layout;

/// Whether the freelist is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Freelist {
    /// Written, as containerd up to 1.6 does
    #[value(aliases = ["yes", "true"])]
    Synced,
    /// Not written, as in meta.db of containerd 1.7 and later
    #[value(aliases = ["no", "false"])]
    Unsynced,
}

/// What the new database is like.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LayoutArgs {
    /// Write a freelist or none; as the file has it if not given
    #[arg(long, value_enum, value_name = "MODE")]
    freelist: Option<Freelist>,
    /// Bytes of a page of the new file, if not those of the old one
    #[arg(long, value_name = "BYTES", value_parser = page_size)]
    page_size: Option<u64>,
}

fn page_size(text: &str) -> Result<u64, String> {
    let sizes = core::iter::successors(Some(1 << 10), |size| Some(size << 1)).take(7);
    let size = text.parse().ok();
    size.filter(|size| sizes.clone().any(|one: u64| one == *size))
        .ok_or_else(|| "a page has 1024, 2048, 4096, 8192, 16384, 32768 or 65536 bytes".to_owned())
}

impl LayoutArgs {
    /// `layout` with what was asked for.
    pub(crate) fn override_layout(&self, layout: Layout) -> Layout {
        let is_synced = self.freelist.map(|mode| mode == Freelist::Synced);
        Layout {
            freelist: is_synced.unwrap_or(layout.freelist),
            page_size: self.page_size.unwrap_or(layout.page_size),
            ..layout
        }
    }
}
