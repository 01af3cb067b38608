//! A core, opened with its executable.

use std::collections::HashSet;

use cli::Failure;
use elfcore::{Arguments, Auxv, BuildIds, Core, Elf, Image, Memory, NotCore};
use finding::{Text, Unknown};
use goruntime::{DebugLink, Dwarf, Go, Library, Note, Outline, ThreadLink, Threads};
use serde::Serialize;

use crate::file::{CoreArgs, File};

/// Libraries whose tables are read.
const LIBRARIES: usize = 256;
/// How an ELF file begins.
const ELF: u64 = 0x464c_457f;

/// The files of a core.
pub(crate) struct Files {
    pub(crate) core: File,
    pub(crate) headers: Core,
    pub(crate) exe: Option<(File, Elf)>,
    /// Build ids of the program that ran, by the core.
    pub(crate) ids: BuildIds,
    /// What is known of the executable.
    pub(crate) exe_known: Executable,
}

/// What is known of the executable.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Executable {
    /// Its file.
    pub(crate) file: Option<Text>,
    /// Whether it is the program that ran: `null` where no build id tells.
    pub(crate) matches: Option<bool>,
    /// Its own build ids.
    pub(crate) build_ids: BuildIds,
}

impl Files {
    /// Opens the core and its executable.
    pub(crate) fn open(args: &CoreArgs) -> Result<Self, Failure> {
        let core = args.open()?;
        let headers = Core::read_core(&core).map_err(|why| not_core(&core, &why))?;
        let ids = {
            let image = Image::new(&core, &headers.segments);
            let at = headers.auxv.get(Auxv::PHDR);
            let count = headers.auxv.get(Auxv::PHNUM);
            at.zip(count)
                .map(|(at, count)| elfcore::of_memory(&image, at, count, None))
                .unwrap_or_default()
        };
        let path = headers.program().map(|file| file.path.clone());
        let exe = args.executable(&ids, path.as_ref())?;
        let exe = match exe {
            None => None,
            Some(file) => {
                let elf = Elf::read_elf(&file)
                    .map_err(|why| Failure::unread(format!("{}: {why}", file.name)))?;
                Some((file, elf))
            }
        };
        let own = exe
            .as_ref()
            .map(|(file, elf)| BuildIds::of_file(file, elf))
            .unwrap_or_default();
        let exe_known = Executable {
            file: exe.as_ref().map(|(file, _)| file.name.clone()),
            matches: exe.as_ref().and_then(|_| own.same(&ids)),
            build_ids: own,
        };
        if exe
            .as_ref()
            .is_some_and(|(_, elf)| elf.arch != headers.arch)
        {
            return Err(Failure::usage(
                "the executable is of another machine than the core",
            ));
        }
        Ok(Self {
            core,
            headers,
            exe,
            ids,
            exe_known,
        })
    }

