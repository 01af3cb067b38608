//! Copies files with their secrets masked, without a command line's frame.
//!
//! ```text
//! cargo run -p redact --example mask -- FILE COPY
//! ```

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example of a program, which reads what it is told to"
)]

use std::path::Path;

use redact::{Form, LIMIT, Options, Outcome, mask};

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file, copy] = words.as_slice() else {
        println!("mask FILE COPY");
        return Ok(());
    };
    let path = Path::new(file);
    if Form::from_path(path) != Form::Database && std::fs::metadata(path)?.len() > LIMIT {
        println!("{file} is too large to be searched");
        return Ok(());
    }
    let mut bytes = std::fs::read(path)?;
    match mask(path, &mut bytes, &Options::default()) {
        Outcome::Masked(masked) => {
            std::fs::write(copy, bytes)?;
            println!("{masked} values were masked");
        }
        Outcome::LeftOut => println!("nobody knows what in {file} is secret: it is not copied"),
    }
    Ok(())
}
