//! Where values and flaws are, and how Go would take them.

use json::{DEPTH, Document, Flaw, Node, VALUES, Value};
use view::View;

fn parse(text: &[u8]) -> Document {
    Document::parse(View::new(text))
}

#[test]
fn values_know_their_bytes() {
    let document = parse(br#" {"a": [1, -2.5e3, "x\u00e9\ud83d\ude00\n"], "b":null} "#);
    assert_eq!(document.flaws, []);
    let Some(Node {
        value: Value::Object(members),
        span,
    }) = document.root
    else {
        panic!("no object");
    };
    assert_eq!(span.start, 1);
    assert_eq!(members[0].key, *"a");
    assert_eq!(members[0].at, 2);
    let Value::Array(nodes) = &members[0].node.value else {
        panic!("no array");
    };
    assert_eq!(nodes[1].value, Value::Number("-2.5e3".into()));
    assert_eq!(nodes[2].value, Value::String("xé😀\n".into()));
    assert_eq!(members[1].node.value, Value::Null);
}

#[test]
fn what_stands_before_a_damage_is_kept() {
    let document = parse(br#"{"id":"a","pid":12,"more":{"x":[1,2"#);
    assert!(matches!(document.flaws.as_slice(), [Flaw::Ends { at: 35 }]));
    let Some(Node {
        value: Value::Object(members),
        ..
    }) = document.root
    else {
        panic!("no object");
    };
    assert_eq!(members.len(), 3);
    // The last number may have been longer: it is not kept.
    assert_eq!(
        parse(br#"{"pid":12"#).root.map(|node| node.value),
        Some(Value::Object(vec![]))
    );
}

#[test]
fn each_flaw_has_its_place() {
    assert_eq!(parse(b" \n").flaws, [Flaw::Empty]);
    assert_eq!(
        parse(b"\0\0\0").flaws,
        [Flaw::Syntax {
            at: 0,
            want: "a value",
            found: 0
        }]
    );
    assert!(matches!(
        parse(b"{\"a\":1}}").flaws.as_slice(),
        [Flaw::Syntax { at: 7, .. }]
    ));
    assert!(matches!(
        parse(b"{\"a\":1,\"a\":2}").flaws.as_slice(),
        [Flaw::Twice { at: 7, .. }]
    ));
    assert!(matches!(
        parse(&b"[".repeat(1000)).flaws.as_slice(),
        [Flaw::Deep { at: 128 }]
    ));
    let wide = [b"[1".as_slice(), &b",1".repeat(VALUES)].concat();
    assert!(matches!(parse(&wide).flaws.as_slice(), [Flaw::Many { .. }]));
    for text in [
        "[1,]",
        "{1:2}",
        "{\"a\" 1}",
        "[01]",
        "\"\\q\"",
        "tru",
        "+1",
        "[1 2]",
    ] {
        assert_eq!(parse(text.as_bytes()).flaws.len(), 1, "{text}");
    }
}

#[test]
fn half_a_pair_is_replaced() {
    let document = parse(br#"["\ud800", "\ud800\u0041", "\udc00x"]"#);
    assert_eq!(document.flaws, []);
    let Some(Value::Array(nodes)) = document.root.map(|node| node.value) else {
        panic!("no array");
    };
    assert_eq!(nodes[0].value, Value::String("\u{fffd}".into()));
    assert_eq!(nodes[1].value, Value::String("\u{fffd}A".into()));
}

#[test]
fn names_that_come_twice_are_kept_and_the_last_wins_in_any_case() {
    let root = parse(br#"{"a": 1, "A": [true, null, "x"], "b": 2.5, "B": null}"#)
        .root
        .unwrap();
    assert_eq!(root.members().len(), 4);
    assert_eq!(root.field("a").unwrap().items().unwrap().len(), 3);
    assert_eq!(root.member("a").unwrap().integer(), Some(1));
    assert_eq!(root.field("b"), None);
    let text = serde_json::to_string(&root).unwrap();
    assert_eq!(text, r#"{"a":1,"A":[true,null,"x"],"b":2.5,"B":null}"#);
}

#[test]
fn a_document_may_be_a_number() {
    let document = parse(b" 18446744073709551615");
    assert_eq!(document.flaws, []);
    let root = document.root.unwrap();
    assert_eq!(
        serde_json::to_string(&root).unwrap(),
        "18446744073709551615"
    );
}

#[test]
fn the_deepest_is_read_and_dropped() {
    let deep = [b"[".repeat(DEPTH), b"]".repeat(DEPTH)].concat();
    assert_eq!(parse(&deep).flaws, []);
}
