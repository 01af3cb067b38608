//! Snapshotter directories: overlayfs and native layouts, whiteouts, opaque directories
