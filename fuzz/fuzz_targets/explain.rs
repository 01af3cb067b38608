//! Any bytes as a line of a log: explained within bounds, and nothing in the answer that a terminal
//! would obey.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

bounded_target!(|data: &[u8]| {
    let line = String::from_utf8_lossy(data);
    // The tables are made once, by the first line that has words.
    let _ = messages::explain("failed to start: no space left on device");
    let explained = costs::within((16 << 20) + 256 * line.len(), || messages::explain(&line));
    assert!(explained.layers.len() <= line.len() + 1);
});
