//! What is given away: static binaries and Debian packages of each architecture, with their hashes.
//!
//! A cross build needs Rust's library of that target and a C cross compiler; an architecture without
//! them is named and left out, unless it was asked for. `RUSTC` names another compiler than the one
//! of rustup (Debian's, for instance, with its package libstd-rust-dev of the other architecture);
//! `CARGO_TARGET_<TARGET>_LINKER` another linker.

mod check;
mod deb;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Done, root};

/// Arguments of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which of amd64 and arm64; all that can be built here, if none is named
    architectures: Vec<String>,
    /// The same by its Rust name, such as aarch64-unknown-linux-gnu
    #[arg(long, value_name = "TRIPLE")]
    target: Vec<String>,
    /// The folder to write into
    #[arg(long, short, default_value = "target/dist")]
    output: PathBuf,
    /// The profile to build with; release is quicker to build, and larger
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Package the binaries that are built already
    #[arg(long)]
    no_build: bool,
    /// Check what was written: hashes, packages, and that each binary runs (a foreign one under qemu-user)
    #[arg(long)]
    check: bool,
}

/// An architecture: as Debian, Rust and qemu call it, and what links for it and where that comes from.
struct Architecture {
    debian: &'static str,
    rust: &'static str,
    qemu: &'static str,
    linker: &'static str,
    packages: &'static str,
}

const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        debian: "amd64",
        rust: "x86_64-unknown-linux-gnu",
        qemu: "x86_64",
        linker: "x86_64-linux-gnu-gcc",
        packages: "gcc-x86-64-linux-gnu libc6-dev-amd64-cross",
    },
    Architecture {
        debian: "arm64",
        rust: "aarch64-unknown-linux-gnu",
        qemu: "aarch64",
        linker: "aarch64-linux-gnu-gcc",
        packages: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(args: &Args) -> Done {
    let asked: Vec<&String> = args.architectures.iter().chain(&args.target).collect();
    let is_named = |each: &Architecture, name: &str| each.debian == name || each.rust == name;
    let unknown = |name: &&&String| ARCHITECTURES.iter().all(|each| !is_named(each, name));
    if let Some(name) = asked.iter().find(unknown) {
        let known = ARCHITECTURES
            .iter()
            .map(|each| format!("{} ({})", each.debian, each.rust))
            .collect::<Vec<_>>();
        return Err(format!("{name} is not one of {}", known.join(", ")));
    }
    let output = root().join(&args.output);
    folder(&output)?;
    let mut made = Vec::new();
    for architecture in ARCHITECTURES {
        let is_asked = asked.iter().any(|name| is_named(architecture, name));
        if !is_asked && !asked.is_empty() {
            continue;
        }
        let why = if args.no_build {
            #[expect(
                clippy::disallowed_methods,
                reason = "what was just built, not evidence"
            )]
            let there = built(architecture, args).is_file();
            (!there).then(|| format!("there is no {}", built(architecture, args).display()))
        } else {
            lacking(architecture)
        };
        match why {
            Some(why) if is_asked => return Err(format!("{}: {why}", architecture.debian)),
            Some(why) => say(&format!("{} is left out: {why}", architecture.debian))?,
            None => {
                let binary = build(architecture, args, &output)?;
                let package = deb::package(architecture, &binary, &output)?;
                if args.check {
                    check::binary(architecture, &binary)?;
                    check::package(architecture, &package)?;
                }
                made.push(package);
                made.push(binary);
            }
        }
    }
    if made.is_empty() {
        return Err("nothing can be built here".to_owned());
    }
    made.sort();
    sums(&made, &output.join("SHA256SUMS"))?;
    if args.check {
        check::sums(&output)?;
    }
    for path in &made {
        say(&path.display().to_string())?;
    }
    Ok(())
}

fn say(line: &str) -> Done {
    let said = writeln!(std::io::stdout(), "{line}");
    said.map_err(|error| error.to_string())
}

fn folder(path: &Path) -> Done {
    std::fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What a command prints; an error names it.
fn run_to_end(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command
        .output()
        .map_err(|error| format!("{name}: {error}"))?;
    if ran.status.success() {
        return Ok(String::from_utf8_lossy(&ran.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(format!("{name}: {}: {}", ran.status, said.trim()))
}

/// The environment's word for something, or the usual one.
fn chosen(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
}

/// The variable with which cargo is told the linker of a target.
fn linker_variable(architecture: &Architecture) -> String {
    let upper = architecture.rust.replace('-', "_").to_uppercase();
    format!("CARGO_TARGET_{upper}_LINKER")
}

/// What is missing to build for an architecture, and what would bring it.
fn lacking(architecture: &Architecture) -> Option<String> {
    let mut compiler = Command::new(chosen("RUSTC", "rustc"));
    compiler.args(["--print", "target-libdir", "--target", architecture.rust]);
    let library = run_to_end(&mut compiler);
    let there = library.is_ok_and(|path| std::fs::read_dir(path.trim()).is_ok());
    if !there {
        return Some(format!(
            "Rust's library for {target} is not installed. Run `rustup target add {target}`, or set RUSTC \
             to a compiler that has it (Debian: rustc with libstd-rust-dev:{})",
            architecture.debian,
            target = architecture.rust,
        ));
    }
    let variable = linker_variable(architecture);
    let linker = chosen(&variable, architecture.linker);
    if Command::new(&linker).arg("--version").output().is_err() {
        return Some(format!(
            "there is no linker {linker}. Run `apt install {}`, or name one in {variable}",
            architecture.packages
        ));
    }
    None
}

/// Where cargo leaves the binary.
fn built(architecture: &Architecture, args: &Args) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    let profile = target.join(architecture.rust).join(&args.profile);
    profile.join("coroner")
}

/// A static binary, named after its version and architecture.
fn build(architecture: &Architecture, args: &Args, output: &Path) -> Result<PathBuf, String> {
    if !args.no_build {
        let variable = linker_variable(architecture);
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(root())
            .args(["build", "--quiet", "--locked", "--profile", &args.profile])
            .args(["--package", "coroner", "--target", architecture.rust])
            .env("RUSTFLAGS", "-C target-feature=+crt-static")
            .env(&variable, chosen(&variable, architecture.linker));
        run_to_end(&mut cargo)?;
    }
    let from = built(architecture, args);
    let binary = output.join(format!("coroner-{VERSION}-linux-{}", architecture.debian));
    std::fs::copy(&from, &binary).map_err(|error| format!("{}: {error}", from.display()))?;
    Ok(binary)
}

/// The hashes, as `sha256sum --check` reads them.
fn sums(paths: &[PathBuf], into: &Path) -> Done {
    use sha2::Digest as _;
    let mut text = String::new();
    for path in paths {
        #[expect(
            clippy::disallowed_methods,
            reason = "what was just built, not evidence"
        )]
        let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hash = hex::encode(sha2::Sha256::digest(&bytes));
        let _ = writeln!(text, "{hash}  {name}");
    }
    std::fs::write(into, text).map_err(|error| format!("{}: {error}", into.display()))
}
