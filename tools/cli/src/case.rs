//! The evidence of a run, and the node in it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use evidence::{Evidence, Kind, LiveProc, Numbered, OpenError, Options};
use finding::{Escaped, Remedy, Text, Time, Unread};
use node::{Node, Roots, Rule, Said};
use process::{Depth, Processes, Tree};
use serde::Serialize;

use crate::{Again, Failure, Pen, Style, advice, place, safety};

/// Which node, and where its stores are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct EvidenceArgs {
    /// The node, `/` (this machine) if it is left out: `/`, a mounted image, `/proc/PID/root` of a node that is a container, a folder that
    /// holds var/lib/containerd, containerd's root itself, a tar of these (plain, .gz, .zst), a
    /// bundle of `coroner collect`, `-` for a tar on standard input, or `sample:` for a broken node that is built in
    #[arg(value_name = "NODE")]
    pub evidence: PathBuf,
    #[command(flatten)]
    #[expect(missing_docs, reason = "flattened")]
    pub places: PlaceArgs,
}

/// Where the stores of a node are, if not where they are looked for.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Where the stores are")]
pub struct PlaceArgs {
    /// containerd's root, inside the evidence
    #[arg(long, value_name = "PATH")]
    pub root: Option<PathBuf>,
    /// containerd's state, inside the evidence
    #[arg(long, value_name = "PATH")]
    pub state: Option<PathBuf>,
    /// containerd's config.toml, inside the evidence
    #[arg(long, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Where to keep what of a tar does not fit in memory (a file without a name)
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// What time it was at the node when the evidence was taken (RFC 3339), where the evidence does
    /// not say
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub now: Option<Time>,
}

fn moment(text: &str) -> Result<Time, String> {
    Time::parse(text).map_err(|error| format!("{error}; for example 2026-11-21T05:00:00Z"))
}

/// What the broken node that comes with coroner is called, where a node is named.
pub const SAMPLE: &str = "sample:";

/// A real node that was broken in ways that testdata/sample/edits.toml lists.
const SAMPLE_NODE: &[u8] = include_bytes!("../../../testdata/sample/broken.tar.zst");

/// The evidence of a run.
#[derive(Debug)]
pub struct Case {
    /// The evidence.
    pub evidence: Evidence,
    /// Every installation that was found in it, the one that is examined first.
    pub roots: Vec<Roots>,
    /// What was said of the time, else the wall clock where the evidence is the machine itself.
    now: Option<Time>,
    /// Whether the evidence is the machine itself, or a node that runs now.
    live: bool,
    /// Its processes: of the machine itself, where it was opened live, else as they were stored.
    pub processes: Option<Arc<Processes>>,
    /// Whose numbers the pids of a node that runs are.
    numbered: Numbered,
    /// What the evidence is called in answers, if not as it was given.
    name: Option<Text>,
    /// What to know of how the evidence was opened.
    notes: Vec<String>,
    /// The node as it was given.
    again: Again,
}

impl Case {
    /// As [`open`](Self::open), and takes the processes of a machine that runs, if the evidence is
    /// one: before rights are given up without which they cannot be read.
    pub fn open_live(args: &EvidenceArgs, depth: Depth) -> Result<Self, Failure> {
        let door = LiveProc::open(&args.evidence);
        let numbered = door
            .as_ref()
            .map_or(Numbered::Here, |door| door.numbered(&args.evidence));
        let taken = door.map(|door| {
            let mut processes = Processes::new(Tree::capture(&door, depth));
            if depth == Depth::Diagnosis {
                processes.forget_files();
            }
            processes
        });
        let mut case = Self::open(args)?;
        // Of a copy on this machine, nothing of the machine is known.
        let is_copy = case.evidence.begins_at().is_some();
        let taken = taken.filter(|_| !is_copy);
        if taken.is_some() {
            case.live = true;
            case.numbered = numbered;
            crate::first_line::note_pids(case.whose_pids());
            case.now = args.places.now.or_else(now);
        }
        case.processes = taken
            .map(Arc::new)
            .or_else(|| node::stored_processes(&case.evidence));
        Ok(case)
    }

