//! Healthy files of programs that use all that the library offers: nothing above a note.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bolt::{CheckOptions, check};
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
    let report = report.with_lost_writes(View::new(bytes), SCHEMAS);
    let all = report.faults.iter();
    all.filter(|found| found.fault.severity() > Severity::Note)
        .map(|found| found.fault.to_string())
        .collect()
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

/// The files of `testdata/make/boltmix` that are kept, and as many more as the folder `CORONER_MIXED`
/// holds.
#[test]
fn nor_is_it_in_many_files() {
    let kept = names(&folder("mixed"));
    let kept = kept
        .iter()
        .map(|name| (PathBuf::from(name), packed(&format!("mixed/{name}"))));
    let more = std::env::var_os("CORONER_MIXED").map(PathBuf::from);
    let more = more.iter().flat_map(|folder| files(folder));
    let more = more.map(|file| (file.clone(), std::fs::read(&file).unwrap()));
    let (mut count, mut wrong) = (0, BTreeMap::<String, Vec<PathBuf>>::new());
    for (file, bytes) in kept.chain(more) {
        count += 1;
        for complaint in complaints(&bytes) {
            wrong.entry(complaint).or_default().push(file.clone());
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{count} files: {wrong:#?}");
}

/// Files of a program that uses all that the library offers, in which the library itself lost a page (its own check:
/// "unreachable unfreed"): that is said, and nothing else.
#[test]
fn a_page_that_the_library_lost_is_said_once() {
    for name in names(&folder("leaked")) {
        let bytes = packed(&format!("leaked/{name}"));
        let report = check(&View::new(&bytes), &CheckOptions::default()).unwrap();
        let report = report.with_lost_writes(View::new(&bytes), SCHEMAS);
        let faults = report.faults.iter().map(|found| &found.fault);
        let above = faults.filter(|fault| fault.severity() > Severity::Note);
        let codes: Vec<&str> = above.map(|fault| fault.what.code().name).collect();
        assert_eq!(codes, ["bolt/page-lost"], "{name}");
    }
}
