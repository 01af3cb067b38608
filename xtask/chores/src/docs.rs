//! What is generated from the code: the table of codes, which is kept in git, and the man pages and
//! completions, which are built for whoever installs coroner.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::{Done, root};

/// Arguments of `cargo xtask docs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if something is not current
    #[arg(long)]
    check: bool,
}

/// Generated files by path, relative to the root of the workspace.
type Files = BTreeMap<PathBuf, Vec<u8>>;

pub(crate) fn run(args: &Args) -> Done {
    let mut files = Files::new();
    files.insert("docs/codes.md".into(), codes().into_bytes());
    let mut stale = Vec::new();
    for (path, want) in files {
        let whole = root().join(&path);
        #[expect(clippy::disallowed_methods, reason = "our own docs, not evidence")]
        let found = std::fs::read(&whole).ok();
        if found.as_ref() == Some(&want) {
            continue;
        }
        if args.check {
            stale.push(path.display().to_string());
        } else {
            write(&whole, &want)?;
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "not current: {}; run `cargo xtask docs`",
            stale.join(", ")
        ))
    }
}

/// Arguments of `cargo xtask manuals`.
#[derive(Debug, clap::Args)]
pub(crate) struct Manuals {
    /// The folder to write man/ and completions/ into
    #[arg(long, short, default_value = "target/manuals")]
    output: PathBuf,
}

impl Manuals {
    /// For that folder.
    pub(crate) const fn into(output: PathBuf) -> Self {
        Self { output }
    }
}

/// Writes the man pages and the completions of every shell.
pub(crate) fn manuals(args: &Manuals) -> Done {
    let mut files = Files::new();
    man_pages(&mut files)?;
    completions(&mut files);
    for (path, bytes) in files {
        write(&args.output.join(path), &bytes)?;
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Done {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn command() -> Command {
    cli::multi_command(coroner::ABOUT, coroner::EXAMPLES, coroner::TOOLS)
}

/// The table of codes: a line each, then a paragraph each.
fn codes() -> String {
    let mut text = String::from(
        "# Codes\n\nEvery kind of finding, generated from the code by `cargo xtask docs`. \
         `coroner explain CODE` prints the same.\n\n| code | rule | usual severity | title |\n\
         |---|---|---|---|\n",
    );
    let codes = checks::codes();
    for code in &codes {
        let anchor = code.name.replace('/', "");
        let line = format!(
            "| [`{}`](#{anchor}) | {} | {} | {} |\n",
            code.name,
            code.rule,
            code.severity,
            code.headline()
        );
        text.push_str(&line);
    }
    for code in &codes {
        let _ = write!(
            text,
            "\n## {}\n\n**{}.** {}\n\n*What to do:* {}\n",
            code.name,
            code.headline(),
            code.explanation,
            code.remedy
        );
        let mut says = messages::of_code(code.name)
            .flat_map(|message| message.shown().take(1))
            .peekable();
        if says.peek().is_none() {
            let _ = writeln!(text, "\n{}", finding::SILENT);
        } else {
            text.push_str("\n*The daemon says:*\n\n");
            for message in says {
                let _ = writeln!(text, "- `{message}`");
            }
        }
    }
    text
}

fn man_pages(files: &mut Files) -> Done {
    let mut queue = vec![(String::from("coroner"), command())];
    while let Some((name, mut command)) = queue.pop() {
        command.build();
        for inner in command
            .get_subcommands()
            .filter(|inner| inner.get_name() != "help")
        {
            queue.push((format!("{name}-{}", inner.get_name()), inner.clone()));
        }
        let page = clap_mangen::Man::new(command.name(name.clone()).disable_help_subcommand(true))
            .date("");
        let mut bytes = Vec::new();
        page.render(&mut bytes)
            .map_err(|error| format!("{name}: {error}"))?;
        files.insert(format!("man/{name}.1").into(), bytes);
    }
    Ok(())
}

fn completions(files: &mut Files) {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut bytes = Vec::new();
        clap_complete::generate(shell, &mut command(), "coroner", &mut bytes);
        files.insert(format!("completions/coroner.{shell}").into(), bytes);
    }
}
