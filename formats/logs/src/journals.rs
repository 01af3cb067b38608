//! Lines out of systemd's journals.

use std::path::Path;
use std::sync::Arc;

use evidence::{Evidence, Pages};
use finding::{Known, Text, Time, Unknown};
use journal::{Entry, Found, Journal, Reader, Wish, merge};

use crate::Level;
use crate::assemble::{Assembler, Stream};
use crate::gather::{Candidate, Notes, Options, Source, Ticker, within};
use crate::kernel;
use crate::line::{Line, Program};
use crate::places::JOURNALS;

/// Most entries of one file; the newest are kept.
const ENTRIES: usize = 1_000_000;
/// Bytes of a value that are looked at; journald itself cuts lines at 48 KiB.
const VALUE: usize = 64 << 10;
/// Most files.
const FILES: usize = 4_096;

struct Opened {
    journal: Journal<Pages>,
    found: Vec<Found>,
}

/// Reads every journal of the node; what could not be read is told in `unread`.
pub(crate) fn read_journals(
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
    let mut opened = Vec::new();
    let first = sources.len();
    let files = within(options, files(evidence, unread), left_out);
    for Candidate { path, .. } in files {
        if ticker.is_cancelled() {
            return;
        }
        match open(evidence, &path, options, ticker, unread) {
            Ok((file, source)) => {
                opened.push(file);
                sources.push(source);
            }
            Err(why) => unread.push(Unknown::new(path_text(&path), why)),
        }
    }
    let rows = opened.iter_mut().map(|file| {
        (
            file.journal.header().seqnum_id,
            std::mem::take(&mut file.found),
        )
    });
    let order = merge(rows.collect::<Vec<_>>());
    let mut readers = Readers::from_opened(&opened);
    let mut units = Units::default();
    for placed in order {
        let source = first.saturating_add(placed.file);
        let Some(reader) = readers.get(placed.file) else {
            continue;
        };
        if let Err(why) = add(reader, &placed.found, source, options, &mut units, lines) {
            let place = sources.get(source).map(|source| source.path.clone());
            let what = format!("an entry of {}", place.unwrap_or_default());
            if unread.len() < FILES {
                unread.push(Unknown::new(what, why));
            }
        }
        if lines.lines.len().is_multiple_of(1024) && ticker.is_cancelled() {
            return;
        }
    }
    for line in &lines.lines {
        if let Some(source) = sources.get_mut(line.source) {
            source.kept = source.kept.saturating_add(1);
        }
    }
}

/// Readers that hold blocks of their files (8 MiB each): files of one row follow each other.
const READERS: usize = 4;

/// Readers of the files that were asked last.
struct Readers<'o> {
    opened: &'o [Opened],
    held: Vec<(usize, Reader<'o, Pages>)>,
}

impl<'o> Readers<'o> {
    const fn from_opened(opened: &'o [Opened]) -> Self {
        Self {
            opened,
            held: Vec::new(),
        }
    }

    /// That of a file, which is the last of those that are held from then on.
    fn get(&mut self, file: usize) -> Option<&mut Reader<'o, Pages>> {
        let place = self.held.iter().position(|(number, _)| *number == file);
        match place {
            Some(place) if place.saturating_add(1) == self.held.len() => {}
            Some(place) => {
                let reader = self.held.remove(place);
                self.held.push(reader);
            }
            None => {
                let opened = self.opened.get(file)?;
                if self.held.len() >= READERS {
                    self.held.remove(0);
                }
                self.held.push((file, opened.journal.reader(VALUE)));
            }
        }
        self.held.last_mut().map(|(_, reader)| reader)
    }
}

/// What is in a folder. A node may well lack it; where it was not taken along, nothing is known.
pub(crate) fn listed(
    evidence: &Evidence,
    folder: &Path,
    unread: &mut Vec<Unknown>,
) -> Option<Vec<evidence::Entry>> {
    match evidence.try_list(folder) {
        Ok(Known::Whole(entries)) => Some(entries),
        Ok(Known::Partial(entries, unknown)) => {
            unread.extend(unknown);
            Some(entries)
        }
        Ok(Known::Lost(unknown)) => {
            unread.extend(unknown);
            None
        }
        Err(finding::Unread::Absent) => None,
        Err(why) => {
            unread.push(Unknown::new(path_text(folder), why.to_string()));
            None
        }
    }
}

