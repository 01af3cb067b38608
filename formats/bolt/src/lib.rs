//! BoltDB files: meta pages, tree pages, buckets, freelists, damaged or not
