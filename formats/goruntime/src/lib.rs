//! Go's runtime in the memory of a process: its goroutines and their stacks, without symbols and
//! without DWARF.
//!
//! A stripped program still holds what its own runtime needs, and that is enough:
//!
//! ```text
//! build info    magic "\xff Go buildinf:"                     version of Go, modules, settings
//! pclntab       magic, in .gopclntab or anywhere              functions, files, lines, sizes of frames
//! moduledata    in data, begins with pclntab's address        where text, data, bss and types are
//! types         what new() needs: size, kind, name, fields    the layout of g, m, sudog, hchan of this program
//! allgs         in bss: a slice of pointers to g              every goroutine
//! g.sched       sp, pc                                        where each one waits
//! ```
//!
//! Each is found by what it must look like, and believed only if everything fits: a `g` holds its
//! own address in `sched.g`. Upstream: `runtime/runtime2.go` (g, m, p), `runtime/symtab.go`
//! (moduledata, pclntab), `runtime/traceback.go` (stacks), `internal/abi/type.go` (types).

mod attach;
mod awaits;
mod buildinfo;
mod cache;
mod compared;
mod crash;
mod dwarf;
mod find;
mod func;
mod heap;
mod holders;
mod layout;
mod live;
mod module;
mod names;
mod native;
mod opened;
mod outline;
mod pclntab;
mod process;
mod sites;
mod small;
mod symbols;
mod types;
mod unwind;
mod version;

pub use attach::{Apart, Attached, NotAttached, attach, moving};
pub use buildinfo::{BuildInfo, LIMIT, Module, NoBuildInfo};
pub use compared::{Compared, MACHINES, table_with};
pub use crash::Crash;
pub use dwarf::{DebugLink, Dwarf, Variable, Variables};
pub use heap::{Heap, Span, SpanUse};
pub use layout::LayoutSource;
pub use live::Accepted;
pub use native::{Library, Means, Native, NativeFrame};
pub use opened::{Opened, OpenedKind};
pub use outline::Outline;
pub use process::{Go, NotGo, ThreadLink, Threads};
pub use small::{Note, Small, Thread, Verdict};
pub use version::GoVersion;
