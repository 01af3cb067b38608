//! Programs that commands call, and how each reads its arguments.

/// What a program makes of an operand that begins with a dash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dashes {
    /// `--` ends its options.
    End,
    /// It reads no option after its first word.
    Plain,
    /// It would be an option: such an operand is refused.
    Refused,
}

/// A program that commands call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Program {
    pub(super) name: &'static str,
    pub(super) dashes: Dashes,
}

impl Program {
    const fn ends(name: &'static str) -> Self {
        Self {
            name,
            dashes: Dashes::End,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The runtime of this name, if it takes the verbs of runc.
    pub fn runtime(name: &[u8]) -> Option<Self> {
        let of_name = |program: &&Self| program.name.as_bytes() == name;
        RUNTIMES.iter().find(of_name).copied()
    }
}

/// Runtimes with the command line of runc.
const RUNTIMES: &[Program] = &[
    RUNC,
    CRUN,
    Program::ends("youki"),
    Program::ends("nvidia-container-runtime"),
];

/// Flags of files.
pub const CHATTR: Program = Program::ends("chattr");
/// Modes of files.
pub const CHMOD: Program = Program::ends("chmod");
/// This toolkit.
pub const CORONER: Program = Program::ends("coroner");
/// Copies files.
pub const CP: Program = Program::ends("cp");
/// The CRI's client.
pub const CRICTL: Program = Program::ends("crictl");
/// The runtime in C.
pub const CRUN: Program = Program::ends("crun");
/// containerd's client.
pub const CTR: Program = Program::ends("ctr");
/// BuildKit's client.
pub const BUILDCTL: Program = Program::ends("buildctl");
/// Docker's client.
pub const DOCKER: Program = Program::ends("docker");
/// Docker's daemon.
pub const DOCKERD: Program = Program::ends("dockerd");
/// Writes its words.
pub const ECHO: Program = Program {
    name: "echo",
    dashes: Dashes::Refused,
};
/// Namespaces and interfaces of the network.
pub const IP: Program = Program {
    name: "ip",
    dashes: Dashes::Refused,
};
/// Sends a signal.
pub const KILL: Program = Program::ends("kill");
/// Makes links.
pub const LN: Program = Program::ends("ln");
/// Makes folders.
pub const MKDIR: Program = Program::ends("mkdir");
/// Mounts what fstab or a unit says.
pub const MOUNT: Program = Program::ends("mount");
/// Moves files.
pub const MV: Program = Program::ends("mv");
/// nerdctl.
pub const NERDCTL: Program = Program::ends("nerdctl");
/// Runs a program in the namespaces of a process.
pub const NSENTER: Program = Program::ends("nsenter");
/// Limits of a process that runs.
pub const PRLIMIT: Program = Program {
    name: "prlimit",
    dashes: Dashes::Refused,
};
/// Writes what its first word, the format, makes of the others.
pub const PRINTF: Program = Program {
    name: "printf",
    dashes: Dashes::Plain,
};
/// Where a link leads.
pub const READLINK: Program = Program::ends("readlink");
/// Removes files.
pub const RM: Program = Program::ends("rm");
/// The runtime in Go.
pub const RUNC: Program = Program::ends("runc");
/// SHA-256 of files.
pub const SHA256SUM: Program = Program::ends("sha256sum");
/// SHA-384 of files.
pub const SHA384SUM: Program = Program::ends("sha384sum");
/// SHA-512 of files.
pub const SHA512SUM: Program = Program::ends("sha512sum");
/// The manager of services.
pub const SYSTEMCTL: Program = Program::ends("systemctl");
/// Unmounts.
pub const UMOUNT: Program = Program::ends("umount");
/// The space of file systems.
pub const DF: Program = Program::ends("df");
/// Mounts.
pub const FINDMNT: Program = Program::ends("findmnt");
/// What the node's resolver answers.
pub const GETENT: Program = Program::ends("getent");
/// The journal.
pub const JOURNALCTL: Program = Program::ends("journalctl");
/// The API server's client.
pub const KUBECTL: Program = Program::ends("kubectl");
/// NVIDIA's driver.
pub const NVIDIA_SMI: Program = Program::ends("nvidia-smi");
/// Sockets.
pub const SS: Program = Program::ends("ss");
/// What a file is.
pub const STAT: Program = Program::ends("stat");
