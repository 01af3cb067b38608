//! Any bytes as a bolt file: carve, decode, print; bounded by the size of the file.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use bolt::{Carve, CarveOptions, Db};
use view::View;

bounded_target!(|data: &[u8]| {
    let view = View::new(data);
    let options = CarveOptions {
        roots: vec![b"v1".to_vec()],
        schemas: metadb::SCHEMAS,
        ..CarveOptions::default()
    };
    let carve = match Carve::carve_file(view, &options) {
        Ok(carve) => carve,
        Err(fault) => {
            let _ = fault.to_string();
            return;
        }
    };
    // A record takes at least an element of 16 bytes and a key of one, and each is taken once.
    assert!(carve.records.len() <= data.len() / 17 + 1);
    assert!(carve.relics().len() <= data.len() / 1024 + 1);
    let mut steps = 0_usize;
    for record in &carve.records {
        let (_, keys) = carve.bucket_of(record);
        assert!(keys.len() <= 64);
        let span = record.at.span;
        assert!(span.end() <= view.len(), "{span}");
        if let Some(bucket) = carve.bucket(record) {
            steps += bucket.contents().entries.len();
        }
        let _ = carve.guess_of(record);
    }
    for unnamed in carve.unnamed() {
        steps += unnamed.bucket.contents().entries.len();
    }
    // Buckets on pages of their own share a budget; inline ones are read once for each record.
    let elements: u64 = carve.relics().iter().map(bolt::Relic::len).sum();
    let most = elements as usize * 64 + data.len() / 17 * 2 + 64;
    assert!(steps <= most, "{steps} steps, {most} allowed");
    let db = Db::open(view).db;
    for object in metadb::carved_objects(&carve, db.as_ref()) {
        let _ = format!("{:?}", object.status);
        let _ = object.time();
    }
});
