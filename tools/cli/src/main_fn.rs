//! From `argv` to an exit code.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::{
    Exit, Failure, Format, Options, Out, Outcome, grammar,
    out::{complaint, terminal_width},
};

/// A tool: its name, its arguments and one function.
///
/// Made with [`tool!`](crate::tool); listed in `TOOLS` of the all-in-one binary.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// What it is called: `coroner NAME`, or `coroner-NAME`.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Adds its arguments to a command.
    pub arguments: fn(Command) -> Command,
    /// Runs it.
    pub run: fn(&ArgMatches, &mut Out) -> Outcome,
}

/// A [`Tool`] from its name, one line about it, its `clap::Args`, and its function.
#[macro_export]
macro_rules! tool {
    ($name:literal, $about:literal, $args:ty, $run:path) => {
        $crate::Tool {
            name: $name,
            about: $about,
            arguments: <$args as ::clap::Args>::augment_args,
            run: |matches, out| {
                let args = <$args as ::clap::FromArgMatches>::from_arg_matches(matches)
                    .map_err(|error| $crate::Failure::usage(error.to_string()))?;
                $run(args, out)
            },
        }
    };
}

/// The verbs of a tool, a line each: its help, its name, its arguments, the function that runs it.
///
/// It makes the `enum Verb` that clap parses, and `Verb::run`.
#[macro_export]
macro_rules! verbs {
    ($($(#[doc = $help:literal])+ $verb:ident($args:ty) => $run:path;)+) => {
        #[derive(Debug, ::clap::Subcommand)]
        enum Verb {
            $($(#[doc = $help])+ $verb($args),)+
        }

        impl Verb {
            fn run(self, out: &mut $crate::Out) -> $crate::Outcome {
                match self {
                    $(Self::$verb(args) => $run(&args, out),)+
                }
            }
        }
    };
}

impl Tool {
    /// Its clap command, without the options that every tool has.
    pub fn command(&self) -> Command {
        // `augment_args` sets `about` from the doc comment; ours is the one line of the table.
        let command = (self.arguments)(Command::new(self.name))
            .about(self.about)
            .long_about(None);
        let examples = command
            .get_after_help()
            .map(|text| format!("{text}\n\n"))
            .unwrap_or_default();
        let codes = if self.name == "repair" {
            Exit::HELP_OF_CHANGES
        } else {
            Exit::HELP
        };
        own_headings(command).after_help(format!("{examples}{codes}"))
    }
}

/// Options that stand below a heading; clap gives it to all that come after them in the source, too.
const BELOW: &[(&str, &[&str])] = &[
    (
        "Where the stores are",
        &["root", "state", "config", "spool", "now"],
    ),
    ("Judged for", &["daemon", "at"]),
];

/// Takes arguments, and options of the verb's own, out from below a heading that is another's.
fn own_headings(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let heading = argument.get_help_heading();
        let own = BELOW.iter().find(|(name, _)| heading == Some(*name));
        let is_its = own.is_none_or(|(_, ids)| ids.contains(&argument.get_id().as_str()));
        if is_its && !argument.is_positional() {
            argument
        } else {
            argument.help_heading(None::<&str>)
        }
    });
    command.mut_subcommands(own_headings)
}

/// Runs one tool as a whole program.
pub fn main(tool: &Tool) -> ExitCode {
    let command = tool
        .command()
        .name(format!("coroner-{}", tool.name))
        .version(VERSION);
    finish(&command, std::env::args_os().collect(), &|matches, out| {
        (tool.run)(matches, out)
    })
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the tool that the first argument or `argv[0]` (`coroner-NAME`) names.
pub fn main_of(
    about: &'static str,
    after_help: &'static str,
    tools: &'static [&'static Tool],
) -> ExitCode {
    let argv: Vec<OsString> = std::env::args_os().collect();
    let called = argv.first().map(Path::new).and_then(Path::file_name);
    let name = called
        .and_then(|name| name.to_str())
        .and_then(|name| name.strip_prefix("coroner-"));
    if let Some(tool) = tools.iter().find(|tool| Some(tool.name) == name) {
        return main(tool);
    }
    let command = multi_command(about, after_help, tools);
    finish(&command, argv, &|matches, out| {
        dispatch(tools, matches, out)
    })
}

/// The command of the all-in-one binary.
pub fn multi_command(
    about: &'static str,
    after_help: &'static str,
    tools: &[&'static Tool],
) -> Command {
    Command::new("coroner")
        .version(VERSION)
        .about(about)
        .after_help(format!("{after_help}\n\n{}", Exit::HELP_OF_CHANGES))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(tools.iter().map(|tool| tool.command()))
}

/// The whole command of the all-in-one binary, as it is parsed: for completions and man pages.
pub fn whole_command(
    about: &'static str,
    after_help: &'static str,
    tools: &[&'static Tool],
) -> Command {
    whole(&multi_command(about, after_help, tools))
}

fn dispatch(tools: &[&Tool], matches: &ArgMatches, out: &mut Out) -> Outcome {
    let (name, matches) = matches
        .subcommand()
        .ok_or_else(|| Failure::usage("no tool was named"))?;
    let tool = tools.iter().find(|tool| tool.name == name);
    let tool = tool.ok_or_else(|| Failure::usage(format!("there is no tool called {name}")))?;
    (tool.run)(matches, out)
}

/// Formats that one verb has besides text and JSON.
const OWN_FORMATS: &[(Format, &str, &str, &str)] = &[
    (Format::Go, "go", "goroutines", "coroner core goroutines"),
    (Format::Jsonl, "jsonl", "timeline", "coroner timeline"),
    (Format::Bodyfile, "bodyfile", "timeline", "coroner timeline"),
];

type Run<'a> = &'a dyn Fn(&ArgMatches, &mut Out) -> Outcome;

/// What a command line asks for.
struct Parsed {
    matches: ArgMatches,
    options: Options,
    /// What to say of how it was written.
    notes: Vec<String>,
}

/// The command as clap parses it: with the options that every tool has.
fn whole(command: &Command) -> Command {
    // `augment_args` takes the struct's doc comment for the program's.
    let about = command.get_about().cloned().unwrap_or_default();
    let command = Options::augment_args(command.clone())
        .about(about)
        .long_about(None);
    grammar::shown(command)
}

/// The examples below the help of each verb, with lines that go on where their text began: clap breaks them
/// at the edge, and goes on in the first column.
fn with_hanging_examples(command: Command, width: usize) -> Command {
    let text = command.get_after_help().map(ToString::to_string);
    let command = match text {
        Some(text) => command.after_help(hanging(&text, width)),
        None => command,
    };
    command.mut_subcommands(|below| with_hanging_examples(below, width))
}

/// A text of examples and sentences in at most `width` columns.
fn hanging(text: &str, width: usize) -> String {
    let lines = text.split('\n').flat_map(|line| {
        let inner = line.trim_start();
        let margin = line.len().saturating_sub(inner.len());
        let label = inner.find("  ").map(|end| {
            let rest = inner.get(end..).unwrap_or_default();
            let blanks = rest.len().saturating_sub(rest.trim_start().len());
            margin.saturating_add(end).saturating_add(blanks)
        });
        let hang = match label {
            Some(label) if label.saturating_add(24) <= width => label,
            _ if margin > 0 => margin.saturating_add(4),
            _ => 0,
        };
        crate::wrap::wrap(line, width, hang)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Parses `argv`; on failure gives the text to print and the exit code.
fn parse(command: &Command, argv: Vec<OsString>) -> Result<Parsed, (String, bool, Exit)> {
    let command = whole(command);
    let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let command = match terminal_width().filter(|_| is_terminal) {
        Some(width) => with_hanging_examples(command, width),
        None => command,
    };
    let grammar::Line { argv, notes } = grammar::modern(&command, argv);
    let matches = command.clone().try_get_matches_from(argv);
    let matches = matches.map_err(|error| {
        let wanted = !error.use_stderr();
        let exit = if wanted { Exit::CLEAN } else { Exit::USAGE };
        let text = grammar::meant(&command, &error);
        (
            text.unwrap_or_else(|| error.render().to_string()),
            wanted,
            exit,
        )
    })?;
    // Global options are found in the innermost subcommand, too.
    let mut innermost = &matches;
    // A tool on its own is its verb.
    let name = command.get_name();
    let mut verb = name.strip_prefix("coroner-").unwrap_or(name);
    while let Some((name, deeper)) = innermost.subcommand() {
        innermost = deeper;
        verb = name;
    }
    let options = Options::from_arg_matches(innermost)
        .map_err(|error| (error.to_string(), false, Exit::USAGE))?;
    let own = OWN_FORMATS.iter().find(|own| own.0 == options.format);
    if let Some((_, format, _, whose)) = own.filter(|own| own.2 != verb) {
        let text =
            format!("error: --format {format} is for `{whose}` only; others have text and json\n");
        return Err((text, false, Exit::USAGE));
    }
    Ok(Parsed {
        matches,
        options,
        notes,
    })
}

fn finish(command: &Command, argv: Vec<OsString>, run: Run<'_>) -> ExitCode {
    crate::safety::arm();
    crate::progress::end_on_signals();
    let exit = match parse(command, argv) {
        Ok(parsed) => {
            for note in &parsed.notes {
                complaint(|pen| pen.line(format_args!("coroner: note: {note}")));
            }
            run_with(Out::open(parsed.options), &parsed.matches, run)
        }
        Err((text, true, exit)) => {
            let _ = write!(std::io::stdout(), "{text}");
            exit
        }
        Err((text, false, exit)) => {
            let _ = write!(std::io::stderr(), "{text}");
            exit
        }
    };
    ExitCode::from(exit.0)
}

fn run_with(out: Result<Out, Failure>, matches: &ArgMatches, run: Run<'_>) -> Exit {
    crate::first_line::begin();
    let mut out = match out {
        Ok(out) => out,
        Err(failure) => return complain(&failure),
    };
    let ran = run(matches, &mut out);
    if out.options().verbose {
        crate::safety::tell();
    }
    match ran {
        Ok(exit) => match out.put(exit) {
            Ok(()) => exit,
            Err(failure) if failure.broken_pipe => exit,
            Err(failure) => exit | complain(&failure),
        },
        Err(failure) if failure.broken_pipe => Exit::CLEAN,
        Err(failure) => {
            // Half an answer stands nowhere; that there is none is said on standard output.
            out.discard();
            let _ = out.failure(&failure);
            complain(&failure)
        }
    }
}

fn complain(failure: &Failure) -> Exit {
    complaint(|pen| {
        pen.line(format_args!("coroner: {}", failure.message))?;
        match &failure.hint {
            Some(hint) => pen.line(format_args!("  hint: {hint}")),
            None => Ok(()),
        }
    });
    failure.exit
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Ok(mut all) = self.0.lock() {
            all.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a tool with `argv` (its name first) and captures what it writes: for tests and goldens.
///
/// A failure is its message, after `coroner: `.
pub fn try_run<I, S>(tool: &Tool, argv: I) -> (String, Exit)
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    run_captured(&tool.command(), argv, &|matches, out| {
        (tool.run)(matches, out)
    })
}

/// As [`try_run`], for any command.
pub fn run_captured<I, S>(command: &Command, argv: I, run: Run<'_>) -> (String, Exit)
where
    I: IntoIterator<Item = S>,
    S: Into<OsString>,
{
    let parsed = parse(command, argv.into_iter().map(Into::into).collect());
    let Parsed {
        matches, options, ..
    } = match parsed {
        Ok(parsed) => parsed,
        Err((text, _, exit)) => return (text, exit),
    };
    let captured = Captured::default();
    crate::first_line::begin();
    let mut out = Out::to(Box::new(captured.clone()), options, false, None);
    let (exit, trouble) = match run(&matches, &mut out) {
        Ok(exit) => (exit, String::new()),
        Err(failure) => {
            let _ = out.failure(&failure);
            let hint = failure
                .hint
                .map(|hint| format!("  hint: {hint}\n"))
                .unwrap_or_default();
            (
                failure.exit,
                format!("coroner: {}\n{hint}", failure.message),
            )
        }
    };
    let bytes = captured
        .0
        .lock()
        .map(|bytes| bytes.clone())
        .unwrap_or_default();
    (
        format!("{}{trouble}", String::from_utf8_lossy(&bytes)),
        exit,
    )
}
