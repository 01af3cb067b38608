//! The content store: blobs, ingests, and OCI documents with their links
