//! Secrets in every place and form: none is left.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::as_conversions,
    clippy::format_push_string,
    reason = "a test may fail, and makes the evidence that it reads"
)]

#[path = "planted/plants.rs"]
mod planted;

use std::path::Path;

use planted::{
    FIFTH, FILES, OTHERS, PUBLISHED, SIXTH, Secrets, UNREAD, found, plant_database,
    plant_leftovers, samples,
};
use redact::{Options, Outcome};

fn masked(path: &str, mut bytes: Vec<u8>, keep_deleted: bool) -> Option<(String, Vec<u8>)> {
    let len = bytes.len();
    let outcome = redact::mask(Path::new(path), &mut bytes, &Options { keep_deleted });
    assert_eq!(bytes.len(), len, "{path}");
    (outcome != Outcome::LeftOut).then(|| (path.to_owned(), bytes))
}

fn none_is_left(secrets: &Secrets, pieces: &[(String, Vec<u8>)]) {
    let left = found(&secrets.all, pieces);
    for (place, secret, at) in &left {
        eprintln!("{place}: {secret} in {at}");
    }
    assert!(
        left.is_empty(),
        "{} of {} are left",
        left.len(),
        secrets.all.len()
    );
}

#[test]
fn no_secret_is_left_in_files() {
    for seed in 1..20 {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let files: Vec<_> = samples(FILES)
            .map(|(path, text)| (format!("/{path}"), secrets.fill(path, text)))
            .collect();
        let pieces: Vec<_> = files
            .into_iter()
            .filter_map(|(path, bytes)| masked(&path, bytes, false))
            .collect();
        assert!(secrets.all.len() > 200, "{}", secrets.all.len());
        none_is_left(&secrets, &pieces);
    }
}

#[test]
fn no_secret_is_left_in_files_that_the_rules_were_not_written_for() {
    for seed in 1..20 {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let files: Vec<_> = samples(PUBLISHED)
            .map(|(path, text)| (format!("/{path}"), secrets.fill(path, text)))
            .collect();
        let pieces: Vec<_> = files
            .into_iter()
            .filter_map(|(path, bytes)| masked(&path, bytes, false))
            .collect();
        none_is_left(&secrets, &pieces);
    }
}

#[test]
fn no_secret_is_left_where_known_fields_hold_something_else() {
    for seed in 1..20 {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let files: Vec<_> = samples(UNREAD)
            .map(|(path, text)| (format!("/{path}"), secrets.fill(path, text)))
            .collect();
        let pieces: Vec<_> = files
            .into_iter()
            .filter_map(|(path, bytes)| masked(&path, bytes, false))
            .collect();
        assert!(secrets.all.len() > 150, "{}", secrets.all.len());
        none_is_left(&secrets, &pieces);
    }
}

/// What may be named like it: an id, a digest and a UUID in a field that holds one. `docs/redact.md` says so.
fn is_named_like_an_id(secret: &str) -> bool {
    secret
        .bytes()
        .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[test]
fn no_secret_is_left_in_files_of_programs_around() {
    for (seed, list) in (1..20).flat_map(|seed| [(seed, OTHERS), (seed, FIFTH)]) {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let files: Vec<_> = samples(list)
            .map(|(path, text)| (format!("/{path}"), secrets.fill(path, text)))
            .collect();
        let pieces: Vec<_> = files
            .into_iter()
            .filter_map(|(path, bytes)| masked(&path, bytes, false))
            .collect();
        secrets
            .all
            .retain(|(_, secret)| !is_named_like_an_id(secret));
        let count = secrets.all.len();
        assert!(count > 40, "{count}");
        none_is_left(&secrets, &pieces);
    }
}

#[test]
fn what_a_known_field_does_not_hold_is_masked() {
    for seed in 1..8 {
        let mut secrets = Secrets {
            seed,
            ..Secrets::default()
        };
        let files: Vec<_> = samples(SIXTH)
            .map(|(path, text)| (format!("/{path}"), secrets.fill(path, text)))
            .collect();
        let pieces: Vec<_> = files
            .into_iter()
            .filter_map(|(path, bytes)| masked(&path, bytes, false))
            .collect();
        assert!(secrets.all.len() > 300, "{}", secrets.all.len());
        none_is_left(&secrets, &pieces);
    }
}

#[test]
fn no_secret_is_left_in_databases() {
    for node in ["1.6-stopped", "1.7-running", "2.1-running"] {
        for keep_deleted in [false, true] {
            let mut secrets = Secrets {
                seed: 5,
                ..Secrets::default()
            };
            let path = "var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
            let whole = testcase::node(node).member(path).data.clone();
            let old = plant_leftovers(whole.clone(), &mut secrets);
            let new = plant_database(&whole, &mut secrets);
            let codes = |bytes: &[u8]| {
                let report =
                    bolt::check(&view::View::new(bytes), &bolt::CheckOptions::default()).unwrap();
                report
                    .faults
                    .iter()
                    .map(|found| (found.fault.what.code().name, found.fault.span.start))
                    .collect::<Vec<_>>()
            };
            let before = [codes(&old), codes(&new)];
            let pieces: Vec<_> = [old, new]
                .into_iter()
                .filter_map(|bytes| masked("/x/meta.db", bytes, keep_deleted))
                .collect();
            none_is_left(&secrets, &pieces);
            // It is in order, or not, as it was.
            for ((_, bytes), before) in pieces.iter().zip(&before) {
                assert_eq!(codes(bytes), *before, "{node}");
            }
        }
    }
}