    /// The memory of the process.
    pub(crate) fn image(&self) -> Image<'_> {
        let mut image = Image::new(&self.core, &self.headers.segments);
        if let Some((file, elf)) = self.usable_exe() {
            image.add(file, elf, elf.slide(&self.headers.auxv));
        }
        image
    }

    /// The executable, unless it is known to be another one.
    fn usable_exe(&self) -> Option<(&File, &Elf)> {
        let (file, elf) = self.exe.as_ref()?;
        (self.exe_known.matches != Some(false)).then_some((file, elf))
    }

    /// Where the parts of the program are.
    pub(crate) fn outline(&self, image: &Image<'_>) -> Outline {
        if let Some((file, elf)) = self.usable_exe() {
            return Outline::of_file(file, elf, elf.slide(&self.headers.auxv));
        }
        let own = Outline::of_memory(image, &self.headers.auxv);
        own.unwrap_or_else(|| Outline::of_segments(&self.headers.segments))
    }

    /// The Go process in it.
    pub(crate) fn go<'i>(&self, image: &'i Image<'_>) -> Result<Go<'i>, Failure> {
        if self.exe_known.matches == Some(false) {
            let name = self.exe_known.file.clone().unwrap_or_default();
            let id = |ids: &BuildIds| ids.shown().unwrap_or_default();
            return Err(Failure::unread(format!(
                "{name} is not the program of this core: its build id is {}, that of the core is {}",
                id(&self.exe_known.build_ids),
                id(&self.ids)
            ))
            .hint("find the executable of that build id: the package of the release that ran"));
        }
        let outline = self.outline(image);
        Go::find(image, &outline, self.headers.arch).map_err(|why| {
            let failure = Failure::unread(format!("{}: {why}", self.core.name));
            match (&self.exe, self.ids.shown()) {
                (None, Some(id)) => failure.hint(format!(
                    "give the executable with --exe FILE, or a folder that holds it: its build id is {id}; a program that \
                     is not Go's has no goroutines"
                )),
                (None, None) => failure.hint(
                    "give the executable with --exe FILE; a program that is not Go's has no goroutines",
                ),
                (Some(_), _) => failure.hint("`coroner core info` says what the core lacks"),
            }
        })
    }

    /// The program's DWARF, of the executable or of the folder that was named, and the slide.
    pub(crate) fn dwarf(&self, args: &CoreArgs) -> Result<Option<(Dwarf, u64)>, Failure> {
        let exe = self.usable_exe();
        let own = exe.and_then(|(file, elf)| {
            Some((Dwarf::of_file(file, elf)?, elf.slide(&self.headers.auxv)))
        });
        if own.is_some() {
            return Ok(own);
        }
        let link = exe.and_then(|(file, elf)| DebugLink::of_file(file, elf));
        let Some(file) = args.debug_file(&self.ids, link.as_ref())? else {
            return Ok(None);
        };
        let elf = Elf::read_elf(&file).ok();
        Ok(elf.and_then(|elf| Some((Dwarf::of_file(&file, &elf)?, elf.slide(&self.headers.auxv)))))
    }

    /// The arguments of the process: those that were noted, else those on its stack.
    pub(crate) fn arguments(&self, image: &Image<'_>) -> Vec<Text> {
        let noted = Note::from_core(&self.headers).map(|note| note.words());
        noted.filter(|words| !words.is_empty()).unwrap_or_else(|| {
            let found = Arguments::find(image, &self.headers.auxv);
            found.map(|found| found.arguments).unwrap_or_default()
        })
    }

    /// Its program and libraries with their unwind tables, as far as they are the ones that ran.
    pub(crate) fn libraries(
        &self,
        args: &CoreArgs,
        image: &Image<'_>,
        unknown: &mut Vec<Unknown>,
    ) -> Vec<Library> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let whole = |path: &Text| {
            let all = self.headers.files.iter().filter(|file| file.path == *path);
            all.fold((u64::MAX, 0), |(start, end), file| {
                (start.min(file.start), end.max(file.end))
            })
        };
        let program = self.headers.program().map(|file| &file.path);
        if let Some((file, elf)) = self.usable_exe() {
            let slide = elf.slide(&self.headers.auxv);
            let bounds = elf.loads().fold((u64::MAX, 0), |(start, end), load| {
                let first = load.address.wrapping_add(slide);
                (start.min(first), end.max(first.saturating_add(load.size)))
            });
            found.push(Library::read_library(
                file.name.clone(),
                file,
                elf,
                bounds,
                slide,
            ));
        }
        for file in &self.headers.files {
            if Some(&file.path) == program || file.offset != 0 || !seen.insert(&file.path) {
                continue;
            }
            if found.len() >= LIBRARIES {
                break;
            }
            // Its first page is in the core, with its program headers: AT_PHDR of a library.
            let word = |at: u64| image_word(image, file.start, at);
            let Some((headers_at, count)) = word(32).zip(word(56)) else {
                continue;
            };
            let ids = elfcore::of_memory(
                image,
                file.start.saturating_add(headers_at),
                count & 0xffff,
                Some(file.start),
            );
            match args.library(&file.path, &ids) {
                Some((bytes, elf)) => {
                    let lowest = elf.loads().map(|load| load.address).min().unwrap_or(0);
                    let slide = file.start.wrapping_sub(lowest & !0xfff);
                    found.push(Library::read_library(
                        file.path.clone(),
                        &bytes,
                        &elf,
                        whole(&file.path),
                        slide,
                    ));
                }
                // Data that is mapped is none.
                None if word(0).is_some_and(|magic| magic & 0xffff_ffff == ELF) => {
                    unknown.push(Unknown::new(
                        format!("frames of C in {}", file.path),
                        "no file with the build id that the core names was found at its path",
                    ));
                }
                None => {}
            }
        }
        found
    }

    /// Its threads, as the runtime is asked for them.
    pub(crate) fn threads(&self, go: &Go<'_>) -> Threads {
        let links: Vec<ThreadLink> = self.headers.threads.iter().map(ThreadLink::from).collect();
        go.tie(&links)
    }
}

fn image_word(image: &Image<'_>, start: u64, at: u64) -> Option<u64> {
    let image: &dyn Memory = image;
    image.u64(start.checked_add(at)?)
}

fn not_core(file: &File, why: &NotCore) -> Failure {
    let failure = Failure::unread(format!("{}: {why}", file.name));
    match why {
        NotCore::Program => failure.hint("a program is given with --exe; the core comes first"),
        NotCore::Packed(_) => failure.hint("unpack it first"),
        NotCore::Elf(_) => failure.hint("name an ELF core, plain or packed with zstd or lz4"),
    }
}
