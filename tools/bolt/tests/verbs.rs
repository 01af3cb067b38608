//! What the verbs say of one damaged file does not contradict: of the files of the corpus, and of good ones with
//! one random fault each. `SEED=N` takes other faults; `KEEP=DIR` saves the files that they disagree on there.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests read their own data"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cli::Exit;
use coroner_bolt::TOOL;
use serde_json::Value;

const PAGE: usize = 4096;

/// A small generator (splitmix64): the same faults on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % end
    }
}

fn run(arguments: &[&str], file: &Path) -> (Value, Exit) {
    let file = file.to_str().unwrap();
    let all = ["bolt"].iter().chain(arguments).copied();
    let (text, exit) = cli::try_run(&TOOL, all.chain(["--format", "json", "--", file]));
    // Behind the document stands what is said of a refusal.
    let mut documents = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let document = documents.next().and_then(Result::ok).unwrap_or_default();
    (document["answer"].clone(), exit)
}

/// A new file, if the verb writes one.
fn edited(arguments: &[&str], file: &Path) -> Option<PathBuf> {
    let new = file.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let out = ["-o", new.to_str().unwrap()];
    let all: Vec<&str> = arguments.iter().copied().chain(out).collect();
    let (_, exit) = run(&all, file);
    new.exists().then(|| {
        assert!(
            !exit.has(Exit::UNREAD),
            "{arguments:?}: written, and yet {exit:?}"
        );
        new
    })
}

fn severities(check: &Value) -> BTreeSet<&str> {
    let findings = check["findings"].as_array().unwrap().iter();
    findings
        .map(|one| one["severity"].as_str().unwrap())
        .collect()
}

