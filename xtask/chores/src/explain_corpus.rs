//! How `explain` does on the corpus of real lines: prints it, and keeps the figures in docs/messages.md.

use std::fmt::Write as _;

use messages::corpus::{Grade, cases, grade};

use crate::{Done, root};

/// Arguments of `cargo xtask explain-corpus`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print every line that is not right, with the answer it got
    #[arg(long)]
    verbose: bool,
}

/// The files of the corpus, and what each is.
const FILES: &[(&str, &str)] = &[
    (
        "first.tsv",
        "reports, gathered before the patterns were written",
    ),
    (
        "second.tsv",
        "reports of other threads, gathered and answered after the patterns were frozen",
    ),
    (
        "third.tsv",
        "reports, gathered after the second half, by which the patterns were mended",
    ),
    (
        "fourth.tsv",
        "reports of other threads, gathered and answered after the patterns were frozen again",
    ),
    (
        "fifth.tsv",
        "reports of other threads, gathered and answered by a reader who saw neither patterns nor corpus",
    ),
    (
        "sixth.tsv",
        "reports of other threads, gathered and answered by a reader who saw neither patterns nor corpus",
    ),
    (
        "seventh.tsv",
        "reports of other threads, gathered and answered by a reader who saw neither patterns nor corpus",
    ),
    (
        "eighth.tsv",
        "reports of other threads, each with its cause written down before it was asked for, by which the patterns were mended",
    ),
    (
        "ninth.tsv",
        "reports of other threads, each with its cause written down before it was asked for, by which the patterns were mended",
    ),
    (
        "tenth.tsv",
        "reports of other threads, each with its cause written down before it was asked for, by which the patterns were mended; the keys are those of the mended build, each read against that cause",
    ),
    (
        "eleventh.tsv",
        "reports of other threads, each with its cause written down before it was asked for, by which the patterns were mended; the keys are those of the mended build, each read against that cause",
    ),
    (
        "daemons.tsv",
        "what real daemons, shims and runtimes said in our own labs",
    ),
];

pub(crate) fn run(args: &Args) -> Done {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    let printed = report(args.verbose)?;
    out.write_all(printed.as_bytes())
        .map_err(|error| error.to_string())
}

/// The table of figures, and with `verbose` the lines that are not right.
pub(crate) fn report(verbose: bool) -> Result<String, String> {
    let mut table = String::from(
        "| file | lines | threads | right | narrowed | miss | wrong | right or narrowed | wrong, of all |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    let mut lines = String::new();
    for (name, _) in FILES {
        let path = root().join("testdata/explain").join(name);
        #[expect(clippy::disallowed_methods, reason = "our own corpus, not evidence")]
        let file = std::fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let mut counts = [0_u32; 4];
        let mut threads = std::collections::BTreeSet::new();
        for case in cases(&file) {
            threads.insert(case.from);
            let (explained, grade) = grade(&case);
            let column = match grade {
                Grade::Right => 0,
                Grade::Narrowed => 1,
                Grade::Miss => 2,
                Grade::Wrong => 3,
            };
            if let Some(count) = counts.get_mut(column) {
                *count = count.saturating_add(1);
            }
            if grade != Grade::Right {
                let got = explained.head.map_or("nothing", |head| match head {
                    messages::Head::Text(text, _) => text.says,
                    head => head.message().map_or("", |message| message.key),
                });
                let _ = writeln!(
                    lines,
                    "{:8} want {:30} got {got}\n         {}: {}",
                    grade.name(),
                    case.right.join(","),
                    case.from,
                    case.line
                );
            }
        }
        let [right, narrowed, miss, wrong] = counts;
        let all = right
            .saturating_add(narrowed)
            .saturating_add(miss)
            .saturating_add(wrong);
        let percent = |part: u32| f64::from(part) * 100.0 / f64::from(all.max(1));
        let _ = writeln!(
            table,
            "| {name} | {all} | {} | {right} | {narrowed} | {miss} | {wrong} | {:.1} % | {:.1} % |",
            threads.len(),
            percent(right.saturating_add(narrowed)),
            percent(wrong)
        );
    }
    Ok(if verbose {
        format!("{lines}\n{table}")
    } else {
        table
    })
}
