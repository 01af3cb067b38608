//! What is saved of damaged files, and that it is a healthy database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use bolt::{
    Action, CheckOptions, Choice, CopyError, Db, Layout, Salvage, SalvageOptions, Value, Visit,
    check, compact,
};
use view::View;

use crate::{
    good::with_long_keys,
    testdata::{cases, good, goods, salvage_options},
};

type Keys = BTreeMap<Vec<Vec<u8>>, Option<Vec<u8>>>;

/// Every key by its path; a bucket has no value.
fn keys(bytes: &[u8]) -> Keys {
    let db = Db::open(View::new(bytes)).db;
    db.map_or_else(Keys::new, |db| keys_of(&db))
}

fn keys_of(db: &Db<'_>) -> Keys {
    let mut keys = Keys::new();
    for step in db.walk() {
        if let Visit::Entry(entry) = step.what {
            let mut path: Vec<Vec<u8>> = step.bucket.iter().map(|key| key.to_vec()).collect();
            path.push(entry.key.to_vec());
            let value = match entry.value {
                Value::Bytes(bytes) => Some(bytes.to_vec()),
                Value::Bucket(_) => None,
            };
            keys.insert(path, value);
        }
    }
    keys
}

/// A salvaged file, which our own check must find healthy.
fn salvaged(name: &str, bytes: &[u8]) -> Vec<u8> {
    let salvage = Salvage::with(View::new(bytes), salvage_options());
    let layout = salvage.layout();
    let new = salvage
        .write(Cursor::new(Vec::new()), layout)
        .unwrap()
        .into_inner();
    let report = check(&View::new(&new), &CheckOptions::default()).unwrap();
    assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
    new
}

#[test]
fn a_healthy_file_is_saved_whole() {
    for name in goods() {
        let bytes = good(&name);
        let salvage = Salvage::with(View::new(&bytes), salvage_options());
        assert!(salvage.is_whole(), "{name}");
        let new = salvaged(&name, &bytes);
        assert_eq!(keys(&new), keys(&bytes), "{name}");
    }
}

#[test]
fn a_value_with_a_page_of_zeroes_is_kept_in_doubt() {
    let (_, bytes) = cases()
        .into_iter()
        .map(|(name, _, bytes)| (name, bytes))
        .find(|(name, _)| name == "v01-value-zeroes")
        .unwrap();
    let salvage = Salvage::with(View::new(&bytes), salvage_options());
    assert!(!salvage.is_whole());
    let doubtful: Vec<_> = salvage
        .decisions
        .iter()
        .filter(|decision| decision.action == Action::Doubtful)
        .collect();
    let [only] = doubtful.as_slice() else {
        panic!("{doubtful:?}");
    };
    // The one key whose value is not that of the good file.
    let (good, bad) = (
        keys(&good("1.4.3-nested-4096-synced.db")),
        keys(&salvaged("v01-value-zeroes", &bytes)),
    );
    let differ = |(path, value): &(&Vec<Vec<u8>>, &Option<Vec<u8>>)| bad.get(*path) != Some(*value);
    let differing: Vec<_> = good.iter().filter(differ).map(|(path, _)| path).collect();
    assert_eq!(differing, [&only.path]);
}

