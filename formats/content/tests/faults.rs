//! Each code of this crate, provoked from a good document with one edit.

use content::{CODES, Document, Fault};
use finding::Fault as _;

const MANIFEST: &str = r#"{"schemaVersion":2,
"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":7},
"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","size":9}]}"#;

const CONFIG: &str = r#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":
["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}}"#;

const TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

fn edited(from: &str, to: &str) -> Result<Document, Fault> {
    assert!(MANIFEST.contains(from), "{from}");
    Document::parse(MANIFEST.replacen(from, to, 1).as_bytes(), Some(TYPE))
}

/// The codes of what is wrong with a document.
fn codes(document: Result<Document, Fault>) -> Vec<&'static str> {
    match document {
        Ok(document) => document
            .faults
            .iter()
            .map(|fault| fault.code().name)
            .collect(),
        Err(fault) => vec![fault.code().name],
    }
}

#[test]
fn a_good_document_has_none() {
    let document = edited("layers", "layers").unwrap();
    assert!(document.faults.is_empty() && document.unknown.is_empty() && document.is_whole());
    assert_eq!(document.links().len(), 2);
    assert_eq!(document.layers().count(), 1);
}

#[test]
fn each_code_is_provoked_by_one_edit() {
    let many = format!("\"layers\":[{}", "0,".repeat(1 << 20));
    let one_layer_more = {
        let config = CONFIG.replace(
            "[\"",
            "[\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"",
        );
        let config = Document::parse(config.as_bytes(), None).unwrap();
        let manifest = Document::parse(MANIFEST.as_bytes(), Some(TYPE)).unwrap();
        vec![
            manifest
                .disagrees(config.config().unwrap())
                .unwrap()
                .code()
                .name,
        ]
    };
    let not_utf8 = {
        let mut bytes = MANIFEST.replace("\"size\":9", "\"size\":9,\"annotations\":{\"a\":\"#\"}");
        let at = bytes.find('#').unwrap();
        let mut bytes = std::mem::take(&mut bytes).into_bytes();
        bytes[at] = 0xff;
        Document::parse(&bytes, Some(TYPE))
    };
    let cases: Vec<(&str, Vec<&str>)> = vec![
        ("content/not-json", codes(edited("\"layers\"", "layers"))),
        ("content/too-complex", codes(edited("\"layers\":[", &many))),
        ("content/not-utf8", codes(not_utf8)),
        (
            "content/wrong-kind",
            codes(edited("\"layers\"", "\"manifests\"")),
        ),
        (
            "content/schema-1",
            codes(edited("\"layers\"", "\"fsLayers\"")),
        ),
        (
            "content/bad-field",
            codes(edited("\"size\":9", "\"size\":-9")),
        ),
        ("content/bad-digest", codes(edited("sha256:b", "sha256:B"))),
        (
            "content/duplicate-key",
            codes(edited("\"size\":9", "\"size\":1,\"size\":9")),
        ),
        (
            "content/key-case",
            codes(edited("\"config\"", "\"Config\"")),
        ),
        ("content/layer-count", one_layer_more),
    ];
    for (want, found) in &cases {
        assert_eq!(found, &[*want]);
    }
    let mut provoked: Vec<&str> = cases.iter().map(|(want, _)| *want).collect();
    let mut all: Vec<&str> = CODES.iter().map(|code| code.name).collect();
    provoked.sort_unstable();
    all.sort_unstable();
    assert_eq!(provoked, all);
}

#[test]
fn a_document_that_is_cut_says_where() {
    for end in 0..MANIFEST.len() {
        let fault = Document::parse(&MANIFEST.as_bytes()[..end], Some(TYPE)).unwrap_err();
        let at = fault.span().unwrap().start;
        assert!(at <= u64::try_from(end).unwrap(), "{end}: {fault}");
    }
}

#[test]
fn a_link_that_cannot_be_read_is_a_fault_and_the_others_are_read() {
    let document = edited("sha256:a", "md5:a").unwrap();
    assert!(!document.is_whole());
    assert_eq!(document.links().len(), 1);
    let document = edited("\"size\":7", "\"size\":7,\"vendor.example\":[1]").unwrap();
    assert!(document.is_whole());
    assert_eq!(
        document.unknown,
        [finding::Text::from("/config/vendor.example")]
    );
}

#[test]
fn above_a_diff_id_that_is_none_nothing_is_known() {
    let three = CONFIG.replace(
        "[\"sha256:b",
        "[\"sha256:0000000000000000000000000000000000000000000000000000000000000000\",\"x\",\"sha256:b",
    );
    let document = Document::parse(three.as_bytes(), None).unwrap();
    let config = document.config().unwrap();
    assert_eq!(
        (
            config.layers,
            config.diff_ids.len(),
            config.chain_ids().len()
        ),
        (3, 1, 1)
    );
    assert!(!document.is_whole());
}

#[test]
fn a_document_made_to_tire_its_readers_does_not() {
    let key = "k".repeat(100);
    let mut text = format!("{{\"{key}\":").repeat(100);
    text.push('[');
    text.push_str(&"[],".repeat(900_000));
    text.push_str("{\"twice\":1,\"twice\":2}]");
    text.push_str(&"}".repeat(100));
    let text = text.replacen('{', "{\"schemaVersion\":2,\"manifests\":[],", 1);
    let index = Some("application/vnd.oci.image.index.v1+json");
    let document = Document::parse(text.as_bytes(), index).unwrap();
    assert_eq!(document.faults.len(), 1);
    assert_eq!(document.faults[0].code().name, "content/duplicate-key");
    let many = format!("{{\"manifests\":[{}0]}}", "{},".repeat(500_000));
    let document = Document::parse(many.as_bytes(), None).unwrap();
    assert!(document.faults.len() < 1000 && document.links().is_empty());
    // Faults that were not kept still count.
    let many = format!(
        "{{\"layers\":[],\"a\":{{{}}},",
        "\"x\":1,".repeat(1000) + "\"x\":1"
    );
    let many = MANIFEST
        .replacen('{', &many, 1)
        .replace("sha256:b", "sha256:B");
    let document = Document::parse(many.as_bytes(), Some(TYPE)).unwrap();
    assert!(
        document
            .faults
            .iter()
            .all(|fault| fault.code().name == "content/duplicate-key")
    );
    assert!(!document.is_whole());
}
