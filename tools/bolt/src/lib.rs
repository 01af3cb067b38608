//! BoltDB files, page by page
