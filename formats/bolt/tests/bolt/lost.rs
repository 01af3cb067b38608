//! Writes that never arrived, made from what real daemons wrote.
//!
//! Each transaction of a recording is a legitimate file, which must not be suspected, and the
//! origin of mutants: its meta is there, and some of its pages are not. What bbolt's check says of
//! each mutant stands in `testdata/bolt/writes/bbolt.txt`, and what we make of them in `table.txt`.
//! Both are rewritten with `UPDATE=1`, the first one only if `BOLTEDIT` names the program that
//! `testdata/make/tools` builds. `STRIDE=1` takes every transaction instead of one in sixteen, and
//! then prints the table only; `KEEP=FOLDER` keeps what is suspected and should not be, or the other way round.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::{fs, thread};

use bolt::{CheckOptions, Db, Gap, Salvage, TreeState, Value, Visit, What, check};
use finding::{Fault as _, Severity};
use view::View;

use crate::testdata::{SCHEMAS, salvage_options};
use crate::writes::{Commit, PAGE, Writes, folder, recordings};

/// Of so many transactions, one is taken.
const STRIDE: usize = 16;

/// A small generator (splitmix64): the same mutants on every machine.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % end
    }
}

/// What is lost of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loss {
    /// One page keeps what stood there.
    OnePage,
    /// Several do.
    SomePages,
    /// All do.
    AllPages,
    /// One page is zero.
    Zeroes,
    /// Of one page, some sectors of 512 bytes arrived, from the first on.
    Torn,
    /// The root page keeps what stood there.
    Root,
    /// The page of a bucket near the root does: of a namespace, in meta.db.
    Namespace,
    /// All pages of such a bucket do, and of the buckets in it.
    Subtree,
}

const LOSSES: [Loss; 8] = [
    Loss::OnePage,
    Loss::SomePages,
    Loss::AllPages,
    Loss::Zeroes,
    Loss::Torn,
    Loss::Root,
    Loss::Namespace,
    Loss::Subtree,
];

