//! Pages that hold what they held some transactions before, alone in a tree that is whole else: what is
//! lost or old for it is named, and nothing wrong is put in its place.
//!
//! The pages are those of recordings of real daemons, a few to many transactions old. Of the page of an
//! old transaction nothing proves that it is old if it is of the same bucket, and all that it names is
//! still there: such are counted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Cursor;

use bolt::{Action, Db, PageState, Proof, Salvage, TreeState, What};
use finding::{Fault as _, Severity};
use view::View;

use crate::{
    single::{Keys, is_named, keys},
    stats::count,
    testdata::{SCHEMAS, cases, salvage_options},
    writes::{PAGE, Writes, recordings},
};

/// Of so many transactions, one is taken.
const STRIDE: usize = 64;
/// How many transactions old a page may be.
const AGES: [usize; 5] = [2, 5, 13, 34, 89];

#[derive(Debug, Default)]
struct Sum {
    /// Files in which a page is an older one.
    files: u32,
    /// Of these, such that a key is lost or old in what is saved.
    lossy: u32,
    /// Of these, such of which salvage says that nothing is lost.
    silent: u32,
    /// Of the lossy ones, those in which a loss is not named.
    unnamed: u32,
    /// Those with a key or value, outside lost+found, that neither the newest tree nor the one before has.
    wrong: u32,
    /// Those of which all is saved, and that are called whole.
    whole: u32,
}

/// Pages of the newest tree that had another content before.
fn candidates(now: &[u8], then: &[u8]) -> Vec<usize> {
    let db = Db::open(View::new(now)).db.unwrap();
    let report = db.check();
    let pages = report.pages().filter(|row| row.state == PageState::Used);
    let pages = pages.map(|row| usize::try_from(row.id.0).unwrap() * PAGE);
    pages
        .filter(|at| {
            let old = then.get(*at..at + PAGE);
            old.is_some_and(|old| old != &now[*at..at + PAGE] && old.iter().any(|byte| *byte != 0))
        })
        .collect()
}

fn saved(bytes: &[u8]) -> Keys {
    let salvage = Salvage::with(View::new(bytes), salvage_options());
    let layout = salvage.layout();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    let new = new.into_inner();
    keys(&Db::open(View::new(&new)).db.unwrap())
}

fn one(name: &str, number: usize, at: usize, now: &[u8], then: &[u8], sum: &mut Sum) {
    let mut bad = now.to_vec();
    bad[at..at + PAGE].copy_from_slice(&then[at..at + PAGE]);
    let db = Db::open(View::new(now)).db.unwrap();
    let live = keys(&db);
    let before = db.previous().map(|db| keys(&db)).unwrap_or_default();
    let salvage = Salvage::with(View::new(&bad), salvage_options());
    agree(&format!("{name} {number} page {}", at / PAGE), &bad);
    let saved = saved(&bad);
    let lost: Vec<_> = live
        .iter()
        .filter(|(path, value)| saved.get(*path) != Some(*value))
        .map(|(path, _)| path)
        .collect();
    let unnamed = lost.iter().filter(|path| !is_named(&salvage, path));
    let unnamed: Vec<_> = unnamed.collect();
    let wrong: Vec<_> = saved
        .iter()
        .filter(|(path, value)| {
            !path[0].starts_with(b"lost+found")
                && live.get(*path) != Some(*value)
                && before.get(*path) != Some(*value)
        })
        .map(|(path, _)| path)
        .collect();
    sum.files += 1;
    sum.lossy += u32::from(!lost.is_empty());
    sum.silent += u32::from(!lost.is_empty() && salvage.is_whole());
    sum.unnamed += u32::from(!unnamed.is_empty());
    sum.wrong += u32::from(!wrong.is_empty());
    sum.whole += u32::from(lost.is_empty() && salvage.is_whole());
    if std::env::var_os("VERBOSE").is_some() && (!unnamed.is_empty() || !wrong.is_empty()) {
        let text = |path: &Vec<Vec<u8>>| -> String {
            let parts = path.iter().map(|part| String::from_utf8_lossy(part));
            parts
                .collect::<Vec<_>>()
                .join(" > ")
                .chars()
                .take(160)
                .collect()
        };
        let whole = if salvage.is_whole() { "WHOLE " } else { "" };
        #[expect(clippy::print_stdout, reason = "what was tried")]
        {
            println!(
                "{name} {number} page {}: {whole}lost {} unnamed {} ({:?}) wrong {} ({:?})",
                at / PAGE,
                lost.len(),
                unnamed.len(),
                unnamed.first().map(|path| text(path)),
                wrong.len(),
                wrong.first().map(|path| text(path)),
            );
        }
        if let Some(folder) = std::env::var_os("KEEP") {
            let file = format!("{name}-{number}-{}.db", at / PAGE);
            std::fs::write(std::path::Path::new(&folder).join(&file), &bad).unwrap();
            std::fs::write(
                std::path::Path::new(&folder).join(format!("{file}.good")),
                now,
            )
            .unwrap();
        }
    }
}

