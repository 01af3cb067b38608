//! Lines in the order of their times, whatever their number: sorted in memory up to a bound, and
//! beyond it in runs that are kept in a file without a name and merged at the end.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use finding::Time;

/// Bytes of lines that are kept in memory before they are put aside.
pub(crate) const BUDGET: usize = 64 << 20;

/// Bytes of a run that are read at a time.
const CHUNK: usize = 256 << 10;

/// What a line costs beside its bytes.
const INDEX: usize = size_of::<(Time, usize, usize)>();

/// Lines that wait to be put into order.
#[derive(Debug)]
pub(crate) struct Sorter {
    bytes: Vec<u8>,
    /// Time, start and end in `bytes`.
    lines: Vec<(Time, usize, usize)>,
    /// Where each run stands in the file: start and end.
    runs: Vec<(u64, u64)>,
    file: Option<Arc<File>>,
    directory: PathBuf,
    budget: usize,
}

impl Sorter {
    /// An empty one, which puts aside what exceeds `budget` bytes in a file without a name in
    /// `directory`.
    pub(crate) const fn new(directory: PathBuf, budget: usize) -> Self {
        Self {
            bytes: Vec::new(),
            lines: Vec::new(),
            runs: Vec::new(),
            file: None,
            directory,
            budget,
        }
    }

    /// Adds a line. Lines of the same time come in the order of their bytes.
    pub(crate) fn push(&mut self, time: Time, line: &[u8]) -> io::Result<()> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(line);
        self.lines.push((time, start, self.bytes.len()));
        let cost = self.lines.len().saturating_mul(INDEX);
        if cost.saturating_add(self.bytes.len()) > self.budget {
            self.put_aside()?;
        }
        Ok(())
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        let line = |start: usize, end: usize| bytes.get(start..end).unwrap_or_default();
        self.lines.sort_unstable_by(|one, other| {
            let (one_line, other_line) = (line(one.1, one.2), line(other.1, other.2));
            (one.0, one_line).cmp(&(other.0, other_line))
        });
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.sort();
        let file = if let Some(file) = &self.file {
            Arc::clone(file)
        } else {
            let made = tempfile::tempfile_in(&self.directory).map_err(|error| {
                let directory = cli::shown(&self.directory);
                io::Error::other(format!("no file to sort in, in {directory}: {error}"))
            })?;
            Arc::clone(self.file.insert(Arc::new(made)))
        };
        let mut file = file.as_ref();
        let start = file.stream_position()?;
        let mut writer = BufWriter::new(file);
        for (time, from, to) in &self.lines {
            let line = self.bytes.get(*from..*to).unwrap_or_default();
            let length = u32::try_from(line.len()).map_err(io::Error::other)?;
            writer.write_all(&time.seconds.to_le_bytes())?;
            writer.write_all(&time.nanos.to_le_bytes())?;
            writer.write_all(&length.to_le_bytes())?;
            writer.write_all(line)?;
        }
        writer.flush()?;
        drop(writer);
        self.runs.push((start, file.stream_position()?));
        self.lines.clear();
        self.bytes.clear();
        Ok(())
    }

    /// Gives every line in order.
    pub(crate) fn finish(
        mut self,
        mut give: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(file) = self.file.clone() else {
            self.sort();
            for (_, from, to) in &self.lines {
                give(self.bytes.get(*from..*to).unwrap_or_default())?;
            }
            return Ok(());
        };
        if !self.lines.is_empty() {
            self.put_aside()?;
        }
        // What was sorted in is not needed while runs are merged.
        self.bytes = Vec::new();
        self.lines = Vec::new();
        let mut runs: Vec<Run> = self
            .runs
            .iter()
            .map(|(start, end)| Run {
                file: Arc::clone(&file),
                at: *start,
                end: *end,
                chunk: Vec::new(),
                used: 0,
            })
            .collect();
        let mut heads = BinaryHeap::new();
        for (number, run) in runs.iter_mut().enumerate() {
            if let Some((time, line)) = run.next()? {
                heads.push(Reverse((time, line, number)));
            }
        }
        while let Some(Reverse((_, line, number))) = heads.pop() {
            give(&line)?;
            if let Some(run) = runs.get_mut(number)
                && let Some((time, line)) = run.next()?
            {
                heads.push(Reverse((time, line, number)));
            }
        }
        Ok(())
    }
}

