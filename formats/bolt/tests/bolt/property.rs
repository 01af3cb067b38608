//! Random trees and single faults: whatever is lost or old lies in a bucket and range that salvage names,
//! nothing else is gone, nothing is put where it never was, and most of what can still be read is saved.
//!
//! The trees are those of programs that do at random all that the library offers (`testdata/bolt/mixed`), of
//! churn as containerd makes it, and of a real node. `SEED=N` takes other faults, `FAULTS=N` more of them;
//! `VERBOSE=1` names each file with a loss that is not named.

use std::collections::BTreeMap;
use std::io::Cursor;

use bolt::{Db, PageState, Salvage, Value, Visit};
use view::View;

use crate::{
    lost::Random,
    single::{Keys, is_named, keys},
    testdata::{folder, names, packed, salvage_options},
};

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Zeroes,
    Noise,
    /// Some sectors of a page are zero.
    Torn,
    /// Some pages from here on are zero.
    Hole,
    /// The file ends within its pages in use.
    Cut,
    /// Two pages stand in each other's place.
    Swap,
    /// Both metas are zero.
    Metas,
}

const ALL: [Damage; 7] = [
    Damage::Zeroes,
    Damage::Noise,
    Damage::Torn,
    Damage::Hole,
    Damage::Cut,
    Damage::Swap,
    Damage::Metas,
];
const SECTOR: usize = 512;

/// A damaged file, and which bytes of it are no longer what they were.
struct Bad {
    bytes: Vec<u8>,
    hit: Vec<(usize, usize)>,
}

fn damaged(bytes: &[u8], damage: Damage, size: usize, used: &[usize], random: &mut Random) -> Bad {
    let mut bad = bytes.to_vec();
    let page = used[random.below(used.len())];
    let at = page * size;
    let mut hit = vec![(at, at + size)];
    match damage {
        Damage::Zeroes => bad[at..at + size].fill(0),
        Damage::Noise => {
            for byte in &mut bad[at..at + size] {
                *byte = u8::try_from(random.below(256)).unwrap();
            }
        }
        Damage::Torn => {
            hit.clear();
            for _ in 0..=random.below(3) {
                let at = at + random.below(size / SECTOR) * SECTOR;
                bad[at..at + SECTOR].fill(0);
                hit.push((at, at + SECTOR));
            }
        }
        Damage::Hole => {
            let end = (at + (2 + random.below(15)) * size).min(bad.len());
            bad[at..end].fill(0);
            hit = vec![(at, end)];
        }
        Damage::Cut => {
            bad.truncate(at.max(2 * size));
            hit = vec![(bad.len(), usize::MAX)];
        }
        Damage::Metas => {
            bad[..2 * size].fill(0);
            hit = vec![(0, 2 * size)];
        }
        Damage::Swap => {
            let other = used[random.below(used.len())] * size;
            let first = bad[at..at + size].to_vec();
            let second = bad[other..other + size].to_vec();
            bad[at..at + size].copy_from_slice(&second);
            bad[other..other + size].copy_from_slice(&first);
            // The bytes are all there.
            hit.clear();
        }
    }
    Bad { bytes: bad, hit }
}

/// Where the bytes of each key with a value stand: its element, its key, its value.
fn places(bytes: &[u8], db: &Db<'_>) -> BTreeMap<Vec<Vec<u8>>, Vec<(usize, usize)>> {
    let mut places = BTreeMap::new();
    for step in db.walk() {
        let Visit::Entry(entry) = step.what else {
            continue;
        };
        let Value::Bytes(value) = entry.value else {
            continue;
        };
        let from = usize::try_from(entry.key_span.start).unwrap();
        let start = value.as_ptr() as usize - bytes.as_ptr() as usize;
        let page = usize::try_from(entry.page.0 * db.page_size()).unwrap();
        let path = step.bucket.iter().copied().chain([entry.key]);
        let path: Vec<Vec<u8>> = path.map(<[u8]>::to_vec).collect();
        // A page without its header is no page.
        let key = from + entry.key.len();
        let all = vec![(page, page + 16), (from, key), (key, start + value.len())];
        places.insert(path, all);
    }
    places
}

