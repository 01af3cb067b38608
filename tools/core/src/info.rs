//! `coroner core info`

use std::io;

use cli::{Answer, Exit, Out, Outcome, Pen, Table, size};
use elfcore::{Arch, BuildIds, Bytes, Maker, MappedFile, Process, SignalInfo, signal_name};
use finding::{Text, Unknown, size_number};
use goruntime::{Go, LayoutSource};
use serde::Serialize;

use crate::file::CoreArgs;
use crate::open::{Executable, Files};

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core info core.4711
  coroner core info core.4711.zst --exe /srv/executables      the executable is found by its build id
  coroner core info /var/crash/core --in node.tar.zst         a core inside a node";

/// A module that the program was built from.
#[derive(Serialize)]
struct Module {
    path: String,
    version: String,
}

/// What Go's linker wrote.
#[derive(Serialize)]
struct Build {
    go: String,
    package: Option<String>,
    module: Option<Module>,
    settings: Vec<(String, String)>,
    modules: Vec<Module>,
}

/// What is known of its goroutines.
#[derive(Serialize)]
struct Runtime {
    listed: usize,
    layouts: LayoutSource,
    differs: Vec<String>,
    /// What the program's DWARF says otherwise; nothing where it has none.
    dwarf: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Info {
    source: Text,
    #[serde(serialize_with = "size_number")]
    size: u64,
    packed: Option<&'static str>,
    maker: Maker,
    architecture: Arch,
    process: Option<Process>,
    arguments: Vec<Text>,
    namespace: Option<Text>,
    container: Option<Text>,
    address: Option<Text>,
    signal: Option<SignalInfo>,
    threads: usize,
    build_ids: BuildIds,
    executable: Executable,
    build: Option<Build>,
    runtime: Option<Runtime>,
    files: Vec<MappedFile>,
    unknown: Vec<Unknown>,
}

pub(crate) fn run(args: &CoreArgs, out: &mut Out) -> Outcome {
    let files = Files::open(args)?;
    let image = files.image();
    let outline = files.outline(&image);
    let words = files.arguments(&image);
    let mut unknown = files.unknown();
    let build = Go::build_info(&image, &outline);
    let runtime = match files.go(&image) {
        Ok(go) => Some(Runtime {
            dwarf: files
                .dwarf(args)?
                .and_then(|(dwarf, _)| go.differs_from(&dwarf)),
            listed: go.listed(),
            layouts: go.layouts(),
            differs: go.layout_differences().to_vec(),
        }),
        Err(failure) => {
            unknown.push(Unknown::new("the goroutines", failure.message));
            None
        }
    };
    let build = build.map(|build| {
        let module = |module: goruntime::Module<'_>| Module {
            path: module.path.to_owned(),
            version: module.version.to_owned(),
        };
        Build {
            go: build.go().to_owned(),
            package: build.package().map(str::to_owned),
            module: build.module().map(module),
            settings: build
                .settings()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            modules: build.modules().map(module).collect(),
        }
    });
    let after = |flag: &str| {
        let at = words.iter().position(|word| *word == *flag)?;
        words.get(at.saturating_add(1)).cloned()
    };
    let headers = &files.headers;
    out.answer(&Info {
        source: files.core.name.clone(),
        size: files.core.len(),
        packed: files.core.packed,
        maker: headers.maker,
        architecture: headers.arch,
        process: headers.process.clone(),
        namespace: after("-namespace"),
        container: after("-id"),
        address: after("-address"),
        arguments: words,
        signal: headers.signal,
        threads: headers.threads.len(),
        build_ids: files.ids.clone(),
        executable: files.exe_known.clone(),
        build,
        runtime,
        files: headers.files.clone(),
        unknown,
    })
}

impl Files {
    /// What the core lacks, and what that costs.
    pub(crate) fn unknown(&self) -> Vec<Unknown> {
        let mut unknown = Vec::new();
        let headers = &self.headers;
        if headers.cut() > 0 {
            unknown.push(Unknown::new(
                "the end of the core",
                format!(
                    "it is cut: {} of {} bytes are there; memory behind the cut is missing",
                    headers.has, headers.wants
                ),
            ));
        }
        if let Some(claimed) = headers.claims_segments {
            unknown.push(Unknown::new(
                "some areas of memory",
                format!("the header claims {claimed} program headers, and not all are in the file"),
            ));
        }
        if headers.threads.is_empty() {
            unknown.push(Unknown::new(
                "threads, process and mapped files",
                "the core has no notes; gdb writes them at the end, which may be cut",
            ));
        }
        if self.core.has_changed() {
            unknown.push(Unknown::new(
                "all of it",
                "the file changed while it was read",
            ));
        }
        unknown
    }
}

