//! For which release and for which time a node is judged.

use daemon::{Release, Source};
use finding::Time;
use node::Node;
use serde::Serialize;

/// For which release and time a node is judged, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The release.
    pub daemon: Release,
    /// From what it was concluded.
    pub because: Vec<String>,
    /// How its rules are known.
    pub rules: Source,
    /// The time.
    pub at: Time,
}

impl Judged {
    /// For `release` at `at`; else for the release that the node's traces show, when the evidence
    /// was taken.
    pub fn judge_node(node: &Node, release: Option<Release>, at: Option<Time>) -> Self {
        let (daemon, because) = match release {
            Some(release) => (release, vec!["you said so".to_owned()]),
            None => shown(node),
        };
        let rules = daemon::gc::Rules {
            release: daemon,
            schema: None,
        };
        Self {
            daemon,
            because,
            rules: rules.source(),
            at: at.unwrap_or(node.now),
        }
    }
}

/// The release that the node's traces show, and which they are.
fn shown(node: &Node) -> (Release, Vec<String>) {
    let detected = daemon::detect(&node.traces);
    let mut because = detected.because.clone();
    if detected.one().is_none() {
        let fits = detected.name();
        because.push(format!("{fits} would fit: --daemon names another one"));
    }
    // Where several fit, one whose rules were tested comes first.
    let tested = [Release::V2_1, Release::V1_7, Release::V1_6];
    let fits = |release: &Release| detected.releases().any(|fit| fit == *release);
    let release = tested.into_iter().find(fits).unwrap_or(detected.to);
    (release, because)
}
