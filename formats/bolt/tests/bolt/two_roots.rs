//! Both metas are gone, and the trees of the last two transactions both make up the file: which of them is
//! taken, and what is said of the other one.
//!
//! `STRIDE=N` takes each N-th transaction of the recordings, `VERBOSE=1` prints each file of which the older tree was
//! taken, or of which a loss is not named.

use std::collections::BTreeMap;
use std::io::Cursor;

use bolt::{Choice, Db, Salvage};
use view::View;

use crate::{
    single::{Keys, keys},
    testdata::salvage_options,
    writes::{PAGE, Writes, recordings},
};

/// Of so many transactions, one is taken.
const STRIDE: usize = 24;

#[derive(Debug, Default)]
struct Sum {
    files: u32,
    /// Whose newest tree was taken.
    newest: u32,
    /// Whose tree of the transaction before was taken.
    previous: u32,
    /// Of which another tree was taken, or none.
    other: u32,
    /// In which a key of the newest tree is missing or another one, and is not in a range that is named.
    unnamed: u32,
    /// Of which the newest tree was taken, with gaps in it.
    doubted: u32,
}

/// Whether a gap or a decision names the key itself: that it may be older is said of the whole file.
fn is_in_a_gap(salvage: &Salvage<'_>, path: &[Vec<u8>]) -> bool {
    salvage.gaps.iter().any(|gap| {
        let key = path.get(gap.path.len());
        !gap.is_closed
            && path.starts_with(&gap.path)
            && key.is_some_and(|key| gap.range.may_hold(key))
    })
}

fn one(name: &str, good: &[u8], sum: &mut Sum) {
    let db = Db::open(View::new(good)).db.unwrap();
    let Some(old) = db.previous() else { return };
    let live = keys(&db);
    let before = keys(&old);
    if live == before {
        return;
    }
    let mut bad = good.to_vec();
    bad[..2 * PAGE].fill(0);
    let salvage = Salvage::with(View::new(&bad), salvage_options());
    assert!(!salvage.is_whole(), "{name}");
    sum.files += 1;
    let root = match salvage.choice {
        Some(Choice::Root { page, .. }) => Some(page),
        _ => None,
    };
    let is_newest = root == Some(db.meta().root);
    let is_previous = root == Some(old.meta().root);
    sum.newest += u32::from(is_newest);
    sum.previous += u32::from(is_previous);
    sum.other += u32::from(!is_newest && !is_previous);
    sum.doubted += u32::from(is_newest && !salvage.gaps.is_empty());
    let said = Salvage::with(View::new(&bad), salvage_options());
    let layout = salvage.layout();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    let new = new.into_inner();
    let saved: Keys = keys(&Db::open(View::new(&new)).db.unwrap());
    let differs = live
        .iter()
        .filter(|(path, value)| saved.get(*path) != Some(*value))
        .map(|(path, _)| path)
        .chain(saved.keys().filter(|path| !live.contains_key(*path)));
    let unnamed: Vec<_> = differs
        .filter(|path| !path[0].starts_with(b"lost+found") && !is_in_a_gap(&said, path))
        .collect();
    sum.unnamed += u32::from(!unnamed.is_empty());
    if std::env::var_os("VERBOSE").is_some() && (!is_newest || !unnamed.is_empty()) {
        let text = |path: &Vec<Vec<u8>>| {
            let parts = path.iter().map(|part| String::from_utf8_lossy(part));
            parts.collect::<Vec<_>>().join(" > ")
        };
        #[expect(clippy::print_stdout, reason = "what was tried")]
        {
            println!(
                "{name}: {:?} newest {} before {} unnamed {} ({:?})",
                said.choice,
                db.meta().root,
                old.meta().root,
                unnamed.len(),
                unnamed.first().map(|path| text(path))
            );
        }
    }
}

#[test]
fn of_two_whole_trees_the_newest_is_taken_or_both_are_named() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for name in recordings() {
        let sum = sums.entry(name.clone()).or_default();
        for commit in Writes::open(&name).filter(|commit| commit.number % stride == 0) {
            one(&format!("{name} {}", commit.number), &commit.after, sum);
        }
    }
    let (mut files, mut newest, mut unnamed) = (0, 0, 0);
    for (name, sum) in &sums {
        println!("{name:14} {sum:?}");
        assert!(sum.files > 0, "{name}");
        files += sum.files;
        newest += sum.newest;
        unnamed += sum.unnamed;
    }
    assert_eq!(unnamed, 0);
    assert!(newest * 100 >= files * 80, "{newest} of {files}");
}
