//! What is given away: static binaries and Debian packages of each architecture, with their hashes.
//!
//! A cross build needs Rust's library of that target (`rustup target add`) and Debian's
//! `gcc-aarch64-linux-gnu` with `libc6-dev-arm64-cross`; an architecture without them is named and
//! left out, unless it was asked for.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::docs::{self, Manuals};
use crate::{Done, root};

/// Arguments of `cargo xtask dist`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which of amd64 and arm64; all that can be built here, if none is named
    architectures: Vec<String>,
    /// The folder to write into
    #[arg(long, short, default_value = "target/dist")]
    output: PathBuf,
}

/// An architecture: as Debian calls it, as Rust does, and what links for it where that is not the
/// machine's own `cc`.
struct Architecture {
    debian: &'static str,
    rust: &'static str,
    linker: &'static str,
}

const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        debian: "amd64",
        rust: "x86_64-unknown-linux-gnu",
        linker: "x86_64-linux-gnu-gcc",
    },
    Architecture {
        debian: "arm64",
        rust: "aarch64-unknown-linux-gnu",
        linker: "aarch64-linux-gnu-gcc",
    },
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) fn run(args: &Args) -> Done {
    let unknown = |name: &&String| ARCHITECTURES.iter().all(|each| each.debian != **name);
    if let Some(name) = args.architectures.iter().find(unknown) {
        return Err(format!("{name} is none of amd64 and arm64"));
    }
    let output = root().join(&args.output);
    folder(&output)?;
    let mut made = Vec::new();
    for architecture in ARCHITECTURES {
        let asked = args
            .architectures
            .iter()
            .any(|name| name == architecture.debian);
        if !asked && !args.architectures.is_empty() {
            continue;
        }
        match lacking(architecture) {
            Some(why) if asked => return Err(format!("{}: {why}", architecture.debian)),
            Some(why) => say(&format!("{} is left out: {why}", architecture.debian))?,
            None => {
                let binary = build(architecture, &output)?;
                made.push(package(architecture, &binary, &output)?);
                made.push(binary);
            }
        }
    }
    if made.is_empty() {
        return Err("nothing can be built here".to_owned());
    }
    made.sort();
    sums(&made, &output.join("SHA256SUMS"))?;
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

/// What is missing to build for an architecture.
fn lacking(architecture: &Architecture) -> Option<String> {
    let library = run_to_end(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        architecture.rust,
    ]));
    let there = library.is_ok_and(|path| std::fs::read_dir(path.trim()).is_ok());
    if !there {
        return Some(format!("`rustup target add {}`", architecture.rust));
    }
    let linker = Command::new(architecture.linker).arg("--version").output();
    if linker.is_err() {
        return Some(format!("there is no {}", architecture.linker));
    }
    None
}

/// A static binary, named after its version and architecture.
fn build(architecture: &Architecture, output: &Path) -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    let upper = architecture.rust.replace('-', "_").to_uppercase();
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--locked", "--profile", "dist"])
        .args(["--package", "coroner", "--target", architecture.rust])
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env(format!("CARGO_TARGET_{upper}_LINKER"), architecture.linker);
    run_to_end(&mut cargo)?;
    let built = target.join(architecture.rust).join("dist/coroner");
    let binary = output.join(format!("coroner-{VERSION}-linux-{}", architecture.debian));
    std::fs::copy(&built, &binary).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(binary)
}

/// A Debian package of a binary: with man pages, completions and the licence.
fn package(architecture: &Architecture, binary: &Path, output: &Path) -> Result<PathBuf, String> {
    let tree = output.join(format!("tree-{}", architecture.debian));
    if tree.read_dir().is_ok() {
        std::fs::remove_dir_all(&tree).map_err(|error| error.to_string())?;
    }
    let copy = |from: &Path, to: &str| -> Done {
        let to = tree.join(to);
        folder(to.parent().unwrap_or(&tree))?;
        let copied = std::fs::copy(from, &to).map(drop);
        copied.map_err(|error| format!("{}: {error}", from.display()))
    };
    copy(binary, "usr/bin/coroner")?;
    copy(&root().join("LICENSE"), "usr/share/doc/coroner/copyright")?;
    copy(
        &root().join("CHANGELOG.md"),
        "usr/share/doc/coroner/changelog",
    )?;
    let manuals = output.join("manuals");
    docs::manuals(&Manuals::into(manuals.clone()))?;
    for (from, to) in [
        ("man", "usr/share/man/man1"),
        ("completions", "usr/share/coroner/completions"),
    ] {
        let from = manuals.join(from);
        let entries = std::fs::read_dir(&from);
        let entries = entries.map_err(|error| format!("{}: {error}", from.display()))?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            copy(&entry.path(), &format!("{to}/{name}"))?;
        }
    }
    let control = format!(
        "Package: coroner\nVersion: {VERSION}\nArchitecture: {}\nSection: admin\nPriority: optional\n\
         Maintainer: The coroner project <coroner@localhost>\n\
         Description: offline forensics and recovery for containerd nodes\n \
         Reads what containerd and runc left on a disk, without a daemon: what is broken,\n \
         what a start would do, and what is safe to do.\n",
        architecture.debian
    );
    folder(&tree.join("DEBIAN"))?;
    let written = std::fs::write(tree.join("DEBIAN/control"), control);
    written.map_err(|error| error.to_string())?;
    let deb = output.join(format!("coroner_{VERSION}_{}.deb", architecture.debian));
    let mut command = Command::new("dpkg-deb");
    command
        .args(["--build", "--root-owner-group"])
        .arg(&tree)
        .arg(&deb);
    run_to_end(&mut command)?;
    for made in [&tree, &manuals] {
        std::fs::remove_dir_all(made).map_err(|error| error.to_string())?;
    }
    Ok(deb)
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
