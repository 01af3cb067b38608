//! Threads: `NT_PRSTATUS`.
//!
//! ```text
//! 0    4  signal number        112  registers
//! 12   2  signal of the thread      amd64: r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
//! 32   4  its id                    orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs
//! 36   4  parent               arm64: x0 … x30 sp pc pstate
//! ```

use serde::Serialize;
use view::View;

use crate::Arch;

const AMD64: [&str; 27] = [
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi",
    "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs",
    "gs",
];

const ARM64: [&str; 34] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
    "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27",
    "x28", "x29", "x30", "sp", "pc", "pstate",
];

/// The registers of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers {
    arch: Arch,
    words: Vec<u64>,
}

impl Registers {
    /// Reads them as they stand in `NT_PRSTATUS`.
    fn read_registers(view: View<'_>, arch: Arch) -> Option<Self> {
        let count = match arch {
            Arch::Amd64 => AMD64.len(),
            Arch::Arm64 => ARM64.len(),
        };
        let words: Option<Vec<u64>> = (0..count)
            .map(|index| {
                let at = u64::try_from(index)
                    .ok()?
                    .checked_mul(8)?
                    .checked_add(112)?;
                view.u64_le(at, "register").ok()
            })
            .collect();
        words.map(|words| Self { arch, words })
    }

    /// Registers of which only these are known.
    pub fn from_pc_sp(arch: Arch, pc: u64, sp: u64) -> Self {
        let (count, pc_at, sp_at) = match arch {
            Arch::Amd64 => (AMD64.len(), 16, 19),
            Arch::Arm64 => (ARM64.len(), 32, 31),
        };
        let mut words = vec![0; count];
        for (at, value) in [(pc_at, pc), (sp_at, sp)] {
            if let Some(word) = words.get_mut(at) {
                *word = value;
            }
        }
        Self { arch, words }
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// The program counter.
    pub fn pc(&self) -> u64 {
        self.word(match self.arch {
            Arch::Amd64 => 16,
            Arch::Arm64 => 32,
        })
    }

    /// The stack pointer.
    pub fn sp(&self) -> u64 {
        self.word(match self.arch {
            Arch::Amd64 => 19,
            Arch::Arm64 => 31,
        })
    }

    /// The frame pointer.
    pub fn fp(&self) -> u64 {
        self.word(match self.arch {
            Arch::Amd64 => 4,
            Arch::Arm64 => 29,
        })
    }

    /// The link register, where there is one.
    pub fn lr(&self) -> u64 {
        match self.arch {
            Arch::Amd64 => 0,
            Arch::Arm64 => self.word(30),
        }
    }

    /// The register in which Go code keeps its `g` (amd64 since Go 1.17).
    pub fn g(&self) -> u64 {
        self.word(match self.arch {
            Arch::Amd64 => 1,
            Arch::Arm64 => 28,
        })
    }

    /// The base of the thread's own storage (amd64 only).
    pub fn tls(&self) -> Option<u64> {
        (self.arch == Arch::Amd64).then(|| self.word(21))
    }

    /// All of them, with their names.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let names: &[&'static str] = match self.arch {
            Arch::Amd64 => &AMD64,
            Arch::Arm64 => &ARM64,
        };
        names.iter().copied().zip(self.words.iter().copied())
    }
}

impl Serialize for Registers {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.all()
                .map(|(name, value)| (name, format!("{value:#x}"))),
        )
    }
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Thread {
    /// Its id, as whoever wrote the core saw it.
    pub tid: u64,
    /// The signal that it got; 0 for none.
    pub signal: u16,
    /// Its registers.
    pub registers: Registers,
}

impl Thread {
    /// Reads `NT_PRSTATUS`.
    pub(crate) fn read_prstatus(bytes: &[u8], arch: Arch) -> Option<Self> {
        let view = View::new(bytes);
        Some(Self {
            tid: u64::from(view.u32_le(32, "pid").ok()?),
            signal: view.u16_le(12, "cursig").ok()?,
            registers: Registers::read_registers(view, arch)?,
        })
    }
}
