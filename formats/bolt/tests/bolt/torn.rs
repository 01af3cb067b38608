//! Copies of a file that changed while it was copied: the metas of one transaction, the pages of a later one.
//!
//! `STRIDE=N` takes each N-th transaction of the recordings, `VERBOSE=1` prints each copy that is called usable
//! though its keys are not those of its transaction.

use std::collections::VecDeque;
use std::io::Cursor;

use bolt::{CheckOptions, Db, Salvage, TreeState, check};
use finding::{Fault as _, Severity};
use view::View;

use crate::{
    single::keys,
    testdata::{SCHEMAS, salvage_options},
    writes::{PAGE, Writes, recordings},
};

/// Of so many transactions, one is taken.
const STRIDE: usize = 24;
/// How many transactions go by while the file is copied.
const MEANWHILE: usize = 30;

#[derive(Debug, Default)]
struct Sum {
    files: u32,
    /// Whose tree is not that of the transaction of the metas.
    wrong: u32,
    /// Of these, such with a finding.
    said: u32,
    /// Whose root bucket is not the program's.
    foreign: u32,
    /// Of these, such of which salvage finds a tree of the program.
    found: u32,
}

fn one(name: &str, number: usize, first: &[u8], later: &[u8], sum: &mut Sum) {
    let mut torn = later.to_vec();
    torn[..2 * PAGE].copy_from_slice(&first[..2 * PAGE]);
    let view = View::new(&torn);
    let options = CheckOptions {
        threads: 1,
        ..CheckOptions::default()
    };
    let report = check(&view, &options).unwrap();
    let report = report.with_lost_writes(view, SCHEMAS);
    let worst = report.faults.iter().map(|found| found.fault.severity());
    let is_said = worst.max().is_some_and(|worst| worst > Severity::Note);
    let db = Db::open(view).db.unwrap();
    sum.files += 1;
    let is_right = keys(&db) == keys(&Db::open(View::new(first)).db.unwrap());
    sum.wrong += u32::from(!is_right);
    sum.said += u32::from(!is_right && is_said);
    if !is_right && !is_said && std::env::var_os("VERBOSE").is_some() {
        #[expect(clippy::print_stdout, reason = "what was tried")]
        {
            println!("{name} {number}: usable");
        }
    }
    let root = db.root().contents();
    let is_foreign = !root.entries.is_empty() && root.get(b"v1").is_none();
    if !is_right && is_foreign && root.is_whole() {
        sum.foreign += 1;
        assert_ne!(report.tree, TreeState::Whole, "{name} {number}");
        let salvage = Salvage::with(view, salvage_options());
        assert!(!salvage.is_whole(), "{name} {number}");
        let layout = salvage.layout();
        let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
        let new = new.into_inner();
        let new = Db::open(View::new(&new)).db.unwrap();
        sum.found += u32::from(SCHEMAS.of_root(&new.root()).is_some());
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures for people")]
fn a_copy_of_a_file_that_changed_meanwhile_is_not_usable() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let mut sum = Sum::default();
    for name in recordings() {
        let mut states: VecDeque<Vec<u8>> = VecDeque::new();
        for commit in Writes::open(&name) {
            if states.len() == MEANWHILE {
                let first = states.pop_front().unwrap();
                if commit.number % stride == 0 {
                    one(&name, commit.number, &first, &commit.after, &mut sum);
                }
            }
            states.push_back(commit.after);
        }
    }
    println!("{sum:?}");
    assert!(sum.wrong > 20, "{sum:?}");
    assert!(sum.said * 100 >= sum.wrong * 90, "{sum:?}");
    assert!(sum.found * 100 >= sum.foreign * 75, "{sum:?}");
}