/// The pages that the last transaction wrote of buckets, by how deep those are: of one that is so
/// deep, chosen at random, and, if `below`, of all in it.
fn of_bucket(commit: &Commit, random: &mut Random, below: bool) -> Vec<usize> {
    let db = Db::open(View::new(&commit.after)).db.unwrap();
    let mut pages: BTreeMap<Vec<&[u8]>, Vec<usize>> = BTreeMap::new();
    let mut add = |path, page: bolt::PageId| {
        let at = usize::try_from(page.0).unwrap() * PAGE;
        if commit.pages.contains(&at) {
            pages.entry(path).or_default().push(at);
        }
    };
    let mut paths = Vec::new();
    for step in db.walk() {
        if let Visit::Entry(entry) = step.what {
            let bucket = step.bucket.to_vec();
            add(bucket.clone(), entry.page);
            let path: Vec<&[u8]> = bucket.into_iter().chain([entry.key]).collect();
            if let Some(page) = entry.value.bucket().and_then(bolt::Bucket::page) {
                add(path.clone(), page);
                paths.push(path);
            }
        }
    }
    let near: Vec<&Vec<&[u8]>> = pages
        .keys()
        .filter(|path| (1..=4).contains(&path.len()))
        .filter(|path| below || path.len() <= 2)
        .collect();
    if near.is_empty() {
        return Vec::new();
    }
    let chosen = near[random.below(near.len())];
    let is_in = |path: &&Vec<&[u8]>| *path == chosen || below && path.starts_with(chosen);
    let mut all: Vec<usize> = pages
        .keys()
        .filter(is_in)
        .flat_map(|path| pages[path].iter().copied())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The file without some of the pages of its last transaction; none if that makes no difference.
fn mutant(commit: &Commit, loss: Loss) -> Option<Vec<u8>> {
    let mut random = Random(u64::try_from(commit.number * 8).unwrap() + loss as u64);
    let mut bytes = commit.after.clone();
    if commit.pages.is_empty() {
        return None;
    }
    let one = commit.pages[random.below(commit.pages.len())];
    let mut restore = |from: usize, to: usize| {
        bytes[from..to].copy_from_slice(&commit.before[from..to]);
    };
    match loss {
        Loss::OnePage => restore(one, one + PAGE),
        Loss::SomePages => {
            for page in &commit.pages {
                if *page == one || random.below(2) == 0 {
                    restore(*page, *page + PAGE);
                }
            }
        }
        Loss::AllPages => {
            for page in &commit.pages {
                restore(*page, *page + PAGE);
            }
        }
        Loss::Root => {
            let root = Db::open(View::new(&commit.after)).db.unwrap().meta().root;
            let at = usize::try_from(root.0).unwrap() * PAGE;
            restore(at, at + PAGE);
        }
        Loss::Namespace | Loss::Subtree => {
            for page in of_bucket(commit, &mut random, loss == Loss::Subtree) {
                restore(page, page + PAGE);
            }
        }
        Loss::Zeroes => bytes[one..one + PAGE].fill(0),
        Loss::Torn => restore(one + (1 + random.below(7)) * 512, one + PAGE),
    }
    (bytes != commit.after).then_some(bytes)
}

/// The worst that we say of a file. Where a page is suspected, the tree before is said to be whole.
fn worst(which: &str, bytes: &[u8]) -> Option<Severity> {
    let options = CheckOptions {
        threads: 1,
        ..CheckOptions::default()
    };
    let report = check(&View::new(bytes), &options).unwrap();
    let report = report.with_lost_writes(View::new(bytes), SCHEMAS);
    let is_page = |what: &What| matches!(what, What::LostWrite { .. } | What::StaleRoot { .. });
    if report.faults.iter().any(|found| is_page(&found.fault.what)) {
        assert_eq!(report.previous, TreeState::Whole, "{which}");
    }
    let faults = report.faults.iter();
    faults.map(|found| found.fault.severity()).max()
}

/// All keys and values of a file, and the sequences of its buckets.
fn content(bytes: &[u8]) -> Vec<(Vec<Vec<u8>>, Vec<u8>)> {
    let db = Db::open(View::new(bytes)).db.unwrap();
    let entries = db.walk().filter_map(|step| match step.what {
        Visit::Entry(entry) => {
            let path = step.bucket.iter().copied().chain([entry.key]);
            let value = match &entry.value {
                Value::Bytes(value) => value.to_vec(),
                Value::Bucket(bucket) => bucket.sequence().to_le_bytes().to_vec(),
            };
            Some((path.map(<[u8]>::to_vec).collect(), value))
        }
        Visit::Fault(_) => None,
    });
    entries.collect()
}

/// What bbolt says: `f` if it finds something, `o` if it says OK and the content is right, `w` if
/// it says OK and the content is not.
fn ask_bbolt(tool: &str, bytes: &[u8], truth: &[u8]) -> char {
    let thread = format!("{:?}", thread::current().id());
    let digits: String = thread.chars().filter(char::is_ascii_digit).collect();
    let file = std::env::temp_dir().join(format!("lost-{}-{digits}.db", std::process::id()));
    let run = |verb: &str, bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let mut command = Command::new("timeout");
        let output = command.args(["10", tool, verb]).arg(&file).output();
        output.unwrap()
    };
    let verdict = if run("check", bytes).status.success() {
        // Which page a bucket is on does not matter.
        let dump = |bytes: &[u8]| -> Vec<String> {
            let text = String::from_utf8(run("dump", bytes).stdout).unwrap();
            let lines = text
                .lines()
                .map(|line| line.split(",\"root\"").next().unwrap());
            lines.map(str::to_owned).collect()
        };
        if dump(bytes) == dump(truth) { 'o' } else { 'w' }
    } else {
        'f'
    };
    fs::remove_file(&file).unwrap();
    verdict
}

/// Numbers of one recording and one kind of loss.
#[derive(Default)]
struct Sum {
    mutants: u32,
    bbolt_ok: u32,
    wrong: u32,
    suspected: u32,
    noted: u32,
    /// Found by bbolt and not by us.
    worse: u32,
}

/// Of one recording.
struct Outcome {
    commits: u32,
    alarms: u32,
    notes: u32,
    sums: BTreeMap<Loss, Sum>,
    verdicts: String,
}

