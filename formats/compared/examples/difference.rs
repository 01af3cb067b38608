//! What is new, gone and changed between two triages, without a command line's frame.
//!
//! ```text
//! cargo run -p compared --example difference -- OLD.json NEW.json
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example of a program, which reads answers and no evidence"
)]

use compared::{Difference, Taken};

fn read_answer(path: &str) -> Result<Taken, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    Taken::parse(&bytes, path)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [old, new] = words.as_slice() else {
        return println!("difference OLD.json NEW.json");
    };
    let (old, new) = match (read_answer(old), read_answer(new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(why), _) | (_, Err(why)) => return println!("{why}"),
    };
    let difference = Difference::between(&old, &new);
    println!("{}", difference.counts());
    for entry in &difference.new {
        println!("new: {} {}: {}", entry.severity, entry.code, entry.message);
    }
    for entry in &difference.gone {
        println!("gone: {}: {}", entry.code, entry.message);
    }
    for entry in &difference.unjudged {
        println!("cannot be judged: {}: {}", entry.code, entry.message);
    }
}