#[test]
fn an_old_page_is_not_taken_for_new() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let first = std::env::var("FIRST").map_or(0, |text| text.parse().unwrap());
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for name in recordings() {
        let mut states: VecDeque<Vec<u8>> = VecDeque::new();
        let sum = sums.entry(name.clone()).or_default();
        for commit in Writes::open(&name) {
            if commit.number % stride == first {
                let healthy = Salvage::with(View::new(&commit.after), salvage_options());
                assert!(
                    healthy.is_whole(),
                    "{name} {}: {:?}",
                    commit.number,
                    healthy.gaps
                );
                for (index, age) in AGES.into_iter().enumerate() {
                    let Some(then) = states.len().checked_sub(age).and_then(|at| states.get(at))
                    else {
                        continue;
                    };
                    let pages = candidates(&commit.after, then);
                    let place = (commit.number * 31 + index * 7) % pages.len().max(1);
                    if let Some(at) = pages.get(place) {
                        one(&name, commit.number, *at, &commit.after, then, sum);
                    }
                }
            }
            states.push_back(commit.after);
            if states.len() > 100 {
                states.pop_front();
            }
        }
    }
    let mut all = Sum::default();
    for (name, sum) in &sums {
        println!("{name:14} {sum:?}");
        all.files += sum.files;
        all.lossy += sum.lossy;
        all.silent += sum.silent;
        all.unnamed += sum.unnamed;
        all.wrong += sum.wrong;
    }
    println!("{all:?}");
    // An older version of one record, or of a collection of a few leases or ingests, shows nowhere.
    assert!(all.silent * 100 <= all.files * 4, "{all:?}");
    assert!(all.unnamed * 100 <= all.files * 5, "{all:?}");
    // An older value is kept where nothing tells which of the two trees is the newer one, and then it is named.
    assert!(all.wrong * 100 <= all.files * 6, "{all:?}");
}

/// What check, salvage, pages and stats say of one file does not contradict.
fn agree(name: &str, bytes: &[u8]) {
    let view = View::new(bytes);
    let Some(db) = Db::open(view).db else { return };
    let report = db.check().with_lost_writes(view, SCHEMAS);
    let salvage = Salvage::with(view, salvage_options());
    let worst = report.faults.iter().map(|found| found.fault.severity());
    if worst.max().is_none_or(|worst| worst <= Severity::Note) {
        // Which of the two trees is the newer one is left open by both: a note of the check.
        let is_noted = report
            .faults
            .iter()
            .any(|found| matches!(found.fault.what, What::PreviousTree { .. }));
        let is_rival = |gap: &bolt::Gap| {
            let is_old = matches!(
                gap.fault.what,
                What::TwoTrees { .. } | What::LostWrite { .. }
            );
            is_noted && is_old
        };
        let open = salvage
            .gaps
            .iter()
            .find(|gap| !gap.is_closed && !is_rival(gap));
        assert!(open.is_none(), "{name}: in order, and yet {open:?}");
    }
    if salvage.is_whole() && salvage.decisions.is_empty() && salvage.gaps.is_empty() {
        let hidden = report.faults.iter().find(|found| {
            let is_old = matches!(found.fault.what, What::LostWrite { .. });
            is_old && found.fault.severity() > Severity::Note
        });
        assert!(hidden.is_none(), "{name}: whole, and yet {hidden:?}");
    }
    // What is saved, as belonging to the newest tree, stands on no page that is called free.
    let free: BTreeSet<_> = report
        .pages()
        .filter(|row| row.state == PageState::Free)
        .map(|row| row.id)
        .collect();
    for decision in &salvage.decisions {
        let is_of_tree = matches!(decision.action, Action::Grafted | Action::PageRestored)
            && decision.proof == Proof::Proven;
        let is_free = decision.page.is_some_and(|page| free.contains(&page));
        assert!(
            !(is_of_tree && is_free),
            "{name}: free, and yet {decision:?}"
        );
    }
    // Where a count of the tree lacks pages, the tree is not called whole.
    let counted = count(bytes).unwrap();
    if report.tree == TreeState::Whole {
        assert!(
            counted.faults.is_empty(),
            "{name}: whole, and yet {:?}",
            counted.faults
        );
        assert_eq!(counted.total.keys, report.totals.keys, "{name}");
    }
}

#[test]
fn check_and_salvage_agree() {
    for (name, _, bytes) in cases() {
        agree(&name, &bytes);
    }
}
