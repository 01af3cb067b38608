//! The states of containers that real runtimes made, and what `coroner runtime stuck` said of each:
//! `cargo xtask runtime-matrix` makes them, asks, prints the confusion table and writes
//! docs/runtime-matrix.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::{Done, root};

/// Arguments of `cargo xtask runtime-matrix`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which of bookworm, trixie and sid; all of them, if none is named
    releases: Vec<String>,
    /// The binary to ask, instead of a release build made now
    #[arg(long, value_name = "PATH")]
    coroner: Option<PathBuf>,
    /// Make nothing: take what these runs of testdata/make/runtime kept with --rows
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    rows: Vec<PathBuf>,
    /// Do not carry out the remedies
    #[arg(long)]
    no_remedies: bool,
    /// Print only, leave the page alone
    #[arg(long)]
    dry: bool,
}

/// The three ways to ask.
const WAYS: [&str; 3] = ["live", "bundle", "disk"];

pub(crate) fn run(args: &Args) -> Done {
    let mut all_right = true;
    let files = if args.rows.is_empty() {
        let (file, right) = play(args)?;
        all_right = right;
        vec![file]
    } else {
        args.rows.clone()
    };
    let mut rows = Vec::new();
    for file in &files {
        #[expect(clippy::disallowed_methods, reason = "our own results, not evidence")]
        let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let more: Vec<Value> = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        rows.extend(more);
    }
    let mut out = std::io::stdout();
    let printed = out.write_all(confusion(&rows).as_bytes());
    printed.map_err(|error| error.to_string())?;
    if !args.dry {
        let path = root().join("docs/runtime-matrix.md");
        let written = std::fs::write(&path, page(&rows));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if all_right && rows.iter().all(right) {
        Ok(())
    } else {
        Err("not every cell is right".to_owned())
    }
}

/// Has the states made and asked about. Gives the file of rows, and whether all was right.
fn play(args: &Args) -> Result<(PathBuf, bool), String> {
    let coroner = match &args.coroner {
        Some(path) => path.clone(),
        None => build()?,
    };
    let rows = std::env::temp_dir().join(format!("runtime-matrix-{}.json", std::process::id()));
    let mut command = Command::new(root().join("testdata/make/runtime"));
    command.arg("--rows").arg(&rows);
    if !args.no_remedies {
        command.arg("--remedies");
    }
    let status = command.arg(coroner).args(&args.releases).status();
    let status = status.map_err(|error| format!("testdata/make/runtime: {error}"))?;
    match status.code() {
        Some(0 | 1) => Ok((rows, status.success())),
        _ => Err(format!("testdata/make/runtime: {status}")),
    }
}

fn build() -> Result<PathBuf, String> {
    let status = Command::new("cargo")
        .current_dir(root())
        .args(["build", "--release", "--quiet", "--package", "coroner"])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root().join("target"), PathBuf::from);
    if status.success() {
        Ok(target.join("release/coroner"))
    } else {
        Err(format!("cargo build: {status}"))
    }
}

fn text_field<'r>(row: &'r Value, key: &str) -> &'r str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn made(row: &Value) -> bool {
    row.get("not-made").is_some_and(Value::is_null)
}

fn verdict<'r>(row: &'r Value, of: &str) -> &'r str {
    row.get(of)
        .map_or("", |answer| text_field(answer, "verdict"))
}

fn right(row: &Value) -> bool {
    made(row)
        && WAYS.iter().all(|way| verdict(row, way) == "right")
        && matches!(verdict(row, "remedy"), "" | "works" | "none")
}

/// What was said of one state one way.
fn said(row: &Value, way: &str) -> String {
    let Some(answer) = row.get(way) else {
        return "-".to_owned();
    };
    let sure = answer.get("sure").and_then(Value::as_bool) == Some(true);
    let said = text_field(answer, "said");
    let said = if sure || said == "unknowable" {
        said.to_owned()
    } else {
        format!("{said}?")
    };
    if text_field(answer, "verdict") == "right" {
        said
    } else {
        format!("**{said}**")
    }
}

