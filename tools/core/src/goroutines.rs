//! `coroner core goroutines`

use std::io;

use cli::{Answer, Exit, Format, Out, Outcome, Pen, Style};
use finding::{Text, Unknown};
use goroutines::{End, Goroutine, Group, Waited, groups, traceback};
use goruntime::{Go, LayoutSource};
use serde::Serialize;

use crate::taken::{FromArgs, read_taken};
use crate::variables::Found;

pub(crate) const EXAMPLES: &str = "Examples:
  coroner core goroutines core.4711 --exe /usr/bin/containerd-shim-runc-v2
  coroner core goroutines core.4711 --all              runtime frames and system goroutines, too
  coroner core goroutines core.4711 --id 42            one goroutine, whole
  coroner core goroutines core.4711 --format go        as Go itself writes it: for panicparse and the like
  coroner core goroutines core.4711 --variables        arguments and variables, where there is DWARF
  coroner core goroutines --pid 4711                   a process that runs, without stopping it
  coroner core goroutines --dump containerd.log        a dump as text: SIGUSR1, SIGQUIT, a panic
  coroner core goroutines core.4711 --has fifo.        those with this in a function's name";

/// Arguments of `core goroutines`.
#[derive(Debug, clap::Args)]
pub(crate) struct GoroutinesArgs {
    #[command(flatten)]
    from: FromArgs,
    #[command(flatten)]
    show: ShowArgs,
}

impl GoroutinesArgs {
    /// Whether a process is read.
    pub(crate) const fn is_live(&self) -> bool {
        self.from.is_live()
    }
}

/// Which goroutines, and how much of them.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ShowArgs {
    /// The runtime's own goroutines and frames, too
    #[arg(short, long)]
    all: bool,
    /// Only the goroutine with this number
    #[arg(long, value_name = "N")]
    id: Option<u64>,
    /// Only those that have waited at least so many minutes
    #[arg(long, value_name = "MINUTES")]
    waiting: Option<u64>,
    /// Arguments and variables of each frame, where the program has DWARF (or --debug-dir has it). They
    /// may hold secrets
    #[arg(long)]
    variables: bool,
    /// Only those with a function whose name holds this text
    #[arg(long, value_name = "TEXT")]
    has: Option<String>,
}

impl ShowArgs {
    fn wants(&self, one: &Goroutine) -> bool {
        let named = |text: &String| {
            one.frames
                .iter()
                .any(|frame| frame.site.function.to_string().contains(text.as_str()))
        };
        self.id.is_none_or(|id| id == one.id)
            && self
                .waiting
                .is_none_or(|least| one.waited.is_some_and(|waited| waited.minutes() >= least))
            && self.has.as_ref().is_none_or(named)
    }
}

/// What the goroutines are of.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Origin {
    /// The core, the dump, or the process.
    pub(crate) source: Text,
    /// The executable that was used.
    pub(crate) executable: Option<Text>,
    /// Whether it is the program that ran.
    pub(crate) matches: Option<bool>,
    /// The version of Go.
    pub(crate) go: Option<String>,
    /// Its main package.
    pub(crate) package: Option<String>,
    /// Where the layouts of structures are from.
    pub(crate) layouts: Option<LayoutSource>,
    /// Dumps of the same text that came before.
    pub(crate) earlier: usize,
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct Listing<'g> {
    #[serde(flatten)]
    origin: Origin,
    count: usize,
    groups: Vec<Group<'g>>,
    goroutines: Vec<&'g Goroutine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Found>,
    unknown: Vec<Unknown>,
    #[serde(skip)]
    one: bool,
    #[serde(skip)]
    all: bool,
}

impl Origin {
    /// Of a dump as text.
    pub(crate) const fn of_text(source: Text) -> Self {
        Self {
            source,
            executable: None,
            matches: None,
            go: None,
            package: None,
            layouts: None,
            earlier: 0,
        }
    }

    /// Of a process that was found.
    pub(crate) fn from_source(
        source: Text,
        executable: Option<Text>,
        matches: Option<bool>,
        go: &Go<'_>,
    ) -> Self {
        let build = go.build.as_ref();
        Self {
            source,
            executable,
            matches,
            go: Some(build.map_or_else(|| go.version.to_string(), |build| build.go().to_owned())),
            package: build.and_then(|build| build.package()).map(str::to_owned),
            layouts: Some(go.layouts()),
            earlier: 0,
        }
    }
}

