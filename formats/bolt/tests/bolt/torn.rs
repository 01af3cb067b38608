//! Copies of a file that changed while it was copied: the first pages are of one transaction, the rest of a later one.
//!
//! `STRIDE=N` takes each N-th transaction of the recordings, `VERBOSE=1` prints each copy that is called usable
//! though its keys are not those of its transaction, `KEEP=FOLDER` keeps it.

use std::collections::{BTreeMap, VecDeque};
use std::io::Cursor;

use bolt::{CheckOptions, Db, Salvage, check};
use finding::{Fault as _, Severity};
use view::View;

use crate::{
    lost::Random,
    single::keys,
    testdata::{SCHEMAS, salvage_options},
    writes::{Commit, PAGE, Writes, recordings},
};

/// Of so many transactions, one is taken.
const STRIDE: usize = 24;
/// How many transactions go by while the file is copied.
const MEANWHILE: [usize; 5] = [1, 2, 4, 10, 30];
/// How many pages were copied before: the metas alone, or what `cp` reads at once.
const FIRST: [usize; 2] = [2, 32];

#[derive(Debug, Default)]
struct Sum {
    files: u32,
    /// In which it is, and of which something is said all the same.
    alarms: u32,
    /// Whose tree is not that of the transaction of the metas.
    wrong: u32,
    /// Of these, such with a finding.
    said: u32,
    /// Of these, such that salvage calls whole.
    whole: u32,
    /// Whose root bucket is not the program's.
    foreign: u32,
    /// Of these, such of which salvage finds a tree of the program.
    found: u32,
}

/// `states`: what the file was when the copy began, and after each transaction since.
fn one(name: &str, states: &[&[u8]], pages: usize, sum: &mut Sum) {
    let (Some(first), Some(later)) = (states.first(), states.last()) else {
        return;
    };
    let mut torn = (*later).to_vec();
    let end = (pages * PAGE).min(first.len());
    torn[..end].copy_from_slice(&first[..end]);
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
    let own = keys(&db);
    // Where a later root stands in the place of the first one, the tree may be that of a later transaction, whole.
    let is_state = |state: &&[u8]| keys(&Db::open(View::new(state)).db.unwrap()) == own;
    if is_state(first) || !is_said && states.iter().any(is_state) {
        sum.alarms += u32::from(is_said);
        if is_said && let Some(folder) = std::env::var_os("KEEP") {
            let file = std::path::Path::new(&folder).join(format!("{name}.alarm.db"));
            std::fs::write(file, &torn).unwrap();
        }
        return;
    }
    let salvage = Salvage::with(view, salvage_options());
    sum.wrong += 1;
    sum.said += u32::from(is_said);
    sum.whole += u32::from(salvage.is_whole());
    if !is_said || salvage.is_whole() {
        if std::env::var_os("VERBOSE").is_some() {
            #[expect(clippy::print_stdout, reason = "what was tried")]
            {
                let whole = salvage.is_whole();
                println!("{name}: said {is_said} whole {whole} {:?}", report.faults);
            }
        }
        if let Some(folder) = std::env::var_os("KEEP") {
            let folder = std::path::Path::new(&folder);
            std::fs::write(folder.join(format!("{name}.db")), &torn).unwrap();
            std::fs::write(folder.join(format!("{name}.db.good")), first).unwrap();
        }
    }
    let root = db.root().contents();
    let is_foreign = !root.entries.is_empty() && root.get(b"v1").is_none();
    if is_foreign && root.is_whole() {
        sum.foreign += 1;
        assert!(is_said, "{name}");
        assert!(!salvage.is_whole(), "{name}");
        let layout = salvage.layout();
        let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
        let new = new.into_inner();
        let new = Db::open(View::new(&new)).db.unwrap();
        sum.found += u32::from(SCHEMAS.of_root(&new.root()).is_some());
    }
}

