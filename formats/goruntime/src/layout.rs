//! Where the fields of g, m, p, sudog, hchan, _defer and _panic are in this program.

use std::collections::BTreeMap;

use elfcore::{Arch, Memory};
use serde::Serialize;

use crate::GoVersion;
use crate::module::ModuleData;
use crate::types::{self, Layout};

/// What toolchains of each release say in their DWARF: `cargo xtask go-layouts` writes it.
pub(crate) const TABLE: &str = include_str!("layouts.txt");

/// The structures that are read.
pub(crate) const WANTED: [&str; 7] = ["g", "m", "p", "sudog", "hchan", "_defer", "_panic"];

/// Where layouts are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayoutSource {
    /// The program's own descriptors of types; the table of known releases says the same.
    ProgramAsTable,
    /// The program's own descriptors; they differ from the table, or it does not have the release.
    Program,
    /// The table: descriptors were not found.
    Table,
}

/// Layouts by name.
#[derive(Debug, Clone)]
pub(crate) struct Layouts {
    pub(crate) source: LayoutSource,
    pub(crate) differs: Vec<String>,
    all: BTreeMap<&'static str, Layout>,
}

impl Layouts {
    /// Those of a program.
    pub(crate) fn from_module(
        memory: &dyn Memory,
        module: &ModuleData,
        version: GoVersion,
        arch: Arch,
    ) -> Option<Self> {
        let table = table(version, arch);
        let mut all = types::layouts(memory, module, version, "runtime", &WANTED);
        let mut differs = Vec::new();
        let own = all.contains_key("g");
        for (name, known) in &table {
            let Some(found) = all.get(name) else {
                all.insert(name, known.clone());
                continue;
            };
            if found.size != known.size {
                differs.push(format!("{name}: {} bytes, not {}", found.size, known.size));
            }
            for (field, offset) in &known.fields {
                let there = found.fields.get(field);
                if there != Some(offset) {
                    differs.push(format!("{name}.{field}: {there:?}, not {offset}"));
                }
            }
        }
        let source = match (own, table.is_empty(), differs.is_empty()) {
            (true, false, true) => LayoutSource::ProgramAsTable,
            (true, ..) => LayoutSource::Program,
            (false, false, _) => LayoutSource::Table,
            (false, true, _) => return None,
        };
        Some(Self {
            source,
            differs,
            all,
        })
    }

    /// The offset of the first of these fields that the structure has.
    pub(crate) fn field(&self, name: &str, fields: &[&str]) -> Option<u64> {
        let layout = self.all.get(name)?;
        fields
            .iter()
            .find_map(|field| layout.fields.get(*field).copied())
            .filter(|offset| *offset < 1 << 20)
    }

    /// What other layouts of the same structures say otherwise.
    pub(crate) fn against(&self, others: &[(&str, Layout)]) -> Vec<String> {
        let mut found = Vec::new();
        for (name, other) in others {
            let Some(own) = self.all.get(name) else {
                continue;
            };
            if own.size != other.size {
                found.push(format!("{name}: {} bytes, not {}", own.size, other.size));
            }
            for (field, offset) in &own.fields {
                if let Some(there) = other.fields.get(field).filter(|there| *there != offset) {
                    found.push(format!("{name}.{field}: {offset}, not {there}"));
                }
            }
        }
        found
    }

    /// The size of a structure.
    pub(crate) fn size(&self, name: &str) -> Option<u64> {
        let layout = self.all.get(name)?;
        Some(layout.size).filter(|size| *size > 0 && *size < 1 << 20)
    }
}

/// The release of a line of the table: `1.24` from its first on, `1.24.11` from that patch on.
pub(crate) fn release(word: &str) -> Option<GoVersion> {
    let (minor, patch) = word
        .strip_prefix("1.")
        .map(|word| word.split_once('.').unwrap_or((word, "0")))?;
    Some(GoVersion {
        minor: minor.parse().ok()?,
        patch: patch.parse().ok()?,
    })
}

