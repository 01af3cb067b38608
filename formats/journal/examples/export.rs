//! Every entry of a journal file in the export format, as `journalctl -o export --all` has it.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use evidence::{Evidence, Options};
use journal::{Journal, Wish};

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let path = Path::new(&path);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let evidence = Evidence::open(folder, &Options::default()).map_err(io::Error::other)?;
    let name = Path::new("/").join(path.file_name().unwrap_or_default());
    let pages = evidence.pages(&name).map_err(io::Error::other)?;
    let journal = Journal::open(pages).map_err(io::Error::other)?;
    let mut wish = Wish {
        field: &mut |_| true,
        when: &|_| true,
        most: usize::MAX,
        tick: &mut |_| true,
    };
    let (scanned, error) = journal.scan(&mut wish);
    let mut reader = journal.reader(64 << 20);
    let mut out = BufWriter::new(io::stdout().lock());
    for found in &scanned.entries {
        let entry = reader.entry(found).map_err(io::Error::other)?;
        writeln!(out, "__REALTIME_TIMESTAMP={}", found.realtime)?;
        for field in &entry.fields {
            out.write_all(&field.name)?;
            if field.value.iter().all(|byte| (b' '..=b'~').contains(byte)) {
                out.write_all(b"=")?;
            } else {
                let length = u64::try_from(field.value.len()).unwrap_or(0);
                out.write_all(b"\n")?;
                out.write_all(&length.to_le_bytes())?;
            }
            out.write_all(&field.value)?;
            out.write_all(b"\n")?;
        }
        out.write_all(b"\n")?;
    }
    error.map_or(Ok(()), |error| Err(io::Error::other(error)))
}