    /// Opens the evidence and finds the node in it.
    pub fn open(args: &EvidenceArgs) -> Result<Self, Failure> {
        Self::open_writing(args, &[])
    }

    /// As [`open`](Self::open), for a verb that makes files in these directories, which are there.
    pub fn open_writing(args: &EvidenceArgs, writable: &[PathBuf]) -> Result<Self, Failure> {
        Self::open_with(args, writable, &[])
    }

    /// As [`open`](Self::open), for a verb that makes a tree of files, directories, links and nodes
    /// in this directory, which is there.
    pub fn open_filling(args: &EvidenceArgs, tree: &Path) -> Result<Self, Failure> {
        Self::open_with(args, &[], &[tree.to_owned()])
    }

    fn open_with(
        args: &EvidenceArgs,
        writable: &[PathBuf],
        trees: &[PathBuf],
    ) -> Result<Self, Failure> {
        let spool = args.places.spool.as_ref();
        let (gave_up, held) = safety::give_up(&args.evidence, spool, writable, trees);
        let options = Options {
            spool: spool.cloned(),
            held,
            ..Options::default()
        };
        let is_sample = args.evidence == Path::new(SAMPLE);
        let opened = if is_sample {
            Evidence::open_stream(SAMPLE_NODE, &options)
        } else if args.evidence == Path::new("-") {
            advice::standard_input();
            Evidence::open_stream(std::io::stdin().lock(), &options)
        } else {
            Evidence::open(&args.evidence, &options)
        };
        let evidence = opened.map_err(|error| unopened(&error))?;
        let is_live = args.evidence == Path::new("/");
        let mut case = Self::open_case(evidence, &args.places, is_live)?;
        if is_sample {
            case = case.named("the sample");
        }
        case.notes.splice(0..0, gave_up);
        case.again = Again::from_path(&args.evidence);
        Ok(case)
    }

    /// The case of evidence that is open already.
    ///
    /// # Errors
    /// If several nodes lie in it, and none is named.
    pub fn open_case(
        mut evidence: Evidence,
        places: &PlaceArgs,
        is_live: bool,
    ) -> Result<Self, Failure> {
        let said = Said {
            root: places.root.clone(),
            state: places.state.clone(),
            config: places.config.clone(),
        };
        let (roots, notes) = place::find(&mut evidence, said, is_live)?;
        let is_live = is_live && evidence.begins_at().is_none();
        crate::first_line::note(place::lock_holder(&evidence, &roots));
        let clock = || is_live.then(now).flatten();
        Ok(Self {
            evidence,
            roots,
            now: places.now.or_else(clock),
            live: is_live,
            processes: None,
            numbered: Numbered::Here,
            name: None,
            notes,
            again: Again::default(),
        })
    }

