//! Any bytes as meta.db and as metadata.db.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use bolt::Db;
use metadb::{Backend, MetaDb};
use view::View;

bounded_target!(|data: &[u8]| {
    let Some(db) = Db::open(View::new(data)).db else {
        return;
    };
    let file = finding::Text::from("meta.db");
    for trouble in MetaDb::read_meta(&db)
        .troubles
        .iter()
        .chain(&Backend::read_backend(&db).troubles)
    {
        let _ = trouble.finding(&file).location.to_string();
    }
});
