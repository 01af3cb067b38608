//! Healthy files of programs that use all that the library offers: nothing above a note.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bolt::{CheckOptions, Db, check};
use finding::{Fault as _, Severity};
use view::View;

use crate::testdata::{SCHEMAS, folder, names, packed};

/// What is said of a healthy file above a note.
fn complaints(bytes: &[u8]) -> Vec<String> {
    let options = CheckOptions {
        threads: 1,
        ..CheckOptions::default()
    };
    let report = check(&View::new(bytes), &options).unwrap();
    let lost = Db::open(View::new(bytes))
        .db
        .map(|db| db.lost_writes(&report, SCHEMAS));
    let all = report.faults.iter().chain(lost.iter().flatten());
    all.filter(|found| found.fault.severity() > Severity::Note)
        .map(|found| found.fault.to_string())
        .collect()
}

#[test]
fn what_any_program_may_do_is_no_damage() {
    for name in names(&folder("mixed")) {
        let bytes = packed(&format!("mixed/{name}"));
        assert_eq!(complaints(&bytes), Vec::<String>::new(), "{name}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "db") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
#[ignore = "needs files of boltmix and boltchurn in CORONER_MIXED (testdata/make/boltmix)"]
fn nor_is_it_in_many_files() {
    let folder = PathBuf::from(std::env::var_os("CORONER_MIXED").unwrap());
    let (mut count, mut wrong) = (0, BTreeMap::<String, Vec<PathBuf>>::new());
    for file in files(&folder) {
        count += 1;
        for complaint in complaints(&std::fs::read(&file).unwrap()) {
            wrong.entry(complaint).or_default().push(file.clone());
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{count} files: {wrong:#?}");
}
