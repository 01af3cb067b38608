//! What `coroner repair` brought back of real nodes that were broken, started again and collected:
//! `cargo xtask recovery-matrix` breaks and repairs them, prints case by release, and writes
//! docs/recovery-matrix.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use crate::{Done, root};

/// Arguments of `cargo xtask recovery-matrix`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The binary that repairs
    #[arg(long, value_name = "PATH", default_value = "target/release/coroner")]
    coroner: PathBuf,
    /// Nodes of each release with one to three faults of any store, besides the named cases
    #[arg(long, value_name = "N", default_value_t = 0)]
    mixed: usize,
    /// Which faults those get
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Installations whose places some cases are tried with, too: `k3s`, `docker`
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    layouts: Vec<String>,
    /// Repair nothing: take what these runs of testdata/make/recovery printed
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    log: Vec<PathBuf>,
    /// Keep what the page has of cases and releases that were not tried now: marked as earlier
    #[arg(long)]
    keep: bool,
    /// Print only, leave the page alone
    #[arg(long)]
    dry: bool,
}

/// What is tried with the places of each installation.
const OF_LAYOUTS: &[&str] = &[
    "deleted",
    "backend-deleted",
    "both-deleted",
    "zeroed",
    "address-emptied",
    "off-deleted",
    "off-both-deleted",
];

/// One node that was broken, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    release: String,
    case: String,
    is_right: bool,
    /// What did not come back, or why it failed.
    note: String,
}

pub(crate) fn run(args: &Args) -> Done {
    let text = if args.log.is_empty() {
        let mut text = play(args, &[])?;
        if args.mixed > 0 {
            let (mixed, seed) = (args.mixed.to_string(), args.seed.to_string());
            text.push_str(&play(args, &["--mixed", &mixed, "--seed", &seed])?);
        }
        for layout in &args.layouts {
            let words = [&["--layout", layout.as_str()], OF_LAYOUTS].concat();
            text.push_str(&play(args, &words)?);
        }
        text
    } else {
        let mut text = String::new();
        for file in &args.log {
            #[expect(clippy::disallowed_methods, reason = "our own results, not evidence")]
            let read = std::fs::read_to_string(file);
            text.push_str(&read.map_err(|error| format!("{}: {error}", file.display()))?);
        }
        text
    };
    let rows: Vec<Row> = text.lines().filter_map(row).collect();
    if rows.is_empty() {
        return Err("no node was repaired".to_owned());
    }
    let path = root().join("docs/recovery-matrix.md");
    #[expect(clippy::disallowed_methods, reason = "our own page, not evidence")]
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    let kept = if args.keep {
        earlier(&old)
    } else {
        Cells::new()
    };
    let page = page(&rows, &kept);
    let mut out = std::io::stdout();
    let printed = out.write_all(page.as_bytes());
    printed.map_err(|error| error.to_string())?;
    if !args.dry {
        let written = std::fs::write(&path, page);
        written.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    match rows.iter().filter(|row| !row.is_right).count() {
        0 => Ok(()),
        count => Err(format!("{count} nodes did not come back as they should")),
    }
}

fn play(args: &Args, more: &[&str]) -> Result<String, String> {
    let script = root().join("testdata/make/recovery");
    let mut command = Command::new(script);
    let command = command.current_dir(root()).arg(&args.coroner).args(more);
    let done = command.output();
    let done = done.map_err(|error| format!("testdata/make/recovery: {error}"))?;
    match done.status.code() {
        Some(0 | 1) => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
        _ => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
    }
}

/// `ok      bookworm  deleted 0: 7 steps; start yes; rows missing: none; tasks lost: 0; directories: 29
/// right, 0 wrong, 0 left out; slots 7`.
fn row(line: &str) -> Option<Row> {
    let (state, rest) = line.split_once(' ')?;
    let is_right = match state {
        "ok" => true,
        "FAILED" => false,
        _ => return None,
    };
    let (release, rest) = rest.trim_start().split_once("  ")?;
    let (name, said) = rest.split_once(": ")?;
    let case = name.split(' ').next()?;
    let part = |key: &str| {
        let mut parts = said.split("; ");
        parts.find_map(|part| part.strip_prefix(key))
    };
    let mut gone = Vec::new();
    if !is_right {
        gone.push(said.chars().take(120).collect());
    } else if said.starts_with("empty plan, ") {
        gone.push("nothing to repair: bits of values that only meta.db has".to_owned());
    } else if said.starts_with("empty plan") {
        gone.push("nothing to repair: what was hit is not in use".to_owned());
    }
    if let Some(missing) = part("rows missing: ").filter(|missing| *missing != "none") {
        let missing = missing.replace(['{', '}', '\''], "").replace(": ", " ");
        gone.push(format!("records that are lost: {missing}"));
    }
    if let Some(tasks) = part("tasks lost: ").filter(|tasks| *tasks != "0") {
        gone.push(format!("{tasks} tasks"));
    }
    let aside = part("directories: ").and_then(|part| part.rsplit(", ").next());
    let aside = aside.and_then(|part| part.strip_suffix(" left out"));
    if let Some(aside) = aside.filter(|aside| *aside != "0") {
        gone.push(format!("{aside} directories aside or under new names"));
    }
    gone.extend(part("note: ").map(str::to_owned));
    Some(Row {
        release: release.to_owned(),
        case: case.to_owned(),
        is_right,
        note: gone.join("; "),
    })
}

/// What a page says of a case and a release.
type Cells = BTreeMap<(String, String), String>;

/// How cells of earlier runs begin.
const EARLIER: &str = "(earlier) ";

/// The cells of a page.
fn earlier(page: &str) -> Cells {
    let mut lines = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix("| ")?
            .strip_suffix('|')?
            .split(" | ")
            .map(str::trim)
            .collect();
        Some(cells)
    });
    let releases: Vec<&str> = lines.next().unwrap_or_default();
    let mut found = Cells::new();
    for cells in lines {
        let mut both = releases.iter().zip(&cells);
        let Some((_, case)) = both.next() else {
            continue;
        };
        for (release, cell) in both.filter(|(_, cell)| !cell.is_empty()) {
            let cell = cell.strip_prefix(EARLIER).unwrap_or(cell);
            found.insert(
                ((*case).to_owned(), (*release).to_owned()),
                format!("{EARLIER}{cell}"),
            );
        }
    }
    found
}

