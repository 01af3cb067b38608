//! `coroner bundle verify` and `coroner bundle ls`

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use cli::{Answer, Exit, Failure, Out, Outcome, Pen, Style, Table, Tool};
use evidence::bundle::verify::{Listed, Problem, Verified, verify};
use evidence::{Budget, Host, OpenError, open_archive};
use finding::{Count, Text, Time, Unread};
use serde::Serialize;

/// Arguments of `coroner bundle`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Compare all of a bundle with what it says of itself: every hash, nothing missing, nothing added
    #[command(after_help = "Examples:
  coroner bundle verify node.tar.zst
  ssh desk cat node.tar.zst | coroner bundle verify -
  coroner bundle verify --format json node.tar.zst | jq -r .answer.trailer

A bundle proves itself. That it is the one that was collected is proven by the SHA-256 of its
trailer, which `collect` prints.

Exit codes: 0 as it was written, 4 something is wrong, 8 no bundle, or it ends too early (12).")]
    Verify {
        /// The bundle, or `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List what is in a bundle, and what is known of what is not
    #[command(after_help = "Examples:
  coroner bundle ls node.tar.zst
  coroner bundle ls node.tar.zst /run/containerd      what is below
  coroner bundle ls --left node.tar.zst               only what was left out, and why")]
    Ls {
        /// The bundle, or `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only what is at or below this path
        #[arg(value_name = "PATH", default_value = "/")]
        below: PathBuf,
        /// Only files whose bytes are not in the bundle
        #[arg(long)]
        left: bool,
    },
}

/// `coroner bundle`
pub const BUNDLE: Tool = cli::tool!(
    "bundle",
    "What is in a bundle, and whether it is as it was written",
    Args,
    run
);

