//! `coroner runtime explain`: the same as `coroner explain LINE`.

use cli::{Out, Outcome};

pub(crate) fn run(line: &str, out: &mut Out) -> Outcome {
    coroner_explain::explain_line(line, None, out)
}
