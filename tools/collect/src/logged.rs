//! What the daemons said in the last days, as one text log of the bundle.

use cli::{Case, Out};
use evidence::bundle::write::Taken;
use finding::{Text, Time};

/// At most so many bytes of it.
const MOST: usize = 16 << 20;
/// At most so many bytes of journals are read for it, and as many of other logs.
const READ: u64 = 1 << 30;

/// The log, if the node has any; journals themselves are neither small nor can they be masked.
pub(crate) fn taken(
    case: &Case,
    (now, days): (Time, u32),
    redacts: bool,
    warnings: &mut Vec<String>,
    out: &mut Out,
) -> Vec<Taken> {
    // Of a node that does not run, the last days are those before its last write.
    let now = case.node().map_or(now, |node| node.now);
    let gathered = cli::last_days(case, (now, i64::from(days)), READ, out);
    if gathered.lines.is_empty() {
        return Vec::new();
    }
    let mask = |text| if redacts { redact::line(text) } else { text };
    let (text, left_out) = logs::written(&gathered, MOST, &mask);
    if left_out > 0 {
        warnings.push(format!(
            "{left_out} older lines of the daemons are left out: the log has room for {}",
            cli::size(u64::try_from(MOST).unwrap_or(u64::MAX))
        ));
    }
    for lack in gathered.unread.iter().chain(&gathered.left_out).take(8) {
        warnings.push(format!("of the logs, {}: {}", lack.what, lack.why));
    }
    let folder = logs::TAKEN
        .rsplit_once('/')
        .map_or("/", |(folder, _)| folder);
    vec![
        Taken::directory(Text::from(folder), true, now),
        Taken::file(Text::from(logs::TAKEN), text, now),
    ]
}