pub(crate) fn run(args: &GoroutinesArgs, out: &mut Out) -> Outcome {
    let taken = read_taken(&args.from)?;
    let mut unknown = taken.unknown;
    let variables = match (args.show.variables, args.from.core()) {
        (false, _) => None,
        (true, None) => {
            return Err(cli::Failure::usage("variables are read from cores alone")
                .hint("take one of a process with `coroner core take`"));
        }
        (true, Some(core)) => {
            let all = taken.goroutines.iter();
            let wanted: Vec<&Goroutine> = all
                .filter(|one| args.show.wants(one) && (args.show.all || !one.system))
                .collect();
            Some(crate::variables::read_variables(
                core,
                &wanted,
                &mut unknown,
            )?)
        }
    };
    show(
        taken.origin,
        taken.goroutines,
        unknown,
        variables,
        &args.show,
        out,
    )
}

/// The stacks of so many, as what is not known.
pub(crate) fn stacks(count: usize) -> String {
    match count {
        1 => "the stack of one goroutine".to_owned(),
        many => format!("the stacks of {many} goroutines"),
    }
}

/// What is not known of stacks that could not be followed.
pub(crate) fn cut(found: &[Goroutine]) -> Option<Unknown> {
    let is_cut = |one: &&Goroutine| matches!(one.end, End::Cut(_));
    let count = found.iter().filter(is_cut).count();
    (count > 0).then(|| {
        Unknown::new(
            stacks(count),
            "they could not be followed to their end; each says why",
        )
    })
}

/// Shows goroutines, wherever they came from.
pub(crate) fn show(
    origin: Origin,
    found: Vec<Goroutine>,
    mut unknown: Vec<Unknown>,
    variables: Option<Found>,
    args: &ShowArgs,
    out: &mut Out,
) -> Outcome {
    unknown.extend(cut(&found));
    let wanted: Vec<Goroutine> = found.into_iter().filter(|one| args.wants(one)).collect();
    if out.options().format == Format::Go {
        let shown = wanted.iter().filter(|one| args.all || !one.system);
        traceback::write(out.writer(), shown, args.all)?;
        out.writer().flush()?;
        return Ok(Exit::of_unknown(&unknown));
    }
    out.answer(&Listing {
        origin,
        count: wanted.len(),
        groups: groups(&wanted, args.all),
        goroutines: wanted.iter().collect(),
        variables,
        unknown,
        one: args.id.is_some(),
        all: args.all,
    })
}

impl Answer for Listing<'_> {
    const SCHEMA: &'static str = "core-goroutines/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        if self.one {
            for one in &self.goroutines {
                let mut text = Vec::new();
                traceback::write_one(&mut text, one, self.all)?;
                let text = String::from_utf8_lossy(&text).into_owned();
                for line in text.lines() {
                    pen.line(line)?;
                }
                if let Some(variables) = &self.variables {
                    for frame in one
                        .frames
                        .iter()
                        .filter(|frame| self.all || !frame.site.hidden)
                    {
                        pen.line(format_args!("  {}", frame.site.printed()))?;
                        variables.show(one.id, frame, pen)?;
                    }
                }
                for wait in &one.awaits {
                    pen.line(format_args!(
                        "waits for {} ({})",
                        wait.object,
                        wait.access.word()
                    ))?;
                }
                for held in &one.holds {
                    pen.line(format_args!(
                        "holds {} ({}: {}, in {})",
                        held.object, held.grade, held.by, held.function
                    ))?;
                }
            }
            return pen.incomplete(&self.unknown);
        }
        let own = self.groups.iter().filter(|group| !group.system).count();
        let system: usize = self
            .groups
            .iter()
            .filter(|group| group.system)
            .map(|group| group.count)
            .sum();
        let go = self.origin.go.as_deref().unwrap_or("a dump as text");
        pen.line(format_args!(
            "{} goroutines: {} in {own} groups, {system} of the runtime's own ({go}{})",
            self.count,
            self.count.saturating_sub(system),
            match &self.origin.package {
                Some(package) => format!(", {package}"),
                None => String::new(),
            }
        ))?;
        if self.origin.earlier > 0 {
            pen.line(format_args!(
                "They are of the last dump in the text; {} came before it.",
                self.origin.earlier
            ))?;
        }
        for group in self.groups.iter().filter(|group| !group.system) {
            block(group, self.variables.as_ref(), pen)?;
        }
        let system: Vec<&Group<'_>> = self.groups.iter().filter(|group| group.system).collect();
        if self.all {
            for group in system {
                block(group, self.variables.as_ref(), pen)?;
            }
        } else if !system.is_empty() {
            pen.gap()?;
            let line = pen.styled(Style::Heading, "The runtime's own").to_string();
            pen.line(format_args!("{line} (--all shows their stacks)"))?;
            for group in system {
                let start = group.sample.start.as_ref();
                let start = start.map_or_else(|| "?".to_owned(), |site| site.printed());
                pen.line(format_args!(
                    "  {} [{}] {start}",
                    ids(&group.ids, 8),
                    group.state
                ))?;
            }
        }
        pen.incomplete(&self.unknown)
    }

    fn exit(&self) -> Exit {
        Exit::of_unknown(&self.unknown)
    }
}

