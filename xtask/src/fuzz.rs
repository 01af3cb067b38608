//! Runs every fuzz target for a while, without cargo-fuzz and on the stable toolchain.

use std::process::Command;

use crate::{Done, root};

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Only these targets
    targets: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Done {
    let folder = root().join("fuzz");
    let targets = targets(&folder)?;
    for target in targets.iter().filter(|name| args.targets.is_empty() || args.targets.contains(name)) {
        let seeds = folder.join("seeds").join(target);
        let corpus = folder.join("corpus").join(target);
        let made = std::fs::create_dir_all(&corpus).and_then(|()| std::fs::create_dir_all(&seeds));
        made.map_err(|error| format!("{}: {error}", corpus.display()))?;
        // Coverage for libFuzzer on stable: what cargo-fuzz would pass, without a sanitizer.
        let flags = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
            -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
            -Cdebug-assertions -Coverflow-checks --cfg fuzzing";
        let status = Command::new("cargo")
            .current_dir(&folder)
            .env("RUSTFLAGS", flags)
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .args(["run", "--release", "--quiet", "--target", "x86_64-unknown-linux-gnu", "--bin"])
            .arg(target)
            .arg("--")
            .args([&corpus, &seeds])
            .arg(format!("-max_total_time={}", args.seconds))
            .args(["-timeout=10", "-rss_limit_mb=2048", "-max_len=262144", "-print_final_stats=1"])
            .status()
            .map_err(|error| format!("cargo: {error}"))?;
        if !status.success() {
            return Err(format!("the fuzz target {target} failed: {status}"));
        }
    }
    Ok(())
}

/// Every file of fuzz_targets is a target.
fn targets(folder: &std::path::Path) -> Result<Vec<String>, String> {
    let folder = folder.join("fuzz_targets");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}
