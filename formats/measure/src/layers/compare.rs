//! One layer's directory, entry by entry of its tars.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use evidence::{Evidence, FileKind, Stat};
use finding::{Known, Text, Unknown, Unread};
use layer::{Entry, Kind, Layer, Limits, Watch};
use snapshots::is_whiteout_device;

use super::attributes::{self, Departed, departed};
use super::wants::Wants;
use super::{Departure, Difference, LayerFound, LayerJob, LayerTold, MOST};
use crate::{Control, Cut, Step, Walk, WalkLimits};

/// A comparison under way.
struct Compare<'c> {
    evidence: &'c Evidence,
    job: &'c LayerJob,
    wants: Wants,
    unknown: Vec<Unknown>,
    /// Whether a path in the directory is a directory, and all above it.
    folders: BTreeMap<Vec<u8>, bool>,
    /// Bytes of these paths.
    remembered: usize,
    /// Whether it was said that attributes cannot be read.
    is_blind: bool,
}

/// Bytes that the names of any layer may take in memory: of a larger one sixteen more for each of its
/// own.
const NAMES: u64 = 48 << 20;
/// Steps that its names may take, and 64 more for each byte.
const STEPS: u64 = 16 << 20;
/// Bytes of paths whose kind is remembered.
const REMEMBERED: usize = 8 << 20;

pub(super) fn layer(
    evidence: &Evidence,
    job: &LayerJob,
    control: &Control<'_>,
    told: &LayerTold<'_>,
) -> Known<LayerFound> {
    let mut compare = Compare {
        evidence,
        job,
        wants: Wants::default(),
        unknown: Vec::new(),
        folders: BTreeMap::new(),
        remembered: 0,
        is_blind: false,
    };
    match evidence.stat(&job.files) {
        Ok(stat) if stat.is_dir() => {}
        Ok(stat) => return lost(&job.files, format!("it is a {}", stat.kind.word())),
        Err(why) => return lost(&job.files, why.to_string()),
    }
    let mut packed = 0_u64;
    for (tar, (path, diff_id)) in job.blobs.iter().enumerate() {
        let watch = Watch {
            cancel: control.cancel,
            progress: control.progress,
        };
        let mut layer = match Layer::of_blob(evidence, path, Limits::default(), watch) {
            Ok(layer) => layer,
            Err(why) => return lost(path, why.to_string()),
        };
        let size = evidence.stat(path).map_or(0, |stat| stat.size);
        packed = packed.saturating_add(size);
        let (names, steps) = (
            NAMES.saturating_add(packed.saturating_mul(16)),
            STEPS.saturating_add(packed.saturating_mul(64)),
        );
        while let Some(entry) = layer.next_entry() {
            compare.entry(&mut layer, &entry, tar);
            let (held, done) = compare.wants.cost();
            if held > names || done > steps {
                let why =
                    "its names take more memory or time than the budget for a layer of its size";
                return lost(path, why.to_owned());
            }
        }
        let summary = layer.finish();
        if control.is_cancelled() {
            return lost(path, Cut::Cancelled.to_string());
        }
        told(path, &summary);
        // A blob that is not what the image says proves nothing about the directory.
        match summary.diff_id() {
            Some(found) if found == diff_id => {}
            Some(found) => {
                let why = format!("its diffID is {found}, not {diff_id}");
                return lost(path, why);
            }
            None => {
                let why = summary.faults.first();
                let why = why.map_or_else(|| "it is damaged".to_owned(), ToString::to_string);
                return lost(path, why);
            }
        }
        if !summary.is_whole() {
            let why = summary.faults.first().map(ToString::to_string);
            return lost(path, why.unwrap_or_default());
        }
    }
    compare.finish(control)
}

fn lost(path: &Path, why: String) -> Known<LayerFound> {
    Known::lost(crate::walk::shown(path).to_string(), why)
}

fn path_text(path: &[u8]) -> Text {
    Text::from([b"/", path].concat())
}

fn differences(path: &[u8], departed: Vec<Departed>) -> Vec<Difference> {
    departed
        .into_iter()
        .map(|(how, want, found)| Difference {
            path: path_text(path),
            how,
            want,
            found,
        })
        .collect()
}

