//! A capture as a node that is open, and what is found in it: what nearly each test begins with.

use checks::Measured;
use checks::start::{Prediction, predictions};
use daemon::Detected;
use evidence::{Evidence, Options};
use finding::{Finding, Report};
use node::{Node, Said};
use testcase::Tar;

/// The first node of a capture.
pub(crate) fn node(tar: &Tar) -> Node {
    node_with(tar, node::Options::default())
}

/// The same, opened so.
pub(crate) fn node_with(tar: &Tar, options: node::Options) -> Node {
    let packed = tar.write();
    let evidence = Evidence::open_stream(packed.as_slice(), &Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    Node::open(&evidence, roots.into_iter().next().unwrap(), options)
}

/// What is found in it.
pub(crate) fn report(tar: &Tar) -> Report {
    checks::judge(&node(tar), &Measured::default())
}

/// The same, without what was not looked at.
pub(crate) fn findings(tar: &Tar) -> Vec<Finding> {
    report(tar).findings
}

/// What a start of each release that it may be would do, or of the one that is said.
pub(crate) fn foretell(tar: &Tar, said: Option<&str>) -> Vec<Prediction> {
    let node = node(tar);
    let report = checks::judge(&node, &Measured::default());
    let release = said.map_or_else(
        || daemon::detect(&node.traces),
        |said| Detected::said(said).unwrap(),
    );
    predictions(&node, &report, &release, node.now)
}