/// Keeps a file where the caller wants it.
fn keep(name: &str, commit: &Commit, what: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("KEEP") {
        let file = format!("{name}-{}-{what}.db", commit.number);
        fs::write(std::path::Path::new(&folder).join(file), bytes).unwrap();
    }
}

fn experiment(name: &str, stride: usize, known: Option<&str>, tool: Option<&str>) -> Outcome {
    let mut known = known.unwrap_or_default().chars();
    let mut outcome = Outcome {
        commits: 0,
        alarms: 0,
        notes: 0,
        sums: BTreeMap::new(),
        verdicts: String::new(),
    };
    for commit in Writes::open(name).filter(|commit| commit.number % stride == 0) {
        outcome.commits += 1;
        match worst(&format!("{name} {}", commit.number), &commit.after) {
            Some(Severity::Note) => outcome.notes += 1,
            Some(_) => {
                outcome.alarms += 1;
                keep(name, &commit, "alarm", &commit.after);
            }
            None => {}
        }
        let truth = content(&commit.after);
        for loss in LOSSES {
            let Some(bytes) = mutant(&commit, loss) else {
                continue;
            };
            let verdict = match tool {
                Some(tool) => ask_bbolt(tool, &bytes, &commit.after),
                None => known.next().unwrap(),
            };
            outcome.verdicts.push(verdict);
            let which = format!("{name} {} {loss:?}", commit.number);
            let worst = worst(&which, &bytes);
            let sum = outcome.sums.entry(loss).or_default();
            sum.mutants += 1;
            sum.bbolt_ok += u32::from(verdict != 'f');
            sum.wrong += u32::from(verdict == 'w');
            sum.worse += u32::from(verdict == 'f' && worst.is_none_or(|it| it == Severity::Note));
            if verdict == 'w' {
                assert_ne!(content(&bytes), truth, "{name} {} {loss:?}", commit.number);
                sum.suspected += u32::from(worst.is_some_and(|it| it > Severity::Note));
                sum.noted += u32::from(worst == Some(Severity::Note));
                if worst.is_none_or(|it| it == Severity::Note) {
                    keep(name, &commit, &format!("{loss:?}.bad"), &bytes);
                    keep(name, &commit, &format!("{loss:?}.good"), &commit.after);
                }
            }
        }
    }
    assert!(tool.is_some() || known.next().is_none());
    outcome
}

fn table(outcomes: &BTreeMap<String, Outcome>) -> String {
    let mut text = String::from(
        "recording     commits alarms notes  | loss      mutants bbolt-OK  wrong suspected noted\n",
    );
    for (name, outcome) in outcomes {
        let Outcome {
            commits,
            alarms,
            notes,
            ..
        } = outcome;
        let mut head = format!("{name:13} {commits:7} {alarms:6} {notes:5}");
        for (loss, sum) in &outcome.sums {
            let loss = format!("{loss:?}");
            let Sum {
                mutants,
                bbolt_ok,
                wrong,
                suspected,
                noted,
                ..
            } = sum;
            writeln!(
                text,
                "{head:34} | {loss:9} {mutants:7} {bbolt_ok:8} {wrong:6} {suspected:9} {noted:5}"
            )
            .unwrap();
            head.clear();
        }
    }
    text
}

/// Of a root, a namespace or a whole subtree that is old, and that bbolt passes: suspected, or noted where a
/// program may have done just that.
#[expect(clippy::print_stdout, reason = "figures for people")]
fn shares(outcomes: &BTreeMap<String, Outcome>) {
    // containerd keeps no freelist in meta.db since 1.7.
    let is_unsynced = |name: &str| name.ends_with("-meta") && !name.starts_with("1.6");
    for (kind, is_kind) in [("synced", false), ("unsynced", true)] {
        let of = outcomes
            .iter()
            .filter(|(name, _)| is_unsynced(name) == is_kind);
        let sums = of.flat_map(|(_, outcome)| &outcome.sums);
        let (mut wrong, mut suspected, mut noted) = (0, 0, 0);
        for (loss, sum) in sums {
            if matches!(loss, Loss::Root | Loss::Namespace | Loss::Subtree) {
                wrong += sum.wrong;
                suspected += sum.suspected;
                noted += sum.noted;
            }
        }
        println!("{kind}: {wrong} that bbolt passes, {suspected} suspected, {noted} noted");
        // A note says as much: that the newest object is gone, and that this page may be the one from before it
        // was made. Whoever removes that object leaves the very same bytes, so it can be no more than a note.
        let least = if is_kind { 90 } else { 99 };
        assert!((suspected + noted) * 100 >= wrong * least, "{kind}");
        // Nor is it more where the tree of the meta before is what one transaction makes of this one: a daemon that
        // is killed between the pages and the meta of its next transaction leaves the same.
        assert!(suspected * 100 >= wrong * 60, "{kind}");
    }
}

