//! What bbolt-rs, another implementation of BoltDB, says of the databases that we write.
//!
//! It is a workspace of its own so that nothing of bbolt-rs is in the tree of any tool: it panics on
//! damaged files and reads page ids as pointers. See `tests/`.
