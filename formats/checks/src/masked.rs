//! What rests on values that a redaction masked: not checked, by name.

use finding::Text;

use crate::{Check, Judge, blob, cni_conf, cni_refused, cni_result, clients, docker, registry};

/// Files of a kind, and what rests on their values.
type Row = (fn(&Text) -> bool, &'static [Check]);

const RESTS: &[Row] = &[
    (|path| has(path, "/blobs/"), &[blob::ALTERED]),
    (node::is_of_client, &[clients::ENDPOINT]),
    (
        |path| has(path, "/certs.d/"),
        &[registry::HOSTS, registry::FILE, registry::ENDPOINT],
    ),
    (
        |path| has(path, "/etc/cni/"),
        &[
            cni_conf::CONFIG_BROKEN,
            cni_refused::CONFIG_REFUSED,
            cni_refused::PLUGIN_MISSING,
        ],
    ),
    (
        |path| has(path, "/lib/cni/results/"),
        &[cni_result::LEFTOVER, cni_result::DAMAGED],
    ),
    (|path| has(path, "/docker/daemon.json"), &[docker::SETTINGS]),
];

fn has(path: &Text, part: &str) -> bool {
    let mut windows = path.bytes().windows(part.len());
    windows.any(|window| window == part.as_bytes())
}

/// Notes each check that rests on masked values.
pub(crate) fn abstain(judge: &mut Judge<'_>, wanted: impl Fn(&Check) -> bool) {
    for (is_it, checks) in RESTS {
        let mut files = judge.node.masked.iter().filter(|path| is_it(path));
        let Some(first) = files.next() else { continue };
        let more = match files.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        for check in checks.iter().filter(|check| wanted(check)) {
            judge.abstain_from(check, format!("values are masked in {first}{more}"));
        }
    }
}
