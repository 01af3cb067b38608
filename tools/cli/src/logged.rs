//! What the node's own logs say of its findings.

use finding::{Report, Time};
use logs::{Gathered, Options};
use measure::Control;
use node::Node;

use crate::{Case, Out};

/// Lines of the last week are looked at.
const DAYS: i64 = 7;
/// At most so many bytes of journals, and as many of other logs.
const MOST: u64 = 256 << 20;

/// The report with what the node's own logs of the last days say beside its findings.
pub fn with_logs(case: &Case, node: &Node, report: Report, out: &mut Out) -> Report {
    let gathered = last_days(case, (node.now, DAYS), MOST, out);
    let mut report = checks::with_logs(report, &gathered, node);
    // What is lacking of the logs is no fault of the stores: it is said, and changes no exit code.
    let lacks = gathered
        .unread
        .iter()
        .map(|one| format!("logs: {}", crate::joined(&one.what, &one.why)));
    let mut skipped: Vec<String> = lacks.take(8).collect();
    match gathered.left_out.as_slice() {
        [] => {}
        [one] => skipped.push(format!("the log {}: {}", one.what, one.why)),
        [one, ..] => skipped.push(format!(
            "{} logs, the first {}: {}",
            gathered.left_out.len(),
            one.what,
            one.why
        )),
    }
    report.coverage.skipped.extend(skipped);
    report
}

/// The lines of the last days before a time, of at most so many bytes of journals and as many of
/// other logs; progress is shown.
pub fn last_days(case: &Case, (now, days): (Time, i64), most: u64, out: &mut Out) -> Gathered {
    let seconds = days.saturating_mul(86_400);
    let options = Options {
        from: Some(Time::new(now.seconds.saturating_sub(seconds), 0)),
        most: Some(most),
        ..Options::default()
    };
    let cancel = out.cancel();
    let progress = out.progress("reading logs", 0);
    let control = Control {
        cancel: &cancel,
        progress: &|bytes| progress.add(bytes),
        ..Control::default()
    };
    logs::gather(&case.evidence, &options, &control)
}
