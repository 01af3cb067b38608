//! Frames of stacks.

use std::sync::Arc;

use finding::Text;
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// A place in a program: a function, and a line of it. Many frames share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Site {
    /// The function's full name: `github.com/containerd/fifo.(*fifo).Write`.
    pub function: Text,
    /// Its source file; empty where the program does not tell.
    pub file: Text,
    /// The line; 0 where it is not known.
    pub line: u32,
    /// Distance from the start of the function that was entered, as Go prints it: `+0x1a5`.
    pub offset: Option<u64>,
    /// Whether it was inlined into the frame that follows.
    pub inlined: bool,
    /// Whether Go's own dumps leave it out: the runtime's inner functions, and wrappers.
    pub hidden: bool,
}

/// One frame of a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it is.
    pub site: Arc<Site>,
    /// Its program counter; 0 where the source does not tell.
    pub pc: u64,
    /// Address above the frame's own bytes (Go's `fp`); 0 where the source does not tell. Inlined
    /// frames share that of their function.
    pub fp: u64,
    /// What stood between its brackets, in a dump as text: `0xc000012345, {0x1, 0x2}, ...`.
    pub arguments: Option<Box<Text>>,
}

impl Site {
    /// The function's name without generic arguments' shapes, as Go's dumps print it since 1.21:
    /// `slices.Sort[...]`.
    pub fn printed(&self) -> String {
        let name = self.function.to_string();
        match (name.find('['), name.rfind(']')) {
            (Some(open), Some(close)) if open < close => {
                let before = name.get(..open).unwrap_or_default();
                let after = name.get(close..).unwrap_or_default();
                format!("{before}[...{after}")
            }
            _ => name,
        }
    }

    /// The last element of the package's path, type and method: `fifo.(*fifo).Write`.
    pub fn short(&self) -> String {
        short(&self.printed())
    }

    /// Whether the function is `name`, by the last elements of its path: `task.(*service).Create`
    /// is `github.com/containerd/…/runc/task.(*service).Create`.
    pub fn is(&self, name: &str) -> bool {
        self.function.bytes().ends_with(name.as_bytes()) && {
            let before = self.function.bytes().len().saturating_sub(name.len());
            before == 0 || self.function.bytes().get(before.saturating_sub(1)) == Some(&b'/')
        }
    }
}

/// A full name without the path of its package.
fn short(name: &str) -> String {
    // Slashes inside the brackets of generic arguments are not the path's.
    let end = name.find('[').unwrap_or(name.len());
    let start = name
        .get(..end)
        .and_then(|path| path.rfind('/'))
        .map_or(0, |at| at.saturating_add(1));
    name.get(start..).unwrap_or(name).to_owned()
}

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Frame", 8)?;
        map.serialize_field("function", &self.site.function)?;
        map.serialize_field("file", &self.site.file)?;
        map.serialize_field("line", &self.site.line)?;
        map.serialize_field("inlined", &self.site.inlined)?;
        map.serialize_field("hidden", &self.site.hidden)?;
        let hex = |number: u64| (number != 0).then(|| format!("{number:#x}"));
        map.serialize_field("pc", &hex(self.pc))?;
        map.serialize_field("fp", &hex(self.fp))?;
        map.serialize_field("arguments", &self.arguments)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(function: &str) -> Site {
        Site {
            function: Text::from(function),
            file: Text::default(),
            line: 0,
            offset: None,
            inlined: false,
            hidden: false,
        }
    }

    #[test]
    fn names_are_those_that_go_prints() {
        let generic = site("example.com/a/b.Map[go.shape.int,example.com/x.Y].func1");
        assert_eq!(generic.printed(), "example.com/a/b.Map[...].func1");
        assert_eq!(generic.short(), "b.Map[...].func1");
        let method = site("github.com/containerd/fifo.(*fifo).Write");
        assert_eq!(method.short(), "fifo.(*fifo).Write");
        assert!(method.is("fifo.(*fifo).Write"));
        assert!(method.is("containerd/fifo.(*fifo).Write"));
        assert!(!method.is("ifo.(*fifo).Write"));
        assert!(site("main.main").is("main.main"));
    }
}
