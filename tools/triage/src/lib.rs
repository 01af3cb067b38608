//! Examine a whole containerd node that is not running
