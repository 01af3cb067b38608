//! Each line of standard input, with what decides its meaning.
//!
//! ```sh
//! journalctl -b -u containerd -o cat | cargo run -p messages --example lines
//! ```

use std::io::{BufRead as _, Write as _};

use messages::{Head, explain};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let explained = explain(&line);
        let (kind, key) = match explained.head {
            None => ("unknown", "-"),
            Some(Head::Cause(message)) => ("cause", message.key),
            Some(Head::Act(message, _)) => ("act", message.key),
            Some(Head::Place(message, _)) => ("place", message.key),
            Some(Head::Consequence(message)) => ("consequence", message.key),
            Some(Head::Generic(message)) => ("generic", message.key),
            Some(Head::Text(text, _)) => ("text", text.says),
        };
        let word = match explained.head {
            Some(
                Head::Act(_, Some(word)) | Head::Place(_, Some(word)) | Head::Text(_, Some(word)),
            ) => word.key,
            _ => "-",
        };
        let (who, sure) = explained.head.map_or(("-", "-"), |head| {
            (head.who().name(), head.sure().sentence())
        });
        writeln!(
            out,
            "{kind}\t{key}\t{word}\t{who}\t{sure}\t{}",
            line.escape_debug()
        )?;
    }
    Ok(())
}