#[derive(Debug, Default)]
struct Sum {
    files: u32,
    /// Keys of which all bytes are there.
    intact: usize,
    in_place: usize,
    /// In `lost+found`, with their value.
    found: usize,
    /// Of those that are not in place: right in the bucket of a gap, and no other gap may hold them.
    one_place: usize,
    whole: u32,
    unnamed: u32,
    wrong: u32,
    silent: u32,
}

fn one(name: &str, good: &[u8], live: &Keys, bad: &Bad, sum: &mut Sum) {
    let db = Db::open(View::new(good)).db.unwrap();
    let before = db.previous().map(|db| keys(&db)).unwrap_or_default();
    let salvage = Salvage::with(View::new(&bad.bytes), salvage_options());
    let said = Salvage::with(View::new(&bad.bytes), salvage_options());
    let layout = salvage.layout();
    let new = salvage.write(Cursor::new(Vec::new()), layout).unwrap();
    let new = new.into_inner();
    let saved = Db::open(View::new(&new))
        .db
        .map(|db| keys(&db))
        .unwrap_or_default();
    let is_hit = |all: &[(usize, usize)]| {
        let hit = |(from, until): &(usize, usize)| {
            bad.hit
                .iter()
                .any(|(start, end)| from < end && start < until)
        };
        all.iter().any(hit)
    };
    let places = places(good, &db);
    let is_touched = |path: &Vec<Vec<u8>>| places.get(path).is_some_and(|all| is_hit(all));
    let found: std::collections::BTreeSet<(&Vec<u8>, &Vec<u8>)> = saved
        .iter()
        .filter(|(path, _)| path[0].starts_with(b"lost+found"))
        .filter_map(|(path, value)| Some((path.last()?, value.as_ref()?)))
        .collect();
    sum.files += 1;
    sum.whole += u32::from(said.is_whole());
    let (mut unnamed, mut lost, mut hit) = (Vec::new(), 0, 0);
    let mut nowhere: Vec<&Vec<Vec<u8>>> = Vec::new();
    for (path, value) in live {
        let is_there = saved.get(path) == Some(value);
        hit += usize::from(is_touched(path));
        if let Some(value) = value
            && !is_touched(path)
        {
            sum.intact += 1;
            sum.in_place += usize::from(is_there);
            let is_found = path.last().is_some_and(|key| found.contains(&(key, value)));
            sum.found += usize::from(!is_there && is_found);
            sum.one_place += usize::from(!is_there && has_one_place(&said, path));
            if !is_there && !is_found {
                nowhere.push(path);
            }
        }
        if !is_there {
            lost += 1;
            // A value of which some bytes are others is as good as any.
            let is_altered = saved.contains_key(path) && is_touched(path);
            // A key of which a byte is another one is another key.
            let is_other = places.get(path).is_some_and(|all| is_hit(&all[1..2]));
            if !is_altered && !is_other && !is_named(&said, path) {
                unnamed.push(path);
            }
        }
    }
    let wrong: Vec<_> = saved
        .iter()
        .filter(|(path, value)| {
            !path[0].starts_with(b"lost+found")
                && live.get(*path) != Some(*value)
                && before.get(*path) != Some(*value)
                && !(live.contains_key(*path) && is_touched(path))
        })
        .map(|(path, _)| path)
        .collect();
    // Of a key of which bytes are others, another one may have been made.
    // Where no tree was found, that is said of the whole root bucket: what is in it may be any bucket's.
    let is_wrong =
        said.has_tree() && (wrong.len() > hit || bad.hit.is_empty() && !wrong.is_empty());
    sum.unnamed += u32::from(!unnamed.is_empty());
    sum.wrong += u32::from(is_wrong);
    sum.silent += u32::from(lost > 0 && said.is_whole() && !unnamed.is_empty());
    if std::env::var_os("VERBOSE").is_some()
        && (is_wrong || !unnamed.is_empty() || !nowhere.is_empty())
    {
        let pages: std::collections::BTreeMap<usize, usize> =
            nowhere.iter().fold(BTreeMap::new(), |mut pages, path| {
                let page = places[*path][0].0 / usize::try_from(db.page_size()).unwrap();
                *pages.entry(page).or_default() += 1;
                pages
            });
        let text = |path: Option<&&Vec<Vec<u8>>>| {
            let parts = path.into_iter().flat_map(|path| path.iter());
            let parts = parts.map(|part| String::from_utf8_lossy(part).into_owned());
            parts.collect::<Vec<_>>().join(" > ")
        };
        #[expect(clippy::print_stdout, reason = "what was tried")]
        {
            println!(
                "{name}: {:?} lost {lost}, nowhere {} ({}) on {pages:?}, unnamed {} ({}), wrong {} ({})",
                said.choice,
                nowhere.len(),
                text(nowhere.first()),
                unnamed.len(),
                text(unnamed.first()),
                wrong.len(),
                text(wrong.first())
            );
        }
    }
}