    /// The same case under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(Text::from(name));
        self
    }

    /// The node as it was given, for a command that goes on with it.
    pub const fn again(&self) -> &Again {
        &self.again
    }

    /// What time it is at the node, where that is known: on the machine itself now, else when the
    /// evidence was taken.
    pub fn time(&self) -> Option<Time> {
        self.now.or(self.evidence.captured_at())
    }

    /// Whether the evidence is the machine itself, or a node that runs now.
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// Whether its pids are those of a pid namespace of its own, and no process of this machine has them.
    pub fn is_inside(&self) -> bool {
        self.numbered != Numbered::Here
    }

    /// A way out, as it is done from here: a pid and a path of a node that is a container are not this
    /// machine's.
    pub fn from_here(&self, way: &mut Remedy) {
        if let Numbered::Inside(process) = self.numbered {
            way.put_inside(process);
        }
    }

    /// One sentence on whose pids these are, where they are not this machine's.
    pub fn whose_pids(&self) -> Option<String> {
        match self.numbered {
            Numbered::Here => None,
            Numbered::Inside(Some(process)) => Some(format!(
                "The node is a container: pids below are those inside it, not this machine's. Commands enter it \
                 through pid {process} of this machine."
            )),
            Numbered::Inside(None) => Some(
                "The node is a container: pids below are those inside it, not this machine's. Run the commands \
                 inside it."
                    .to_owned(),
            ),
        }
    }

    /// The node: the first installation that was found.
    pub fn node(&self) -> Result<Node, Failure> {
        self.node_with(None)
    }

    /// The node, with these bytes in the place of its meta.db.
    pub fn node_with(&self, meta: Option<Arc<Vec<u8>>>) -> Result<Node, Failure> {
        let roots = self.roots.first().cloned();
        let roots = roots.ok_or_else(|| Failure::unread("no node was found in the evidence"))?;
        let options = node::Options {
            now: self.now,
            processes: self.processes.clone(),
            meta,
        };
        let node = Node::open(&self.evidence, roots, options);
        crate::first_line::note(checks::running(&node));
        Ok(node)
    }

    /// The same, with what a start of each other installation would do: a verdict on one of them must
    /// not be taken for one on the machine.
    pub fn about_all(&self, node: &Node) -> About {
        let mut about = self.about(node);
        let others = self.roots.iter().skip(1);
        for (other, roots) in about.others.iter_mut().zip(others).take(OTHERS) {
            let options = node::Options {
                now: self.now,
                processes: self.processes.clone(),
                meta: None,
            };
            let node = Node::open(&self.evidence, roots.clone(), options);
            let report = checks::judge(&node, &checks::Measured::default());
            let release = daemon::detect(&node.traces);
            let verdict = checks::verdict(&node, &report, &release, node.now);
            other.may_start = Some(verdict.start);
            other.start = Some(verdict.sentence);
        }
        about
    }

    /// What an answer says of its evidence.
    pub fn about(&self, node: &Node) -> About {
        let other = |roots: &Roots| Other {
            root: node::path_text(&roots.root),
            state: node::path_text(&roots.state),
            whose: roots.whose,
            in_use: node::may_be_in_use(&self.evidence, roots, &node.roots),
            start: None,
            may_start: None,
        };
        About {
            evidence: self.name.clone().unwrap_or_else(|| self.evidence.name()),
            kind: match self.evidence.kind() {
                Kind::Directory => "directory",
                Kind::Bundle => "bundle",
                Kind::Tar => "tar",
            },
            root: node::path_text(&node.roots.root),
            state: node::path_text(&node.roots.state),
            whose: node.roots.whose,
            rule: node.roots.rule,
            config: node
                .roots
                .config
                .iter()
                .flat_map(|config| config.files.clone())
                .collect(),
            now: node.now,
            others: self.roots.iter().skip(1).map(other).collect(),
            notes: [self.notes.clone(), self.evidence.notes()].concat(),
            again: self.again.clone(),
        }
    }
}

/// What time it is on this machine.
pub fn now() -> Option<Time> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(Time::new(
        i64::try_from(since.as_secs()).ok()?,
        since.subsec_nanos(),
    ))
}

/// Nanoseconds on this machine's monotonic clock; 0 if it has none.
pub fn monotonic() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
    now.map(std::time::Duration::from)
        .map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

fn unopened(error: &OpenError) -> Failure {
    let failure = Failure::unread(format!("{} {}", error.path, error.why));
    let hint = match (error.image, &error.why) {
        // It says itself what to do.
        (None, Unread::Denied) => return failure,
        (Some(image), _) => advice::about(image),
        (None, Unread::Special(kind)) if kind.contains("device") => advice::DEVICE.to_owned(),
        _ => advice::ANY.to_owned(),
    };
    failure.hint(hint)
}

