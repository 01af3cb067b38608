//! The corpus: real lines, and how they are explained.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use messages::corpus::{Grade, cases, grade};

const FILES: [&str; 12] = [
    "first.tsv",
    "second.tsv",
    "third.tsv",
    "fourth.tsv",
    "fifth.tsv",
    "sixth.tsv",
    "seventh.tsv",
    "eighth.tsv",
    "ninth.tsv",
    "tenth.tsv",
    "eleventh.tsv",
    "daemons.tsv",
];

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/explain")
        .join(name);
    #[expect(clippy::disallowed_methods, reason = "our own corpus, not evidence")]
    let text = std::fs::read_to_string(path).unwrap();
    text
}

#[test]
fn right_answers_name_messages_that_there_are() {
    for name in FILES {
        for case in cases(&file(name)) {
            for key in &case.right {
                assert!(messages::message(key).is_some(), "{key}: {}", case.line);
            }
        }
    }
}

#[test]
fn lines_are_explained_as_well_as_the_docs_say() {
    for name in FILES {
        let text = file(name);
        let grades: Vec<Grade> = cases(&text).map(|case| grade(&case).1).collect();
        let count = |wanted: Grade| grades.iter().filter(|grade| **grade == wanted).count();
        let (all, good) = (grades.len(), count(Grade::Right) + count(Grade::Narrowed));
        assert!(
            all >= 50 && good * 100 >= all * 90,
            "{name}: {good} of {all}"
        );
        assert!(
            count(Grade::Wrong) * 100 <= all * 2,
            "{name}: {} wrong",
            count(Grade::Wrong)
        );
    }
}

/// A cause is claimed beside another's word only where a line shows that both go together.
#[test]
fn each_pair_of_a_cause_and_a_word_was_seen() {
    let files: Vec<String> = FILES.iter().map(|name| file(name)).collect();
    let cases: Vec<_> = files.iter().flat_map(|text| cases(text)).collect();
    for pair in include_str!("../src/held.tsv").lines() {
        let (key, word) = pair.split_once('\t').unwrap();
        assert!(messages::message(key).is_some(), "{key}");
        assert!(word == "-" || messages::message(word).is_some(), "{word}");
        assert!(
            cases.iter().any(|case| case.right.contains(&key)),
            "{key}: no line of the corpus has it"
        );
    }
}
