//! What containerd of each release would do with a node: schema, start-up, messages
