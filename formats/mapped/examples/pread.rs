//! Reads a file through a map and with `pread`, and prints what each takes: `benches/mapped.sh`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example prints, and opens the file that it is given"
)]

use std::error::Error;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use mapped::Mapped;

/// Reads at places that look random, and are the same each time.
const READS: u64 = 200_000;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    println!("bytes at once  where       map        pread      map/pread");
    for size in [8_usize, 64, 4096, 262_144] {
        let mut bytes = vec![0; size];
        let step = u64::try_from(size)?;
        let count = READS.min(4_000_000_000_u64.div_euclid(step)).max(1);
        let scattered = (0..count).map(|turn| {
            let place = turn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            place.checked_rem(len.saturating_sub(step)).unwrap_or(0)
        });
        let scattered: Vec<u64> = scattered.collect();
        let in_order: Vec<u64> = (0..len.div_euclid(step).min(4 * READS))
            .map(|turn| turn.saturating_mul(step))
            .collect();
        for (name, places) in [("scattered", &scattered), ("in order", &in_order)] {
            let map = median(|| {
                let map = Mapped::new(&file)?;
                for at in places {
                    std::hint::black_box(map.read_into(*at, &mut bytes));
                }
                Ok(())
            })?;
            let pread = median(|| {
                for at in places {
                    file.read_exact_at(&mut bytes, *at)?;
                    std::hint::black_box(&bytes);
                }
                Ok(())
            })?;
            let ratio = map.as_secs_f64() / pread.as_secs_f64();
            println!("{size:>13}  {name:<9}  {map:>9.1?}  {pread:>9.1?}  {ratio:>9.2}");
        }
    }
    Ok(())
}

/// The median of five runs, after one that warms up.
fn median(run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut run = run;
    run()?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times.get(2).copied().unwrap_or_default())
}
