//! Edits of metas and freelists: what they prove, what they refuse, and that the copy is better.

use bolt::surgery::{
    MetaFields, Refused, Surgery, abandon_freelist, rebuild_freelist, repair_meta, revert,
};
use bolt::{CheckOptions, CheckReport, Db, PageId, TreeState, check};
use view::View;

use crate::testdata::{cases, good, goods};

fn checked(bytes: &[u8]) -> CheckReport {
    check(&View::new(bytes), &CheckOptions::default()).unwrap()
}

fn applied(bytes: &[u8], surgery: &Surgery) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for (at, patch) in &surgery.patches {
        let at = usize::try_from(*at).unwrap();
        copy.resize(copy.len().max(at + patch.len()), 0);
        copy[at..at + patch.len()].copy_from_slice(patch);
    }
    copy
}

fn case(name: &str) -> (Vec<u8>, Vec<u8>) {
    let all = cases();
    let (_, case, bytes) = all.into_iter().find(|(other, ..)| other == name).unwrap();
    (good(&case.good), bytes)
}

#[test]
fn a_meta_is_repaired_as_it_was() {
    for name in [
        "m01-meta0-magic",
        "m02-meta1-magic",
        "m03-both-magic",
        "m04-meta0-checksum",
        "m05-meta1-checksum",
        "m06-both-checksum",
        "m10-version",
    ] {
        let (good, bytes) = case(name);
        let surgery = repair_meta(View::new(&bytes), None, &MetaFields::default()).unwrap();
        let copy = applied(&bytes, &surgery);
        assert_eq!(copy, good, "{name}: {:?}", surgery.changes);
        assert!(!surgery.changes.is_empty());
    }
}

#[test]
fn one_field_that_is_wrong_is_found_by_the_checksum() {
    let good = good("1.4.3-nested-4096-synced.db");
    // Root, freelist and high-water mark of both metas; the checksums stay as they were.
    for (field, len) in [(0x20, 3), (0x30, 2), (0x38, 8), (0x40, 1)] {
        for slot in 0..2 {
            let mut bytes = good.clone();
            let at = slot * 4096 + field;
            for byte in &mut bytes[at..at + len] {
                *byte ^= 0x55;
            }
            let surgery = repair_meta(View::new(&bytes), None, &MetaFields::default());
            assert_eq!(
                applied(&bytes, &surgery.unwrap()),
                good,
                "{field:#x} {slot}"
            );
        }
    }
}

#[test]
fn nothing_is_made_up() {
    // Nothing is left of a meta that was zeroed.
    let (_, bytes) = case("m09-both-zero");
    let none = MetaFields::default();
    assert_eq!(
        repair_meta(View::new(&bytes), None, &none),
        Err(Refused::Unproven(0))
    );
    // A meta that is valid is not repaired, and the only valid one is not changed.
    let good = good("1.4.3-nested-4096-synced.db");
    assert_eq!(
        repair_meta(View::new(&good), None, &none),
        Err(Refused::NothingToDo)
    );
    let (_, bytes) = case("m02-meta1-magic");
    let fields = MetaFields {
        root: Some(PageId(5)),
        ..none
    };
    assert_eq!(
        repair_meta(View::new(&bytes), Some(0), &fields),
        Err(Refused::OnlyMeta(0))
    );
    let far = MetaFields {
        root: Some(PageId(1 << 40)),
        ..none
    };
    assert_eq!(
        repair_meta(View::new(&bytes), Some(1), &far),
        Err(Refused::Field("root"))
    );
}

#[test]
fn given_fields_are_written() {
    let (good, bytes) = case("m09-both-zero");
    let newest = *Db::open(View::new(&good)).db.unwrap().meta();
    let fields = MetaFields {
        root: Some(newest.root),
        sequence: Some(0),
        freelist: Some(PageId::NO_FREELIST),
        high_water: Some(newest.high_water),
        txid: Some(newest.txid),
        page_size: Some(newest.page_size),
    };
    let surgery = repair_meta(View::new(&bytes), Some(newest.slot), &fields).unwrap();
    let report = checked(&applied(&bytes, &surgery));
    assert!(report.is_valid);
    assert_eq!(report.tree, TreeState::Whole);
    assert_eq!(report.meta.unwrap().root, newest.root);
}

#[test]
fn a_damaged_freelist_is_abandoned_or_made_anew() {
    let mut tried = 0;
    for (name, case, bytes) in cases() {
        let is_list = name.starts_with('l') || name.starts_with("m21") || name.starts_with("m22");
        if !is_list {
            continue;
        }
        tried += 1;
        let good_report = checked(&good(&case.good));
        for surgery in [abandon_freelist, rebuild_freelist] {
            let copy = applied(&bytes, &surgery(View::new(&bytes)).unwrap());
            let report = checked(&copy);
            let faults: Vec<_> = report.faults.iter().map(|found| found.fault.what).collect();
            assert!(faults.is_empty(), "{name}: {faults:?}");
            assert_eq!(report.totals, good_report.totals, "{name}");
        }
        let rebuilt = rebuild_freelist(View::new(&bytes)).unwrap();
        assert!(rebuilt.free.unwrap() > 0);
    }
    assert!(tried > 10);
}

#[test]
fn a_freelist_is_made_of_a_file_that_has_none() {
    for name in goods().iter().filter(|name| name.contains("-unsynced")) {
        let bytes = good(name);
        let surgery = rebuild_freelist(View::new(&bytes)).unwrap();
        let report = checked(&applied(&bytes, &surgery));
        assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
        assert_eq!(report.free, surgery.free);
    }
}

#[test]
fn a_freelist_is_not_made_from_a_damaged_tree() {
    let (_, bytes) = case("t23-zero");
    assert_eq!(
        rebuild_freelist(View::new(&bytes)),
        Err(Refused::TreeDamaged)
    );
}

#[test]
fn the_transaction_before_comes_back() {
    for name in goods().iter().filter(|name| name.contains("churn")) {
        let bytes = good(name);
        let db = Db::open(View::new(&bytes)).db.unwrap();
        let before = db.previous().unwrap();
        let surgery = revert(View::new(&bytes), false).unwrap();
        let copy = applied(&bytes, &surgery);
        let report = checked(&copy);
        assert_eq!(report.tree, TreeState::Whole, "{name}");
        assert_eq!(report.meta.unwrap().txid, before.meta().txid);
        let db = Db::open(View::new(&copy)).db.unwrap();
        assert_eq!(db.changes_since(&before).count(), 0);
        // Nothing but the traces of the transaction that was taken back.
        let codes = report
            .faults
            .iter()
            .map(|found| found.fault.what.code().name);
        assert!(
            codes.clone().all(|code| code == "bolt/uncommitted"),
            "{name}"
        );
    }
}

#[test]
fn a_damaged_tree_does_not_come_back_unless_it_is_forced() {
    let (_, bytes) = case("p01-previous");
    let view = View::new(&bytes);
    assert_eq!(revert(view, false), Err(Refused::PreviousDamaged));
    assert!(revert(view, true).is_ok());
    // bbolt's own command takes the older meta here, though it is broken.
    let (_, bytes) = case("m02-meta1-magic");
    assert_eq!(revert(View::new(&bytes), true), Err(Refused::NoPrevious));
}
