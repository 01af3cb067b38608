//! What is said of an open is what bbolt does.

use std::collections::BTreeMap;

use bolt::{AtOpen, CheckOptions, check};
use view::View;

use crate::testdata::{cases, folder};

#[test]
fn bbolt_opens_what_is_said_to_open_and_dies_of_what_is_said_to_kill_it() {
    let text = std::fs::read_to_string(folder("opens.json")).unwrap();
    let truth: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(&text).unwrap();
    let (mut complaints, mut unsure) = (Vec::new(), 0);
    for (name, _, bytes) in cases() {
        let said = check(&View::new(&bytes), &CheckOptions::default())
            .unwrap()
            .at_open();
        let new = &truth[&name]["1.4.3"];
        let old = &truth[&name]["1.3.6"];
        let is_right = match said {
            AtOpen::Opens => new == "opens",
            AtOpen::Dies => new != "opens" && old != "opens",
            AtOpen::MayDie => {
                unsure += 1;
                true
            }
        };
        if !is_right {
            complaints.push(format!("{name}: said {said:?}; 1.3.6 {old}; 1.4.3 {new}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    // What depends on bytes that stand elsewhere; if there were more, nothing would be said.
    assert!(unsure < 30, "{unsure}");
}
