//! A whole node: where its stores are, all of them opened, and how they refer to each other