#[test]
fn a_copy_of_a_file_that_changed_meanwhile_is_not_usable() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let mut sums: BTreeMap<(usize, usize), Sum> = BTreeMap::new();
    for name in recordings() {
        let mut states: VecDeque<Vec<u8>> = VecDeque::new();
        for commit in Writes::open(&name) {
            if commit.number % stride == 0 {
                for meanwhile in MEANWHILE {
                    let Some(first) = states.len().checked_sub(meanwhile) else {
                        continue;
                    };
                    let since = states.range(first..).map(Vec::as_slice);
                    let since: Vec<&[u8]> = since.chain([commit.after.as_slice()]).collect();
                    for pages in FIRST {
                        let name = format!("{name}-{}-{pages}-{meanwhile}", commit.number);
                        let sum = sums.entry((pages, meanwhile)).or_default();
                        one(&name, &since, pages, sum);
                    }
                }
            }
            states.push_back(commit.after);
            if states.len() > MEANWHILE[MEANWHILE.len() - 1] {
                states.pop_front();
            }
        }
    }
    let mut all = Sum::default();
    for ((pages, meanwhile), sum) in &sums {
        println!("{pages} pages, {meanwhile} transactions: {sum:?}");
        // A transaction that died has written all its pages, or some of them.
        if *meanwhile == 1 {
            assert_eq!(sum.wrong, 0, "{sum:?}");
            assert_eq!(sum.alarms, 0, "{sum:?}");
        }
        all.wrong += sum.wrong;
        all.said += sum.said;
        all.whole += sum.whole;
        all.foreign += sum.foreign;
        all.found += sum.found;
    }
    println!("{all:?}");
    assert!(all.wrong > 20, "{all:?}");
    assert!(all.said * 100 >= all.wrong * 90, "{all:?}");
    // Two transactions that did and undid the same leave nothing that shows it.
    assert!(all.whole * 100 <= all.wrong * 3, "{all:?}");
    assert!(all.found * 100 >= all.foreign * 75, "{all:?}");
}

/// How much of a transaction was written before its daemon died, its meta not.
const WRITTEN: [&str; 4] = ["all", "the first half", "one", "some"];

/// The findings above a note of a file of which `written` pages are those of a transaction without its meta.
fn alarms(commit: &Commit, written: &[usize]) -> Vec<String> {
    let mut bytes = commit.before.clone();
    for at in written {
        bytes[*at..at + PAGE].copy_from_slice(&commit.after[*at..at + PAGE]);
    }
    let view = View::new(&bytes);
    let options = CheckOptions {
        threads: 1,
        ..CheckOptions::default()
    };
    let report = check(&view, &options).unwrap();
    let report = report.with_lost_writes(view, SCHEMAS);
    let found = report.faults.iter().map(|found| &found.fault);
    let found = found.filter(|fault| fault.severity() > Severity::Note);
    let found: Vec<String> = found.map(|fault| fault.what.to_string()).take(3).collect();
    if !found.is_empty()
        && let Some(folder) = std::env::var_os("KEEP")
    {
        let folder = std::path::Path::new(&folder);
        let name = format!("died-{}-{}", commit.number, written.len());
        std::fs::write(folder.join(format!("{name}.db")), &bytes).unwrap();
        std::fs::write(folder.join(format!("{name}.before.db")), &commit.before).unwrap();
    }
    found
}

#[test]
fn a_daemon_that_died_before_its_meta_leaves_a_healthy_file() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let offset = std::env::var("OFFSET").map_or(0, |text| text.parse().unwrap());
    let (mut files, mut said, mut parts) = (0, Vec::new(), Vec::new());
    for name in recordings() {
        let mut random = Random(7);
        for commit in Writes::open(&name).filter(|commit| commit.number % stride == offset) {
            let pages = &commit.pages;
            for which in WRITTEN {
                let written: Vec<usize> = match which {
                    "all" => pages.clone(),
                    "the first half" => pages[..pages.len() / 2].to_vec(),
                    "one" => pages.iter().copied().take(1).collect(),
                    _ => pages
                        .iter()
                        .copied()
                        .filter(|_| random.below(2) == 0)
                        .collect(),
                };
                files += 1;
                let found = alarms(&commit, &written);
                if !found.is_empty() {
                    let all = if which == WRITTEN[0] {
                        &mut said
                    } else {
                        &mut parts
                    };
                    all.push(format!("{name} {}, {which}: {found:?}", commit.number));
                }
            }
        }
    }
    println!(
        "{files} files; {} with a part of the pages are suspected",
        parts.len()
    );
    if std::env::var_os("VERBOSE").is_some() {
        println!("{parts:#?}");
    }
    // A daemon that is killed waits for the disk, with all its pages written.
    assert!(said.is_empty(), "{said:#?}");
    // Where the power went, some pages of the tree before are later ones. Of the same bytes the newest tree may have
    // old pages, and nothing tells the one from the other.
    assert!(parts.len() * 100 <= files * 25, "{parts:#?}");
}

/// A leaf of empty buckets that the schema has elsewhere is no root bucket of the program.
#[test]
fn a_leaf_of_empty_buckets_is_no_root() {
    let all = Writes::open("2.1-meta").take_while(|commit| commit.number <= 825);
    let states: Vec<Vec<u8>> = all.map(|commit| commit.after).collect();
    let states: Vec<&[u8]> = states
        .iter()
        .rev()
        .take(31)
        .rev()
        .map(Vec::as_slice)
        .collect();
    let mut sum = Sum::default();
    one("2.1-meta-825-2-30", &states, 2, &mut sum);
    assert_eq!((sum.foreign, sum.said, sum.whole), (1, 1, 0), "{sum:?}");
}