impl Compare<'_> {
    fn at(&self, path: &[u8]) -> PathBuf {
        self.job.files.join(OsStr::from_bytes(path))
    }

    /// What lies at `path`. No link on the way is followed: what a link stands for is not the
    /// layer's.
    fn stat(&mut self, path: &[u8]) -> Result<Stat, Unread> {
        let folder = path.iter().rposition(|byte| *byte == b'/');
        let folder = folder
            .and_then(|slash| path.get(..slash))
            .unwrap_or_default();
        if !self.is_folder(folder) {
            return Err(Unread::Absent);
        }
        self.evidence.stat(&self.at(path))
    }

    fn is_folder(&mut self, path: &[u8]) -> bool {
        if path.is_empty() {
            return true;
        }
        if let Some(known) = self.folders.get(path) {
            return *known;
        }
        // From the top down, so that no component is looked up through a link.
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends: Vec<usize> = slashes.map(|(at, _)| at).chain([path.len()]).collect();
        let mut is_folder = true;
        for end in ends {
            let part = path.get(..end).unwrap_or_default();
            if let Some(known) = self.folders.get(part) {
                is_folder = *known;
            } else {
                let at = self.at(part);
                is_folder = is_folder && self.evidence.stat(&at).is_ok_and(|stat| stat.is_dir());
                if self.remembered > REMEMBERED {
                    self.folders.clear();
                    self.remembered = 0;
                }
                self.remembered = self.remembered.saturating_add(part.len());
                self.folders.insert(part.to_vec(), is_folder);
            }
            // Nothing below can be one.
            if !is_folder {
                return false;
            }
        }
        is_folder
    }

    fn entry(
        &mut self,
        layer: &mut Layer<'_, Box<dyn Read + Send + '_>>,
        entry: &Entry,
        tar: usize,
    ) {
        let path = self.wants.place(&entry.path);
        let is_lowest = if self.job.is_overlay {
            self.job.is_base
        } else {
            tar == 0
        };
        match entry.kind {
            Kind::Aufs | Kind::Other(_) => return,
            // Where nothing is below, a deleted name leaves nothing.
            Kind::Whiteout | Kind::Opaque if is_lowest => return,
            Kind::Opaque if self.job.is_overlay => {
                // Its own path is where the entry lies, not a name in it.
                self.wants.imply(&[path.as_slice(), b"/x"].concat());
                self.wants.opaque.insert(path);
                return;
            }
            Kind::Opaque => return self.wants.cut(&path, tar),
            Kind::Whiteout if !self.job.is_overlay => return self.wants.remove(&path),
            _ => {}
        }
        if path.is_empty() && entry.kind != Kind::Dir {
            return;
        }
        let departed = self.departures(layer, entry, &path);
        let of_target = (entry.kind == Kind::HardLink && departed.is_empty())
            .then(|| self.wants.place(&entry.target().unwrap_or_default()))
            .filter(|target| self.wants.has(target) && *target != path);
        self.wants
            .add(path.clone(), entry, tar, differences(&path, departed));
        if let Some(target) = of_target {
            self.applied_again(entry, &path, &target);
            self.wants.is_same(&path, target);
        }
    }

    fn departures(
        &mut self,
        layer: &mut Layer<'_, Box<dyn Read + Send + '_>>,
        entry: &Entry,
        path: &[u8],
    ) -> Vec<Departed> {
        let place = self.at(path);
        let stat = match self.stat(path) {
            Ok(stat) if !stat.only_kind => stat,
            Ok(_) => {
                self.unknown(&place, "only its kind is known");
                return Vec::new();
            }
            Err(Unread::Absent) if entry.kind == Kind::Whiteout => {
                return vec![departed(Departure::Whiteout, "deleted", "not deleted")];
            }
            Err(Unread::Absent) => {
                let want = entry.kind.file_kind().map_or("hard link", FileKind::word);
                return vec![(Departure::Missing, Some(Text::from(want)), None)];
            }
            Err(why) => {
                self.unknown(&place, &why.to_string());
                return Vec::new();
            }
        };
        let mut into = Vec::new();
        let kind = match entry.kind {
            Kind::Whiteout => {
                match is_whiteout_device(&stat) {
                    Some(true) => {}
                    Some(false) => {
                        into.push(departed(Departure::Whiteout, "deleted", stat.kind.word()));
                    }
                    None => self.unknown(&place, "the evidence has no device numbers"),
                }
                return into;
            }
            Kind::HardLink => {
                self.hard_link(entry, &place, &mut into);
                return into;
            }
            kind => kind.file_kind(),
        };
        if kind != Some(stat.kind) {
            let want = kind.map_or("nothing", FileKind::word);
            let found = match is_whiteout_device(&stat) {
                Some(true) => "whiteout",
                _ => stat.kind.word(),
            };
            return vec![departed(Departure::Kind, want, found)];
        }
        if stat.is_file()
            && let Err(why) = self.content(layer, entry, &stat, &place, &mut into)
        {
            self.unknown(&place, &why);
        }
        if entry.kind == Kind::Symlink {
            let unknown = attributes::target(self.evidence, entry, &place, &mut into);
            self.unknown.extend(unknown);
        }
        attributes::stat(self.job, entry, &stat, &mut into);
        self.xattrs(entry, &stat, &place, &mut into);
        into
    }

    fn unknown(&mut self, place: &Path, why: &str) {
        let what = crate::walk::shown(place).to_string();
        if self.unknown.len() < 100 {
            self.unknown.push(Unknown::new(what, why));
        }
    }

    fn xattrs(&mut self, entry: &Entry, stat: &Stat, place: &Path, into: &mut Vec<Departed>) {
        let known = self.evidence.xattrs(place);
        let Some(found) = known.whole() else {
            // Without CAP_SYS_ADMIN, this is so of every file.
            if !self.is_blind {
                self.is_blind = true;
                self.unknown.extend(known.unknown().iter().take(1).cloned());
            }
            return;
        };
        attributes::xattrs(entry, found, into);
        // Those of directories are looked at when they are walked.
        if self.job.is_overlay && !stat.is_dir() {
            attributes::marks(found, stat.kind, false, into);
        }
    }

    fn hard_link(&mut self, entry: &Entry, place: &Path, into: &mut Vec<Departed>) {
        let target = entry.target().unwrap_or_default();
        let target = self.wants.place(&target);
        // One of a layer below cannot be unpacked as a link, and is not judged.
        if !self.wants.has(&target) || self.stat(&target).is_err() {
            return;
        }
        match self.evidence.same_file(place, &self.at(&target)) {
            Some(true) => {}
            Some(false) => {
                let want = format!("the same file as {}", path_text(&target));
                into.push(departed(Departure::HardLink, want, "another file"));
            }
            None => self.unknown(place, "the evidence does not tell which files are one"),
        }
    }

    /// containerd gives a file what each of its entries says, the hard links' too: mode, owner, times
    /// and attributes are those of the last one that it unpacked (and a change of the owner takes file
    /// capabilities away). What the file has by this entry is not held against an earlier one.
    fn applied_again(&mut self, entry: &Entry, path: &[u8], target: &[u8]) {
        let place = self.at(path);
        let Ok(stat) = self.stat(path) else { return };
        let mut own: Vec<Departed> = Vec::new();
        attributes::stat(self.job, entry, &stat, &mut own);
        if let Some(found) = self.evidence.xattrs(&place).whole() {
            attributes::xattrs(entry, found, &mut own);
        }
        let departs = |how: Departure| own.iter().any(|(own, ..)| *own == how);
        self.wants.take_back(target, |how| {
            let is_attribute = matches!(
                how,
                Departure::Mode
                    | Departure::Setuid
                    | Departure::Owner
                    | Departure::Capability
                    | Departure::Xattrs
                    | Departure::Mtime
            );
            is_attribute && !departs(how)
        });
    }

    /// Compares the bytes as they come out of the tar.
    fn content(
        &mut self,
        layer: &mut Layer<'_, Box<dyn Read + Send + '_>>,
        entry: &Entry,
        stat: &Stat,
        place: &Path,
        into: &mut Vec<Departed>,
    ) -> Result<(), String> {
        if stat.size != entry.size {
            let how = match stat.size {
                0 => Departure::Empty,
                less if less < entry.size => Departure::Truncated,
                _ => Departure::Longer,
            };
            let bytes = |size: u64| format!("{size} bytes");
            into.push(departed(how, bytes(entry.size), bytes(stat.size)));
            return Ok(());
        }
        if entry.size == 0 {
            return Ok(());
        }
        let mut reader = self.evidence.reader(place).map_err(|why| why.to_string())?;
        let mut there = Vec::new();
        let mut at = 0_u64;
        let mut differs: Option<u64> = None;
        let mut failed: Option<String> = None;
        let read = layer.each_piece(|piece| {
            if differs.is_some() || failed.is_some() {
                return;
            }
            there.resize(piece.len(), 0);
            if let Err(error) = reader.read_exact(&mut there) {
                failed = Some(error.to_string());
                return;
            }
            if there != piece {
                let equal = there.iter().zip(piece).take_while(|(one, two)| one == two);
                let equal = u64::try_from(equal.count()).unwrap_or(0);
                differs = Some(at.saturating_add(equal));
            }
            at = at.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        });
        read.map_err(|error| error.to_string())?;
        if let Some(why) = failed {
            return Err(why);
        }
        if let Some(at) = differs {
            let found = Some(Text::from(format!("other bytes from {at:#x} on")));
            into.push((Departure::Content, None, found));
        }
        Ok(())
    }

    /// What the directory has beside the names of its tars.
    fn finish(mut self, control: &Control<'_>) -> Known<LayerFound> {
        let mut all: BTreeMap<Vec<u8>, Vec<Difference>> = BTreeMap::new();
        for step in Walk::new(self.evidence, &self.job.files, WalkLimits::default()) {
            if control.is_cancelled() {
                return lost(&self.job.files, Cut::Cancelled.to_string());
            }
            let (place, stat) = match step {
                Step::Entry { path, stat, .. } => (path, stat),
                Step::Unknown(unknown) => {
                    self.unknown.push(unknown);
                    continue;
                }
            };
            let below = place.strip_prefix(&self.job.files).unwrap_or(&place);
            let path = below.as_os_str().as_bytes().to_vec();
            let is_wanted = self.wants.has(&path);
            let mut departed = Vec::new();
            let is_implied = stat.is_dir() && self.wants.is_parent(&path);
            if !is_wanted && !is_implied {
                departed.push(added(&stat));
            }
            // A directory that only entries below it imply may not be something else.
            if self.job.is_overlay && stat.is_dir() {
                let is_opaque = self.wants.opaque.contains(&path);
                match self.evidence.xattrs(&place).whole() {
                    Some(found) => {
                        attributes::marks(found, stat.kind, is_opaque, &mut departed);
                    }
                    None if !self.is_blind => {
                        self.is_blind = true;
                        self.unknown(&place, "its extended attributes cannot be read");
                    }
                    None => {}
                }
            }
            if !departed.is_empty() {
                let differences = differences(&path, departed);
                all.entry(path).or_default().extend(differences);
            }
        }
        let names = self.wants.count();
        for (path, want) in self.wants.into_names() {
            if !want.differences.is_empty() {
                all.entry(path).or_default().extend(want.differences);
            }
        }
        let mut differences: Vec<Difference> = all.into_values().flatten().collect();
        let more = differences.len().saturating_sub(MOST);
        differences.truncate(MOST);
        let found = LayerFound {
            names,
            differences,
            more: u64::try_from(more).unwrap_or(u64::MAX),
        };
        Known::with(found, self.unknown)
    }
}

fn added(stat: &Stat) -> Departed {
    if is_whiteout_device(stat) == Some(true) {
        return departed(Departure::Whiteout, "not deleted", "deleted");
    }
    let bits = if stat.is_file() && stat.mode & 0o6000 != 0 {
        format!(", mode {:04o}", stat.mode)
    } else {
        String::new()
    };
    let found = format!("{}{bits}", stat.kind.word());
    (Departure::Added, None, Some(Text::from(found)))
}
