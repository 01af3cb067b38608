//! What the stores of captures say of when things happened, asked without a command line.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests panic where something is wrong"
)]

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use evidence::Evidence;
use measure::Control;
use node::{Node, Said};
use timeline::{Only, Options, Store, Subject, Wanted, What};

fn gathered(name: &str, only: &[&str], cancel: bool) -> (Vec<Subject>, usize) {
    let tar = testcase::node(name).write();
    let evidence = Evidence::open_stream(tar.as_slice(), &evidence::Options::default()).unwrap();
    let roots = node::discover(&evidence, &Said::default());
    let node = Node::open(&evidence, roots[0].clone(), node::Options::default());
    let wanted = Wanted {
        only: only.iter().map(|one| Only::parse(one).unwrap()).collect(),
        ..Wanted::default()
    };
    let options = Options {
        carve: true,
        files: true,
        layers: false,
    };
    let cancel = AtomicBool::new(cancel);
    let control = Control {
        cancel: &cancel,
        ..Control::default()
    };
    let mut all = Vec::new();
    let mut give = |subject: &Subject| {
        all.push(subject.clone());
        Ok(())
    };
    let wish = (&wanted, options);
    let unknown = timeline::gather(&evidence, &node, wish, &control, &mut give).unwrap();
    (all, unknown.len())
}

#[test]
fn every_store_of_a_stopped_node_says_when() {
    for name in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let (all, unknown) = gathered(name, &[], false);
        assert_eq!(unknown, 0, "{name}");
        let mut stores: BTreeMap<Store, usize> = BTreeMap::new();
        for subject in &all {
            let count = stores.entry(subject.store).or_default();
            *count = count.saturating_add(subject.moments().len());
        }
        for store in [
            Store::Meta,
            Store::Snapshotter,
            Store::Content,
            Store::Files,
        ] {
            assert!(
                stores.get(&store).is_some_and(|count| *count > 0),
                "{name} {store:?}"
            );
        }
        let created = all.iter().filter(|subject| {
            subject.kind == "container"
                && subject.store == Store::Meta
                && subject.times.iter().any(|(what, _)| *what == What::Created)
        });
        assert!(created.count() > 0, "{name}");
    }
}

#[test]
fn filters_restrict_what_is_given() {
    let (all, _) = gathered("1.7-stopped", &["store=content"], false);
    assert!(!all.is_empty() && all.iter().all(|one| one.store == Store::Content));
    let (images, _) = gathered("1.7-stopped", &["kind=image"], false);
    assert!(!images.is_empty() && images.iter().all(|one| one.kind == "image"));
    assert!(Only::parse("store=nowhere").is_err());
}

#[test]
fn what_an_interrupt_left_out_is_said() {
    let (_, unknown) = gathered("1.7-stopped", &[], true);
    assert!(unknown > 0);
}