/// Of the other transactions than those of the experiment; `STRIDE=1` takes every one.
#[test]
fn nor_are_other_commits() {
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let count = |name: &str| {
        let commits = Writes::open(name).filter(|commit| commit.number % stride == stride / 2);
        let mut count = 0_u32;
        for commit in commits {
            let worst = worst(&format!("{name} {}", commit.number), &commit.after);
            if worst.is_some_and(|worst| worst > Severity::Note) {
                keep(name, &commit, "alarm", &commit.after);
            }
            assert!(
                worst.is_none_or(|it| it == Severity::Note),
                "{name} {}",
                commit.number
            );
            count += 1;
        }
        count
    };
    let names = recordings();
    let commits: u32 = thread::scope(|scope| {
        let threads: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(|| count(name)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    println!("{commits} transactions, none suspected");
    assert!(commits > 100);
}

#[test]
fn lost_writes_are_suspected_and_real_commits_are_not() {
    let tool = std::env::var("BOLTEDIT").ok();
    let update = std::env::var_os("UPDATE").is_some();
    let stride = std::env::var("STRIDE").map_or(STRIDE, |text| text.parse().unwrap());
    let file = folder().join("bbolt.txt");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let outcomes: BTreeMap<String, Outcome> = thread::scope(|scope| {
        let threads: Vec<_> = recordings()
            .into_iter()
            .map(|name| {
                let (known, tool) = (known.get(name.as_str()).copied(), tool.as_deref());
                let named = name.clone();
                (
                    name,
                    scope.spawn(move || experiment(&named, stride, known, tool)),
                )
            })
            .collect();
        let outcomes = threads.into_iter();
        outcomes
            .map(|(name, thread)| (name, thread.join().unwrap()))
            .collect()
    });
    let found = table(&outcomes);
    println!("{found}");
    shares(&outcomes);
    let alarms: u32 = outcomes.values().map(|outcome| outcome.alarms).sum();
    let worse = outcomes.values().flat_map(|outcome| outcome.sums.values());
    assert_eq!(alarms, 0, "commits of real daemons that are suspected");
    assert_eq!(
        worse.map(|sum| sum.worse).sum::<u32>(),
        0,
        "what bbolt finds, we find"
    );
    if stride != STRIDE {
        return;
    }
    if update && tool.is_some() {
        let lines = outcomes
            .iter()
            .map(|(name, it)| format!("{name} {}\n", it.verdicts));
        fs::write(file, lines.collect::<String>()).unwrap();
    }
    let golden = folder().join("table.txt");
    if update {
        fs::write(&golden, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(golden).unwrap());
}

/// An old page makes the tree look older than the one before, which is whole all the same: what it has there is
/// taken, and it is offered.
#[test]
fn the_tree_before_is_not_taken_for_a_later_one() {
    let mut commits = Writes::open("1.7-meta");
    let commit = commits.find(|commit| commit.number == 120).unwrap();
    let bytes = mutant(&commit, Loss::OnePage).unwrap();
    let worst = worst("1.7-meta 120", &bytes);
    assert!(worst.is_some_and(|it| it > Severity::Note));
    let salvage = Salvage::with(View::new(&bytes), salvage_options());
    let is_later = |gap: &Gap| matches!(gap.fault.what, What::LaterTree { .. });
    assert!(!salvage.gaps.iter().any(is_later), "{:?}", salvage.gaps);
    assert!(salvage.kept.older > 0, "{:?}", salvage.kept);
}
