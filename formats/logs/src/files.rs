//! Lines out of text logs, rotated and packed ones, too.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind, Stat};
use finding::{Text, Time, Unknown, Unread};
use layer::{Inflating, Limits, Watch};

use crate::Level;
use crate::assemble::Assembler;
use crate::gather::{Candidate, Notes, Options, Source, Ticker, within};
use crate::journals::{is_kept, listed, path_text};
use crate::line::{Line, Program};
use crate::places::{Form, PLACES, PODS, is_of};
use crate::prefix::{Stamp, in_year, own, syslog, year};
use crate::written::TAKEN;

/// Bytes of a line that are looked at.
const LINE: usize = 64 << 10;
/// Bytes that one packed log may inflate to, whatever its ratio; logs stay below 100 to 1.
const FREE: u64 = 64 << 20;
/// Bytes that are read of one log.
const MOST: u64 = 4 << 30;
/// Files of containers' logs.
const PODS_FILES: usize = 100_000;

/// Reads every text log of the node.
pub(crate) fn read_log_files(
    evidence: &Evidence,
    options: &Options,
    ticker: &Ticker<'_>,
    notes: Notes<'_>,
    lines: &mut Assembler,
) {
    let Notes {
        sources,
        unread,
        left_out,
    } = notes;
    let mut found = Vec::new();
    for (row, place) in (1_usize..).zip(PLACES) {
        let folder = Path::new(place.folder);
        let mut files = names(evidence, folder, unread);
        files.retain(|(name, _)| place.stems.iter().any(|stem| is_of(name, stem)));
        files.sort_by_key(|(name, stat)| (stat.mtime, Reverse(number(name))));
        let files = files.into_iter().map(|(name, stat)| Candidate {
            path: folder.join(&name),
            written: stat.mtime,
            // What is packed is ten times as much.
            size: if matches!(name.rsplit('.').next(), Some("gz" | "zst")) {
                stat.size.saturating_mul(10)
            } else {
                stat.size
            },
        });
        let files = within(options, files.collect(), left_out);
        found.extend(files.into_iter().map(|one| (one.path, place.form, row)));
    }
    if options.pods {
        let logs = (1_000_usize..).zip(pods(evidence, unread));
        found.extend(logs.map(|(row, path)| (path, Form::Of(Program::Container), row)));
    }
    let host = host_name(evidence);
    for (path, form, row) in found {
        if ticker.is_cancelled() {
            return;
        }
        let mut source = Source::new(path_text(&path), "text");
        source.row = row;
        let mut file = File {
            source,
            index: sources.len(),
            form,
            options,
            stamps: Vec::new(),
            zone: None,
            first: lines.lines.len(),
            // What a bundle took along names no host.
            host: host.as_deref().filter(|_| path != Path::new(TAKEN)),
            of_others: BTreeMap::new(),
        };
        match file.read_log_file(evidence, &path, ticker, unread, lines) {
            Ok(written) => {
                file.settle(written, lines);
                sources.push(file.source);
            }
            Err(why) => unread.push(Unknown::new(path_text(&path), format!("it {why}"))),
        }
    }
}

/// The number of a log that was put aside: 2 of `syslog.2.gz`. The greater, the older.
fn number(name: &str) -> u64 {
    let mut parts = name.split('.');
    parts.find_map(|part| part.parse().ok()).unwrap_or(0)
}

/// Names of what is no folder in a folder, and when it was written; a folder that is not there has
/// none.
fn names(evidence: &Evidence, folder: &Path, unread: &mut Vec<Unknown>) -> Vec<(String, Stat)> {
    // Most nodes lack most of these folders, and a tar of one holds few of them.
    if evidence.stat(folder) == Err(Unread::NotCollected) {
        return Vec::new();
    }
    let entries = listed(evidence, folder, unread).unwrap_or_default();
    let files = entries.into_iter().filter(|entry| !entry.stat.is_dir());
    files
        .map(|entry| (entry.name.to_string(), entry.stat))
        .collect()
}

/// Logs of containers.
fn pods(evidence: &Evidence, unread: &mut Vec<Unknown>) -> impl Iterator<Item = PathBuf> {
    let limits = measure::WalkLimits {
        entries: 1_000_000,
        depth: 4,
    };
    let mut files = Vec::new();
    let mut more = 0_usize;
    if evidence.stat(Path::new(PODS)).is_ok() {
        for step in measure::Walk::new(evidence, Path::new(PODS), limits) {
            match step {
                measure::Step::Entry { path, stat, .. } => {
                    if stat.kind != FileKind::File {
                        continue;
                    }
                    if files.len() < PODS_FILES {
                        files.push(path);
                    } else {
                        more = more.saturating_add(1);
                    }
                }
                measure::Step::Unknown(unknown) => unread.push(unknown),
            }
        }
    }
    if more > 0 {
        unread.push(Unknown::new(
            format!("{more} logs of pods"),
            format!("there are more than {PODS_FILES}"),
        ));
    }
    files.into_iter()
}

