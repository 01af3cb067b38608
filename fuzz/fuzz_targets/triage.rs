//! Any bytes as a tar of a node: opened, discovered, judged, its start foretold, its garbage collected,
//! and the findings printed.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use evidence::{Evidence, Options};
use node::{Node, Said};

bounded_target!(|data: &[u8]| {
    let Ok(evidence) = Evidence::open_stream(data, &Options::default()) else {
        return;
    };
    for roots in node::discover(&evidence, &Said::default())
        .into_iter()
        .take(2)
    {
        let node = Node::open(&evidence, roots, node::Options::default());
        let report = checks::judge(&node, &checks::Measured::default());
        for finding in &report.findings {
            let shown = format!("{} {}", finding.location, finding.message);
            assert!(
                !shown.chars().any(|letter| letter.is_control()),
                "{shown:?}"
            );
        }
        let release = daemon::detect(&node.traces);
        let verdict = checks::verdict(&node, &report, &release, node.now);
        assert!(
            !verdict.sentence.chars().any(char::is_control),
            "{}",
            verdict.sentence
        );
        for release in daemon::Release::ALL {
            let Ok(collection) = daemon::gc::simulate_with(&node, release, node.now, true) else {
                continue;
            };
            for record in collection.records.iter().take(8) {
                let _ = collection.chains(record.index, 4);
            }
        }
    }
});
