//! Stacks of C: libraries' unwind tables (`.eh_frame`), and frame pointers where there are none.
//!
//! A thread of Go may be in C: in the C library below `runtime.asmcgocall`, or in one that the library made
//! itself. Its frames are followed until they lead into Go code, whose own table goes on from there.

use std::collections::HashMap;
use std::sync::Arc;

use elfcore::{Arch, Bytes, Elf, Memory, Registers};
use finding::Text;
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EndianArcSlice, Evaluation, EvaluationResult, LittleEndian,
    Register, RegisterRule, UnwindContext, UnwindSection as _, Value,
};
use serde::Serialize;

use crate::Go;
use crate::cache::Cache;
use crate::symbols::Symbols;
use crate::unwind::{Start, unwind};

/// Frames of one thread.
const FRAMES: usize = 256;
/// Bytes of unwind tables of one file.
const TABLE: usize = 64 << 20;
/// Steps of an expression.
const STEPS: u32 = 1000;

type Reader = EndianArcSlice<LittleEndian>;

/// How a frame was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// By the thread's registers.
    Registers,
    /// By the unwind table of its file.
    Table,
    /// By frame pointers, which not all code keeps.
    FramePointer,
    /// By Go's own table.
    Go,
}

/// A frame of a thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NativeFrame {
    /// The address that runs, or to which is returned.
    #[serde(serialize_with = "finding::hex_number")]
    pub pc: u64,
    /// The function, where its file names it.
    pub function: Option<Text>,
    /// Bytes from the function's start, else from the start of its file.
    pub offset: Option<u64>,
    /// The file.
    pub file: Option<Text>,
    /// How it was found.
    pub by: Means,
}

/// A program or library that was mapped.
#[expect(missing_debug_implementations, reason = "tables have nothing to show")]
pub struct Library {
    name: Text,
    /// Where it was mapped: first address, the one after the last.
    range: (u64, u64),
    slide: u64,
    frames: Option<(EhFrame<Reader>, BaseAddresses)>,
    symbols: Symbols,
}

impl Library {
    /// Reads one that was mapped at `range`, with `slide` added to its addresses.
    pub fn read_library(
        name: Text,
        bytes: &(impl Bytes + ?Sized),
        elf: &Elf,
        range: (u64, u64),
        slide: u64,
    ) -> Self {
        let sections = elf.sections(bytes);
        let of = |name: &[u8]| {
            let mut all = sections.iter();
            all.find(|section| section.name == name && section.has_bytes && !section.packed)
        };
        let frames = of(b".eh_frame").map(|section| {
            let held = bytes.some(section.offset, section.size, TABLE);
            let mut frames = EhFrame::from(Reader::new(Arc::from(held), LittleEndian));
            frames.set_address_size(8);
            let mut bases = BaseAddresses::default().set_eh_frame(section.address);
            if let Some(text) = of(b".text") {
                bases = bases.set_text(text.address);
            }
            (frames, bases)
        });
        Self {
            name,
            range,
            slide,
            frames,
            symbols: Symbols::read_symbols(bytes, &sections),
        }
    }
}

/// Registers by their numbers in unwind tables.
type Known = HashMap<u16, u64>;

/// Numbers of the stack pointer, the frame pointer and the return address.
const fn numbers(arch: Arch) -> (u16, u16, u16) {
    match arch {
        Arch::Amd64 => (7, 6, 16),
        Arch::Arm64 => (31, 29, 30),
    }
}

fn known(registers: &Registers, arch: Arch) -> Known {
    const AMD64: [&str; 17] = [
        "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15", "rip",
    ];
    let number = |name: &str| match arch {
        Arch::Amd64 => AMD64.iter().position(|one| *one == name),
        Arch::Arm64 if name == "sp" => Some(31),
        Arch::Arm64 => name
            .strip_prefix('x')
            .and_then(|number| number.parse().ok()),
    };
    let all = registers.all();
    let numbered =
        all.filter_map(|(name, value)| Some((u16::try_from(number(name)?).ok()?, value)));
    numbered.collect()
}

/// What threads' stacks are read from.
#[expect(missing_debug_implementations, reason = "memory has nothing to show")]
pub struct Native<'a> {
    /// The memory of the process.
    pub memory: &'a dyn Memory,
    /// Its machine.
    pub arch: Arch,
    /// Its libraries, and the program itself.
    pub libraries: Vec<Library>,
    /// Its Go runtime.
    pub go: Option<&'a Go<'a>>,
}

