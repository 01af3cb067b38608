//! runc state, bundles, shims
