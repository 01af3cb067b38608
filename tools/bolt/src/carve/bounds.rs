//! Bounds of transactions as text.

use bolt::{Bound, Bounds, Confidence, Origin, Why};

/// `153`, `35..152`, `<= 152`, `>= 35` or `-`.
pub(crate) fn between(from: Option<Bound>, until: Option<Bound>) -> String {
    match (from, until) {
        (Some(from), Some(until)) if from.txid == until.txid => from.txid.to_string(),
        (Some(from), Some(until)) => format!("{}..{}", from.txid, until.txid),
        (None, Some(until)) => format!("<={}", until.txid),
        (Some(from), None) => format!(">={}", from.txid),
        (None, None) => "-".to_owned(),
    }
}

fn why(why: Why) -> String {
    match why {
        Why::InPreviousTree => {
            "the tree of the transaction before has its page, the newest has not".to_owned()
        }
        Why::InNeitherTree => {
            "neither tree has its page, and each has all that its transaction wrote".to_owned()
        }
        Why::NotInTree => "the newest tree does not have its page".to_owned(),
        Why::PastMark => "it is past the high-water mark".to_owned(),
        Why::NamesPastMark { page } => {
            format!("its page names page {page}, or is named by it, of an unfinished transaction")
        }
        Why::Sequence => "the sequence of a bucket on its page is ahead of that in use".to_owned(),
        Why::Relic { page } => format!("a page is never older than one that it names: page {page}"),
        Why::Freelist { page } => format!("the old freelist on page {page} does not have its page"),
    }
}

/// Each bound and how it is known.
pub(crate) fn lines(bounds: &Bounds) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, bound) in [
        ("written in", bounds.written_from),
        ("written by", bounds.written_until),
        ("freed not before", bounds.freed_from),
        ("freed by", bounds.freed_until),
    ] {
        if let Some(bound) = bound {
            lines.push(format!("{what} {}: {}", bound.txid, why(bound.why)));
        }
    }
    lines
}

pub(crate) const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Exact => "exact",
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

pub(crate) const fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Previous => "a page of the transaction before",
        Origin::Free => "a free page",
        Origin::PastMark => "a page past the high-water mark",
        Origin::Slack => "a page in use, behind what its count says",
    }
}
