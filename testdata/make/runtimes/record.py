"""Takes what a diagnosis may want to read of a box, without coroner: the text of /proc and of cgroups by cp, trees by tar.

The copying runs in the box's namespaces of processes and cgroups, with the host's programs: the kernel writes numbers of
processes and paths of cgroups as whoever reads them is to see them.
"""

import datetime
import os
import subprocess
import tempfile

from .ask import TREES
from .node import read

# Of every process, of each of its threads, and of the whole.
FILES = ["stat", "status", "wchan", "cgroup", "syscall", "stack", "mountinfo", "oom_score_adj", "exe", "cwd", "root", "limits"]
MEMORY = ["cmdline", "environ"]  # a process that is stuck may hold the lock of it
FOLDERS = ["fd", "fdinfo", "ns"]
THREAD = ["stat", "wchan", "syscall", "stack", "comm", "children"]
WHOLE = ["uptime", "locks", "version"]
CGROUP = ["freezer.state", "freezer.self_freezing", "freezer.parent_freezing", "cgroup.freeze", "cgroup.events", "cgroup.procs",
          "memory.oom_control", "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.events", "memory.max", "memory.current", "memory.high",
          "pids.max", "pids.current", "pids.events", "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.max", "cpu.stat"]
MORE = ["var/lib/dpkg", "var/lib/cni", "tmp/nothing"]


def copy(node, out, paths, seconds=20):
    """cp, inside; what is gone meanwhile is gone."""
    init = node.box("pid").stdout.strip()
    words = ["nsenter", "--target", init, "--pid", "--cgroup", "--", "timeout", "-s", "KILL", str(seconds), "xargs", "-0", "-r",
             "cp", "-d", "--parents", "-t", out, "--"]
    subprocess.run(words, input=b"".join(os.fsencode(path) + b"\0" for path in paths), cwd=f"/proc/{init}/root",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def take(node, out):
    """Fills a folder with `node.tar` (trees, processes, cgroups). Gives the time, as the node has it."""
    root = f"/proc/{node.box('pid').stdout.strip()}/root"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with tempfile.TemporaryDirectory(prefix="record-") as folder:
        os.chmod(folder, 0o755)
        pids = [each for each in names(f"{root}/proc") if each.isdigit()]
        paths = [f"proc/{name}" for name in WHOLE]
        for pid in pids:
            paths += [f"proc/{pid}/{name}" for name in FILES]
            paths += [f"proc/{pid}/{folder}/{each}" for folder in FOLDERS for each in names(f"{root}/proc/{pid}/{folder}")]
            paths += [f"proc/{pid}/task/{task}/{name}" for task in names(f"{root}/proc/{pid}/task") for name in THREAD]
        paths += ["proc/1/net/unix"]
        for base, folders, _ in os.walk(f"{root}/sys/fs/cgroup"):
            here = os.path.relpath(base, root)
            paths += [f"{here}/{name}" for name in CGROUP if os.path.lexists(f"{base}/{name}")]
        copy(node, folder, paths)
        for pid in pids:
            copy(node, folder, [f"proc/{pid}/{name}" for name in MEMORY], 2)
        # What is of the reader itself: the first process's.
        os.makedirs(f"{folder}/proc/self", exist_ok=True)
        os.makedirs(f"{folder}/proc/net", exist_ok=True)
        os.replace(f"{folder}/proc/1/net/unix", f"{folder}/proc/net/unix")
        os.rmdir(f"{folder}/proc/1/net")
        with open(f"{folder}/proc/self/mountinfo", "w") as file:
            file.write(read(f"{folder}/proc/1/mountinfo"))
        boot = [line for line in read("/proc/stat").splitlines() if line.startswith("btime ")]
        with open(f"{folder}/proc/stat", "w") as file:
            file.write("".join(f"{line}\n" for line in boot))
        trees = [each for each in [*TREES, *MORE] if (node.dir / each).exists()]
        words = ["tar", "--format=posix", "--pax-option=delete=atime,delete=ctime", "-S", "--numeric-owner", "--sort=name",
                 "--exclude=srv/*/rootfs", "--exclude=*/rootfs/*", "--exclude=var/lib/*/snapshots/*/fs/*",
                 "--exclude=*/io.containerd.content.v1.content/blobs/*/*"]
        subprocess.run([*words, "-C", node.dir, "-cf", out / "node.tar", *trees], stderr=subprocess.DEVNULL)
        subprocess.run(["tar", "--format=gnu", "--numeric-owner", "--sort=name", "--mtime=@0", "-C", folder, "-rf", out / "node.tar",
                        *names(folder)], check=True)
    return now
