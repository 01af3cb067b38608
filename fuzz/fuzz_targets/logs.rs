//! Any bytes as the logs of a node: a journal, a syslog, one that is packed, containerd's own log of k3s. What was said is
//! put in order, starts are told, names of images listed, within bounds whatever a packed log inflates to.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;
#[path = "../shared/tar.rs"]
mod tar;

use evidence::{Evidence, Options};
use measure::Control;

const NAMES: [&str; 5] = [
    "var/log/syslog",
    "var/log/syslog.2.gz",
    "var/log/messages-20261128.zst",
    "var/log/journal/0123456789abcdef0123456789abcdef/system.journal",
    "var/lib/rancher/k3s/agent/containerd/containerd.log",
];

bounded_target!(|data: &[u8]| {
    let mut packed = Vec::new();
    for (name, piece) in NAMES.iter().zip(data.split(|byte| *byte == 0xFE)) {
        tar::member(&mut packed, name, b'0', "", &[], piece);
    }
    packed.resize(packed.len() + 1024, 0);
    let _ = messages::explain("");
    // A packed log may inflate to 64 MiB whatever its size; 96 MiB of lines are held.
    costs::within((384 << 20) + 256 * data.len(), || {
        let Ok(evidence) = Evidence::open_stream(packed.as_slice(), &Options::default()) else {
            return;
        };
        for everything in [false, true] {
            let options = logs::Options {
                everything,
                ..logs::Options::default()
            };
            let gathered = logs::gather(&evidence, &options, &Control::default());
            let starts = logs::starts(&gathered.lines, logs::Program::Containerd);
            assert!(starts.len() <= gathered.lines.len());
            assert_eq!(logs::explained(&gathered.lines).len(), gathered.lines.len());
            let _ = logs::names(&gathered.lines);
            let folded = logs::fold(&gathered.lines, 0..gathered.lines.len());
            let times: u64 = folded.iter().map(|one| one.times).sum();
            assert_eq!(times, gathered.lines.len() as u64);
            let (text, _) = logs::written(&gathered, 1 << 20, &|text| text);
            assert!(text.len() <= 1 << 20);
        }
    });
});