/// What is wrong with what is said of the file, if anything.
fn contradictions(file: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut claim = |is_right: bool, text: &str| {
        if !is_right {
            all.push(text.to_owned());
        }
    };
    let (check, exit) = run(&["check"], file);
    let severities = severities(&check);
    let is_bad = severities.iter().any(|one| *one != "note");
    claim(
        exit.has(Exit::FINDINGS) == is_bad,
        "check: a note is no finding, and all else is one",
    );
    let is_fatal = severities.contains("fatal") && !exit.has(Exit::UNREAD);
    let has_next = !check["next"].as_array().unwrap().is_empty();
    claim(
        !is_fatal || has_next || check["unsupported"] == true,
        "check: fatal, and no next step",
    );
    // A page that is named twice is told of once for each page that names it.
    let shared = check["findings"].as_array().unwrap().iter();
    let shared = shared.filter(|one| one["code"] == "bolt/page-shared");
    let shared: Vec<String> = shared
        .map(|one| one["location"]["places"].to_string())
        .collect();
    let distinct: BTreeSet<&String> = shared.iter().collect();
    claim(
        shared.len() == distinct.len(),
        "check: page-shared more than once for a page",
    );

    let (salvage, exit) = run(&["salvage"], file);
    let is_read = salvage["choice"].is_object();
    let is_whole = salvage["whole"] == true;
    let is_decided = salvage["decisions"]
        .as_array()
        .is_some_and(|all| !all.is_empty());
    let wanted = if is_decided {
        Exit::FINDINGS
    } else {
        Exit::CLEAN
    };
    claim(
        !is_whole || exit == wanted,
        "salvage: whole, and another exit code than its decisions ask for",
    );
    let gaps: Vec<&Value> = salvage["gaps"]
        .as_array()
        .map_or_else(Vec::new, |gaps| gaps.iter().collect());
    claim(
        !is_whole
            || gaps
                .iter()
                .all(|gap| gap["outcome"] == "closed" || gap["outcome"] == "whole"),
        "salvage: whole, and yet a gap",
    );
    // Where a later transaction began to write, salvage says that it could not compare the tree before.
    if !is_bad && check["tree"] == "whole" && salvage["compared"] == true {
        claim(is_whole, "check finds nothing, and salvage loses something");
    }
    if salvage["start"].is_object() && gaps.iter().any(|gap| gap["outcome"] == "lost") {
        claim(
            salvage["start"]["verdict"] != "as-before",
            "salvage: keys are lost, and a start finds all that it had",
        );
    }
    let is_newest = salvage["choice"]["from"] == "newest";
    let kept = &salvage["kept"];
    let sum = |names: [&str; 2]| {
        names
            .iter()
            .filter_map(|name| kept[*name].as_u64())
            .sum::<u64>()
    };
    if is_newest && is_whole && check["tree"] == "whole" && kept["lost_found"] == 0 {
        claim(
            check["totals"]["keys"] == sum(["values", "buckets"]),
            "salvage: not as many keys as the tree that check calls whole",
        );
    }
    if is_newest && is_read && check["tree"] == "damaged" && is_whole {
        // Every range of keys that check cannot read was read in another way.
        claim(
            salvage["decisions"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
                || !gaps.is_empty(),
            "check: keys are unknown; salvage: nothing is lost, and nothing was decided",
        );
    }

    let (stats, exit) = run(&["stats"], file);
    if stats["total"].is_object() {
        let is_complete = !exit.has(Exit::UNREAD);
        let is_sure = check["tree"] == "whole" && check["in_doubt"] == false;
        claim(
            is_sure == is_complete,
            "check and stats: whether the tree is whole",
        );
        claim(
            check["totals"]["depth"] == stats["total"]["depth"],
            "check and stats: how many levels",
        );
        claim(
            check["totals"]["keys"] == stats["total"]["keys"],
            "check and stats: how many keys",
        );
    }

    let (pages, _) = run(&["pages"], file);
    if let (Some(states), Some(space)) = (pages["states"].as_object(), stats["space"].as_object()) {
        let count = |state: &str| states.get(state).and_then(Value::as_u64).unwrap_or(0);
        claim(
            space["used"] == count("used") + count("overflow"),
            "pages and stats: how many pages are in use",
        );
    }

    // What is written is better than what it was made of.
    if let Some(new) = edited(&["surgery", "revert"], file) {
        let (after, _) = run(&["check"], &new);
        claim(
            check["previous_tree"] != "whole" || after["tree"] == "whole",
            "check: the tree before is whole; surgery revert: it is not",
        );
    }
    if check["tree"] == "whole"
        && let Some(new) = edited(&["surgery", "freelist", "rebuild"], file)
    {
        let (after, _) = run(&["check"], &new);
        claim(
            after["tree"] == "whole",
            "surgery freelist: the tree is no longer whole",
        );
        claim(
            check["totals"] == after["totals"],
            "surgery freelist: other keys than before",
        );
        let freelist = after["findings"].as_array().unwrap().iter();
        let freelist = freelist.filter(|one| one["code"].as_str().unwrap().contains("free"));
        claim(
            freelist.count() == 0,
            "surgery freelist: the new one is not right",
        );
    }
    if let Some(new) = edited(&["salvage"], file) {
        let (after, _) = run(&["check"], &new);
        claim(
            after["tree"] == "whole",
            "salvage: what it wrote is not whole",
        );
        claim(
            self::severities(&after).iter().all(|one| *one == "note"),
            "salvage: what it wrote has findings",
        );
    }
    all
}

fn try_all(files: impl Iterator<Item = (String, Vec<u8>)>) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.db");
    let (mut count, mut wrong) = (0, Vec::new());
    for (name, bytes) in files {
        std::fs::write(&file, bytes).unwrap();
        count += 1;
        let found = contradictions(&file);
        if let (false, Some(keep)) = (found.is_empty(), std::env::var_os("KEEP")) {
            std::fs::copy(&file, Path::new(&keep).join(format!("{name}.db"))).unwrap();
        }
        wrong.extend(found.into_iter().map(|text| format!("{name}: {text}")));
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    count
}

/// A file with one random fault.
fn faulty(good: &[u8], fault: usize, random: &mut Random) -> Vec<u8> {
    let mut bad = good.to_vec();
    let pages = good.len() / PAGE;
    let page = random.below(pages);
    let at = page * PAGE;
    match fault {
        0 => bad[at..at + PAGE].fill(0),
        1 => bad[at..at + PAGE].fill_with(|| u8::try_from(random.below(256)).unwrap()),
        2 => bad[at + 512 * random.below(8)..at + PAGE].fill(0),
        3 => {
            let end = (at + (2 + random.below(8)) * PAGE).min(bad.len());
            bad[at..end].fill(0);
        }
        4 => bad.truncate(at.max(2 * PAGE)),
        5 => {
            let other = random.below(pages) * PAGE;
            let (one, two) = (
                good[at..at + PAGE].to_vec(),
                good[other..other + PAGE].to_vec(),
            );
            bad[at..at + PAGE].copy_from_slice(&two);
            bad[other..other + PAGE].copy_from_slice(&one);
        }
        6 => bad[random.below(2) * PAGE..][..PAGE].fill(0),
        7 => bad[..2 * PAGE].fill(0),
        _ => {
            let at = random.below(bad.len());
            bad[at] ^= 1 << random.below(8);
        }
    }
    bad
}

#[test]
fn the_verbs_agree_on_files_with_one_fault() {
    let seed = std::env::var("SEED").map_or(1, |text| text.parse().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/bolt/good");
    let read = |name: &str| {
        let packed = std::fs::read(folder.join(format!("{name}.db.zst"))).unwrap();
        (
            name.to_owned(),
            zstd::decode_all(packed.as_slice()).unwrap(),
        )
    };
    let mut goods = vec![
        read("1.4.3-nested-4096-synced"),
        read("1.4.3-nested-4096-unsynced"),
        read("1.4.3-churn-4096-synced"),
        read("1.3.12-flat-4096-unsynced"),
    ];
    let node = testcase::node("2.1-stopped").members;
    let member = node.iter().find(|one| one.path.ends_with(b"/meta.db"));
    goods.push(("2.1 meta.db".to_owned(), member.unwrap().data.clone()));
    let mut random = Random(seed);
    let mut all = Vec::new();
    for (name, good) in &goods {
        for fault in 0..9 {
            all.push((
                format!("{name} fault {fault}"),
                faulty(good, fault, &mut random),
            ));
        }
        all.push((format!("{name} as it is"), good.clone()));
    }
    assert_eq!(try_all(all.into_iter()), 50);
}

#[test]
fn a_hole_behind_the_data_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.db");
    let packed = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/bolt/good/1.4.3-nested-4096-synced.db.zst");
    std::fs::write(
        &file,
        zstd::decode_all(std::fs::read(packed).unwrap().as_slice()).unwrap(),
    )
    .unwrap();
    let (before, _) = run(&["check"], &file);
    let keys = run(&["keys"], &file);
    let long = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    long.set_len(2 << 30).unwrap();
    // More than is ever read of a file from key to key.
    assert_eq!(run(&["keys"], &file), keys);
    let (salvage, exit) = run(&["salvage"], &file);
    assert!(salvage["whole"] == true && exit == Exit::CLEAN, "{salvage}");
    let (check, _) = run(&["check"], &file);
    assert_eq!(check["totals"], before["totals"]);
    let skipped = &check["coverage"]["skipped"];
    assert!(
        skipped == &before["coverage"]["skipped"] && skipped.is_array(),
        "{check}"
    );
}