/// State produced × state said: how often what was said, for each state.
fn confusion(rows: &[Value]) -> String {
    let mut states: BTreeMap<(u64, &str), Vec<&Value>> = BTreeMap::new();
    for row in rows.iter().filter(|row| made(row)) {
        let number = row.get("row").and_then(Value::as_u64).unwrap_or_default();
        states
            .entry((number, text_field(row, "made")))
            .or_default()
            .push(row);
    }
    let mut out = String::from(
        "| row | state made | times | said live | said of a bundle | said of files alone |\n|---|---|---|---|---|---|\n",
    );
    for ((number, state), rows) in states {
        let _ = write!(out, "| {number} | {state} | {} |", rows.len());
        for way in WAYS {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for row in &rows {
                let count = counts.entry(said(row, way)).or_default();
                *count = count.saturating_add(1);
            }
            let cells: Vec<String> = counts
                .iter()
                .map(|(said, count)| format!("{said} {count}"))
                .collect();
            let _ = write!(out, " {} |", cells.join(", "));
        }
        out.push('\n');
    }
    out
}

const HEAD: &str = "# Containers in every state, and what coroner said of them

Written by `cargo xtask runtime-matrix`. Each state was made by real programs in a box (runc, crun, containerd and its
shims of three Debian releases; `testdata/make/runtime.toml` lists the states, `testdata/make/runtimes` makes them) and
proven by what the kernel said of its processes. Then `coroner runtime stuck --all` was asked: live inside the box, of a
bundle that `coroner collect` took there, and of a tar of `/run`, the bundles and the stores without `/proc`.

*name?* is an answer that coroner itself called unsure; **bold** is wrong. Of files alone *unknowable* is right where
they do not tell, and only there: `runtime.toml` says for each state what files prove, how far they show that it came,
and the true state must be among those that coroner says it may be. The rules were written with most of these states at
hand: the page shows that they hold, not how often they would on others. For that there are those that are called
*held out* below.

";

const HELD_OUT: &str = "
## Held out

Combinations that the rules were not written for: made first, then coroner was asked. Of the
nineteen it named ten rightly at once. What was wrong, and is fixed:

- a container whose cgroup lies inside of the one that runc made was called `frozen-ancestor` when it was paused, and
  `paused` when only the inner one was frozen;
- a paused container whose shim was stopped was called `paused`: it could not have been resumed;
- a shim in a frozen cgroup was reported as working;
- a `create` that was stopped before it had made anything was called `creating`, for ever, or not seen at all;
- an init under a root that no configuration names (`runc --root /run/odd/place`), or under a user's, was called
  `leaked-init`, with the advice to kill it;
- of two containers with one id under two roots, one hid the other;
- beside k3s's containerd the state was right, and the command lacked the address of its socket.

Two more came to light by states that were made besides:

- crun's init whose start died after it had removed the FIFO reads its end for ever, and was called `creating`;
- a copy of runc that was left mounted (up to 1.1.14) made the `delete` that was told succeed, and leave the folder.

";

const TAIL: &str = "
## Not made here

- AppArmor and SELinux: the kernel of the machine has neither.
- NFS: a FUSE server that does not answer stands for it.
- A node with cgroup v2 alone, and systemd's cgroup driver: the machine is a hybrid of both versions. Frozen by v2 is made
  in the v2 tree of the hybrid.
- runc 1.0, 1.2, 1.4 and youki: in none of the three releases.
- A `create` that is stopped between `state-N` and state.json: what stops it lets it do the call that it is in.
- A console socket that no process accepts, and a memory limit below what init needs: runc fails at once, and nothing hangs.
- crun: it removes the FIFO before it writes to it, so rows 22 and 23 do not exist; it writes no `state-N` and copies
  itself nowhere; it refuses to exec into what is frozen (row 24).
";