/// Another installation in the same evidence.
#[derive(Debug, Clone, Serialize)]
pub struct Other {
    /// Its root.
    pub root: Text,
    /// Its state.
    pub state: Text,
    /// Whose it is.
    pub whose: &'static str,
    /// Whether something of the evidence starts it or has it running; true where that is not known.
    pub in_use: bool,
    /// What a start of it would do, in a sentence; nothing where that was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Whether it may be started; nothing where that was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_start: Option<checks::Start>,
}

impl Other {
    fn is_refused(&self) -> bool {
        self.in_use && self.may_start == Some(checks::Start::No)
    }
}

/// What an answer says of its evidence.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// Its name, as it was given.
    pub evidence: Text,
    /// `directory`, `bundle` (of `coroner collect`), `tar`.
    pub kind: &'static str,
    /// containerd's root inside it.
    pub root: Text,
    /// containerd's state inside it.
    pub state: Text,
    /// Whose installation it is.
    pub whose: &'static str,
    /// Which rule found it.
    pub rule: Rule,
    /// The configuration files that were read.
    pub config: Vec<Text>,
    /// What time it was at the node.
    pub now: Time,
    /// Other installations in the same evidence.
    pub others: Vec<Other>,
    /// What to know of how the evidence was read.
    pub notes: Vec<String>,
    /// The node as it was given.
    #[serde(skip)]
    pub again: Again,
}

/// How many other installations are named.
const OTHERS: usize = 3;

impl About {
    /// Other installations that must not be started: said before all else, for the first line is what is
    /// read.
    pub fn refused(&self, pen: &mut Pen<'_>) -> std::io::Result<()> {
        for other in self.others.iter().filter(|other| other.is_refused()) {
            let start = other.start.as_deref().unwrap_or_default();
            let line = format!("{} at {}: {start}", other.whose, other.root);
            let line = pen.styled(Style::Bad, line).to_string();
            pen.paragraph("", &line)?;
        }
        Ok(())
    }

    /// What follows for the exit code from other installations.
    pub fn exit(&self) -> crate::Exit {
        if self.others.iter().any(Other::is_refused) {
            crate::Exit::FINDINGS
        } else {
            crate::Exit::CLEAN
        }
    }

    /// Writes it for people: a line or two.
    pub fn write_about(&self, pen: &mut Pen<'_>) -> std::io::Result<()> {
        let how = match self.rule {
            Rule::Said => "as you said",
            Rule::Itself => "the evidence is a containerd root",
            Rule::Config => "its config.toml says so",
            Rule::Distribution => "the usual place",
            Rule::Scan => "found by searching for meta.db",
        };
        let whose = self.whose;
        let now = match self.now {
            Time { seconds: 0, .. } => "at an unknown time".to_owned(),
            now => format!("as of {now}"),
        };
        pen.paragraph(
            "Node    ",
            &format!("{} ({}), {now}", self.evidence, self.kind),
        )?;
        pen.paragraph(
            "Root    ",
            &format!("{} ({whose}: {how}), state {}", self.root, self.state),
        )?;
        for other in self.others.iter().take(OTHERS) {
            let said = other.start.as_ref();
            let said = said.map_or_else(String::new, |start| format!(" {start}"));
            let unused = if other.in_use {
                ""
            } else {
                " Nothing in the evidence starts it."
            };
            let line = format!(
                "{} ({}):{said}{unused} Examine it with --root {}",
                other.root, other.whose, other.root
            );
            let line = pen.styled(Style::Warning, line).to_string();
            pen.paragraph("Also    ", &line)?;
        }
        let more = self.others.len().saturating_sub(OTHERS);
        if more > 0 {
            pen.line(format_args!(
                "        and {more} more (--format json names all)"
            ))?;
        }
        for note in &self.notes {
            pen.paragraph("Note    ", note)?;
        }
        Ok(())
    }
}

/// A path that the user gave, harmless to show.
pub fn shown(path: &Path) -> String {
    Escaped(path.as_os_str().as_bytes()).to_string()
}