/// Journals of the machine.
fn files(evidence: &Evidence, unread: &mut Vec<Unknown>) -> Vec<Candidate> {
    let mut files = Vec::new();
    for folder in JOURNALS.map(Path::new) {
        let mut folders = vec![folder.to_owned()];
        let mut first = true;
        while let Some(folder) = folders.pop() {
            let Some(entries) = listed(evidence, &folder, unread) else {
                continue;
            };
            for entry in entries {
                let name = entry.name.to_string();
                let path = folder.join(&name);
                if name.ends_with(".journal") || name.ends_with(".journal~") {
                    files.push(Candidate {
                        path,
                        written: entry.stat.mtime,
                        size: entry.stat.size,
                    });
                } else if first {
                    folders.push(path);
                }
            }
            first = false;
        }
    }
    if files.len() > FILES {
        let more = files.len().saturating_sub(FILES);
        unread.push(Unknown::new(
            format!("{more} journals"),
            format!("there are more than {FILES}"),
        ));
        files.truncate(FILES);
    }
    files
}

fn open(
    evidence: &Evidence,
    path: &Path,
    options: &Options,
    ticker: &Ticker<'_>,
    unread: &mut Vec<Unknown>,
) -> Result<(Opened, Source), String> {
    let pages = evidence.pages(path).map_err(|why| format!("it {why}"))?;
    let journal = Journal::open(pages).map_err(|why| why.to_string())?;
    let when = |found: &Found| options.takes(Some(found.time()));
    let mut wish = Wish {
        field: &mut |field| is_wanted(field, options),
        when: &when,
        most: ENTRIES,
        tick: &mut |bytes| {
            ticker.add(bytes);
            !ticker.is_cancelled()
        },
    };
    let (scanned, error) = journal.scan(&mut wish);
    let mut source = Source::new(path_text(path), "journal");
    source.passed = scanned.passed;
    let path = &source.path;
    let mut lacks = |what: String| unread.push(Unknown::new(path.clone(), what));
    if scanned.is_cut {
        lacks("its end is missing: the file was cut".to_owned());
    }
    if let Some(first) = scanned.damaged.first() {
        let stretches = scanned.damaged.len();
        lacks(format!(
            "{stretches} stretches of it are damaged, the first at {:#x}",
            first.start
        ));
    }
    if scanned.dropped > 0 {
        lacks(format!(
            "{} older entries are left out: there are more than {ENTRIES}",
            scanned.dropped
        ));
    }
    if let Some(error) = error {
        lacks(format!("it could not be read to its end: it {error}"));
    }
    let found = scanned.entries.into();
    Ok((Opened { journal, found }, source))
}

/// Whether an entry with this field is of a program that is looked for, or about it.
fn is_wanted(field: &[u8], options: &Options) -> bool {
    let wants = |program: Option<Program>| program.is_some_and(|program| options.wants(program));
    let Some(equals) = field.iter().position(|byte| *byte == b'=') else {
        return false;
    };
    let (name, value) = field.split_at(equals);
    let value = value.get(1..).unwrap_or_default();
    match name {
        b"_SYSTEMD_UNIT" => wants(Program::of_unit(value)),
        b"UNIT" | b"OBJECT_SYSTEMD_UNIT" | b"COREDUMP_UNIT" => {
            wants(Program::of_unit(value)) || value.starts_with(b"cri-containerd-")
        }
        b"SYSLOG_IDENTIFIER" | b"_COMM" | b"COREDUMP_COMM" => {
            !matches!(value, b"systemd" | b"kernel") && wants(Program::named(value))
        }
        b"_TRANSPORT" => value == b"kernel",
        _ => false,
    }
}

/// Names of units, each once.
#[derive(Default)]
struct Units(std::collections::HashMap<Vec<u8>, Arc<Text>>);