impl Native<'_> {
    /// The stack of a thread, and why it ends where it does.
    pub fn stack(&self, registers: &Registers) -> (Vec<NativeFrame>, String) {
        let (sp_number, fp_number, ra_number) = numbers(self.arch);
        let mut now = known(registers, self.arch);
        let (mut pc, mut by) = (registers.pc(), Means::Registers);
        let mut frames = Vec::new();
        loop {
            let sp = now.get(&sp_number).copied().unwrap_or(0);
            if self.go.is_some_and(|go| go.function(pc).is_some()) {
                return self.go_on(frames, registers, pc, sp, by);
            }
            // The call stands before the address to which it returns.
            let lookup = pc.saturating_sub(u64::from(by != Means::Registers));
            let library = self.holds(lookup);
            frames.push(described(library, pc, lookup, by));
            if frames.len() >= FRAMES {
                return (frames, "it has more frames than are shown".to_owned());
            }
            let stepped = library.and_then(|library| self.step(library, lookup, &now));
            let by_table = stepped.map(|next| (next, Means::Table));
            let found = by_table.or_else(|| {
                let fp = now.get(&fp_number).copied().unwrap_or(0);
                let next = self.by_frame_pointer(fp, sp);
                next.map(|next| (next, Means::FramePointer))
            });
            let Some((next, means)) = found else {
                let why = match library {
                    None => "no file that was given holds this address",
                    Some(_) => "its file has no unwind table for it, and no frame pointer leads on",
                };
                return (frames, why.to_owned());
            };
            let Some(to) = next.get(&ra_number).copied().filter(|to| *to != 0) else {
                return (frames, "here the thread began".to_owned());
            };
            if next.get(&sp_number).copied().unwrap_or(0) <= sp {
                return (frames, "its frames do not lead up the stack".to_owned());
            }
            (now, pc, by) = (next, to, means);
        }
    }

    fn holds(&self, pc: u64) -> Option<&Library> {
        let mut all = self.libraries.iter();
        all.find(|one| one.range.0 <= pc && pc < one.range.1)
    }

    /// Goes on with Go's own table, from where C was called or the thread stands.
    fn go_on(
        &self,
        mut frames: Vec<NativeFrame>,
        registers: &Registers,
        pc: u64,
        sp: u64,
        by: Means,
    ) -> (Vec<NativeFrame>, String) {
        let Some(go) = self.go else {
            return (frames, String::new());
        };
        let innermost = by == Means::Registers;
        let start = Start {
            pc,
            sp,
            lr: if innermost { registers.lr() } else { 0 },
            stack: (sp, sp.saturating_add(64 << 20)),
            exact: innermost,
        };
        let mut cache = Cache::new(go.table());
        let (found, end) = unwind(&mut cache, self.memory, self.arch, start, FRAMES);
        frames.extend(found.into_iter().map(|frame| NativeFrame {
            pc: frame.pc,
            function: Some(frame.site.function.clone()),
            offset: frame.site.offset,
            file: Some(Text::from(format!(
                "{}:{}",
                frame.site.file, frame.site.line
            ))),
            by: Means::Go,
        }));
        let end = match end {
            goroutines::End::Top => "here the thread, or Go's part of it, began".to_owned(),
            goroutines::End::Cut(why) => why,
            _ => String::new(),
        };
        (frames, end)
    }

    /// One frame up, by the file's table.
    fn step(&self, library: &Library, lookup: u64, now: &Known) -> Option<Known> {
        let (frames, bases) = library.frames.as_ref()?;
        let (sp_number, _, ra_number) = numbers(self.arch);
        let address = lookup.wrapping_sub(library.slide);
        let mut context = UnwindContext::new();
        let fde = frames
            .fde_for_address(bases, address, EhFrame::cie_from_offset)
            .ok()?;
        let encoding = fde.cie().encoding();
        let returns = fde.cie().return_address_register();
        let row = fde
            .unwind_info_for_address(frames, bases, &mut context, address)
            .ok()?;
        let evaluated = |expression: &gimli::UnwindExpression<usize>, first: Option<u64>| {
            let evaluation = expression.get(frames).ok()?.evaluation(encoding);
            self.evaluated(evaluation, first, now)
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                now.get(&register.0)?.wrapping_add_signed(*offset)
            }
            CfaRule::Expression(expression) => evaluated(expression, None)?,
        };
        let mut next = now.clone();
        // What a call may spoil is not known any more, but that nobody says so; what is said is taken.
        let all = now.keys().copied().chain([returns.0]);
        for number in all {
            let value = match row.register(Register(number)) {
                None | Some(RegisterRule::SameValue) => now.get(&number).copied(),
                Some(RegisterRule::Offset(offset)) => {
                    self.memory.u64(cfa.wrapping_add_signed(offset))
                }
                Some(RegisterRule::ValOffset(offset)) => Some(cfa.wrapping_add_signed(offset)),
                Some(RegisterRule::Register(from)) => now.get(&from.0).copied(),
                Some(RegisterRule::Expression(expression)) => {
                    let at = evaluated(&expression, Some(cfa));
                    at.and_then(|at| self.memory.u64(at))
                }
                Some(RegisterRule::ValExpression(expression)) => evaluated(&expression, Some(cfa)),
                Some(_) => None,
            };
            match value {
                Some(value) => next.insert(number, value),
                None => next.remove(&number),
            };
        }
        // By convention the stack pointer of the caller is the frame's address, unless the table says otherwise.
        if row.register(Register(sp_number)).is_none() {
            next.insert(sp_number, cfa);
        }
        if returns.0 != ra_number {
            let to = next.get(&returns.0).copied().unwrap_or(0);
            next.insert(ra_number, to);
        }
        Some(next)
    }

    fn evaluated(
        &self,
        mut evaluation: Evaluation<Reader>,
        first: Option<u64>,
        now: &Known,
    ) -> Option<u64> {
        evaluation.set_max_iterations(STEPS);
        if let Some(first) = first {
            evaluation.set_initial_value(first);
        }
        let mut result = evaluation.evaluate().ok()?;
        for _ in 0..STEPS {
            let value = match result {
                EvaluationResult::Complete => {
                    return match evaluation.as_result().last()?.location {
                        gimli::Location::Address { address } => Some(address),
                        _ => None,
                    };
                }
                EvaluationResult::RequiresRegister { register, .. } => {
                    let value = Value::Generic(*now.get(&register.0)?);
                    evaluation.resume_with_register(value)
                }
                EvaluationResult::RequiresMemory { address, size, .. } => {
                    let word = match size {
                        8 => self.memory.u64(address)?,
                        4 => u64::from(self.memory.u32(address)?),
                        _ => return None,
                    };
                    evaluation.resume_with_memory(Value::Generic(word))
                }
                _ => return None,
            };
            result = value.ok()?;
        }
        None
    }

    /// One frame up, by the frame pointer: it and the return address stand next to each other, and the
    /// address must be in code that is known.
    fn by_frame_pointer(&self, fp: u64, sp: u64) -> Option<Known> {
        let (sp_number, fp_number, ra_number) = numbers(self.arch);
        if fp < sp || !fp.is_multiple_of(8) {
            return None;
        }
        let up = self.memory.u64(fp)?;
        let to = self.memory.u64(fp.checked_add(8)?)?;
        let is_code =
            self.holds(to).is_some() || self.go.is_some_and(|go| go.function(to).is_some());
        is_code.then(|| {
            Known::from([
                (sp_number, fp.saturating_add(16)),
                (fp_number, up),
                (ra_number, to),
            ])
        })
    }
}

fn described(library: Option<&Library>, pc: u64, lookup: u64, by: Means) -> NativeFrame {
    let address = library.map(|library| lookup.wrapping_sub(library.slide));
    let symbol = library
        .zip(address)
        .and_then(|(library, address)| library.symbols.at(address));
    let offset = match (&symbol, library) {
        (Some((_, start)), Some(library)) => {
            Some(pc.wrapping_sub(library.slide).wrapping_sub(*start))
        }
        (None, Some(library)) => Some(pc.wrapping_sub(library.slide)),
        _ => None,
    };
    NativeFrame {
        pc,
        function: symbol.map(|(name, _)| name),
        offset,
        file: library.map(|library| library.name.clone()),
        by,
    }
}