/// The lists of what folders allow, by how far they show that a container came, and which of them
/// were made here.
fn allowed(rows: &[Value]) -> String {
    let mut phases: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| made(row)) {
        let Some(disk) = row.get("disk") else {
            continue;
        };
        let may_be = disk.get("may_be").and_then(Value::as_array);
        let Some(may_be) = may_be.filter(|may_be| !may_be.is_empty()) else {
            continue;
        };
        let (all, seen) = phases.entry(text_field(disk, "phase")).or_default();
        all.extend(may_be.iter().filter_map(Value::as_str));
        seen.insert(text_field(row, "made"));
    }
    let mut out = String::from(
        "\n## What files alone allow\n\nHow far the folders show that a container came, the states that coroner then says \
         it may be (of all containers together: each has fewer), and which of them were really made with such \
         folders.\n\n| folders | made here | allowed, too |\n|---|---|---|\n",
    );
    for (phase, (all, seen)) in phases {
        let made: Vec<&str> = all.intersection(&seen).copied().collect();
        let other: Vec<&str> = all.difference(&seen).copied().collect();
        let _ = writeln!(
            out,
            "| {phase} | {} | {} |",
            made.join(", "),
            other.join(", ")
        );
    }
    out
}

fn page(rows: &[Value]) -> String {
    let mut out = HEAD.to_owned();
    let count = |way: &str, what: &str| rows.iter().filter(|row| verdict(row, way) == what).count();
    let _ = writeln!(
        out,
        "{} containers; {} could not be made. Right: live {}, of bundles {}, of files alone {}. Wrong: {}, {}, {}.",
        rows.len(),
        rows.iter().filter(|row| !made(row)).count(),
        count("live", "right"),
        count("bundle", "right"),
        count("disk", "right"),
        count("live", "wrong"),
        count("bundle", "wrong"),
        count("disk", "wrong"),
    );
    let _ = writeln!(
        out,
        "Remedies that coroner printed, carried out: {} worked, {} failed, {} harmed a neighbour.\n",
        count("remedy", "works"),
        count("remedy", "failed"),
        count("remedy", "harmed"),
    );
    out.push_str("## State made, state said\n\nRow 0 is what is healthy. The rows are numbered as in `formats/stuck/src/state.rs`, where each state has its usual cause; 34 is `shim-died`, 35 `at-limit`, 36 `dying`, 37 `outlived`, 38 `rootfs-busy`, 39 `unreachable`, 40 `not-read`, 41 `oom-killed`.\n\n");
    out.push_str(&confusion(rows));
    out.push_str(&allowed(rows));
    out.push_str(HELD_OUT);
    out.push_str("## Each container\n\n| row | container | runtime | the kernel said | live | bundle | files alone | remedy |\n|---|---|---|---|---|---|---|---|\n");
    let mut sorted: Vec<&Value> = rows.iter().collect();
    sorted.sort_by_key(|row| {
        let number = row.get("row").and_then(Value::as_u64).unwrap_or_default();
        (number, text_field(row, "name"), text_field(row, "runtime"))
    });
    for row in sorted {
        let _ = write!(
            out,
            "| {} | {}{} | {} | {} |",
            row.get("row").and_then(Value::as_u64).unwrap_or_default(),
            text_field(row, "name"),
            if row.get("held-out").and_then(Value::as_bool) == Some(true) {
                " (held out)"
            } else {
                ""
            },
            text_field(row, "runtime"),
            text_field(row, "kernel").replace('|', "\\|"),
        );
        for way in WAYS {
            let _ = write!(out, " {} |", said(row, way));
        }
        let remedy = row.get("remedy");
        let became = remedy.map_or("", |remedy| text_field(remedy, "became"));
        let _ = match verdict(row, "remedy") {
            "works" => writeln!(out, " {became} |"),
            "" | "none" => writeln!(out, " |"),
            other => writeln!(out, " **{other}**: {became} |"),
        };
    }
    out.push_str(TAIL);
    out
}