/// Whether one gap alone may hold the key, by its range and by the bucket in which the key stood.
fn has_one_place(said: &Salvage<'_>, path: &[Vec<u8>]) -> bool {
    let Some((key, bucket)) = path.split_last() else {
        return false;
    };
    let may = said.gaps.iter().filter(|gap| gap.range.may_hold(key));
    let places: Vec<&[Vec<u8>]> = may.map(|gap| gap.path.as_slice()).collect();
    places == [bucket]
}

/// The trees: how they are called, and their bytes.
fn trees() -> Vec<(String, Vec<u8>)> {
    let mixed = names(&folder("mixed")).into_iter();
    let mut files: Vec<(String, Vec<u8>)> = mixed
        .map(|name| (name.clone(), packed(&format!("mixed/{name}"))))
        .collect();
    for name in ["1.4.3-churn-synced", "1.4.3-waves-unsynced"] {
        files.push((name.to_owned(), packed(&format!("churn/{name}.db.zst"))));
    }
    for node in ["1.6-stopped", "1.7-stopped", "2.1-stopped"] {
        let tar = testcase::node(node);
        let member = tar
            .members
            .iter()
            .find(|one| one.path.ends_with(b"/meta.db"));
        files.push((format!("{node}/meta.db"), member.unwrap().data.clone()));
    }
    files
}

#[test]
fn what_is_lost_is_named_and_what_can_be_read_is_saved() {
    let number = |name: &str, or: u64| {
        let text = std::env::var(name).ok();
        text.map_or(or, |text| text.parse().unwrap())
    };
    let (seed, faults) = (number("SEED", 1), number("FAULTS", 1));
    let mut sums: BTreeMap<Damage, Sum> = BTreeMap::new();
    for (place, (name, bytes)) in trees().into_iter().enumerate() {
        let db = Db::open(View::new(&bytes)).db.unwrap();
        let live = keys(&db);
        let size = usize::try_from(db.page_size()).unwrap();
        let report = db.check();
        let used = report.pages().filter(|row| row.state == PageState::Used);
        let used: Vec<usize> = used.map(|row| usize::try_from(row.id.0).unwrap()).collect();
        let mut random = Random(seed * 1000 + u64::try_from(place).unwrap());
        for damage in ALL {
            for number in 0..faults {
                let bad = damaged(&bytes, damage, size, &used, &mut random);
                let sum = sums.entry(damage).or_default();
                one(&format!("{name} {damage:?}"), &bytes, &live, &bad, sum);
                if let Some(folder) = std::env::var_os("KEEP") {
                    let name = format!("{}-{damage:?}-{number}.db", name.replace('/', "-"));
                    std::fs::write(std::path::Path::new(&folder).join(name), &bad.bytes).unwrap();
                }
            }
        }
    }
    let mut all = Sum::default();
    for (damage, sum) in &sums {
        println!("{damage:?}: {sum:?}");
        all.intact += sum.intact;
        all.in_place += sum.in_place;
        all.found += sum.found;
        all.files += sum.files;
        all.unnamed += sum.unnamed;
        all.wrong += sum.wrong;
        all.silent += sum.silent;
    }
    assert_eq!(
        (all.unnamed, all.wrong, all.silent),
        (0, 0, 0),
        "of {}",
        all.files
    );
    for (damage, sum) in &sums {
        // What can be read is in its place, or in lost+found.
        let saved = sum.in_place + sum.found;
        assert!(saved * 1000 >= sum.intact * 995, "{damage:?}: {sum:?}");
        // What has one place, as far as is known, is in it.
        let placed = sum.in_place + sum.one_place;
        assert!(sum.in_place * 1000 >= placed * 995, "{damage:?}: {sum:?}");
    }
}