fn page(rows: &[Row], kept: &Cells) -> String {
    let mut releases: Vec<&str> = Vec::new();
    let mut cases: Vec<&str> = Vec::new();
    let mut cells: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if !releases.contains(&row.release.as_str()) {
            releases.push(&row.release);
        }
        if !cases.contains(&row.case.as_str()) {
            cases.push(&row.case);
        }
        cells
            .entry((&row.case, &row.release))
            .or_default()
            .push(row);
    }
    for (case, release) in kept.keys() {
        if !releases.contains(&release.as_str()) {
            releases.push(release);
        }
        if !cases.contains(&case.as_str()) {
            cases.push(case);
        }
    }
    let right = rows.iter().filter(|row| row.is_right).count();
    let mut page = String::from(
        "# What repair brought back\n\n\
         Written by `cargo xtask recovery-matrix`. `testdata/make/recovery` breaks a populated node of real daemons (1.6 of \
         bookworm, 1.7 of trixie, 2.x\nof sid), repairs it, takes it back (byte for byte as it was), repairs it again, \
         starts the daemon, has every store collected, and\ncompares snapshots, blobs, running tasks and records \
         with what was there before. Cases that begin with `off-` are of a node that\nwas powered off; `mixed` have \
         one to three faults of any store.\n\n\
         Cases that begin with `docker/` and `kubelet/` are of `testdata/make/dockerd` and `testdata/make/kubelet`: a real dockerd or \
         kubelet goes on\nwith what was repaired. Their lines are read with `--log`, as those of `testdata/make/recovery`.\n\n\
         *all*: every record, layer, blob and task of before is there. Lost records are those that no \
         store repeats (docs/repair.md).\n\n",
    );
    let _ = writeln!(
        page,
        "{right} of {} nodes came back as they should.\n",
        rows.len()
    );
    if !kept.is_empty() {
        let _ = writeln!(
            page,
            "Cells that begin with *(earlier)* are of runs before these, on an earlier build.\n"
        );
    }
    let _ = writeln!(page, "| case | {} |", releases.join(" | "));
    let _ = writeln!(page, "|---|{}", "---|".repeat(releases.len()));
    for case in cases {
        let _ = write!(page, "| {case} |");
        for release in &releases {
            let found = cells.get(&(case, *release)).map_or(&[][..], Vec::as_slice);
            let old = kept.get(&(case.to_owned(), (*release).to_owned()));
            let cell = match old.filter(|_| found.is_empty()) {
                Some(old) => old.clone(),
                None => cell(found),
            };
            let _ = write!(page, " {cell} |");
        }
        page.push('\n');
    }
    page
}

