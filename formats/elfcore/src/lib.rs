//! ELF cores: the memory and the threads of a process at one moment.
//!
//! ```text
//! ELF header        type 4 (ET_CORE), machine, where the program headers are
//! program headers   PT_NOTE, and a PT_LOAD for each area of memory: address, size, and how much of
//!                   it is in the file (filesz; the rest is not: code, holes, what a filter left out)
//! notes             "CORE" NT_PRSTATUS  a thread: its id, the signal, its registers
//!                          NT_PRPSINFO  the process: name, first 80 bytes of its arguments
//!                          NT_SIGINFO   who sent the signal, or which address was wrong
//!                          NT_AUXV      the auxiliary vector: entry point, program headers, page size
//!                          NT_FILE      mapped files: start, end, offset, name
//! memory            the bytes of the PT_LOADs, in the order of their addresses
//! ```
//!
//! The kernel writes them in `fs/binfmt_elf.c`, gdb's `gcore` in `gdb/linux-tdep.c`, which puts the
//! notes at the end and areas without rights as zeros. What is not in a core may be in the
//! executable: an [`Image`] reads both as one memory.
//!
//! Nothing here trusts a number of the file: what reaches past its end is not there, and nothing is
//! allocated before it is known to be there.

mod arguments;
mod build_id;
mod bytes;
mod core_file;
mod elf;
mod image;
mod memory;
mod notes;
mod overlay;
mod sparse;
mod thread;
mod write;

pub use arguments::Arguments;
pub use build_id::{BuildIds, of_memory};
pub use bytes::Bytes;
pub use core_file::{Auxv, Core, Maker, MappedFile, NotCore, Process, SignalInfo, signal_name};
pub use elf::{Arch, Elf, NotElf, Section, Segment};
pub use image::Image;
pub use memory::Memory;
pub use notes::{Note, notes};
pub use overlay::Overlay;
pub use sparse::Sparse;
pub use thread::{Registers, Thread};
pub use write::{Area, NewCore, PAGE};
