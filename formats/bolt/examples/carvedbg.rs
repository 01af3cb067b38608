#![allow(warnings, clippy::all)]
use bolt::*;
use view::View;
fn main() {
    let b = std::fs::read(std::env::args().nth(1).unwrap()).unwrap();
    let t = std::time::Instant::now();
    let c = Carve::of(View::new(&b), &CarveOptions::default()).unwrap();
    println!(
        "took {:?} txid {:?} whole {} prev {} relics {} roots {} images {} records {}",
        t.elapsed(),
        c.txid,
        c.is_whole,
        c.is_previous_whole,
        c.relics().len(),
        c.old_roots(),
        c.images.len(),
        c.records.len()
    );
    let mut st = std::collections::BTreeMap::new();
    for r in &c.records {
        *st.entry(format!("{:?}", r.status)).or_insert(0) += 1;
    }
    println!("{st:?}");
    for r in c.relics() {
        println!(
            "{} {:?} {:?} whole {} n {} first {:?}",
            r.id(),
            r.kind(),
            r.origin,
            r.is_whole(),
            r.len(),
            r.elements()
                .next()
                .map(|e| String::from_utf8_lossy(e.key.bytes()).into_owned())
        );
    }
    for u in c.unnamed() {
        println!(
            "unnamed {} {:?}",
            u.page,
            u.guess.map(|g| g
                .iter()
                .map(|k| String::from_utf8_lossy(k).into_owned())
                .collect::<Vec<_>>())
        );
    }
    for r in &c.records {
        let (t, p) = c.bucket_of(r);
        println!(
            "{:?} {:?} {:?} {} page {} {:?} {:?}",
            r.status,
            t,
            p.iter()
                .map(|k| String::from_utf8_lossy(k).into_owned())
                .collect::<Vec<_>>(),
            String::from_utf8_lossy(r.key),
            r.at.page,
            r.named,
            match r.value {
                Carved::Bytes(_) => "v".to_string(),
                v => format!("{v:?}"),
            }
        );
    }
}