/// The table's layouts of a release. Its lines are in the order of releases, so that the last that is not newer counts.
pub(crate) fn table(version: GoVersion, arch: Arch) -> BTreeMap<&'static str, Layout> {
    let mut found = BTreeMap::new();
    for line in TABLE.lines() {
        let mut words = line.split(' ');
        let (Some(of), Some(machine), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let fits = release(of).is_some_and(|of| of.minor == version.minor && of <= version);
        if !fits || machine != arch.word() {
            continue;
        }
        let Some(name) = WANTED
            .into_iter()
            .find(|wanted| name.strip_prefix("runtime.") == Some(wanted))
        else {
            continue;
        };
        let mut layout = Layout::default();
        for (field, offset) in words.filter_map(|word| word.split_once('=')) {
            let Ok(offset) = offset.parse() else {
                continue;
            };
            if field == "size" {
                layout.size = offset;
            } else {
                layout.fields.insert(field.to_owned(), offset);
            }
        }
        found.insert(name, layout);
    }
    found
}

/// Where the fields of a goroutine are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct G {
    pub(crate) size: u64,
    pub(crate) lo: u64,
    pub(crate) hi: u64,
    pub(crate) m: u64,
    pub(crate) sp: u64,
    pub(crate) pc: u64,
    pub(crate) own: u64,
    pub(crate) lr: u64,
    pub(crate) syscallsp: u64,
    pub(crate) syscallpc: u64,
    pub(crate) status: u64,
    pub(crate) goid: u64,
    pub(crate) waitsince: u64,
    pub(crate) reason: u64,
    pub(crate) lockedm: u64,
    pub(crate) gopc: u64,
    pub(crate) startpc: u64,
    pub(crate) waiting: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) stamp: Option<u64>,
}

impl G {
    pub(crate) fn from_layouts(layouts: &Layouts) -> Option<Self> {
        let field = |fields: &[&str]| layouts.field("g", fields);
        Some(Self {
            size: layouts.size("g").filter(|size| *size < 1 << 14)?,
            lo: field(&["stack.lo"])?,
            hi: field(&["stack.hi"])?,
            m: field(&["m"])?,
            sp: field(&["sched.sp"])?,
            pc: field(&["sched.pc"])?,
            own: field(&["sched.g"])?,
            lr: field(&["sched.lr"])?,
            syscallsp: field(&["syscallsp"])?,
            syscallpc: field(&["syscallpc"])?,
            status: field(&["atomicstatus"])?,
            goid: field(&["goid"])?,
            waitsince: field(&["waitsince"])?,
            reason: field(&["waitreason"])?,
            lockedm: field(&["lockedm"])?,
            gopc: field(&["gopc"])?,
            startpc: field(&["startpc"])?,
            waiting: field(&["waiting"])?,
            parent: field(&["parentGoid"]),
            stamp: field(&["trackingStamp", "runnableStamp"]),
        })
    }
}

/// Where the fields of a thread are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct M {
    pub(crate) g0: u64,
    pub(crate) procid: u64,
    pub(crate) gsignal: u64,
    pub(crate) curg: u64,
    pub(crate) id: u64,
    pub(crate) alllink: u64,
}

impl M {
    pub(crate) fn from_layouts(layouts: &Layouts) -> Option<Self> {
        let field = |fields: &[&str]| layouts.field("m", fields);
        Some(Self {
            g0: field(&["g0"])?,
            procid: field(&["procid"])?,
            gsignal: field(&["gsignal"])?,
            curg: field(&["curg"])?,
            id: field(&["id"])?,
            alllink: field(&["alllink"])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_that_changed_a_structure_has_lines_of_its_own() {
        let m = |text| table(GoVersion::parse(text).unwrap(), Arch::Amd64)["m"].size;
        assert_eq!((m("go1.24"), m("go1.24.4")), (1808, 1808));
        assert_eq!((m("go1.24.11"), m("go1.24.13")), (1832, 1832));
    }

    #[test]
    fn the_table_has_every_release_on_both_machines() {
        for minor in GoVersion::OLDEST.minor..=GoVersion::NEWEST.minor {
            for arch in [Arch::Amd64, Arch::Arm64] {
                let layouts = table(GoVersion::new(minor), arch);
                assert_eq!(layouts.len(), WANTED.len(), "{minor}");
                let all = Layouts {
                    source: LayoutSource::Table,
                    differs: Vec::new(),
                    all: layouts,
                };
                let g = G::from_layouts(&all).unwrap();
                assert!(M::from_layouts(&all).is_some());
                assert_eq!(g.parent.is_some(), minor >= 21);
            }
        }
    }
}
