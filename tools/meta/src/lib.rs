//! containerd's meta.db, object by object
