//! Snapshots: databases, directories, trees