struct File<'o> {
    source: Source,
    index: usize,
    form: Form,
    options: &'o Options,
    /// Of each line that was added: its index, and the time on the wall that it has.
    stamps: Vec<(usize, i64, u32)>,
    /// Seconds from UTC to the wall, from a line that has both times.
    zone: Option<i64>,
    first: usize,
    /// The node's own name.
    host: Option<&'o str>,
    /// How many lines of other machines were left out, by their names: a file of syslog may gather those of
    /// many.
    of_others: BTreeMap<String, u64>,
}

/// Names of machines that are told of one file.
const HOSTS: usize = 8;

/// The node's own name, without its domain. None where it is that of an image that any machine may have.
fn host_name(evidence: &Evidence) -> Option<String> {
    let source = evidence.source(Path::new("/etc/hostname"), 4096).ok()?;
    let text = String::from_utf8_lossy(source.bytes()).into_owned();
    let lines = text.lines().map(str::trim);
    let name = lines
        .into_iter()
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let label = label(name);
    (!label.is_empty() && label != "localhost").then_some(label)
}

/// The first part of a machine's name.
fn label(name: &str) -> String {
    name.split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

impl File<'_> {
    /// Whether a line is another machine's, by the name in it; addresses and `-` name none.
    fn is_of_another(&mut self, host: &[u8]) -> bool {
        let (Some(own), Ok(host)) = (self.host, std::str::from_utf8(host)) else {
            return false;
        };
        let its = label(host);
        if its == own
            || !its.starts_with(|letter: char| letter.is_ascii_alphabetic())
            || its == "localhost"
        {
            return false;
        }
        if self.of_others.len() < HOSTS || self.of_others.contains_key(&its) {
            let count = self.of_others.entry(its).or_default();
            *count = count.saturating_add(1);
        }
        true
    }

    /// Reads all lines; when the file was written last.
    fn read_log_file(
        &mut self,
        evidence: &Evidence,
        path: &Path,
        ticker: &Ticker<'_>,
        unread: &mut Vec<Unknown>,
        lines: &mut Assembler,
    ) -> Result<Option<Time>, Unread> {
        let stat = evidence.stat(path)?;
        let reader: Box<dyn Read + Send + '_> = match evidence.reader(path) {
            // What was masked for a bundle is a log all the same.
            Err(Unread::Masked) => {
                let source = evidence.source_as_is(path, FREE)?;
                Box::new(std::io::Cursor::new(source.into_bytes()))
            }
            other => other?,
        };
        let limits = Limits {
            bytes: MOST,
            free: FREE,
            ..Limits::default()
        };
        let watch = Watch {
            cancel: ticker.cancel(),
            progress: ticker.progress(),
        };
        let inflating = Inflating::new(reader, limits, watch);
        let mut reader = BufReader::with_capacity(256 << 10, inflating);
        let mut line = Vec::new();
        let mut last = None;
        while bounded(&mut reader, &mut line) {
            self.source.passed = self.source.passed.saturating_add(1);
            self.line(&line, &mut last, lines);
        }
        if let Some(why) = reader.get_ref().failed() {
            let what = format!("it was not read to its end: {why}");
            unread.push(Unknown::new(self.source.path.clone(), what));
        }
        Ok(Some(stat.mtime))
    }

    fn line(&mut self, line: &[u8], last: &mut Option<Stamp>, lines: &mut Assembler) {
        let unescaped;
        let mut line = line;
        if self.form == Form::Syslog && line.windows(4).any(|four| four.starts_with(b"#0")) {
            unescaped = without_escapes(line);
            line = &unescaped;
        }
        let (stamp, program, pid, text) = match self.form {
            Form::Syslog => {
                let Some(read) = syslog(line) else {
                    return;
                };
                let Some(program) = Program::named(read.program) else {
                    return;
                };
                if self.is_of_another(read.host) {
                    return;
                }
                (Some(read.stamp), program, read.pid, read.text)
            }
            Form::Of(program) => (own(line), program, None, line),
        };
        let stream = (self.index, None, pid);
        if lines.goes_on(stream, text) {
            return;
        }
        let stamp = stamp.or(*last);
        *last = stamp;
        // Both times in one line tell the zone.
        if let (Some(Stamp::Wall(wall, _)), Some(Stamp::Whole(whole))) = (stamp, own(text))
            && self.zone.is_none()
            && let Some(as_utc) = in_year(wall, 0, year(whole))
        {
            let off = as_utc.since(whole);
            // Zones are quarters of an hour.
            let quarter = off.saturating_add(450).div_euclid(900).saturating_mul(900);
            if off.saturating_sub(quarter).abs() <= 30 && quarter.abs() <= 14 * 3600 {
                self.zone = Some(quarter);
            }
        }
        let level = if program == Program::Container {
            Level::Unknown
        } else {
            Level::from_text(text)
        };
        let unit = (program == Program::Systemd)
            .then(|| unit_of(text))
            .flatten();
        if !self.options.wants(program) && program != Program::Container {
            return;
        }
        let is_kept = program == Program::Container || is_kept(program, level, text, unit);
        if !is_kept && !self.options.everything {
            return;
        }
        let whole = match stamp {
            Some(Stamp::Whole(time)) => Some(time),
            Some(Stamp::Wall(wall, nanos)) => {
                // In rsyslog's files the speaker's own time is the better one.
                if let Some(Stamp::Whole(time)) = own(text) {
                    Some(time)
                } else {
                    self.stamps.push((lines.lines.len(), wall, nanos));
                    None
                }
            }
            None => None,
        };
        let before = lines.lines.len();
        let line = Line {
            time: whole,
            source: self.index,
            program,
            unit: unit.map(|unit| std::sync::Arc::new(Text::from(unit))),
            pid,
            boot: None,
            level,
            text: Text::from(text),
            more: Vec::new(),
            more_lines: 0,
            is_sound: true,
        };
        lines.add(stream, line, false);
        if lines.lines.len() == before {
            self.stamps.pop_if(|(index, ..)| *index == before);
        }
    }

    /// Gives years and the zone to times that lack them, from the end of the file backwards, and
    /// leaves out what was not asked for.
    fn settle(&mut self, written: Option<Time>, lines: &mut Assembler) {
        if let (Some(written), false) = (written, self.stamps.is_empty()) {
            let zone = self.zone.unwrap_or(0);
            if self.zone.is_none() {
                self.source.has_no_zone = true;
                let note = "its times have no zone: they are read as UTC";
                self.source.notes.push(note.to_owned());
            }
            let mut bound = Time::new(written.seconds.saturating_add(86_400), 0);
            for (index, wall, nanos) in self.stamps.iter().rev() {
                let year = year(bound);
                let candidates = [year, year.saturating_sub(1)];
                let time = candidates.iter().find_map(|year| {
                    let time = in_year(*wall, *nanos, *year)?;
                    let time = Time::new(time.seconds.saturating_sub(zone), time.nanos);
                    (time <= bound).then_some(time)
                });
                if let (Some(time), Some(line)) = (time, lines.lines.get_mut(*index)) {
                    line.time = Some(time);
                    // Lines may be a little out of order; a year is what this is about.
                    bound = Time::new(time.seconds.saturating_add(86_400), 0);
                }
            }
        }
        for (host, count) in &self.of_others {
            self.source.notes.push(format!(
                "{count} lines of the machine {} were left out: /etc/hostname says {}",
                Text::from(host.as_str()),
                Text::from(self.host.unwrap_or_default())
            ));
        }
        let mut kept = 0_u64;
        for line in lines.lines.iter().skip(self.first) {
            if self.options.takes(line.time) {
                kept = kept.saturating_add(1);
            }
        }
        self.source.kept = kept;
    }
}

