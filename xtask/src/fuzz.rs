//! Runs every fuzz target for a while, without cargo-fuzz and on the stable toolchain.

use std::io::Write;
use std::num::NonZero;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use crate::{Done, root};

/// How `cargo xtask fuzz` is called. Read by hand: with no crate to compile it starts at once.
const USAGE: &str = "\
Run every fuzz target for a while

Usage: cargo xtask fuzz [--seconds SECONDS] [--smoke] [TARGET]...

      --seconds SECONDS  How long each target runs [default: 15]
      --smoke            Built sooner, and slower: for a look at every target
";

/// Arguments of `cargo xtask fuzz`.
struct Args {
    seconds: u64,
    smoke: bool,
    /// Only these; all, if there are none.
    targets: Vec<String>,
}

impl Args {
    fn parse(words: &[String]) -> Result<Self, String> {
        let mut args = Self {
            seconds: 15,
            smoke: false,
            targets: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--smoke" => args.smoke = true,
                "--seconds" => {
                    let seconds = words.next().and_then(|text| text.parse().ok());
                    args.seconds = seconds.ok_or("--seconds wants a number")?;
                }
                option if option.starts_with('-') => return Err(USAGE.to_owned()),
                target => args.targets.push(target.to_owned()),
            }
        }
        Ok(args)
    }
}

pub(crate) fn run(words: &[String]) -> Done {
    let args = Args::parse(words)?;
    let folder = root().join("fuzz");
    let targets = targets(&folder)?;
    let built = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || folder.join("target"),
        |chosen| Path::new(&chosen).join("fuzz"),
    );
    if let Some(unknown) = args.targets.iter().find(|name| !targets.contains(name)) {
        return Err(format!(
            "{unknown} is no fuzz target: {}",
            targets.join(", ")
        ));
    }
    let chosen: Vec<&String> = targets
        .iter()
        .filter(|name| args.targets.is_empty() || args.targets.contains(name))
        .collect();
    for target in &chosen {
        for kind in KINDS {
            let folder = folder.join(kind).join(target);
            let made = std::fs::create_dir_all(&folder);
            made.map_err(|error| format!("{}: {error}", folder.display()))?;
        }
    }
    let profile = if args.smoke { "smoke" } else { "release" };
    build(&folder, &built, profile, &chosen)?;
    seed(&folder.join("seeds"), &chosen)?;
    // A target keeps one core busy.
    let next = AtomicUsize::new(0);
    let work = || -> Done {
        while let Some(target) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            fuzz(&folder, &built, profile, target, args.seconds)?;
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut done = workers.into_iter().map(ScopedJoinHandle::join);
        done.try_for_each(|done| {
            done.unwrap_or_else(|_| Err("a thread of this chore ended early".to_owned()))
        })
    })
}

/// Folders of a target: what it found worth keeping, what it begins with, what failed.
const KINDS: [&str; 3] = ["corpus", "seeds", "artifacts"];

/// Builds the targets, all in one call: their last steps take one core each.
fn build(folder: &Path, built: &Path, profile: &str, targets: &[&String]) -> Done {
    let mut command = cargo(folder, built, profile, "build");
    for target in targets {
        command.args(["--bin", target]);
    }
    let status = command.status();
    let status = status.map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the fuzz targets do not build: {status}"))
    }
}

/// Makes seeds from real evidence, anew at each run.
fn seed(seeds: &Path, targets: &[&String]) -> Done {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .args(["run", "--package", "seeds", "--"])
        .arg(seeds)
        .args(targets);
    let status = command.status();
    let status = status.map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("the seeds cannot be made: {status}"))
    }
}

fn cargo(folder: &Path, built: &Path, profile: &str, verb: &str) -> Command {
    // Coverage for libFuzzer on stable: what cargo-fuzz would pass, without a sanitizer.
    let flags = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
        -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Cdebug-assertions -Coverflow-checks --cfg fuzzing";
    let mut command = Command::new("cargo");
    command
        .current_dir(folder)
        .env("RUSTFLAGS", flags)
        .env("CARGO_TARGET_DIR", built)
        .args([verb, "--profile", profile])
        .args(["--target", "x86_64-unknown-linux-gnu"]);
    command
}

/// Runs a target; what it prints is shown when it is done, for several run at a time.
fn fuzz(folder: &Path, built: &Path, profile: &str, target: &str, seconds: u64) -> Done {
    let [corpus, seeds, artifacts] = KINDS.map(|kind| folder.join(kind).join(target));
    let output = cargo(folder, built, profile, "run")
        .arg("--quiet")
        .args(["--bin", target, "--"])
        .args([&corpus, &seeds])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", longest(target)))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        // By the clock on the wall: a busy machine takes long for what is not.
        .args(["-timeout=60", "-rss_limit_mb=4096", "-print_final_stats=1"])
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let status = output.status;
        return Err(format!("the fuzz target {target} failed: {status}\n{said}"));
    }
    let count = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim).to_owned()
    };
    let runs = count("stat::number_of_executed_units:");
    let peak = count("stat::peak_rss_mb:");
    writeln!(
        std::io::stderr(),
        "{target:14} {runs:>9} executions in {seconds} s, at most {peak} MiB"
    )
    .map_err(|error| error.to_string())
}

/// Bytes of the longest input. The corpus stays in memory, and a database of 64 pages has room for
/// all that there is to find in one.
fn longest(target: &str) -> u32 {
    match target {
        "bolt" | "carve" | "salvage" | "metadb" => 256 << 10,
        _ => 4 << 20,
    }
}

/// Every file of fuzz_targets is a target.
fn targets(folder: &Path) -> Result<Vec<String>, String> {
    let folder = folder.join("fuzz_targets");
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