/// What a bundle says of itself.
#[derive(Serialize)]
struct Origin {
    tool: String,
    captured: Time,
    now: Option<Time>,
    host: Host,
    command: Vec<String>,
    roots: Vec<Text>,
    absent: Vec<Text>,
    redacted: bool,
    warnings: Vec<String>,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct Verdict {
    file: Text,
    origin: Option<Origin>,
    /// Whether the archive was read to its end.
    complete: bool,
    entries: usize,
    members: u64,
    hashed: u64,
    #[serde(serialize_with = "finding::size_number")]
    bytes: u64,
    /// Files that changed while they were copied.
    changed: Vec<Text>,
    /// What the bundle says of single copies.
    notes: Vec<Noted>,
    /// SHA-256 of the trailer, which has that of everything else.
    trailer: Option<String>,
    whole_until: Option<WholeUntil>,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Noted {
    path: Text,
    note: String,
}

#[derive(Serialize)]
struct WholeUntil {
    path: Text,
    #[serde(serialize_with = "finding::size_number")]
    at: u64,
}

#[derive(Serialize)]
struct Listing {
    file: Text,
    origin: Option<Origin>,
    complete: bool,
    entries: Vec<Listed>,
}

fn run(args: Args, out: &mut Out) -> Outcome {
    // A bundle may be anybody's.
    cli::lock_down(&[]);
    match args.verb {
        Verb::Verify { file } => {
            let verified = read_verified(&file)?;
            out.answer(&Verdict::from_verified(&file, verified))
        }
        Verb::Ls { file, below, left } => {
            let verified = read_verified(&file)?;
            out.answer(&Listing::list_bundle(&file, verified, &below, left))
        }
    }
}

fn read_verified(file: &Path) -> Result<Verified, Failure> {
    let budget = Budget::default();
    let failed = |why| {
        let path = Text::from(file.as_os_str().as_encoded_bytes());
        let error = OpenError {
            path,
            why,
            image: None,
        };
        Failure::unread(error.to_string()).hint("name a bundle that `coroner collect` wrote")
    };
    if file == Path::new("-") {
        return verify(io::stdin().lock(), &budget).map_err(failed);
    }
    let opened = open_archive(file).map_err(failed)?;
    verify(opened, &budget).map_err(failed)
}

fn origin(verified: &mut Verified) -> Option<Origin> {
    let manifest = verified.manifest.take()?;
    Some(Origin {
        tool: manifest.tool,
        captured: manifest.captured,
        now: manifest.now,
        host: manifest.host,
        command: manifest.command,
        roots: manifest.roots,
        absent: manifest.absent,
        redacted: manifest.redacted,
        warnings: manifest.warnings,
        left_out: manifest.left_out,
    })
}

fn name(file: &Path) -> Text {
    Text::from(file.as_os_str().as_encoded_bytes())
}

impl Verdict {
    fn from_verified(file: &Path, mut verified: Verified) -> Self {
        // Copied while it was another, or left out since it was another each time.
        let moved = Unread::Changed.to_string();
        let is_changed = |entry: &&Listed| entry.changed || entry.left.as_deref() == Some(&*moved);
        let changed = verified.entries.iter().filter(is_changed);
        let notes = verified.entries.iter().filter_map(|entry| {
            let note = entry.note.clone().filter(|_| entry.collected)?;
            let path = entry.path.clone();
            Some(Noted { path, note })
        });
        Self {
            notes: notes.collect(),
            file: name(file),
            changed: changed.map(|entry| entry.path.clone()).collect(),
            origin: origin(&mut verified),
            complete: verified.complete,
            entries: verified.entries.len(),
            members: verified.members,
            hashed: verified.hashed,
            bytes: verified.bytes,
            trailer: verified.trailer,
            whole_until: verified
                .whole_until
                .map(|(path, at)| WholeUntil { path, at }),
            problems: verified.problems,
        }
    }
}

impl Origin {
    fn write_origin(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let host = &self.host;
        let name = Text::from(host.name.as_str());
        let kernel = Text::from(host.kernel.as_str());
        let tool = Text::from(self.tool.as_str());
        let when = self.captured;
        pen.paragraph("From    ", &format!("{name} ({kernel}), {when}, by {tool}"))?;
        if let Some(now) = self.now {
            pen.paragraph("As of   ", &now.to_string())?;
        }
        for warning in &self.warnings {
            let warning = Text::from(warning.as_str()).to_string();
            pen.paragraph("Warning ", &warning)?;
        }
        Ok(())
    }
}

impl Answer for Verdict {
    const SCHEMA: &'static str = "bundle-verify/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if let Some(origin) = &self.origin {
            origin.write_origin(pen)?;
            pen.gap()?;
        }
        for problem in &self.problems {
            let mut line = String::new();
            if let Some(path) = &problem.path {
                let _ = write!(line, "{path}: ");
            }
            line.push_str(problem.wrong.words());
            if let Some(at) = problem.at {
                let _ = write!(line, " (at {at:#x} of the tar)");
            }
            if let Some(want) = &problem.want {
                let _ = write!(line, "; claimed {want}");
            }
            if let Some(found) = &problem.found {
                let _ = write!(line, "; found {found}");
            }
            let label = pen.styled(Style::Bad, "wrong   ").to_string();
            pen.paragraph(&label, &line)?;
        }
        for path in &self.changed {
            pen.paragraph(
                "note    ",
                &format!("{path} changed while it was copied: it counts as unread"),
            )?;
        }
        for Noted { path, note } in &self.notes {
            let note = Text::from(note.as_str());
            pen.paragraph("note    ", &format!("{path}: {note}"))?;
        }
        let bytes = cli::size(self.bytes);
        let entries = Count(self.entries, "entry");
        let members = Count(self.members, "member");
        let hashed = Count(self.hashed, "file");
        pen.line(format!(
            "{entries}, {members}, {hashed} with the right SHA-256, {bytes}"
        ))?;
        if !self.complete
            && let Some(until) = &self.whole_until
        {
            let (path, at) = (&until.path, until.at);
            pen.line(format!("It is whole up to {path} ({at:#x} of the tar)."))?;
        }
        if let Some(trailer) = &self.trailer {
            pen.line(format!("trailer {trailer}"))?;
        }
        if self.problems.is_empty() {
            pen.line("The bundle is as it was written.")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        let mut exit = Exit::CLEAN;
        if !self.problems.is_empty() {
            exit |= Exit::FINDINGS;
        }
        if !self.complete {
            exit |= Exit::UNREAD;
        }
        exit
    }
}

impl Listing {
    fn list_bundle(file: &Path, mut verified: Verified, below: &Path, left: bool) -> Self {
        use std::os::unix::ffi::OsStrExt;
        let origin = origin(&mut verified);
        let is_below = |entry: &Listed| {
            Path::new(std::ffi::OsStr::from_bytes(entry.path.bytes())).starts_with(below)
        };
        let wanted =
            |entry: &Listed| is_below(entry) && (!left || (entry.kind == 'f' && !entry.collected));
        Self {
            file: name(file),
            origin,
            complete: verified.complete,
            entries: verified.entries.into_iter().filter(wanted).collect(),
        }
    }
}

impl Answer for Listing {
    const SCHEMA: &'static str = "bundle-ls/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let mut table = Table::new(&["~mode", "~owner", ">size", "~contents", "/path"]);
        for entry in &self.entries {
            let (kind, mode, path) = (entry.kind, entry.mode, &entry.path);
            let kind = if kind == 'f' { '-' } else { kind };
            let bytes = match (entry.kind, entry.collected, &entry.left, &entry.same) {
                ('f', true, _, _) if entry.changed => "changed".to_owned(),
                ('f', true, _, _) if entry.masked > 0 => "masked".to_owned(),
                ('f', true, _, _) => "here".to_owned(),
                ('f', _, Some(left), _) => Text::from(left.as_str()).to_string(),
                ('f', _, _, Some(_)) => "see its other name".to_owned(),
                _ => "-".to_owned(),
            };
            let shown = match (&entry.target, &entry.same) {
                (Some(target), _) => format!("{path} -> {target}"),
                (None, Some(same)) => format!("{path} is {same}"),
                (None, None) => path.to_string(),
            };
            table.cells(vec![
                format!("{kind}{mode:04o}"),
                format!("{}:{}", entry.uid, entry.gid),
                entry.size.to_string(),
                bytes,
                shown,
            ]);
        }
        pen.table(&table)?;
        if !self.complete {
            pen.gap()?;
            pen.line("The bundle ends too early: `coroner bundle verify` says where.")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.complete {
            Exit::CLEAN
        } else {
            Exit::UNREAD
        }
    }
}
