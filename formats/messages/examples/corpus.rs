//! How a file of the corpus does: `cargo run -p messages --example corpus -- FILE…`; `cargo xtask explain-corpus` prints
//! all of them as a table.

use std::io::Write as _;

use messages::corpus::{Grade, cases, grade};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for name in std::env::args_os().skip(1) {
        #[expect(clippy::disallowed_methods, reason = "our own corpus, not evidence")]
        let file = std::fs::read_to_string(&name)?;
        let grades: Vec<Grade> = cases(&file).map(|case| grade(&case).1).collect();
        let count = |wanted: Grade| grades.iter().filter(|grade| **grade == wanted).count();
        writeln!(
            out,
            "{}: {} lines, {} right, {} narrowed, {} miss, {} wrong",
            name.display(),
            grades.len(),
            count(Grade::Right),
            count(Grade::Narrowed),
            count(Grade::Miss),
            count(Grade::Wrong)
        )?;
    }
    Ok(())
}