impl Units {
    fn get(&mut self, name: &[u8]) -> Arc<Text> {
        if let Some(unit) = self.0.get(name) {
            return Arc::clone(unit);
        }
        let unit = Arc::new(Text::from(name));
        if self.0.len() < 10_000 {
            self.0.insert(name.to_vec(), Arc::clone(&unit));
        }
        unit
    }
}

fn add(
    reader: &mut Reader<'_, Pages>,
    found: &Found,
    source: usize,
    options: &Options,
    units: &mut Units,
    lines: &mut Assembler,
) -> Result<(), String> {
    let entry = reader.entry(found).map_err(|why| format!("it {why}"))?;
    let Some(text) = entry.value("MESSAGE") else {
        return Ok(());
    };
    let pid = entry.value("_PID").and_then(number);
    let stream: Stream = (usize::MAX, Some(found.boot), pid);
    if lines.goes_on(stream, text) {
        return Ok(());
    }
    let Some((program, unit)) = speaker(&entry) else {
        return Ok(());
    };
    if !options.wants(program) {
        return Ok(());
    }
    let level = Level::from_text(text);
    if !is_kept(program, level, text, unit) && !options.everything {
        return Ok(());
    }
    let is_cut = entry.value("_LINE_BREAK") == Some(b"line-max".as_slice());
    let line = Line {
        time: Some(time(&entry)),
        source,
        program,
        unit: unit.map(|unit| units.get(unit)),
        pid,
        boot: Some(found.boot),
        level,
        text: Text::from(text),
        more: Vec::new(),
        more_lines: 0,
        is_sound: entry.is_sound(),
    };
    lines.add(stream, line, is_cut);
    Ok(())
}

/// Who speaks, and the unit that he is, or speaks about.
fn speaker(entry: &Entry) -> Option<(Program, Option<&[u8]>)> {
    if entry.value("_TRANSPORT") == Some(b"kernel".as_slice()) {
        return Some((Program::Kernel, None));
    }
    let about = ["UNIT", "OBJECT_SYSTEMD_UNIT", "COREDUMP_UNIT"];
    let about = about.iter().find_map(|name| entry.value(name));
    let identifier = entry.value("SYSLOG_IDENTIFIER");
    // What systemd does before it becomes the program calls itself "(modprobe)".
    let is_systemd = entry.value("_PID") == Some(b"1".as_slice())
        || identifier.is_some_and(|name| name.starts_with(b"systemd") || name.starts_with(b"("));
    if is_systemd {
        return about.map(|unit| (Program::Systemd, Some(unit)));
    }
    let unit = entry.value("_SYSTEMD_UNIT");
    let program = identifier
        .and_then(Program::named)
        .or_else(|| entry.value("_COMM").and_then(Program::named))
        .or_else(|| unit.and_then(Program::of_unit))?;
    Some((program, unit))
}

/// Whether a line is kept where not everything is asked for.
pub(crate) fn is_kept(program: Program, level: Level, text: &[u8], unit: Option<&[u8]>) -> bool {
    match program {
        Program::Kernel => kernel::matters(text),
        Program::Systemd => {
            // Scopes of containers come and go; only their ends by force are of interest.
            unit.is_some_and(|unit| Program::of_unit(unit).is_some())
                || crate::level::find(text, b"OOM").is_some()
                || crate::level::find(text, b"oom-kill").is_some()
        }
        _ if level == Level::Info => {
            crate::starts::is_told(program, text) || crate::names::is_told(text)
        }
        _ => level > Level::Info,
    }
}

/// When it happened: kernel lines say themselves how long after the boot.
fn time(entry: &Entry) -> Time {
    let found = &entry.found;
    let own = entry
        .value("_SOURCE_MONOTONIC_TIMESTAMP")
        .and_then(number_64);
    let is_kernel = entry.value("_TRANSPORT") == Some(b"kernel".as_slice());
    match own.filter(|_| is_kernel) {
        Some(own) => {
            let late = found.monotonic.saturating_sub(own);
            let at = Found {
                realtime: found.realtime.saturating_sub(late),
                ..*found
            };
            at.time()
        }
        None => found.time(),
    }
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn number_64(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

pub(crate) fn path_text(path: &Path) -> String {
    finding::Escaped(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())).to_string()
}
