//! All tools in one binary.
fn main() {}
