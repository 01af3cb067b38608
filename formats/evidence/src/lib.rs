//! Where bytes come from: a directory, or a tar bundle, never written and never followed out of
