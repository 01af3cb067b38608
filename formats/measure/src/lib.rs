//! The costly facts, asked for by name: hashes, disk usage, tree walks
