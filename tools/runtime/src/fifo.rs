//! `coroner runtime fifo`

use std::io;

use cli::{Answer, Case, EvidenceArgs, Failure, Out, Outcome, Pen, age};
use finding::{Text, Time};
use runc::{Derived, Program};
use serde::Serialize;
use stuck::{End, Facts};
use tasks::{parts, pick};

#[derive(Serialize)]
struct Fifo {
    namespace: Option<Text>,
    id: Text,
    path: Text,
    now: Time,
    /// What is there under that name; nothing if there is no such name.
    kind: Option<&'static str>,
    mode: Option<String>,
    owner: Option<String>,
    mtime: Option<Time>,
    state_mtime: Option<Time>,
    created: Option<Time>,
    inode: Option<u64>,
    /// Major and minor number of the device that holds it.
    device: Option<(u32, u32)>,
    /// Who has it open, and who waits to open it; nothing where processes are not known.
    ends: Option<Vec<End>>,
    pid: Option<i64>,
    start_ticks: Option<u64>,
    derived: Derived,
    next: &'static str,
}

pub(crate) fn run(id: &str, args: &EvidenceArgs, out: &mut Out) -> Outcome {
    let case = Case::open_live(args, process::Depth::Diagnosis)?;
    let node = case.node()?;
    let found = pick(parts(&node), id, &node)?;
    let found = found
        .into_iter()
        .find_map(|(key, part)| Some((key, part.container?)));
    let Some((key, container)) = found else {
        return Err(Failure::usage("neither runc nor crun knows this container")
            .hint("`coroner runtime show` shows what its bundle says"));
    };
    let empty = runc::Runtime::default();
    let facts = Facts {
        runtime: node.runtime.read().unwrap_or(&empty),
        processes: node.processes.as_deref(),
        records: &[],
        now: node.now,
    };
    let ends = stuck::fifo_ends(facts, container);
    let mut path = container.path.bytes().to_vec();
    path.extend_from_slice(b"/exec.fifo");
    let fifo = container.fifo.as_ref();
    let known = fifo.filter(|stat| !stat.only_kind);
    out.answer(&Fifo {
        namespace: key.0,
        id: key.1,
        path: Text::from(path),
        now: node.now,
        kind: fifo.map(|stat| stat.kind.word()),
        mode: known.map(|stat| format!("{:04o}", stat.mode)),
        owner: known.map(|stat| format!("{}:{}", stat.uid, stat.gid)),
        mtime: known.map(|stat| stat.mtime),
        state_mtime: container.state_stat.as_ref().map(|stat| stat.mtime),
        created: container.created(),
        ends,
        inode: known.and_then(|stat| stat.ino),
        device: known.and_then(|stat| stat.dev),
        pid: container.pid(),
        start_ticks: container
            .best_state()
            .and_then(|state| state.init_process_start),
        derived: container.derived.clone(),
        next: next(container.derived.phase, container.program),
    })
}

const fn next(phase: runc::Phase, program: Program) -> &'static str {
    use runc::Phase;
    match (phase, program) {
        (Phase::Created, Program::Runc) => {
            "Start the task or delete it through containerd. Do not open, read or write the FIFO: \
             that kills or starts the container."
        }
        (Phase::Created, Program::Crun) => {
            "Start the task or delete it through containerd. Do not open or write the FIFO."
        }
        (Phase::Created, Program::Youki | Program::Other) => {
            "Start the task or delete it through containerd. There is no FIFO: it waits at a socket."
        }
        (Phase::Creating | Phase::Empty, _) => {
            "Find the `runc init` by its cgroup before anything is deleted: `runc delete --force` \
             removes the folder and leaks the process."
        }
        (Phase::Released, _) => {
            "If the process is the workload, remove the FIFO without opening it; if a startContainer \
             hook hangs, end the hook."
        }
        (Phase::Started, _) => "Nothing: there is no FIFO to wait at.",
        (Phase::Unknowable, _) => {
            "Compare the FIFO's and state.json's times on the node (`stat`, never `cat`), or take \
             the copy with nanoseconds (tar --format=posix)."
        }
    }
}

impl Answer for Fifo {
    const SCHEMA: &'static str = "runtime-fifo/1";

    fn write_text(&self, pen: &mut Pen<'_>) -> io::Result<()> {
        let dash = || "-".to_owned();
        let time = |time: Option<Time>| {
            time.map_or_else(dash, |at| format!("{at} ({})", age(at, self.now)))
        };
        pen.heading(format_args!("{}", self.path))?;
        pen.line(format_args!(
            "  what        {}",
            self.kind.unwrap_or("not there")
        ))?;
        if let (Some(mode), Some(owner)) = (&self.mode, &self.owner) {
            pen.line(format_args!("  mode        {mode}, owner {owner}"))?;
        }
        pen.line(format_args!("  mtime       {}", time(self.mtime)))?;
        pen.line(format_args!("  state file  {}", time(self.state_mtime)))?;
        pen.line(format_args!("  created     {}", time(self.created)))?;
        if let Some(pid) = self.pid {
            let ticks = self
                .start_ticks
                .map_or_else(dash, |ticks| ticks.to_string());
            pen.line(format_args!(
                "  init        pid {pid}, started at {ticks} ticks of its boot"
            ))?;
        }
        if let (Some(inode), Some((major, minor))) = (self.inode, self.device) {
            pen.line(format_args!(
                "  inode       {inode} on device {major}:{minor}"
            ))?;
        }
        match &self.ends {
            None => pen.line("  ends        unknown: processes are not in the evidence")?,
            Some(ends) if ends.is_empty() => pen.line("  ends        no process has it open")?,
            Some(ends) => {
                for (number, end) in ends.iter().enumerate() {
                    let first = if number == 0 {
                        "  ends        "
                    } else {
                        "              "
                    };
                    let how = match end.fd {
                        Some(fd) => format!("has it open as fd {fd}: {}", end.how),
                        None => format!("waits for the other end, to open it {}", end.how),
                    };
                    let other = if end.same_inode == Some(false) {
                        " (another inode)"
                    } else {
                        ""
                    };
                    pen.paragraph(
                        first,
                        &format!("pid {} ({}) {how}{other}", end.pid, end.who),
                    )?;
                }
            }
        }
        let sure = if self.derived.sure { "" } else { " (likely)" };
        let why = format!("{}{sure}: {}", self.derived.phase, self.derived.why);
        pen.paragraph("  state       ", &why)?;
        pen.paragraph("  next        ", self.next)
    }
}
