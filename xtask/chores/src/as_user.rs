//! Runs the tests that were built as another user, so that nothing passes only because it is root.

use std::io::Write as _;
use std::num::NonZero;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use crate::{Done, root};

/// Arguments of `cargo xtask as-user`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose rights to run them with
    user: String,
}

pub(crate) fn run(args: &Args) -> Done {
    let built = Command::new("cargo")
        .current_dir(root())
        .args(["test", "--workspace", "--no-run", "--message-format=json"])
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.status.success() {
        return Err("the tests do not build".to_owned());
    }
    let programs = programs(&String::from_utf8_lossy(&built.stdout));
    if programs.is_empty() {
        return Err("no test program was found".to_owned());
    }
    // Many programs wait for one slow test at their end: meanwhile the next one has begun.
    let next = AtomicUsize::new(0);
    // One that fails keeps no other from being run: all that is wrong is told at once.
    let work = || -> Vec<String> {
        let mut failed = Vec::new();
        while let Some((program, folder)) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(one(program, folder, &args.user).err());
        }
        failed
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(ScopedJoinHandle::join);
        let failed = done.flat_map(|done| {
            done.unwrap_or_else(|_| vec!["a thread of this chore ended early".to_owned()])
        });
        let failed: Vec<String> = failed.collect();
        if failed.is_empty() {
            let count = programs.len();
            let told = writeln!(std::io::stdout(), "{count} programs, none failed");
            told.map_err(|error| format!("standard output: {error}"))
        } else {
            Err(failed.join("\n"))
        }
    })
}

/// Runs one program; what it says is shown whole, when it has ended.
fn one(program: &str, folder: &str, user: &str) -> Done {
    // A folder of its own: the user may not read the one of whoever built it.
    let script = format!(
        "set -e; here=$(mktemp -d); trap 'rm -rf \"$here\"' EXIT; chmod 755 \"$here\"; \
         install -m 755 '{program}' \"$here/test\"; cd '{folder}'; \
         setpriv --reuid '{user}' --regid '{user}' --clear-groups \
         env HOME=/tmp CARGO_MANIFEST_DIR='{folder}' \"$here/test\" --quiet 2>&1",
    );
    let output = Command::new("bash").args(["-c", &script]).output();
    let output = output.map_err(|error| format!("bash: {error}"))?;
    let mut stdout = std::io::stdout().lock();
    let told = stdout.write_all(&output.stdout);
    told.map_err(|error| format!("standard output: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed as {user}"))
    }
}

/// The test programs that cargo names, each with the folder of its package.
fn programs(messages: &str) -> Vec<(String, String)> {
    // One JSON object a line; two of its fields are all that is wanted of it.
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    messages
        .lines()
        .filter(|line| line.contains("\"reason\":\"compiler-artifact\""))
        // The profile says whether it was built as a test; the target, whether it could be.
        .filter(|line| {
            let profile = line.split_once("\"profile\":{").map(|(_, rest)| rest);
            let profile = profile
                .and_then(|rest| rest.split_once('}'))
                .map(|(profile, _)| profile);
            profile.is_some_and(|profile| profile.contains("\"test\":true"))
        })
        .filter_map(|line| {
            let manifest = field(line, "manifest_path")?;
            let folder = manifest.strip_suffix("/Cargo.toml")?.to_owned();
            Some((field(line, "executable")?, folder))
        })
        .collect()
}
