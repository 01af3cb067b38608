//! Any bytes as the values that containerd writes: times, varints, messages, times of RFC 3339.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;


bounded_target!(|data: &[u8]| {
    if let Ok(time) = metadb::go_time(data) {
        let _ = time.to_string();
    }
    let _ = (metadb::uvarint(data), metadb::varint(data));
    if let Ok(any) = metadb::Any::parse(data) {
        let _ = any.json();
    }
    let text = finding::Text::from(data);
    let shown = text.to_string();
    assert!(!shown.chars().any(|letter| letter.is_control()));
    if let Some(Ok(time)) = text.utf8().map(finding::Time::parse) {
        assert_eq!(finding::Time::parse(&time.to_string()), Ok(time));
    }
});