impl Answer for Info {
    const SCHEMA: &'static str = "core-info/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let maker = match self.maker {
            Maker::Kernel => "written by the kernel",
            Maker::Gcore => "written by gdb's gcore",
            Maker::Coroner => "written by coroner",
            Maker::Qemu => "written by QEMU",
            Maker::Unknown => "written by an unknown program",
        };
        let packed = self.packed.map(|how| format!(", packed with {how}"));
        pen.paragraph(
            "Core      ",
            &format!(
                "{} ({}, {}{}), {maker}",
                self.source,
                self.architecture.word(),
                size(self.size),
                packed.unwrap_or_default()
            ),
        )?;
        if let Some(process) = &self.process {
            pen.paragraph(
                "Process   ",
                &format!(
                    "pid {}, parent {}, uid {}: {}",
                    process.pid, process.ppid, process.uid, process.name
                ),
            )?;
        }
        let words: Vec<String> = self.arguments.iter().map(ToString::to_string).collect();
        if !words.is_empty() {
            pen.paragraph("Arguments ", &words.join(" "))?;
        } else if let Some(process) = &self.process {
            pen.paragraph(
                "Arguments ",
                &format!("{} (first 80 bytes)", process.arguments),
            )?;
        }
        if let (Some(namespace), Some(container)) = (&self.namespace, &self.container) {
            pen.paragraph("Serves    ", &format!("container {namespace}/{container}"))?;
        }
        if let Some(signal) = &self.signal {
            let SignalInfo {
                signal,
                code,
                sender,
                address,
            } = signal;
            let sender = sender.map(|pid| format!(", sent by pid {pid}"));
            let address = address.map(|at| format!(", at address {at:#x}"));
            pen.paragraph(
                "Signal    ",
                &format!(
                    "{signal} ({}), code {code}{}{}",
                    signal_name(*signal),
                    sender.unwrap_or_default(),
                    address.unwrap_or_default()
                ),
            )?;
        }
        pen.paragraph("Threads   ", &self.threads.to_string())?;
        if let Some(id) = &self.build_ids.gnu {
            pen.paragraph("Build id  ", id)?;
        } else if let Some(id) = &self.build_ids.go {
            pen.paragraph("Build id  ", &format!("{id} (of Go)"))?;
        }
        let exe = match (&self.executable.file, self.executable.matches) {
            (None, _) => "none given, and none was found by the build id".to_owned(),
            (Some(file), Some(true)) => format!("{file}: the program that ran, by its build id"),
            (Some(file), Some(false)) => {
                format!("{file}: NOT the program that ran, by its build id")
            }
            (Some(file), None) => {
                format!("{file}: whether it is the program that ran is not known")
            }
        };
        pen.paragraph("Program   ", &exe)?;
        if let Some(build) = &self.build {
            let module = build.module.as_ref();
            let module =
                module.map(|module| format!(", module {} {}", module.path, module.version));
            pen.paragraph(
                "Built     ",
                &format!(
                    "with {}: {}{}",
                    build.go,
                    build.package.as_deref().unwrap_or("unknown package"),
                    module.unwrap_or_default()
                ),
            )?;
            for (name, value) in &build.settings {
                pen.paragraph("          ", &format!("{name}={value}"))?;
            }
            if !build.modules.is_empty() {
                pen.paragraph(
                    "Modules   ",
                    &format!("{} (--format json lists them)", build.modules.len()),
                )?;
            }
        }
        if let Some(runtime) = &self.runtime {
            let layouts = match runtime.layouts {
                LayoutSource::ProgramAsTable => {
                    "by the program itself, as in the table of releases"
                }
                LayoutSource::Program => "by the program itself; the table of releases differs",
                LayoutSource::Table => "by the table of releases",
            };
            pen.paragraph(
                "Runtime   ",
                &format!(
                    "{} goroutines are listed; layouts are known {layouts}{}",
                    runtime.listed,
                    match &runtime.dwarf {
                        None => "",
                        Some(differs) if differs.is_empty() => "; its DWARF says the same",
                        Some(_) => "; its DWARF DIFFERS (--format json says where)",
                    }
                ),
            )?;
        }
        let mut table = Table::new(&["!file", ">areas"]);
        let mut names: Vec<(&Text, usize)> = Vec::new();
        for file in &self.files {
            match names.iter_mut().find(|(name, _)| **name == file.path) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => names.push((&file.path, 1)),
            }
        }
        for (name, count) in names {
            table.row([name, &count]);
        }
        if !table.is_empty() {
            pen.gap()?;
            pen.table(&table)?;
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}
