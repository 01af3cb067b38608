//! The content store: blobs, sizes, digests
