//! containerd's schema on bolt: meta.db and the snapshotters' metadata.db