/// One group.
pub(crate) fn block(
    group: &Group<'_>,
    variables: Option<&Found>,
    pen: &mut Pen<'_>,
) -> io::Result<()> {
    pen.gap()?;
    let waits = match (group.shortest, group.longest) {
        (Some(least), Some(most)) if least.minutes() != most.minutes() => {
            format!(", {} to {}", minutes(least), minutes(most))
        }
        (_, Some(most)) if most.minutes() > 0 => format!(", {}", minutes(most)),
        _ => String::new(),
    };
    let locked = if group.sample.locked {
        ", locked to thread"
    } else {
        ""
    };
    let count = match group.count {
        1 => "goroutine".to_owned(),
        count => format!("{count} goroutines"),
    };
    let head = format!(
        "{count} {} [{}{waits}{locked}]",
        ids(&group.ids, 12),
        group.state
    );
    pen.heading(head)?;
    let width = group
        .frames
        .iter()
        .map(|frame| frame.site.printed().chars().count())
        .filter(|width| *width <= 60)
        .max()
        .unwrap_or(0);
    for frame in &group.frames {
        let site = &frame.site;
        let inlined = if site.inlined { " (inlined)" } else { "" };
        pen.line(format_args!(
            "  {:width$}  {}:{}{inlined}",
            site.printed(),
            site.file,
            site.line
        ))?;
        if let Some(variables) = variables {
            // Of several with the same stack, those of the first are shown.
            let own = group
                .sample
                .frames
                .iter()
                .find(|own| own.site == frame.site);
            if let Some(own) = own {
                variables.show(group.sample.id, own, pen)?;
            }
        }
    }
    match &group.sample.end {
        End::None(why) => pen.line(format_args!("  no stack: {why}"))?,
        End::Moving => pen.line("  no stack: it changed while it was read, each time")?,
        End::Cut(why) => pen.line(format_args!("  the stack is cut here: {why}"))?,
        End::Top | End::Unknown => {}
    }
    if let Some(creator) = group.created_by {
        let parent = match creator.parent {
            Some(parent) if group.count == 1 => format!(" in goroutine {parent}"),
            _ => String::new(),
        };
        let line = format!(
            "  created by {}{parent}  {}:{}",
            creator.site.printed(),
            creator.site.file,
            creator.site.line
        );
        let line = pen.styled(Style::Faint, line).to_string();
        pen.line(line)?;
    }
    Ok(())
}

fn minutes(waited: Waited) -> String {
    match waited.minutes() {
        1 => "1 minute".to_owned(),
        count => format!("{count} minutes"),
    }
}

/// Numbers of goroutines; of many, the first.
pub(crate) fn ids(ids: &[u64], most: usize) -> String {
    let mut text: Vec<String> = ids.iter().take(most).map(ToString::to_string).collect();
    if ids.len() > most {
        text.push("…".to_owned());
    }
    text.join(", ")
}
