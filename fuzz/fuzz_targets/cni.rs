//! Any bytes as each file of CNI: parsed alone, and judged in a node that has them as its network.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use evidence::{Evidence, Options};
use node::{Node, Said};

#[path = "../shared/tar.rs"]
mod tar;

fn shown(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

bounded_target!(|data: &[u8]| {
    for parsed in [cni::List::parse(data), cni::List::parse_single(data)] {
        match parsed {
            Ok(list) => {
                for plugin in list.plugins.iter().flatten() {
                    let ipam = plugin.ipam.as_ref();
                    for set in ipam.iter().flat_map(|ipam| ipam.ranges.iter().flatten()) {
                        // What host-local may give away is inside.
                        assert!(set.iter().all(|range| range.contains(range.end)));
                        let sum = set
                            .iter()
                            .map(cni::Range::size)
                            .fold(0, u128::saturating_add);
                        assert_eq!(cni::capacity(set), sum);
                    }
                }
            }
            Err(fault) => shown(&format!("{fault}{}", fault.says())),
        }
    }
    let _ = cni::Attachment::parse(data);
    let _ = cni::Holder::parse(data);
    let _ = cni::is_lease(data);
    let mut out = Vec::new();
    for folder in [
        "etc/cni/net.d/",
        "opt/cni/bin/",
        "var/lib/cni/networks/pods/",
        "var/lib/cni/results/",
    ] {
        tar::member(&mut out, folder, b'5', "", &[], b"");
    }
    tar::member(
        &mut out,
        "etc/cni/net.d/10-pods.conflist",
        b'0',
        "",
        &[],
        data,
    );
    tar::member(
        &mut out,
        "var/lib/cni/networks/pods/10.88.0.2",
        b'0',
        "",
        &[],
        data,
    );
    let result = format!("var/lib/cni/results/pods-{}-e", "a".repeat(64));
    tar::member(&mut out, &result, b'0', "", &[], data);
    tar::member(&mut out, "var/lib/containerd/", b'5', "", &[], b"");
    out.resize(out.len() + 1024, 0);
    let Ok(evidence) = Evidence::open_stream(out.as_slice(), &Options::default()) else {
        return;
    };
    let said = Said::default();
    for roots in node::discover(&evidence, &said).into_iter().take(1) {
        let node = Node::open(&evidence, roots, node::Options::default());
        let report = checks::judge(&node, &checks::Measured::default());
        for finding in &report.findings {
            shown(&format!("{} {}", finding.location, finding.message));
            shown(finding.found.as_deref().unwrap_or_default());
            shown(finding.remedy.as_deref().unwrap_or_default());
        }
    }
});
