//! Evidence that is a tar: somebody's, or our own with a manifest.

pub(crate) mod manifest;