/// How many of the good file's keys each damage costs; none if it is not named.
///
/// More is a step back; less is a step forward, and this list is to be made shorter.
const LOST: &[(&str, usize)] = &[
    // Nothing is left of these.
    ("f01-empty", 341),
    ("f02-garbage", 341),
    ("f03-zeroes", 341),
    ("f04-two-pages", 341),
    ("f11-one-byte", 341),
    ("f13-one-meta", 341),
    // The root page is in the half that is gone, the page of v1 is not.
    ("n-f05-half", 51),
    ("n-f12-half-zero", 51),
    // One leaf of the branch that is gone has keys that the transaction before had not: added, or deleted
    // long ago. It goes to lost+found.
    ("n-t42-branch-zero", 62),
    // The half that is gone held these.
    ("f05-half", 67),
    ("f12-half-zero", 67),
    // Five leaves of 42 keys each were written over.
    ("t52-fan-out", 210),
    ("n-t52-fan-out", 210),
    // A leaf whose bytes are gone, and of which no other page has a copy: 42 keys stood in it.
    ("t23-zero", 42),
    ("n-t23-zero", 42),
    ("t24-random", 42),
    ("n-t24-random", 42),
    ("t43-leaf-zero", 42),
    ("n-t43-leaf-zero", 42),
    ("t44-leaf-empty", 42),
    ("n-t44-leaf-empty", 42),
    ("t45-leaf-stale", 42),
    ("n-t45-leaf-stale", 42),
    ("t46-torn", 42),
    ("n-t46-torn", 42),
    ("t53-garbled", 42),
    ("n-t53-garbled", 42),
    // Its first 1,024 bytes are left.
    ("t47-torn", 32),
    ("n-t47-torn", 32),
    // The key itself is another one; the value is in lost+found.
    ("t16-key-order", 1),
    ("n-t16-key-order", 1),
    // Two sizes that add up to one byte less than they should: which one is wrong?
    ("t35-inline-length", 1),
    ("n-t35-inline-length", 1),
    // What the transaction before had comes from there; what the last one made is gone.
    ("w02-stale-leaf", 7),
    ("w03-stale-root", 7),
    ("w06-stale-namespace", 7),
    ("w07-stale-subtree", 7),
    // Eight leaves of 42 keys were punched out.
    ("c01-hole", 336),
    ("n-c01-hole", 336),
    // The root of the transaction before is the only one that is left: it had 500 keys less.
    ("c03-metas-and-root", 500),
    ("n-c03-metas-and-root", 500),
    // A value whose bytes are gone.
    ("v01-value-zeroes", 1),
    // A whole tree in order: removing 8 objects at once is a suspicion, not damage.
    ("w01-many-gone", 56),
    // The edit took the place of these keys.
    ("t54-key-long", 3),
    ("t55-inline-large", 3),
];

/// How many keys the new database has that neither tree of the good one had, or not with this value.
const ADDED: &[(&str, usize)] = &[
    // The edit itself wrote these.
    ("t52-fan-out", 1),
    ("n-t52-fan-out", 1),
    ("t55-inline-large", 1),
    ("v01-value-zeroes", 1),
];

/// The keys of the transaction before.
fn before(bytes: &[u8]) -> Keys {
    let db = Db::open(View::new(bytes)).db;
    let before = db.and_then(|db| db.previous());
    before.map_or_else(Keys::new, |db| keys_of(&db))
}

fn shown(path: &[Vec<u8>]) -> String {
    let parts = path.iter().map(|part| String::from_utf8_lossy(part));
    parts.collect::<Vec<_>>().join(" > ")
}

