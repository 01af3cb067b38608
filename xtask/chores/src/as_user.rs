//! Runs the tests that were built as another user, so that nothing passes only because it is root.

use std::process::Command;

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
    let mut ran = 0_usize;
    for (program, folder) in programs(&String::from_utf8_lossy(&built.stdout)) {
        // A folder of its own: the user may not read the one of whoever built it.
        let script = format!(
            "set -e; here=$(mktemp -d); chmod 755 \"$here\"; install -m 755 '{program}' \"$here/test\"; \
             cd '{folder}'; setpriv --reuid '{user}' --regid '{user}' --clear-groups \
             env HOME=/tmp CARGO_MANIFEST_DIR='{folder}' \"$here/test\" --quiet; rm -rf \"$here\"",
            user = args.user
        );
        let status = Command::new("bash").args(["-c", &script]).status();
        let status = status.map_err(|error| format!("bash: {error}"))?;
        if !status.success() {
            return Err(format!("{program} failed as {}", args.user));
        }
        ran = ran.saturating_add(1);
    }
    if ran == 0 {
        Err("no test program was found".to_owned())
    } else {
        Ok(())
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