/// The unit in a sentence of systemd: `containerd.service: Main process exited`, `Started
/// containerd.service - containerd container runtime.`
fn unit_of(text: &[u8]) -> Option<&[u8]> {
    let words = text.split(|byte| matches!(byte, b' ' | b':'));
    words
        .take(3)
        .find(|word| word.ends_with(b".service") || word.ends_with(b".scope"))
}

/// The next line, as much of it as is looked at; false at the end.
fn bounded(reader: &mut impl BufRead, line: &mut Vec<u8>) -> bool {
    line.clear();
    let mut has_begun = false;
    loop {
        let Ok(buffer) = reader.fill_buf() else {
            return has_begun;
        };
        if buffer.is_empty() {
            return has_begun;
        }
        has_begun = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let piece = buffer
            .get(..end.unwrap_or(buffer.len()))
            .unwrap_or_default();
        let room = LINE.saturating_sub(line.len());
        line.extend_from_slice(piece.get(..piece.len().min(room)).unwrap_or_default());
        let over = end.map_or(buffer.len(), |end| end.saturating_add(1));
        reader.consume(over);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return true;
        }
    }
}

/// rsyslog writes control characters as `#011`.
fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        let escape = rest.get(..4).unwrap_or_default();
        let letter = match escape {
            b"#011" => Some(b'\t'),
            b"#012" => Some(b'\n'),
            b"#033" => Some(0x1b),
            _ => None,
        };
        if let Some(letter) = letter {
            plain.push(letter);
            rest = rest.get(4..).unwrap_or_default();
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}
