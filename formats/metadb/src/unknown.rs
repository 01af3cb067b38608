//! Keys that no known release of containerd writes: kept, never dropped.

use std::collections::BTreeMap;

use bolt::{Bucket, Entry, Value};
use finding::Text;

use crate::Fault;
use crate::open::{Entries, Troubles};

/// Such keys by name, with their bytes in hex; nothing for a bucket, whose own entries follow as
/// `bucket/key`.
pub(crate) type UnknownKeys = BTreeMap<Text, Option<String>>;

/// How deep unknown buckets are looked into; no release nests deeper.
const DEEPEST: usize = 8;
/// How many entries of unknown buckets are kept of one database: several may stand on one page, so
/// that they could be more than the file has bytes.
const MOST: usize = 10_000;
/// Bytes of such an entry that are kept.
const SHOWN: usize = 4096;

/// The keys of a bucket beyond `known`, each a trouble; and those of its buckets of which `known`
/// names what they hold (`target/digest`).
pub(crate) fn keys(
    path: &[Text],
    entries: &Entries<'_>,
    known: &[&str],
    troubles: &mut Troubles,
) -> UnknownKeys {
    let mut unknown = UnknownKeys::new();
    for (key, entry) in entries.iter() {
        let name = Text::from(key);
        // A key of its own may have a slash.
        let is_known = |known: &&str| !known.contains('/') && name == **known;
        if !known.iter().any(is_known) {
            tell(path, entry, troubles);
            add(name, &entry.value, &mut unknown, troubles);
            continue;
        }
        let prefix = joined(&name, b"");
        let is_described = known
            .iter()
            .any(|known| known.as_bytes().starts_with(prefix.bytes()));
        let Some(inner) = bucket(&entry.value).filter(|_| is_described) else {
            continue;
        };
        let below = [path, std::slice::from_ref(&name)].concat();
        for entry in inner.contents().entries {
            let name = joined(&name, entry.key);
            if !known.iter().any(|known| name == *known) {
                tell(&below, &entry, troubles);
                add(name, &entry.value, &mut unknown, troubles);
            }
        }
    }
    unknown
}

const fn bucket<'e, 's>(value: &'e Value<'s>) -> Option<&'e Bucket<'s>> {
    match value {
        Value::Bucket(bucket) => Some(bucket),
        Value::Bytes(_) => None,
    }
}

fn tell(path: &[Text], entry: &Entry<'_>, troubles: &mut Troubles) {
    let fault = Fault::UnknownKey {
        key: Text::from(entry.key),
        span: entry.key_span,
    };
    troubles.record(path, fault);
}

/// A key below another.
fn joined(above: &Text, key: &[u8]) -> Text {
    Text::new([above.bytes(), b"/", key].concat())
}

/// In hex; of a long value, how it begins.
fn shown(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => {
            let more = bytes.len().saturating_sub(SHOWN);
            format!("{}… and {more} bytes more", hex::encode(start))
        }
        _ => hex::encode(bytes),
    }
}

fn add(name: Text, value: &Value<'_>, unknown: &mut UnknownKeys, troubles: &mut Troubles) {
    let mut queue = Vec::new();
    let mut keep = |name: Text, value: &Value<'_>| {
        let bytes = match value {
            Value::Bytes(bytes) => Some(shown(bytes)),
            Value::Bucket(_) => None,
        };
        unknown.insert(name, bytes);
    };
    keep(name.clone(), value);
    if let Value::Bucket(bucket) = value {
        queue.push((name, bucket.clone(), 1_usize));
    }
    while let Some((above, inner, depth)) = queue.pop() {
        for entry in inner.contents().entries {
            if troubles.1 >= MOST {
                return;
            }
            troubles.1 = troubles.1.saturating_add(1);
            let name = joined(&above, entry.key);
            keep(name.clone(), &entry.value);
            if let Some(bucket) = bucket(&entry.value).filter(|_| depth < DEEPEST) {
                queue.push((name, bucket.clone(), depth.saturating_add(1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use bolt::{Db, Layout, Writer};
    use view::View;

    use crate::MetaDb;

    /// A database in which each `/` of a path is a bucket.
    fn meta(values: &[(&str, &[u8])]) -> MetaDb {
        let mut writer = Writer::new(Cursor::new(Vec::new()), Layout::default()).unwrap();
        let mut open: Vec<&str> = Vec::new();
        for (path, value) in values {
            let (folder, key) = path.rsplit_once('/').unwrap();
            let folder: Vec<&str> = folder.split('/').collect();
            let same = open.iter().zip(&folder).take_while(|(a, b)| a == b).count();
            for _ in open.drain(same..) {
                writer.close_bucket().unwrap();
            }
            for name in &folder[same..] {
                writer.open_bucket(name.as_bytes(), 0).unwrap();
                open.push(name);
            }
            writer.put(key.as_bytes(), value).unwrap();
        }
        for _ in open {
            writer.close_bucket().unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        MetaDb::read_meta(&Db::open(View::new(&bytes)).db.unwrap())
    }

    #[test]
    fn what_no_release_writes_is_kept_at_every_depth() {
        let meta = meta(&[
            ("v1/ns/future/deep/x", b"\x01"),
            ("v1/ns/images/a/target/digest", b"sha256:00"),
            ("v1/ns/images/a/target/mediatype", b"m"),
            ("v1/ns/images/a/target/newer", b"\x02"),
            ("v1/ns/images/a/target/size", b"\x02"),
            ("v1/ns/images/a/unheard/of/y", b"\x03"),
            ("v1/ns/images/a/zebra", b"\x04"),
            ("v1/version", b"\x08"),
        ]);
        let ns = &meta.namespaces()[0];
        let json = serde_json::to_value(&ns.unknown).unwrap();
        let want = serde_json::json!({"future": null, "future/deep": null, "future/deep/x": "01"});
        assert_eq!(json, want);
        let image = &ns.images.read().unwrap()[0];
        let json = serde_json::to_value(&image.unknown).unwrap();
        let want = serde_json::json!({
            "target/newer": "02", "unheard": null, "unheard/of": null, "unheard/of/y": "03",
            "zebra": "04",
        });
        assert_eq!(json, want);
        let told = meta
            .troubles
            .iter()
            .map(|trouble| trouble.problem.to_string());
        let told: Vec<String> = told.filter(|text| text.contains("is not known")).collect();
        assert_eq!(told.len(), 4, "{told:?}");
    }

    #[test]
    fn what_is_too_large_is_said_and_never_taken_for_absent() {
        let huge = vec![b'x'; 300 << 10];
        let meta = meta(&[
            ("v1/ns/images/a/labels/huge", &huge),
            ("v1/ns/images/a/labels/small", b"1"),
            ("v1/ns/images/a/target/digest", b"sha256:00"),
            ("v1/ns/images/a/target/mediatype", &huge),
            ("v1/ns/images/a/zebra", &huge),
        ]);
        let image = &meta.namespaces()[0].images.read().unwrap()[0];
        assert!(!image.whole);
        assert!(!image.value.labels.whole);
        assert_eq!(image.value.labels.entries.len(), 1);
        let large = meta.troubles.iter();
        let large = large.filter(|trouble| trouble.problem.to_string().contains("more than"));
        assert_eq!(large.filter(|trouble| trouble.hides()).count(), 2);
        let zebra = image.unknown.values().flatten().next().unwrap();
        assert!(zebra.ends_with("more") && zebra.len() < 10_000);
    }
}