#[test]
fn of_each_damaged_file_so_much_is_saved() {
    let mut complaints = Vec::new();
    let mut wrong = 0;
    let (mut whole, mut all, mut saved_keys) = (0_usize, 0_usize, 0_usize);
    let cases = cases();
    println!("| case | keys | saved | |");
    println!("|---|---|---|---|");
    for (name, case, bytes) in &cases {
        let live = keys(&good(&case.good));
        let saved = keys(&salvaged(name, bytes));
        let lost = live
            .iter()
            .filter(|(key, value)| saved.get(*key) != Some(value))
            .count();
        whole += usize::from(lost == 0);
        all += live.len();
        saved_keys += live.len() - lost;
        let share = (live.len() - lost) * 1000 / live.len();
        println!(
            "| {name} | {} | {} | {}.{} % |",
            live.len(),
            live.len() - lost,
            share / 10,
            share % 10
        );
        // What is in the new database, and was in neither tree of the good one.
        let before = before(&good(&case.good));
        let others = saved.iter().filter(|(key, value)| {
            let is_of = |tree: &Keys| tree.get(*key) == Some(value);
            key[0] != b"lost+found" && !is_of(&live) && !is_of(&before)
        });
        let others: Vec<_> = others.map(|(key, _)| key).collect();
        wrong += others.len();
        let allowed = ADDED.iter().find(|(other, _)| other == name);
        if others.len() != allowed.map_or(0, |(_, count)| *count) {
            let some: Vec<_> = others.iter().take(3).map(|key| shown(key)).collect();
            complaints.push(format!("{name}: {} are not of it: {some:?}", others.len()));
        }
        let allowed = LOST.iter().find(|(other, _)| other == name);
        if lost != allowed.map_or(0, |(_, count)| *count) {
            complaints.push(format!("{name}: {lost} of {} lost", live.len()));
        }
    }
    println!("{wrong} keys that are in no tree of the good files, outside lost+found");
    println!(
        "all keys in {whole} of {} cases; {saved_keys} of {all} keys",
        cases.len()
    );
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The keys under the bucket `lost+found`.
fn lost_found(bytes: &[u8]) -> usize {
    let paths = keys(bytes).into_keys();
    paths.filter(|path| path[0] == b"lost+found").count()
}

#[test]
fn what_has_no_place_goes_to_lost_found() {
    let (name, _, bytes) = cases()
        .into_iter()
        .find(|(name, ..)| name == "t16-key-order")
        .unwrap();
    let new = salvaged(&name, &bytes);
    let found: Vec<_> = keys(&new)
        .into_keys()
        .filter(|path| path[0] == b"lost+found")
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[2][2].starts_with(b"zey-"));
    let options = SalvageOptions {
        lost_found: false,
        ..salvage_options()
    };
    let salvage = Salvage::with(View::new(&bytes), options);
    assert!(
        salvage
            .decisions
            .iter()
            .any(|one| one.action == Action::LeftOut)
    );
    let layout = salvage.layout();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    assert_eq!(lost_found(&new.into_inner()), 0);
}

/// A leaf of values in the place of the root bucket's leaf: as a write that went astray leaves it.
fn with_values_in_the_root(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let db = Db::open(View::new(bytes)).db.unwrap();
    let (size, root) = (usize::try_from(db.page_size()).ok()?, db.meta().root);
    let mut values: BTreeMap<u64, usize> = BTreeMap::new();
    let mut others = BTreeSet::new();
    for step in db.walk() {
        if let Visit::Entry(entry) = step.what {
            match entry.value {
                Value::Bytes(_) => *values.entry(entry.page.0).or_default() += 1,
                Value::Bucket(_) => drop(others.insert(entry.page.0)),
            }
        }
    }
    let page = |id: u64| {
        let at = usize::try_from(id).unwrap() * size;
        bytes[at..at + size].to_vec()
    };
    let at = usize::try_from(root.0).unwrap() * size;
    let is_one_page = |id: u64| page(id)[12..16] == [0; 4] && page(id)[8..10] == [2, 0];
    values.retain(|id, count| {
        // Of inline buckets, the values do not stand in the page's own elements.
        let held = usize::from(u16::from_le_bytes(page(*id)[10..12].try_into().unwrap()));
        !others.contains(id) && is_one_page(*id) && *count == held
    });
    let (leaf, count) = values.into_iter().max_by_key(|(_, count)| *count)?;
    if !is_one_page(root.0) {
        return None;
    }
    let mut new = bytes.to_vec();
    new[at..at + size].copy_from_slice(&page(leaf));
    new[at..at + 8].copy_from_slice(&root.0.to_le_bytes());
    Some((new, count))
}

