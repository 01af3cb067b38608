//! The table of layouts beside what a program's DWARF and its own descriptors say: `cargo xtask go-layouts`.

use std::collections::{BTreeMap, BTreeSet};

use elfcore::{Arch, Bytes, Elf, Memory};

use crate::layout::{self, TABLE, WANTED};
use crate::module::ModuleData;
use crate::outline::Outline;
use crate::pclntab::Head;
use crate::types::{self, Layout};
use crate::{Dwarf, Go, GoVersion};

/// What is known of the layouts of a program that has DWARF, as lines of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its release and machine, as the table names them: `1.27 amd64`, or `1.24.11 amd64` where a patch differs from
    /// what the table has of those before it.
    pub of: String,
    /// By its DWARF.
    pub dwarf: Vec<String>,
    /// By its own descriptors: structures that it makes on stacks alone have none.
    pub program: Vec<String>,
    /// By the table; nothing where it does not have the release.
    pub table: Vec<String>,
}

/// A program that does not run: its variables are as the linker wrote them.
struct AtRest<'b>(&'b dyn Bytes, &'b Elf);

impl Memory for AtRest<'_> {
    fn read_memory(&self, at: u64, into: &mut [u8]) -> usize {
        let load = self
            .1
            .loads()
            .find(|load| load.address <= at && at.saturating_sub(load.address) < load.held);
        let Some(load) = load else {
            return 0;
        };
        let skip = at.saturating_sub(load.address);
        let room = usize::try_from(load.held.saturating_sub(skip)).unwrap_or(usize::MAX);
        let count = into.len().min(room);
        let into = into.get_mut(..count).unwrap_or_default();
        self.0.read_at(load.offset.saturating_add(skip), into)
    }
}

impl Compared {
    /// Of a program that is not position-independent and has DWARF.
    pub fn compare_readings(bytes: &dyn Bytes) -> Result<Self, String> {
        let elf = Elf::read_elf(bytes).map_err(|why| why.to_string())?;
        let dwarf = Dwarf::of_file(bytes, &elf).ok_or("it has no DWARF")?;
        let memory = AtRest(bytes, &elf);
        let outline = Outline::of_file(bytes, &elf, 0);
        let build = Go::build_info(&memory, &outline).ok_or("it has no build info")?;
        let version = GoVersion::parse(build.go()).ok_or("its release is not known")?;
        let heads = Head::find(&memory, &outline, elf.arch);
        let module = ModuleData::find(&memory, &outline, &heads, version);
        let module = module.ok_or("its moduledata was not found")?;
        let program = types::layouts(&memory, &module, version, "runtime", &WANTED);
        let dwarf: BTreeMap<&str, Layout> = dwarf.layouts("runtime", &WANTED).into_iter().collect();
        let table = layout::table(version, elf.arch);
        let is_as_before = lines("", &dwarf) == lines("", &table);
        let of = if table.is_empty() || is_as_before || version.patch == 0 {
            format!("1.{} {}", version.minor, elf.arch.word())
        } else {
            format!("1.{}.{} {}", version.minor, version.patch, elf.arch.word())
        };
        Ok(Self {
            dwarf: lines(&of, &dwarf),
            program: lines(&of, &program),
            table: lines(&of, &table),
            of,
        })
    }

    /// What does not agree, each as a sentence.
    pub fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        let missing = WANTED.len().saturating_sub(self.dwarf.len());
        if missing > 0 {
            found.push(format!("{missing} structures are not in the DWARF"));
        }
        if self.dwarf != self.table {
            let all = self.dwarf.iter().filter(|line| !self.table.contains(line));
            found.extend(all.map(|line| format!("the table does not have: {line}")));
            let all = self.table.iter().filter(|line| !self.dwarf.contains(line));
            found.extend(all.map(|line| format!("the DWARF does not have: {line}")));
        }
        let all = self
            .program
            .iter()
            .filter(|line| !self.dwarf.contains(line));
        found.extend(all.map(|line| format!("the program's own types say: {line}")));
        found
    }
}

/// The fields that the table has of a structure in any release, in its order.
fn fields(name: &str) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for line in TABLE.lines() {
        let mut words = line.split(' ').skip(2);
        if words.next().and_then(|word| word.strip_prefix("runtime.")) != Some(name) {
            continue;
        }
        let fields = words.filter_map(|word| Some(word.split_once('=')?.0));
        found.extend(fields.filter(|field| *field != "size" && seen.insert(*field)));
    }
    found
}

/// Layouts as the table has them.
fn lines(of: &str, all: &BTreeMap<&str, Layout>) -> Vec<String> {
    let known = WANTED
        .iter()
        .filter_map(|name| Some((name, all.get(name)?)));
    known
        .map(|(name, layout)| {
            let mut fields: Vec<(u64, &str)> = fields(name)
                .into_iter()
                .filter_map(|field| Some((*layout.fields.get(field)?, field)))
                .collect();
            fields.sort_unstable();
            let fields: Vec<String> = fields
                .iter()
                .map(|(offset, field)| format!("{field}={offset}"))
                .collect();
            format!(
                "{of} runtime.{name} size={} {}",
                layout.size,
                fields.join(" ")
            )
        })
        .collect()
}

/// The table with these lines instead of those that it has of the same releases and machines.
pub fn table_with(new: &[Compared]) -> String {
    let mut all: BTreeMap<(GoVersion, String, usize), String> = BTreeMap::new();
    let given = new
        .iter()
        .filter(|one| one.dwarf != one.table)
        .flat_map(|one| one.dwarf.iter().map(String::as_str));
    for line in TABLE.lines().chain(given) {
        let mut words = line.split(' ');
        let (Some(of), Some(machine), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let release = layout::release(of);
        let place = WANTED
            .iter()
            .position(|wanted| name.strip_prefix("runtime.") == Some(wanted));
        if let (Some(release), Some(place)) = (release, place) {
            all.insert((release, machine.to_owned(), place), line.to_owned());
        }
    }
    all.into_values()
        .fold(String::new(), |text, line| text + &line + "\n")
}

/// Both machines of the table.
pub const MACHINES: [Arch; 2] = [Arch::Amd64, Arch::Arm64];
