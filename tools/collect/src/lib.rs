//! Pack a node into a bundle for examination elsewhere