#[test]
fn values_in_the_root_bucket_go_to_lost_found() {
    let (mut moved, mut distrusted) = (0, 0);
    let made = goods().into_iter().filter_map(|name| {
        let (bytes, count) = with_values_in_the_root(&good(&name))?;
        let db = Db::open(View::new(&bytes)).db?;
        let size = usize::try_from(db.page_size()).ok()?;
        let other = usize::try_from(1 - db.meta().slot).ok()? * size;
        let mut alone = bytes.clone();
        alone[other..other + size].fill(0);
        Some([(name.clone(), bytes, count), (name, alone, count)])
    });
    for (name, bytes, count) in made.flatten() {
        let salvage = Salvage::with(View::new(&bytes), salvage_options());
        let keys_of = |action: Action| {
            let all = salvage.decisions.iter();
            let all = all.filter(|one| one.action == action);
            all.map(|one| one.keys).reduce(|sum, keys| sum + keys)
        };
        let new = salvaged(&name, &bytes);
        // With the tree before at hand, the whole page is one that went astray.
        let is_older = matches!(salvage.choice, Some(Choice::Previous { .. }));
        if is_older || keys_of(Action::Distrusted).is_some() {
            distrusted += 1;
        } else {
            moved += 1;
            let kept = keys_of(Action::LostAndFound).unwrap();
            assert!(kept >= u64::try_from(count).unwrap(), "{name}");
            assert!(lost_found(&new) > count, "{name}");
        }
        for (path, value) in keys(&new) {
            assert!(path.len() > 1 || value.is_none(), "{name}: {path:?}");
        }
        // What was written is nothing to be salvaged again.
        let again = Salvage::with(View::new(&new), salvage_options());
        assert!(again.is_whole() && again.decisions.is_empty(), "{name}");
        let options = SalvageOptions {
            lost_found: false,
            ..salvage_options()
        };
        let salvage = Salvage::with(View::new(&bytes), options);
        let layout = salvage.layout();
        let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
        let new = keys(&new.into_inner());
        assert!(
            new.iter()
                .all(|(path, value)| path.len() > 1 || value.is_none())
        );
    }
    assert!(moved > 2 && distrusted > 2, "{moved}, {distrusted}");
}

#[test]
fn likely_pages_are_left_out_when_only_proven_ones_are_wanted() {
    let (_, case, bytes) = cases()
        .into_iter()
        .find(|(name, ..)| name == "n-t42-branch-zero")
        .unwrap();
    let live = keys(&good(&case.good));
    let options = SalvageOptions {
        only_proven: true,
        ..salvage_options()
    };
    let salvage = Salvage::with(View::new(&bytes), options);
    assert!(
        salvage
            .decisions
            .iter()
            .all(|one| one.action != Action::PageRestored)
    );
    let layout = salvage.layout();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    let saved = keys(&new.into_inner());
    let lost = live.keys().filter(|key| !saved.contains_key(*key)).count();
    assert_eq!(lost, 500);
}

#[test]
fn the_transaction_before_is_saved_when_it_is_asked_for() {
    for name in goods().iter().filter(|name| name.contains("churn")) {
        let bytes = good(name);
        let options = SalvageOptions {
            previous: true,
            ..salvage_options()
        };
        let salvage = Salvage::with(View::new(&bytes), options);
        assert!(matches!(salvage.choice, Some(Choice::Previous { .. })));
        let layout = salvage.layout();
        let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
        let before = Db::open(View::new(&bytes)).db.unwrap().previous().unwrap();
        let saved = keys(&new.into_inner());
        let steps = before.walk();
        let entries = steps.filter(|step| matches!(step.what, Visit::Entry(_)));
        assert_eq!(saved.len(), entries.count(), "{name}");
    }
}

#[test]
fn a_copy_of_a_healthy_file_holds_the_same() {
    for name in goods() {
        let bytes = good(&name);
        let view = View::new(&bytes);
        let db = Db::open(view).db.unwrap();
        for (page_size, freelist) in [(1024, true), (4096, false), (65536, true)] {
            let layout = Layout {
                page_size,
                freelist,
                txid: db.meta().txid + 1,
                sequence: 7,
            };
            let to = Cursor::new(Vec::new());
            let new = compact(&view, db.meta(), to, layout, &mut |_| {}).unwrap();
            let new = new.into_inner();
            let report = check(&View::new(&new), &CheckOptions::default()).unwrap();
            assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
            assert_eq!(keys(&new), keys(&bytes), "{name}");
            let copy = Db::open(View::new(&new)).db.unwrap();
            assert_eq!(copy.root().sequence(), 7);
            assert_eq!(copy.meta().is_freelist_synced(), freelist);
        }
    }
}

