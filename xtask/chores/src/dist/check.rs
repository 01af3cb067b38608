//! Whether what was written is what it should be. An installation in a Debian of its own is tried by
//! `testdata/make/deb`, which needs root.

use std::path::Path;
use std::process::Command;

use super::deb::COMPLETIONS;
use super::{Architecture, VERSION, run_to_end, say};
use crate::Done;

/// That a binary runs and needs no library. A foreign one is run by qemu-user, where that is installed.
pub(super) fn binary(architecture: &Architecture, path: &Path) -> Done {
    let mut readelf = Command::new("readelf");
    let parts = run_to_end(readelf.args(["--wide", "--program-headers"]).arg(path))?;
    if parts.contains("INTERP") {
        return Err(format!("{} is not static", path.display()));
    }
    let is_native = std::env::consts::ARCH == architecture.qemu;
    let mut command = if is_native {
        Command::new(path)
    } else {
        let mut emulator = Command::new(format!("qemu-{}", architecture.qemu));
        if emulator.arg("--version").output().is_err() {
            return say(&format!(
                "{} was not run: there is no qemu-{} (`apt install qemu-user`)",
                path.display(),
                architecture.qemu
            ));
        }
        let mut emulator = Command::new(format!("qemu-{}", architecture.qemu));
        emulator.arg(path);
        emulator
    };
    let ran = command.args(["triage", "--sample"]).output();
    let ran = ran.map_err(|error| format!("{}: {error}", path.display()))?;
    let said = String::from_utf8_lossy(&ran.stdout);
    // The sample is broken (4), and not all of it can be read (8).
    if ran.status.code() == Some(12) && said.starts_with("Do not start containerd") {
        return Ok(());
    }
    Err(format!(
        "{} triage --sample: {}: {}",
        path.display(),
        ran.status,
        String::from_utf8_lossy(&ran.stderr).trim()
    ))
}

/// That a package says what it is, has all of its files, and that they are root's and not writable by others.
pub(super) fn package(architecture: &Architecture, path: &Path) -> Done {
    let wrong = |why: String| Err(format!("{}: {why}", path.display()));
    let mut command = Command::new("dpkg-deb");
    let fields = run_to_end(command.arg("--field").arg(path))?;
    for field in [
        "Package: coroner".to_owned(),
        format!("Version: {VERSION}"),
        format!("Architecture: {}", architecture.debian),
    ] {
        if !fields.lines().any(|line| line == field) {
            return wrong(format!("its control file lacks `{field}`"));
        }
    }
    let mut command = Command::new("dpkg-deb");
    let listed = run_to_end(command.arg("--contents").arg(path))?;
    let mut files = vec![
        "usr/bin/coroner",
        "usr/share/doc/coroner/copyright",
        "usr/share/doc/coroner/changelog.gz",
        "usr/share/man/man1/coroner.1.gz",
        "usr/share/man/man1/coroner-triage.1.gz",
    ];
    files.extend(COMPLETIONS.iter().map(|(_, to)| *to));
    for file in files {
        if !listed
            .lines()
            .any(|line| line.ends_with(&format!(" ./{file}")))
        {
            return wrong(format!("it has no {file}"));
        }
    }
    for line in listed.lines() {
        let mut words = line.split_whitespace();
        let (mode, owner) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        let want = match mode.get(..1) {
            Some("d") => "drwxr-xr-x",
            _ if line.ends_with(" ./usr/bin/coroner") => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        if owner != "root/root" || mode != want {
            return wrong(format!("wrong owner or mode: {line}"));
        }
    }
    Ok(())
}

/// That `sha256sum` agrees with our hashes.
pub(super) fn sums(output: &Path) -> Done {
    let mut command = Command::new("sha256sum");
    command
        .current_dir(output)
        .args(["--check", "--strict", "SHA256SUMS"]);
    run_to_end(&mut command).map(drop)
}