/// A run that is read from front to back.
struct Run {
    file: Arc<File>,
    at: u64,
    end: u64,
    chunk: Vec<u8>,
    used: usize,
}

impl Run {
    fn take(&mut self, mut count: usize, into: &mut Vec<u8>) -> io::Result<bool> {
        while count > 0 {
            let left = self.chunk.get(self.used..).unwrap_or_default();
            if left.is_empty() {
                let rest = self.end.saturating_sub(self.at);
                let size = usize::try_from(rest).unwrap_or(usize::MAX).min(CHUNK);
                if size == 0 {
                    return Ok(false);
                }
                self.chunk.resize(size, 0);
                self.file.read_exact_at(&mut self.chunk, self.at)?;
                self.at = self
                    .at
                    .saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
                self.used = 0;
                continue;
            }
            let part = left.get(..count.min(left.len())).unwrap_or_default();
            into.extend_from_slice(part);
            self.used = self.used.saturating_add(part.len());
            count = count.saturating_sub(part.len());
        }
        Ok(true)
    }

    fn next(&mut self) -> io::Result<Option<(Time, Vec<u8>)>> {
        let mut head = Vec::with_capacity(16);
        if !self.take(16, &mut head)? {
            return Ok(None);
        }
        let (seconds, rest) = head.split_at(8);
        let (nanos, length) = rest.split_at(4);
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap_or_default());
        let seconds = i64::from_le_bytes(seconds.try_into().unwrap_or_default());
        let time = Time::new(seconds, number(nanos));
        let length = usize::try_from(number(length)).map_err(io::Error::other)?;
        let mut line = Vec::with_capacity(length);
        self.take(length, &mut line)?;
        Ok(Some((time, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, and are the same each time.
    fn lines(count: u64) -> Vec<(Time, Vec<u8>)> {
        let mut state = 88_172_645_463_325_252_u64;
        (0..count)
            .map(|number| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let seconds = i64::try_from(state % 1000).unwrap().saturating_sub(500);
                let nanos = u32::try_from(state % 7).unwrap();
                let line = format!(
                    "{number} {}",
                    "x".repeat(usize::try_from(state % 300).unwrap())
                );
                (Time::new(seconds, nanos), line.into_bytes())
            })
            .collect()
    }

    fn sorted(lines: &[(Time, Vec<u8>)], budget: usize) -> (Vec<Vec<u8>>, usize) {
        let mut sorter = Sorter::new(std::env::temp_dir(), budget);
        for (time, line) in lines {
            sorter.push(*time, line).unwrap();
        }
        let runs = sorter.runs.len();
        let mut all = Vec::new();
        sorter
            .finish(|line| {
                all.push(line.to_vec());
                Ok(())
            })
            .unwrap();
        (all, runs)
    }

    #[test]
    fn the_order_is_that_of_the_times_however_many_runs_there_are() {
        let lines = lines(5000);
        let mut want = lines.clone();
        want.sort();
        let want: Vec<Vec<u8>> = want.into_iter().map(|(_, line)| line).collect();
        for (budget, runs) in [(BUDGET, 0), (100_000, 5), (1, 5000)] {
            let (found, seen) = sorted(&lines, budget);
            assert!(seen >= runs, "{budget}: {seen}");
            assert!(found == want, "{budget}");
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let mut sorter = Sorter::new(PathBuf::from("/nonexistent/nowhere"), 1);
        let error = sorter.push(Time::new(1, 0), b"line").unwrap_err();
        assert!(
            error.to_string().contains("/nonexistent/nowhere"),
            "{error}"
        );
    }
}
