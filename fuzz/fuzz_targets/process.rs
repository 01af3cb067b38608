//! Any bytes as files of /proc and of cgroups: parsed one by one, and judged as a machine.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use finding::{Text, Time};
use process::{Item, Processes, Stat, Status, Syscall, Tree};
use stuck::Facts;

const FILES: &[&str] = &[
    "stat", "status", "cmdline", "cgroup", "wchan", "syscall", "stack", "environ", "fdinfo/5",
    "mountinfo", "task/9/stat", "task/9/wchan", "task/9/syscall",
];

const OTHERS: &[&str] = &[
    "/proc/uptime",
    "/proc/self/mountinfo",
    "/proc/net/unix",
    "/sys/fs/cgroup/freezer/web/freezer.state",
    "/sys/fs/cgroup/freezer/web/freezer.self_freezing",
    "/sys/fs/cgroup/web/cgroup.freeze",
    "/sys/fs/cgroup/web/cgroup.events",
    "/sys/fs/cgroup/memory/web/memory.oom_control",
];

bounded_target!(|data: &[u8]| {
    let _ = (Stat::parse(data), Status::parse(data), Syscall::parse(data));
    let _ = (process::mounts(data), process::unix_sockets(data));
    // Pieces are told apart by 0xFE; the first byte of each says which file it is.
    let mut tree = Tree::default();
    for piece in data.split(|byte| *byte == 0xFE).take(64) {
        let Some((which, bytes)) = piece.split_first() else {
            continue;
        };
        let which = usize::from(*which);
        let pid = 1 + which / 32 % 6;
        let link = Item::Link(Text::from(bytes));
        let file = Item::File(bytes.to_vec());
        match which % 32 {
            30 => tree.put(&format!("/proc/{pid}/fd/5"), link),
            31 => tree.put(&format!("/proc/{pid}/fd/1"), link),
            nth => match (FILES.get(nth), OTHERS.get(nth.wrapping_sub(FILES.len()))) {
                (Some(name), _) => tree.put(&format!("/proc/{pid}/{name}"), file),
                (None, Some(path)) => tree.put(path, file),
                (None, None) => {}
            },
        }
    }
    tree.set_whole();
    let processes = Processes::new(tree);
    let mut runtime = runc::Runtime::default();
    runtime.whole.containers = true;
    let verdicts = stuck::diagnose(Facts {
        runtime: &runtime,
        processes: Some(&processes),
        records: &[],
        now: Time::new(1_795_000_000, 0),
    });
    for one in &verdicts.containers {
        let commands: Vec<String> = one.remedy.commands().map(ToString::to_string).collect();
        for line in one.evidence.iter().chain(&commands) {
            assert!(!line.contains(char::is_control), "{line:?}");
        }
    }
});