#[test]
fn a_damaged_file_is_not_copied() {
    let (_, _, bytes) = cases()
        .into_iter()
        .find(|(name, ..)| name == "t23-zero")
        .unwrap();
    let view = View::new(&bytes);
    let db = Db::open(view).db.unwrap();
    let to = Cursor::new(Vec::new());
    let copied = compact(&view, db.meta(), to, Layout::default(), &mut |_| {});
    assert!(matches!(copied, Err(CopyError::Damaged(_))));
}

/// bbolt itself, as `testdata/make/tools` builds it.
fn boltedit() -> std::path::PathBuf {
    let cache = std::env::var_os("CORONER_CACHE").map(std::path::PathBuf::from);
    let cache = cache.unwrap_or_else(|| "/var/cache/coroner-testdata".into());
    cache.join("boltedit")
}

#[test]
#[ignore = "needs bbolt (testdata/make/tools)"]
fn bbolt_finds_nothing_wrong_in_what_is_saved() {
    let program = boltedit();
    if !testcase::may_run("boltedit", program.exists()) {
        return;
    }
    let file = std::env::temp_dir().join(format!("coroner-salvage-{}.db", std::process::id()));
    let mut checked = 0;
    let mut complaints = Vec::new();
    let cases = cases().into_iter().map(|(name, _, bytes)| (name, bytes));
    let long = [1024, 4096, 65536].map(|size| (format!("long-{size}"), with_long_keys(size)));
    for (name, bytes) in cases.chain(long) {
        std::fs::write(&file, salvaged(&name, &bytes)).unwrap();
        let run = std::process::Command::new(&program)
            .arg("check")
            .arg(&file)
            .output()
            .unwrap();
        checked += 1;
        if !run.status.success() {
            complaints.push(format!("{name}: {}", String::from_utf8_lossy(&run.stdout)));
        }
    }
    std::fs::remove_file(&file).unwrap();
    println!(
        "bbolt check: OK for {} of {checked}",
        checked - complaints.len()
    );
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The sequence of `v1/snapshots`.
fn sequence(bytes: &[u8]) -> u64 {
    let root = Db::open(View::new(bytes)).db.unwrap().root();
    let v1 = root.contents().get(b"v1").unwrap().value.clone();
    let v1 = v1.bucket().unwrap().contents();
    let snapshots = v1.get(b"snapshots").unwrap().value.clone();
    snapshots.bucket().unwrap().sequence()
}

#[test]
fn no_number_of_a_snapshot_is_given_twice() {
    for release in ["1.6", "1.7", "2.1"] {
        let tar = testcase::node(&format!("{release}-stopped"));
        let is_backend = |path: &[u8]| path.ends_with(b"overlayfs/metadata.db");
        let member = tar.members.iter().find(|one| is_backend(&one.path));
        let good = member.unwrap().data.clone();
        let newest = Db::open(View::new(&good)).db.unwrap().meta().slot;
        let before = sequence(&good);
        assert!(before > 0);
        assert_eq!(sequence(&salvaged(release, &good)), before);
        // Without the newest meta, the last transaction is lost, and with it the last number.
        let mut bytes = good.clone();
        let at = usize::try_from(newest).unwrap() * 4096;
        bytes[at..at + 4096].fill(0);
        assert!(sequence(&salvaged(release, &bytes)) > before, "{release}");
        let salvage = Salvage::with(View::new(&bytes), salvage_options());
        assert!(
            salvage
                .decisions
                .iter()
                .any(|one| one.action == Action::SequenceRaised)
        );
    }
}