/// The nodes of a case: how many, and what each lacks.
fn cell(rows: &[&Row]) -> String {
    if rows.len() > 4 {
        let right = rows.iter().filter(|row| row.is_right).count();
        let mut failed: Vec<String> = vec![format!("{right} of {}", rows.len())];
        let wrong = rows.iter().filter(|row| !row.is_right);
        failed.extend(wrong.map(|row| format!("**{}**", row.note)));
        return failed.join(", ");
    }
    let mut said: Vec<String> = Vec::new();
    for row in rows {
        let note = if row.note.is_empty() {
            "all"
        } else {
            &row.note
        };
        let note = if row.is_right {
            note.to_owned()
        } else {
            format!("**{note}**")
        };
        if !said.contains(&note) {
            said.push(note);
        }
    }
    said.join(" / ").replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
ok      bookworm  deleted 0: 7 steps; start with-care; rows missing: {'containers': 9, 'leases': 2}; tasks lost: 0; directories: 29 right, 0 wrong, 0 left out; slots 7
ok      bookworm  noise 0: 1 steps; start yes; rows missing: none; tasks lost: 0; directories: 29 right, 0 wrong, 0 left out; slots 2
ok      bookworm  noise 1: empty plan; start yes; rows missing: none; tasks lost: 0; directories: 29 right, 0 wrong, 0 left out; slots 0
ok      trixie  kubelet/deleted: 1 steps; note: the kubelet restarts 2 containers; images ['a:1']
FAILED  trixie  noise 0: Wrong('directories of snapshots are gone')

3 passed, 1 failed
";

    #[test]
    fn a_log_becomes_a_table() {
        let rows: Vec<Row> = LOG.lines().filter_map(row).collect();
        assert_eq!(rows.len(), 5);
        let page = page(&rows, &Cells::new());
        for line in [
            "4 of 5 nodes came back as they should.",
            "| kubelet/deleted |  | the kubelet restarts 2 containers |",
            "| case | bookworm | trixie |",
            "| deleted | records that are lost: containers 9, leases 2 |  |",
            "| noise | all / nothing to repair: what was hit is not in use | **Wrong('directories of snapshots are gone')** |",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}: {page}");
        }
    }

    #[test]
    fn what_was_not_tried_stays_and_is_called_earlier() {
        let rows: Vec<Row> = LOG.lines().filter_map(row).collect();
        let first = page(&rows, &Cells::new());
        let one: Vec<Row> = rows
            .into_iter()
            .filter(|row| row.release == "trixie")
            .collect();
        let mut again = page(&one, &earlier(&first));
        // A page that keeps cells keeps those that it kept.
        for _ in 0..2 {
            let line = "| deleted |  | (earlier) records that are lost: containers 9, leases 2 |";
            assert!(again.lines().any(|found| found == line), "{again}");
            assert!(again.contains("1 of 2 nodes came back"), "{again}");
            again = page(&one, &earlier(&again));
        }
    }
}
